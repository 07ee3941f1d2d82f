// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import type { ImageTrustPolicySpecInput } from '../../crds/index.ts';
import type { CosignKey } from '../harness/index.ts';
import { expecting, subjectOf } from '../sigstore/index.ts';
import type { Identity, LocalSigstore, TextFile } from '../sigstore/index.ts';

/** What is asked about an image: once in cosign's words, once in those of a policy. */
export interface Question {
  readonly command: 'verify' | 'verify-attestation';
  /** What cosign is told. */
  readonly flags: readonly string[];
  /** What we are told. */
  readonly spec: ImageTrustPolicySpecInput;
}

/**
 * Who vouches for the time of a signature: the log (whose entries tell no time, so that a timestamp is
 * needed besides), a timestamp authority alone, or nobody.
 */
export type Witness = 'log' | 'timestamp' | 'nobody';

/** What is expected of a signature or attestation. */
export interface Expected {
  readonly by: Identity | Pick<CosignKey, 'publicKey' | 'publicKeyFile'>;
  readonly witness: Witness;
  /** The trusted root; that of the Sigstore unless told. */
  readonly root?: TextFile;
  /** Expects a signature that carries them. */
  readonly annotations?: Readonly<Record<string, string>>;
  /** Expects an attestation instead of a signature: cosign's name of the type, and its URI. */
  readonly type?: readonly [name: string, uri: string];
  /** Claims of the certificate: cosign's flag, our name, the value. */
  readonly claim?: readonly [flag: string, name: string, value: string];
  /** Expects a subject that matches, instead of that of the identity. */
  readonly pattern?: string;
}

/** Puts an expectation in the words of both sides. */
export function question(sigstore: LocalSigstore, expected: Expected): Question {
  const { type, annotations = {} } = expected;
  const anyOf = ['signer'];
  return {
    command: type === undefined ? 'verify' : 'verify-attestation',
    flags: [
      ...signerFlags(sigstore, expected),
      ...WITNESS_FLAGS[expected.witness],
      ...(type === undefined ? [] : [`--type=${type[0]}`]),
      ...Object.entries(annotations).flatMap(([name, value]) => ['-a', `${name}=${value}`]),
    ],
    spec: {
      mode: 'Enforce',
      match: { images: ['**'] },
      authorities: [authority(sigstore, expected)],
      requirements: [
        type === undefined
          ? { name: 'signed', signature: { anyOf, annotations } }
          : { name: 'attested', attestation: { anyOf, predicateType: type[1] } },
      ],
    },
  };
}

const WITNESS_FLAGS: Readonly<Record<Witness, readonly string[]>> = {
  log: [],
  timestamp: ['--insecure-ignore-tlog=true', '--use-signed-timestamps'],
  nobody: ['--insecure-ignore-tlog=true'],
};

const THRESHOLDS = {
  log: { logEntries: 1, timestamps: 0 },
  timestamp: { logEntries: 0, timestamps: 1 },
} as const;

function signerFlags(sigstore: LocalSigstore, expected: Expected): readonly string[] {
  const { by, root, claim, pattern } = expected;
  const rootFile = root?.file ?? sigstore.trustedRootFile;
  if (!('issuer' in by)) return [`--key=${by.publicKeyFile}`, `--trusted-root=${rootFile}`];
  const identity = expecting(sigstore, by, rootFile).map((flag) =>
    pattern !== undefined && flag.startsWith('--certificate-identity=')
      ? `--certificate-identity-regexp=${pattern}`
      : flag,
  );
  return claim === undefined ? identity : [...identity, `--${claim[0]}=${claim[2]}`];
}

type Authority = NonNullable<ImageTrustPolicySpecInput['authorities']>[number];

function authority(sigstore: LocalSigstore, expected: Expected): Authority {
  const { by, witness, root, claim, pattern } = expected;
  const material = { inline: root?.text ?? sigstore.trustedRoot };
  const name = 'signer';
  if ('issuer' in by) {
    const thresholds = witness === 'nobody' ? THRESHOLDS.timestamp : THRESHOLDS[witness];
    return {
      name,
      keyless: {
        issuer: sigstore.issuerUrl(by.issuer),
        ...(pattern === undefined ? { subject: subjectOf(by) } : { subjectPattern: pattern }),
        claims: claim === undefined ? {} : { [claim[1]]: claim[2] },
        trustRoot: { material, thresholds: { ...thresholds, scts: 1 } },
      },
    };
  }
  const key = { inline: by.publicKey };
  return witness === 'nobody'
    ? { name, key: { material: key } }
    : {
        name,
        key: {
          material: key,
          transparencyLog: 'Require',
          trustRoot: { material, thresholds: THRESHOLDS[witness] },
        },
      };
}
