// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import fc from 'fast-check';
import { signingExceptionSpec, type SigningExceptionSpec } from '../../crds/index.ts';
import { testException } from '../testing/index.ts';
import { compileException, type CompiledException } from './exception.ts';
import { approvedMaterial } from './statement.ts';

const digests = ['a', 'b', 'c'].map((letter) => `sha256:${letter.repeat(64)}`);
const some = (...values: string[]): fc.Arbitrary<string[]> =>
  fc.shuffledSubarray(values, { minLength: 1 });
/** Values that are easily taken for one another once they are written one after the other. */
const awkward = [
  'a',
  'b',
  'a,b',
  '"a"',
  'a","b',
  '["a"]',
  '',
  ' a',
  'A',
  '\u00e9',
  'e\u0301',
  '\ud800',
];
const specs = fc.record({
  policyRef: fc.constantFrom('team', 'teams', 'team"').map((name) => ({ name })),
  requirements: fc.option(some('signed', 'sbom', 'all'), { nil: undefined }),
  digests: some(...digests),
  serviceAccounts: some(...awkward.filter((value) => value !== '')),
  notBefore: fc.constantFrom(
    '2026-11-20T00:00:00Z',
    '2026-11-20T01:00:00+01:00',
    '2026-11-20T00:00:00.0004Z',
    '2026-11-20T00:00:00.001Z',
    '2026-11-19T23:59:59.999Z',
  ),
  class: fc.constantFrom<SigningExceptionSpec['class']>('Planned', 'Incident'),
  requestedBy: fc.constantFrom('dev@example.com', 'Dev@example.com', ...awkward.slice(0, 4)),
  reason: fc.constantFrom(
    'the vendor signs from the next release on',
    'another reason, long enough',
  ),
});

/** All that decides what an exception permits, but for its end, which approvals name by themselves. */
function permits(exception: CompiledException): object {
  const { policy, requirements, digests: images, serviceAccounts, notBefore } = exception;
  const { class: kind, requestedBy } = exception;
  const named = requirements === 'all' ? 'all' : [...requirements].sort();
  const lists = [[...images].sort(), [...serviceAccounts].sort()];
  return { policy, named, lists, notBefore, kind, requestedBy };
}

describe('what an approval is for', () => {
  it('X26: is the same for two exceptions exactly where they permit the same', () => {
    fc.assert(
      fc.property(specs, specs, fc.boolean(), (one, another, isEdit) => {
        // Mostly one edit apart: two that are drawn are hardly ever alike.
        const drawn = isEdit ? { ...one, [fieldOf(another)]: another[fieldOf(another)] } : another;
        const [first, second] = [one, drawn].map(({ requirements, ...spec }) => {
          const scope = requirements === undefined ? { allRequirements: true } : { requirements };
          return testException([], { ...spec, ...scope });
        });
        assert.ok(first !== undefined && second !== undefined);
        const isSame = sameText(
          permits(compileException(first)),
          permits(compileException(second)),
        );
        assert.equal(approvedMaterial(first.spec) === approvedMaterial(second.spec), isSame);
        const hashes = [first, second].map((object) => compileException(object).specHash);
        assert.equal(hashes[0] === hashes[1], isSame);
      }),
      { numRuns: 2_000 },
    );
  });

  it('X26: names every field of the schema that decides; a new one has to be sorted in here', () => {
    const decides = [
      'allRequirements',
      'class',
      'digests',
      'notBefore',
      'policyRef',
      'requestedBy',
    ];
    const fields = [...decides, 'requirements', 'serviceAccounts'].sort();
    const { spec } = testException(digests);
    const written = [
      ...Object.keys(JSON.parse(approvedMaterial(spec)) as object),
      ...Object.keys(JSON.parse(approvedMaterial({ ...spec, allRequirements: true })) as object),
    ];
    assert.deepEqual([...new Set(written)].sort(), fields);
    const others = [
      'approvals',
      'closureCondition',
      'compensatingControls',
      'expiresAt',
      'extensionCondition',
      'owner',
      'reason',
      'renews',
      'revoked',
      'risk',
      'ticket',
    ];
    assert.deepEqual(Object.keys(signingExceptionSpec.shape).sort(), [...fields, ...others].sort());
  });
});

function sameText(a: object, b: object): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

/** The field in which one spec is to differ: by what it holds, so that all have their turn. */
function fieldOf(spec: typeof specs extends fc.Arbitrary<infer T> ? T : never): keyof typeof spec {
  const fields = Object.keys(spec) as (keyof typeof spec)[];
  const turn = JSON.stringify(spec).length % fields.length;
  return fields[turn] ?? 'policyRef';
}
