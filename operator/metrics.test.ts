// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { fixedClock } from '../runtime/clock-testing.ts';
import { silentLogger } from '../runtime/log/index.ts';
import { OperatorMetrics, type OperatorState } from './metrics.ts';

const QUIET: OperatorState = {
  mirrors: [],
  depths: new Map(),
  reportsAvailable: true,
  workloads: { pass: 0, fail: 0, warn: 0, error: 0, skip: 0, none: 0 },
  oldestVerification: undefined,
  intervalMs: 0,
  policies: [],
  exceptions: [],
  trustRoots: { fresh: 0, stale: 0, pending: 0 },
  trustRootExpiry: undefined,
};
const NOW = Date.parse('2026-01-01T00:00:00Z');

/** Our samples: `name{labels}` to value, without the prefix. */
async function samples(
  metrics: OperatorMetrics,
  state = QUIET,
): Promise<ReadonlyMap<string, number>> {
  const { body } = await metrics.render(state);
  const ours = body.split('\n').filter((line) => line.startsWith('countersign_'));
  return new Map(
    ours.map((line) => {
      const at = line.lastIndexOf(' ');
      return [line.slice('countersign_'.length, at), Number(line.slice(at + 1))];
    }),
  );
}

describe('the metrics of the operator', () => {
  it('count reconciles by controller and outcome, with their durations, and log failures', async () => {
    const metrics = new OperatorMetrics();
    const warned: unknown[] = [];
    const warn = (message: string, fields?: object): void => void warned.push([message, fields]);
    const observer = metrics.observerOf('workload', { ...silentLogger, warn });
    observer.done?.('k', 'ok', 30);
    observer.done?.('k', 'ok', 20);
    observer.done?.('k', 'retry', 10);
    const error = new Error('no');
    observer.failed?.('k', error, 100);
    const found = await samples(metrics);
    assert.equal(found.get('reconciles_total{controller="workload",outcome="ok"}'), 2);
    assert.equal(found.get('reconciles_total{controller="workload",outcome="retry"}'), 1);
    assert.equal(found.get('reconcile_duration_seconds_count{controller="workload"}'), 3);
    const sum = found.get('reconcile_duration_seconds_sum{controller="workload"}') ?? 0;
    assert.ok(Math.abs(sum - 0.06) < 1e-9);
    assert.deepEqual(warned, [
      ['reconcile failed', { controller: 'workload', key: 'k', error, retryMs: 100 }],
    ]);
  });

  it('show workloads by their worst result, and how long one has waited', async () => {
    const metrics = new OperatorMetrics(undefined, fixedClock());
    const workloads = { pass: 1, fail: 2, warn: 3, error: 4, skip: 5, none: 6 };
    const oldest = { oldestVerification: NOW - 5000, intervalMs: 3_600_000 };
    const found = await samples(metrics, { ...QUIET, workloads, ...oldest });
    for (const [result, count] of Object.entries(workloads))
      assert.equal(found.get(`workloads{result="${result}"}`), count);
    const name = 'workload_oldest_verification_timestamp_seconds';
    assert.equal(found.get(name), NOW / 1000 - 5);
    assert.equal(found.get('reverification_interval_seconds'), 3600);
    const quiet = await samples(metrics);
    assert.equal(quiet.get('workloads{result="fail"}'), 0);
    assert.equal(quiet.get(name), NOW / 1000);
  });

  it('count what policies say of what runs, from 0', async () => {
    const metrics = new OperatorMetrics();
    metrics.verified({ outcome: 'verified' });
    metrics.verified({ outcome: 'rejected', reason: 'NO_SIGNATURE' });
    const found = await samples(metrics);
    const of = (result: string, reason: string): number | undefined =>
      found.get(`verifications_total{result="${result}",reason="${reason}",source="background"}`);
    assert.deepEqual(
      [of('verified', ''), of('rejected', 'NO_SIGNATURE'), of('rejected', 'EXCEPTION_EXPIRED')],
      [1, 1, 0],
    );
  });

  it('count kept evidence, and verdicts that rest on it', async () => {
    const metrics = new OperatorMetrics();
    metrics.keptEvidence('failed');
    metrics.verified({ outcome: 'verified' });
    metrics.verified({ outcome: 'verified', isBridged: true });
    const found = await samples(metrics);
    const of = (outcome: string): number | undefined =>
      found.get(`kept_evidence_total{outcome="${outcome}"}`);
    assert.deepEqual([of('failed'), of('kept')], [1, 0]);
    assert.equal(found.get('verdicts_by_kept_evidence_total'), 1);
  });

  it('show each policy, and each exception until it ends, up to a bound', async () => {
    const metrics = new OperatorMetrics(undefined, fixedClock());
    const exception = (name: string, state: string, endsInMs: number) => ({
      ...{ namespace: 'team', name, policy: 'p', state, class: 'Planned' as const },
      ...{ concerns: [], workloads: { in_effect: 0, unapproved: 0, expired: 0 } },
      expiresAt: NOW + endsInMs,
    });
    const state: OperatorState = {
      ...QUIET,
      policies: [{ policy: 'p', mode: 'Enforce', state: 'compiled' }],
      exceptions: [
        exception('live', 'InEffect', 1000),
        exception('ended', 'Expired', -1000),
        exception('revoked', 'Revoked', 1000),
      ],
    };
    const found = await samples(metrics, state);
    const end = (name: string): number | undefined =>
      found.get(
        `exception_expiration_timestamp_seconds{namespace="team",name="${name}",policy="p"}`,
      );
    assert.deepEqual(
      [end('live'), end('ended'), end('revoked')],
      [NOW / 1000 + 1, undefined, undefined],
    );
    assert.equal(found.get('policy_info{policy="p",mode="Enforce",state="compiled"}'), 1);
    for (const [name, count] of [
      ['InEffect', 1],
      ['Expired', 1],
      ['Revoked', 1],
      ['TooLong', 0],
    ] as const)
      assert.equal(found.get(`exceptions{state="${name}"}`), count);
    const many = Array.from({ length: 600 }, (_, n) =>
      exception(`e${n.toString()}`, 'InEffect', n + 1),
    );
    const capped = await samples(metrics, { ...QUIET, exceptions: many });
    const shown = [...capped.keys()].filter((name) => name.startsWith('exception_expiration'));
    assert.equal(shown.length, 500);
    const metric = 'exception_expiration_timestamp_seconds';
    assert.equal(capped.get(`series_omitted{metric="${metric}"}`), 100);
    assert.ok(![...capped.keys()].some((name) => name.startsWith('policy_info')));
  });

  it('show what runs by exceptions of each class, and why somebody should look at them', async () => {
    const metrics = new OperatorMetrics(undefined, fixedClock());
    const planned: OperatorState['exceptions'][number] = {
      ...{
        namespace: 'team',
        name: 'a',
        policy: 'p',
        state: 'InEffect',
        class: 'Planned' as const,
      },
      concerns: ['expiring_soon', 'review_overdue'],
      workloads: { in_effect: 2, unapproved: 0, expired: 0 },
      expiresAt: NOW + 1000,
    };
    const incident: typeof planned = {
      ...planned,
      ...{ name: 'b', class: 'Incident', concerns: ['expiring_soon', 'unapproved'] },
      workloads: { in_effect: 0, unapproved: 1, expired: 4 },
    };
    const exceptions = [planned, planned, incident];
    const found = await samples(metrics, { ...QUIET, exceptions });
    const uses = (kind: string): readonly (number | undefined)[] =>
      ['in_effect', 'unapproved', 'expired'].map((state) =>
        found.get(`exception_workloads{class="${kind}",state="${state}"}`),
      );
    assert.deepEqual(
      [uses('Planned'), uses('Incident')],
      [
        [4, 0, 0],
        [0, 1, 4],
      ],
    );
    const reasons = ['expiring_soon', 'unused', 'review_overdue', 'unapproved', 'approval_overdue'];
    assert.deepEqual(
      reasons.map((reason) => found.get(`exceptions_to_look_at{reason="${reason}"}`)),
      [3, 0, 2, 1, 0],
    );
  });

  it('show when what vouches for trust roots ends, and nothing without any', async () => {
    const metrics = new OperatorMetrics();
    const name = 'trust_root_expiration_timestamp_seconds';
    assert.equal((await samples(metrics)).get(name), undefined);
    const found = await samples(metrics, { ...QUIET, trustRootExpiry: NOW });
    assert.equal(found.get(name), NOW / 1000);
    assert.equal((await samples(metrics)).get(name), undefined);
  });

  it('show when the CA of the webhook ends, and nothing where it is not ours to know', async () => {
    const metrics = new OperatorMetrics();
    const name = 'webhook_ca_expiration_timestamp_seconds';
    assert.equal((await samples(metrics)).get(name), undefined);
    metrics.authority(new Date('2027-11-20T00:00:00.900Z'));
    assert.equal((await samples(metrics)).get(name), 1_826_668_800);
  });

  it('X28: show a webhook configuration that is missing or drifts', async () => {
    const metrics = new OperatorMetrics();
    metrics.configuration('validating', { exists: false, drift: 0 });
    metrics.configuration('mutating', { exists: true, drift: 2 });
    const found = await samples(metrics);
    const of = (name: string, type: string): number | undefined =>
      found.get(`webhook_configuration_${name}{configuration="${type}"}`);
    assert.deepEqual([of('exists', 'validating'), of('drift', 'validating')], [0, 0]);
    assert.deepEqual([of('exists', 'mutating'), of('drift', 'mutating')], [1, 2]);
    metrics.configuration('validating', { exists: true, drift: 0 });
    const later = await samples(metrics);
    assert.equal(later.get('webhook_configuration_exists{configuration="validating"}'), 1);
  });

  it('show the program and how policies stand in it', async () => {
    const metrics = new OperatorMetrics();
    metrics.published({
      formatVersion: 1,
      revision: 7,
      defaultAction: 'Allow',
      policies: new Map(),
    });
    metrics.policies({ compiled: 3, keptLast: 1, notEnforced: 2 });
    const found = await samples(metrics);
    assert.equal(found.get('published_program_revision'), 7);
    assert.deepEqual(
      ['compiled', 'keptLast', 'notEnforced'].map((state) =>
        found.get(`policies{state="${state}"}`),
      ),
      [3, 1, 2],
    );
  });

  it('count writes of reports, collections, exchanges with registries, reads of trust roots and faults', async () => {
    const metrics = new OperatorMetrics();
    const counts = {
      'report_writes_total{outcome="created"}': () => metrics.reportWritten('created'),
      'report_writes_total{outcome="failed"}': () => metrics.reportWritten('failed'),
      collections_total: () => metrics.collected(),
      'internal_errors_total{where="server"}': () => metrics.fault('server'),
      'registry_requests_total{outcome="absent"}': () => metrics.exchanged('absent'),
      'trust_root_reads_total{outcome="stale"}': () => metrics.trustRootRead('stale'),
      'fact_jobs_total{outcome="died"}': () => metrics.factJob('died'),
      'audit_records_total{outcome="dropped"}': () => metrics.audited('dropped', 1),
      'notifications_total{outcome="failed"}': () => metrics.notified('failed'),
      'trace_spans_total{outcome="exported"}': () => metrics.traced('exported', 1),
    };
    const before = await samples(metrics);
    for (const count of Object.values(counts)) count();
    const found = await samples(metrics);
    for (const name of Object.keys(counts))
      assert.deepEqual([before.get(name), found.get(name)], [0, 1], name);
  });

  it('show the mirrors, the queues and whether reports can be written, as they are now', async () => {
    const metrics = new OperatorMetrics(undefined, fixedClock());
    const state = {
      ...QUIET,
      mirrors: [{ resource: 'pods', synced: true, secondsSinceContact: 12.5 }],
      depths: new Map([['workload', 3]]),
      reportsAvailable: false,
      trustRoots: { fresh: 2, stale: 1, pending: 0 },
    };
    const found = await samples(metrics, state);
    assert.equal(found.get('mirror_contact_timestamp_seconds{resource="pods"}'), NOW / 1000 - 12);
    assert.equal(found.get('workqueue_depth{controller="workload"}'), 3);
    assert.equal(found.get('reports_available'), 0);
    assert.deepEqual(
      ['fresh', 'stale', 'pending'].map((name) => found.get(`trust_roots{state="${name}"}`)),
      [2, 1, 0],
    );
    assert.equal((await samples(metrics)).get('reports_available'), 1);
  });

  it('have labels of closed sets only: no key, image or namespace', async () => {
    const metrics = new OperatorMetrics();
    metrics.observerOf('workload', silentLogger).done?.('Deployment|checkout|web', 'ok', 1);
    const { body } = await metrics.render(QUIET);
    assert.ok(!body.includes('checkout'));
  });
});
