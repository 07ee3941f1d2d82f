// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { silentLogger } from '../runtime/log/index.ts';
import { OperatorMetrics, type OperatorState } from './metrics.ts';

const QUIET: OperatorState = {
  mirrors: [],
  depths: new Map(),
  reportsAvailable: true,
  results: { pass: 0, fail: 0, warn: 0, error: 0, skip: 0 },
  trustRoots: { fresh: 0, stale: 0, pending: 0 },
};
const SUMMARY = { pass: 1, fail: 2, warn: 3, error: 4, skip: 5 };

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

  it('show the results of all workloads', async () => {
    const metrics = new OperatorMetrics();
    const found = await samples(metrics, { ...QUIET, results: SUMMARY });
    assert.deepEqual(
      ['pass', 'fail', 'warn', 'error', 'skip'].map((r) =>
        found.get(`report_results{result="${r}"}`),
      ),
      [1, 2, 3, 4, 5],
    );
    assert.equal((await samples(metrics)).get('report_results{result="fail"}'), 0);
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
    const before = await samples(metrics);
    for (const name of ['report_writes', 'collections', 'internal_errors'])
      assert.equal(before.get(`${name}_total`), 0, name);
    metrics.reportWritten();
    metrics.collected();
    metrics.fault();
    metrics.exchanged('ok');
    metrics.trustRootRead('stale');
    const found = await samples(metrics);
    for (const name of ['report_writes', 'collections', 'internal_errors'])
      assert.equal(found.get(`${name}_total`), 1, name);
    assert.equal(found.get('registry_exchanges_total{outcome="ok"}'), 1);
    assert.equal(found.get('trust_root_reads_total{outcome="stale"}'), 1);
  });

  it('show the mirrors, the queues and whether reports can be written, as they are now', async () => {
    const metrics = new OperatorMetrics();
    const state = {
      ...QUIET,
      mirrors: [{ resource: 'pods', synced: true, secondsSinceContact: 12.5 }],
      depths: new Map([['workload', 3]]),
      reportsAvailable: false,
      trustRoots: { fresh: 2, stale: 1, pending: 0 },
    };
    const found = await samples(metrics, state);
    assert.equal(found.get('mirror_silent_seconds{resource="pods"}'), 12.5);
    assert.equal(found.get('queue_depth{controller="workload"}'), 3);
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
