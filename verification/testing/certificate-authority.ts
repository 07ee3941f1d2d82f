// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import {
  CA_VALIDITY,
  issueCertificate,
  TIME_STAMPING,
  type CertificateSpec,
  type TestCertificate,
} from './certificate.ts';

/** How a CA is made. */
export interface CertificateAuthorityOptions {
  /** Distinguishes the names of CAs. */
  readonly name?: string;
  /** False: the root issues leaves itself. */
  readonly intermediate?: boolean;
  readonly rootSpec?: CertificateSpec;
  readonly intermediateSpec?: CertificateSpec;
}

/** The member of `certificateAuthorities` or `timestampAuthorities` of a trusted root. */
export interface TrustedRootAuthority {
  readonly subject: { readonly organization: string; readonly commonName: string };
  readonly uri: string;
  readonly certChain: { readonly certificates: readonly { readonly rawBytes: string }[] };
  readonly validFor: { readonly start: string; readonly end?: string };
}

/** A CA whose certificates are real: a P-384 root and, unless told otherwise, an intermediate. */
export class TestCertificateAuthority {
  readonly name: string;
  readonly root: TestCertificate;
  readonly intermediate: TestCertificate | undefined;

  constructor(options: CertificateAuthorityOptions = {}) {
    this.name = options.name ?? 'test';
    this.root = issueCertificate({
      commonName: `${this.name} root`,
      isCa: true,
      key: 'P-384',
      ...options.rootSpec,
    });
    this.intermediate =
      options.intermediate === false
        ? undefined
        : issueCertificate({
            commonName: `${this.name} intermediate`,
            isCa: true,
            key: 'P-384',
            pathLength: 0,
            issuer: this.root,
            ...options.intermediateSpec,
          });
  }

  /** The certificate that signs leaves. */
  get issuer(): TestCertificate {
    return this.intermediate ?? this.root;
  }

  /** Intermediate first, root last. */
  get chain(): readonly TestCertificate[] {
    return this.intermediate === undefined ? [this.root] : [this.intermediate, this.root];
  }

  /** The chain as PEM. */
  get pem(): string {
    return this.chain.map(({ pem }) => pem).join('');
  }

  /** A leaf for code signing, as Fulcio issues it. */
  issueLeaf(spec: CertificateSpec = {}): TestCertificate {
    return issueCertificate({ issuer: this.issuer, ...spec });
  }

  /** A leaf that may sign timestamps. */
  issueTimestampLeaf(spec: CertificateSpec = {}): TestCertificate {
    return issueCertificate({
      commonName: `${this.name} timestamping`,
      issuer: this.issuer,
      extendedKeyUsage: [TIME_STAMPING],
      extendedKeyUsageCritical: true,
      ...CA_VALIDITY,
      ...spec,
    });
  }

  /** What a trusted root says of this CA; a leaf stands in front, as for timestamp authorities. */
  trustedRoot(
    options: {
      readonly leaf?: TestCertificate;
      readonly start?: string;
      readonly end?: string;
    } = {},
  ): TrustedRootAuthority {
    const { leaf, start = new Date(CA_VALIDITY.notBefore).toISOString(), end } = options;
    const chain = leaf === undefined ? this.chain : [leaf, ...this.chain];
    return {
      subject: { organization: 'countersign.test', commonName: this.name },
      uri: `https://${this.name}.test`,
      certChain: { certificates: chain.map((c) => ({ rawBytes: c.der.toString('base64') })) },
      validFor: { start, ...(end === undefined ? {} : { end }) },
    };
  }
}
