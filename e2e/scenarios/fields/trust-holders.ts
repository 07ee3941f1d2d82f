// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { TestTufRepository } from '../../../verification/testing/index.ts';
import type { TrustVariation } from '../../sigstore/index.ts';
import { keyless, RELEASE } from '../shared/identities.ts';
import type { Ground, Spec } from './ground.ts';
import type { Holder } from './holder.ts';
import { Pki } from './pki.ts';
import { keylesslySigned, logged } from './signed.ts';

/** An authority with a trust root, and a part of it that matters. */
interface Rooted {
  readonly path: string;
  readonly sign: (ground: Ground) => Promise<string>;
  readonly authority: (ground: Ground, trustRoot: Spec) => Spec;
  readonly part: TrustVariation;
  readonly refused: string;
}

/** The two kinds of authorities that have a trust root. */
export const ROOTED: readonly Rooted[] = [
  {
    path: 'authorities[].key.trustRoot',
    sign: logged,
    authority: ({ world }, trustRoot) => ({
      key: {
        material: { inline: world.key.publicKey },
        transparencyLog: 'Require',
        trustRoot,
      },
    }),
    part: { log: 'foreign' },
    refused: 'denied TLOG_KEY_UNTRUSTED',
  },
  {
    path: 'authorities[].keyless.trustRoot',
    sign: keylesslySigned,
    authority: ({ sigstore }, trustRoot) => keyless(sigstore, RELEASE, { trustRoot }),
    part: { fulcio: 'foreign' },
    refused: 'denied CERT_CHAIN_INVALID',
  },
];

/** The authority as the only one of the policy. */
export function withAuthority(ground: Ground, authority: Spec): Spec {
  return ground.policy({ authorities: [{ name: 'release-key', ...authority }] });
}

const GIVEN: readonly Holder[] = ROOTED.map(({ path, sign, authority, part, refused }) => ({
  path: `${path}.material`,
  arrange: async (ground) => ({
    image: await sign(ground),
    good: ground.sigstore.trustedRoot,
    bad: (await ground.sigstore.trustedRootWith(part)).text,
    refused,
    spec: (material) => withAuthority(ground, authority(ground, { material })),
  }),
}));

const FETCHED: readonly Holder[] = ROOTED.map(({ path, authority }) => ({
  path: `${path}.tuf.root`,
  arrange: (ground) => {
    const repository = new TestTufRepository();
    repository.publish(ground.sigstore.trustedRoot);
    const mirror = ground.backdrop.mirror.serve(ground.name, repository.files);
    return Promise.resolve({
      image: '',
      good: repository.firstRoot,
      bad: new TestTufRepository().firstRoot,
      condition: 'TrustMaterialFresh',
      accepted: 'True TrustRootFresh',
      refused: 'False TrustRootInvalid',
      spec: (root) => withAuthority(ground, authority(ground, { tuf: { mirror, root } })),
    });
  },
}));

const PKI: readonly Holder[] = [
  {
    path: 'authorities[].certificate.roots',
    arrange: async (ground) => {
      const pki = new Pki('own');
      const refused = 'denied CERT_CHAIN_INVALID';
      return {
        image: await pki.signed(ground),
        good: pki.roots,
        bad: new Pki('other').roots,
        refused,
        spec: (roots) => withAuthority(ground, pki.authority(ground, { roots })),
      };
    },
  },
  {
    path: 'authorities[].certificate.timestampRoots',
    arrange: async (ground) => {
      const pki = new Pki('own');
      return {
        image: await pki.signed(ground),
        good: ground.sigstore.timestampRoots,
        bad: ground.sigstore.foreignTimestampRoots,
        refused: 'denied TIMESTAMP_UNTRUSTED',
        spec: (timestampRoots) => withAuthority(ground, pki.authority(ground, { timestampRoots })),
      };
    },
  },
];

/** Places that hold what trust begins with. */
export const TRUST_HOLDERS: readonly Holder[] = [...GIVEN, ...FETCHED, ...PKI];
