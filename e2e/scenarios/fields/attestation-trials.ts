// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { pushIndex, signBundle } from '../../harness/index.ts';
import { attestWithKey } from '../../sigstore/index.ts';
import { EXAMPLES, sbom } from '../shared/attestations.ts';
import type { Ground, Spec } from './ground.ts';
import { policyTrial, type Side, type Trial } from './trial.ts';

const { predicateType } = EXAMPLES.sbom;
const REJECTED = 'denied PREDICATE_REJECTED';

/** A trial of one attested image under two requirements. */
function attestationTrial(
  field: string,
  shows: string,
  [good, bad, refused]: readonly [good: Spec, bad: Spec, refused: string],
): Trial {
  return policyTrial(`requirements[].attestation.${field}`, shows, async (ground) => {
    const image = await attested(ground);
    const sides: [Side, Side] = [
      [demanding(ground, good), 'admitted'],
      [demanding(ground, bad), refused],
    ];
    return { sides, observe: () => ground.pod(image) };
  });
}

/** A trial of what the author of a condition is told by: its text is in the denial. */
function toldTrial(field: string, shows: string, condition: (text: string) => Spec): Trial {
  return policyTrial(`requirements[].attestation.conditions[].${field}`, shows, async (ground) => {
    const image = await attested(ground);
    const side = (text: string): Side => [
      demanding(ground, { conditions: [{ expression: 'false', ...condition(text) }] }),
      `${REJECTED} ${text}`,
    ];
    const texts = ['one-thing', 'another-thing'] as const;
    const observe = async (): Promise<string> => {
      const { answer, text } = await ground.denial(image);
      return `${answer} ${texts.find((told) => text.includes(told)) ?? ''}`;
    };
    return { sides: [side(texts[0]), side(texts[1])], observe };
  });
}

async function attested(ground: Ground): Promise<string> {
  const { pinned } = await ground.unsigned('attested');
  const options = { type: EXAMPLES.sbom.type, predicate: sbom(['busybox']) };
  await attestWithKey(pinned, ground.world.key, options);
  return pinned;
}

/** Demands an attestation by the key of the world, named `first`; `second` is another key. */
function demanding(ground: Ground, attestation: Spec): Spec {
  const { key, otherKey } = ground.world;
  return ground.policy({
    authorities: [
      { name: 'first', key: { material: { inline: key.publicKey } } },
      { name: 'second', key: { material: { inline: otherKey.publicKey } } },
    ],
    requirements: [
      { name: 'attested', attestation: { predicateType, anyOf: ['first'], ...attestation } },
    ],
  });
}

const expression = (text: string): Spec => ({ conditions: [{ name: 'tried', expression: text }] });
const both = ['first', 'second'];

/** Fields that say what must be attested, and which images a signature speaks for. */
export const ATTESTATION_TRIALS: readonly Trial[] = [
  attestationTrial('predicateType', 'only attestations of that type count', [
    {},
    { predicateType: 'https://spdx.dev/Document' },
    'denied PREDICATE_TYPE_MISMATCH',
  ]),
  attestationTrial('anyOf[]', 'only authorities that it names are accepted', [
    { anyOf: ['first'] },
    { anyOf: ['second'] },
    'denied KEY_UNTRUSTED',
  ]),
  attestationTrial('threshold', 'so many of them must have attested', [
    { anyOf: both, threshold: 1 },
    { anyOf: both, threshold: 2 },
    'denied THRESHOLD_NOT_MET',
  ]),
  attestationTrial('conditions[].expression', 'it must be true', [
    expression('size(predicate.components) == 1'),
    expression('size(predicate.components) == 2'),
    REJECTED,
  ]),
  attestationTrial('maxAge', 'one of an age that nobody vouches for is too old', [
    {},
    { maxAge: '87600h' },
    'denied ATTESTATION_STALE',
  ]),
  toldTrial('name', 'is in the denial where there is no message', (name) => ({ name })),
  toldTrial('message', 'is in the denial', (message) => ({ name: 'tried', message })),
  policyTrial(
    'platforms',
    'AllowIndexSignature lets an index speak for its images',
    async (ground) => {
      const index = await pushIndex(ground.world.registry, `${ground.folder}/app`, 'index');
      await signBundle(ground.world.key, index.pinned);
      const [child] = index.children;
      assert.ok(child !== undefined);
      return {
        sides: [
          [ground.policy({ platforms: 'AllowIndexSignature' }), 'admitted'],
          [ground.policy({ platforms: 'AsReferenced' }), 'denied NO_SIGNATURE'],
        ],
        observe: () => ground.pod(`${index.reference}@${child.digest}`),
      };
    },
  ),
];
