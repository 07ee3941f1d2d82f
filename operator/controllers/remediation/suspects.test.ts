// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { beforeEach, describe, it } from 'mocha';
import { fixedClock } from '../../../runtime/clock-testing.ts';
import type { RequirementResult } from '../../../verification/index.ts';
import { DIGEST, judgedWith, policyNamed, resultWith } from '../../__fixtures__/findings.ts';
import { workload } from '../../__fixtures__/workloads.ts';
import type { PolicyReport } from '../../reporting/index.ts';
import type { Found } from '../workload/index.ts';
import { Absences } from './absences.ts';
import { Suspects } from './suspects.ts';

const WEB = 'Deployment|checkout|web';
const ASKED = { digest: DIGEST, policy: 'team', requirement: 'signed' };
const evicting = policyNamed('team', { reverification: { onRejected: 'Evict' } });

describe('what may have to be acted on', () => {
  let enqueued: string[];
  let absences: Absences;
  let suspects: Suspects;
  const find = (
    result: RequirementResult,
    { policy = evicting, ...edits }: Partial<Found> & { readonly policy?: typeof evicting } = {},
  ): void => {
    const findings = [judgedWith(result, { policy })];
    const object = workload('Deployment', 'web');
    suspects.found(WEB, { workload: object, findings, before: undefined, exempt: false, ...edits });
  };

  beforeEach(() => {
    enqueued = [];
    absences = new Absences(fixedClock());
    suspects = new Suspects({ absences, enqueue: (key) => enqueued.push(key) });
  });

  it('is what an enforcing policy rejects that asks for it', () => {
    find(resultWith('rejected'));
    assert.deepEqual(enqueued, [WEB]);
    assert.equal(suspects.of(WEB).length, 1);
  });

  it('is nothing in Audit, in an exempt namespace, or of a policy that asks for reports', () => {
    const audit = policyNamed('team', {
      mode: 'Audit',
      reverification: { onRejected: 'Evict' },
    });
    find(resultWith('rejected'), { policy: audit });
    find(resultWith('rejected'), { policy: policyNamed('team') });
    find(resultWith('rejected'), { exempt: true });
    for (const outcome of ['inconclusive', 'verified', 'exempt'] as const)
      find(resultWith(outcome));
    assert.deepEqual([enqueued, suspects.of(WEB)], [[], []]);
  });

  it('is nothing any more once it is verified, or gone', () => {
    find(resultWith('rejected'));
    find(resultWith('verified'));
    assert.deepEqual(suspects.of(WEB), []);
    find(resultWith('rejected'));
    suspects.gone(WEB);
    assert.deepEqual(suspects.of(WEB), []);
  });

  it('was covered by an exception where that was seen, until it is verified', () => {
    assert.equal(suspects.wasExempt(WEB, ASKED), false);
    find(resultWith('exempt'));
    find(resultWith('rejected'));
    assert.equal(suspects.wasExempt(WEB, ASKED), true);
    assert.equal(suspects.wasExempt('Deployment|checkout|other', ASKED), false);
    assert.equal(suspects.wasExempt(WEB, { ...ASKED, requirement: 'sbom' }), false);
    find(resultWith('verified'));
    find(resultWith('rejected'));
    assert.equal(suspects.wasExempt(WEB, ASKED), false);
  });

  it('was covered by an exception where the report of before says so', () => {
    const results = [
      { result: 'skip', policy: 'team', rule: 'signed', properties: { digest: DIGEST } },
      { result: 'fail', policy: 'team', rule: 'sbom', properties: { digest: DIGEST } },
      {},
    ];
    find(resultWith('rejected'), { before: { results } as unknown as PolicyReport });
    assert.equal(suspects.wasExempt(WEB, ASKED), true);
    assert.equal(suspects.wasExempt(WEB, { ...ASKED, requirement: 'sbom' }), false);
  });

  it('tells which images can be read to know a registry', () => {
    find(resultWith('verified'));
    assert.deepEqual(
      absences.sample('registry.example', 5, () => 0).map(({ digest }) => digest),
      [DIGEST],
    );
    suspects.gone(WEB);
    assert.deepEqual(
      absences.sample('registry.example', 5, () => 0),
      [],
    );
  });
});
