// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { pushImage, signBundle } from '../../harness/index.ts';
import { withEnvironment, type Ground, type Spec } from './ground.ts';
import { TRUST_HOLDERS } from './trust-holders.ts';
import type { Holder, Holding } from './holder.ts';
import { policyTrial, type Side, type Trial } from './trial.ts';

const KEYS: Holder = {
  path: 'authorities[].key.material',
  arrange: async (ground) => {
    const { pinned } = await ground.signed();
    const { key, otherKey } = ground.world;
    return {
      image: pinned,
      good: key.publicKey,
      bad: otherKey.publicKey,
      refused: 'denied KEY_UNTRUSTED',
      spec: (material) =>
        ground.policy({ authorities: [{ name: 'release-key', key: { material } }] }),
    };
  },
};

const CERTIFICATES: Holder = {
  path: 'registry.ca',
  arrange: async (ground) => {
    const registry = await ground.backdrop.tls();
    const runIn = withEnvironment({ SSL_CERT_FILE: registry.caFile });
    const repository = `${ground.folder}/app`;
    const { pinned } = await pushImage(registry, repository, 'signed', { runIn });
    await signBundle(ground.world.key, pinned, { runIn });
    const match = { images: [`${registry.host}/${repository}`] };
    return {
      image: pinned,
      good: registry.ca,
      bad: registry.otherCa,
      refused: 'denied REGISTRY_UNAVAILABLE',
      spec: (ca) => ground.policy({ match, registry: { ca } }),
    };
  },
};

/** Fields that hold keys and certificates, or name an object that does. */
export const MATERIAL_TRIALS: readonly Trial[] = [KEYS, CERTIFICATES, ...TRUST_HOLDERS].flatMap(
  (holder) => [
    trial(holder, 'inline', 'the text itself counts', ({ good, bad }) =>
      Promise.resolve([{ inline: good }, { inline: bad }]),
    ),
    ...(['ConfigMap', 'Secret'] as const).flatMap((kind) => {
      const ref = kind === 'ConfigMap' ? 'configMapRef' : 'secretRef';
      return [
        trial(
          holder,
          `${ref}.name`,
          `the ${kind} of that name is read`,
          async (holding, ground) => {
            const key = 'text.pem';
            const right = await ground.keep(kind, 'right', { [key]: holding.good });
            const wrong = await ground.keep(kind, 'wrong', { [key]: holding.bad });
            return [{ [ref]: { name: right, key } }, { [ref]: { name: wrong, key } }];
          },
        ),
        trial(holder, `${ref}.key`, `that key of the ${kind} is read`, async (holding, ground) => {
          const { good, bad } = holding;
          const name = await ground.keep(kind, 'both', { 'right.pem': good, 'wrong.pem': bad });
          return [{ [ref]: { name, key: 'right.pem' } }, { [ref]: { name, key: 'wrong.pem' } }];
        }),
      ];
    }),
  ],
);

function trial(
  { path, arrange }: Holder,
  field: string,
  shows: string,
  materials: (holding: Holding, ground: Ground) => Promise<readonly [Spec, Spec]>,
): Trial {
  return policyTrial(`${path}.${field}`, shows, async (ground) => {
    const holding = await arrange(ground);
    const [right, wrong] = await materials(holding, ground);
    const { accepted = 'admitted', refused, image, condition } = holding;
    const sides: [Side, Side] = [
      [holding.spec(right), accepted],
      [holding.spec(wrong), refused],
    ];
    return condition === undefined
      ? { sides, observe: () => ground.pod(image) }
      : { sides, observe: () => ground.condition(condition), untilEnforced: false };
  });
}
