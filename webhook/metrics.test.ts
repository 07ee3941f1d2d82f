// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { beforeEach, describe, it } from 'mocha';
import { fixedClock } from '../runtime/clock-testing.ts';
import type { ImageJudgement } from '../runtime/judge/index.ts';
import { createOf, podObject } from './__fixtures__/requests.ts';
import { WebhookMetrics, type ReplicaState } from './metrics.ts';

const STATE: ReplicaState = {
  revision: 7,
  programProblem: true,
  policies: 2,
  exceptions: 3,
  invalidExceptions: 1,
  leafNotAfter: 1_700_000_000_500,
  refusing: 1,
  ready: true,
  silentSeconds: { signingexceptions: 4 },
};

type Outcome = ImageJudgement['policies'][number]['verdict']['outcome'];

const CODES: Readonly<Record<string, string>> = {
  rejected: 'NO_SIGNATURE',
  inconclusive: 'REGISTRY_UNAVAILABLE',
};

/** A judgement as far as it is counted. */
function judgement(...outcomes: readonly Outcome[]): ImageJudgement {
  const policies = outcomes.map((outcome) => ({
    verdict: { outcome, results: [], first: { code: CODES[outcome] } },
  }));
  return { policies } as unknown as ImageJudgement;
}

describe('the metrics of a replica', () => {
  let metrics: WebhookMetrics;
  beforeEach(() => (metrics = new WebhookMetrics(undefined, fixedClock())));

  const rendered = async (state: ReplicaState = STATE): Promise<string> =>
    (await metrics.render(state)).body;
  /** The value of the one line of a metric with these labels. */
  const value = async (name: string, ...labels: readonly string[]): Promise<number | undefined> => {
    const lines = (await rendered()).split('\n').filter((line) => !line.startsWith('#'));
    const [line, ...more] = lines.filter(
      (l) => new RegExp(`^\\w*${name}[ {]`).test(l) && labels.every((label) => l.includes(label)),
    );
    assert.deepEqual(more, []);
    return line === undefined ? undefined : Number(line.split(' ').at(-1));
  };

  it('count requests by what became of them', async () => {
    const request = createOf(podObject({ containers: ['a'] }), { dryRun: true });
    const response = { uid: 'u', allowed: false };
    metrics.answered('verify', request, { response, code: 'NO_SIGNATURE' }, 0.25);
    assert.equal(
      await value('admission_requests_total', 'decision="deny"', 'kind="Pod"', 'dry_run="true"'),
      1,
    );
    const reason = 'reason="NO_SIGNATURE"';
    assert.equal(await value('admission_denials_total', 'webhook="verify"', reason), 1);
    assert.equal(await value('admission_duration_seconds_sum', 'webhook="verify"'), 0.25);
  });

  it('tell allowed, warned, denied and not to be told apart', async () => {
    const request = createOf(podObject({ containers: ['a'] }));
    const response = { uid: 'u', allowed: true };
    metrics.answered('verify', request, { response }, 0);
    metrics.answered('verify', request, { response: { ...response, warnings: ['w'] } }, 0);
    const no = { uid: 'u', allowed: false };
    metrics.answered('verify', request, { response: no, code: 'REGISTRY_UNAVAILABLE' }, 0);
    metrics.answered('verify', request, { response: no }, 0);
    const counts = ['allow', 'warn', 'deny', 'error'].map((decision) =>
      value('admission_requests_total', `decision="${decision}"`, 'dry_run="false"'),
    );
    assert.deepEqual(await Promise.all(counts), [1, 1, 0, 2]);
    const faults = 'reason="INTERNAL"';
    assert.equal(await value('admission_denials_total', 'webhook="verify"', faults), 1);
  });

  it('count an exception once for each image that it lets in', async () => {
    const use = { namespace: 'team', name: 'until-friday', expiresAt: '', documentation: {} };
    const results = [{ outcome: 'exempt', exception: use }, { outcome: 'verified' }];
    const verdict = { outcome: 'exempt', results: [...results, results[0]] };
    const exempt = { policies: [{ verdict }] } as unknown as ImageJudgement;
    metrics.judged(exempt, 'cache');
    metrics.judged(exempt, 'cache');
    const labels = ['namespace="team"', 'name="until-friday"'];
    assert.equal(await value('exception_uses_total', ...labels, 'class="Planned"'), 2);
    const incident = { ...use, documentation: { exceptionClass: 'Incident' } };
    const broken = { outcome: 'exempt', results: [{ outcome: 'exempt', exception: incident }] };
    metrics.judged({ policies: [{ verdict: broken }] } as unknown as ImageJudgement, 'cache');
    assert.equal(await value('exception_uses_total', ...labels, 'class="Incident"'), 1);
  });

  it('F4: hold nothing that a tenant writes', async () => {
    const evil = 'evil-name';
    const request = createOf(podObject({ containers: [evil] }), {
      kind: evil,
      namespace: evil,
      username: evil,
      group: evil,
      subResource: evil,
      uid: evil,
    });
    const response = { uid: evil, allowed: true, warnings: [evil] };
    metrics.answered('pin', request, { response }, 0);
    assert.doesNotMatch(await rendered(), /evil/);
  });

  it('count every verdict of an image, with its reason where it is no pass', async () => {
    metrics.judged(judgement('verified', 'verified', 'rejected', 'exempt'), 'cache');
    metrics.judged(judgement('verified', 'inconclusive'), 'registry');
    const count = async (...labels: string[]): Promise<number | undefined> =>
      value('verifications_total', ...labels);
    assert.equal(await count('result="verified"', 'source="admission"'), 3);
    assert.equal(await count('result="rejected"', 'reason="NO_SIGNATURE"'), 1);
    assert.equal(await count('result="rejected"', 'reason="KEY_EXPIRED"'), 0);
    assert.equal(await count('result="exempt"', 'reason=""'), 1);
    assert.equal(await count('result="inconclusive"', 'reason="REGISTRY_UNAVAILABLE"'), 1);
    assert.equal(await value('cache_requests_total', 'evidence', 'hit'), 1);
    assert.equal(await value('cache_requests_total', 'evidence', 'miss'), 1);
  });

  it('count kept evidence, and verdicts that rest on it', async () => {
    metrics.keptEvidence('found');
    const bridged = { verdict: { outcome: 'verified' }, lastVerified: {} };
    const plain = { verdict: { outcome: 'verified' } };
    metrics.judged({ policies: [bridged, plain] } as unknown as ImageJudgement, 'registry');
    assert.equal(await value('kept_evidence_total', 'found'), 1);
    assert.equal(await value('kept_evidence_total', 'damaged'), 0);
    assert.equal(await value('verdicts_by_kept_evidence_total'), 1);
  });

  it('count what else happens', async () => {
    metrics.unmatched();
    metrics.mirror();
    metrics.collected();
    metrics.pinned('kept');
    metrics.pinned('REGISTRY_UNAVAILABLE');
    metrics.tagLookedUp(true);
    metrics.exchanged('absent');
    metrics.fault('process');
    metrics.unreadable(413);
    for (const [name, ...labels] of [
      ['unmatched_images_total'],
      ['mirror_pods_unverified_total'],
      ['collections_total'],
      ['pins_total', 'kept'],
      ['pins_total', 'REGISTRY_UNAVAILABLE'],
      ['cache_requests_total', 'tags', 'hit'],
      ['registry_requests_total', 'absent'],
      ['internal_errors_total', 'process'],
      ['admission_unreadable_total', '413'],
    ] as const) {
      assert.equal(await value(name, ...labels), 1, name);
    }
  });

  it('show the state as it is when they are asked', async () => {
    const expected: readonly (readonly [string, number])[] = [
      ['program_revision', 7],
      ['program_problem', 1],
      ['program_policies', 2],
      ['webhook_certificate_expiration_timestamp_seconds', 1_700_000_000],
      ['webhook_ca_bundle_mismatches', 1],
      ['webhook_ready', 1],
      ['mirror_contact_timestamp_seconds', 1_767_225_596],
    ];
    for (const [name, wanted] of expected) assert.equal(await value(name), wanted, name);
    assert.equal(await value('mirrored_exceptions', 'state="readable"'), 3);
    assert.equal(await value('mirrored_exceptions', 'state="invalid"'), 1);
    const start = { revision: undefined, ready: false, leafNotAfter: undefined };
    const body = await rendered({ ...STATE, ...start });
    assert.doesNotMatch(body, /^countersign_webhook_certificate_expiration_timestamp_seconds/m);
    assert.match(body, /program_revision 0/);
    assert.match(body, /webhook_ready 0/);
  });
});
