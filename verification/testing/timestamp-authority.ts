// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { parseCertificate, type CertificateAuthority, type Validity } from '../trust/index.ts';
import { TestCertificateAuthority, type TrustedRootAuthority } from './certificate-authority.ts';
import {
  CA_VALIDITY,
  LEAF_VALIDITY,
  type CertificateKeyKind,
  type CertificateSpec,
  type TestCertificate,
} from './certificate.ts';
import { stampResponse, type StampOptions } from './timestamp-response.ts';

/** How a timestamp authority is made. */
export interface TimestampAuthorityOptions {
  readonly name?: string;
  /** Issues the certificate of the authority; one of its own where nothing is said. */
  readonly ca?: TestCertificateAuthority;
  /** Key type of the authority. */
  readonly key?: CertificateKeyKind;
  readonly leafSpec?: CertificateSpec;
}

/** Five minutes after the certificates of tests begin to be valid. */
const DEFAULT_TIME = LEAF_VALIDITY.notBefore + 5 * 60 * 1000;

/** An RFC 3161 timestamp authority in memory. Its tokens are real; it stamps what it is given. */
export class TestTimestampAuthority {
  readonly ca: TestCertificateAuthority;
  /** What it signs with. */
  readonly leaf: TestCertificate;

  constructor(options: TimestampAuthorityOptions = {}) {
    const { name = 'tsa', key = 'P-256', leafSpec = {} } = options;
    this.ca = options.ca ?? new TestCertificateAuthority({ name });
    this.leaf = this.ca.issueTimestampLeaf({ commonName: `${name} signer`, key, ...leafSpec });
  }

  /** DER of its certificate and of the intermediate: what a token brings when asked for certificates. */
  get certificates(): readonly Buffer[] {
    return [this.leaf, ...this.ca.chain.slice(0, -1)].map((certificate) => certificate.der);
  }

  /** Stamps the bytes at 2025-06-01T12:05:00Z, unless told otherwise. Gives a TimeStampResp. */
  stamp(bytes: Uint8Array, options: StampOptions = {}): Buffer {
    return stampResponse(bytes, { signer: this.leaf, time: DEFAULT_TIME, ...options });
  }

  /** Its member of `timestampAuthorities` of a trusted root. */
  trustedRoot(
    options: { readonly start?: string; readonly end?: string } = {},
  ): TrustedRootAuthority {
    return this.ca.trustedRoot({ leaf: this.leaf, ...options });
  }

  /** The authority as it is read from a trusted root: its certificate first, or CAs or the root alone. */
  trusted(
    options: { readonly naming?: 'leaf' | 'issuers' | 'root'; readonly validity?: Validity } = {},
  ): CertificateAuthority {
    const {
      naming = 'leaf',
      validity = { from: CA_VALIDITY.notBefore, until: Number.POSITIVE_INFINITY },
    } = options;
    const chain = [this.leaf, ...this.ca.chain].map((one) => parseCertificate(one.der));
    const named = chain.slice({ leaf: 0, issuers: 1, root: -1 }[naming]);
    const root = named.at(-1);
    return { id: root?.fingerprint ?? '', name: this.ca.name, chain: named, validity };
  }
}
