// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { judgedWith, policyNamed, resultWith } from '../../__fixtures__/findings.ts';
import { reportApi } from '../../__fixtures__/reporting.ts';
import { workload } from '../../__fixtures__/workloads.ts';
import { sameReport, type PolicyReport, type ReportResult } from '../../reporting/index.ts';
import type { WorkloadObject } from './objects.ts';
import { reportName, reportOf as reportIn, type ReportContext } from './report.ts';
import { resultsOf } from './results.ts';

const T0 = new Date('2026-11-20T00:00:00.900Z');
const T1 = new Date('2026-11-21T00:00:00Z');
const web = workload('Deployment', 'web');

function resultsWith(...outcomes: readonly ('verified' | 'rejected')[]): readonly ReportResult[] {
  const findings = outcomes.map((outcome, i) =>
    judgedWith(resultWith(outcome), { policy: policyNamed(`team-${i.toString()}`) }),
  );
  return resultsOf(findings, { uid: 'uid', namespaceLabels: {}, exempt: false });
}

function reportOf(
  workload: WorkloadObject,
  results: readonly ReportResult[],
  context: Omit<ReportContext, 'api'>,
): PolicyReport {
  return reportIn(workload, results, { api: reportApi('policyreport'), ...context });
}

function times(report: PolicyReport): unknown {
  return report.results?.map(({ result, timestamp }) => [result, timestamp?.seconds]);
}

describe('the report of a workload', () => {
  const first = reportOf(web, resultsWith('verified', 'rejected'), { before: undefined, now: T0 });
  const at = (instant: Date): number => Math.floor(instant.getTime() / 1000);

  it('is owned by the workload and about it, and counts its results', () => {
    const owner = { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web', uid: web.metadata.uid };
    assert.deepEqual(first.metadata, {
      name: reportName(web),
      namespace: 'checkout',
      labels: { 'app.kubernetes.io/managed-by': 'countersign' },
      ownerReferences: [owner],
    });
    assert.deepEqual(first.scope, { ...owner, namespace: 'checkout' });
    assert.deepEqual(first.summary, { pass: 1, fail: 1, warn: 0, error: 0, skip: 0 });
    assert.deepEqual([first.apiVersion, first.kind], ['wgpolicyk8s.io/v1alpha2', 'PolicyReport']);
    assert.deepEqual(first.results?.[0]?.timestamp, { seconds: at(T0), nanos: 0 });
  });

  it('has a name of its own as long as the workload lives', () => {
    assert.match(reportName(web), /^countersign-[0-9a-f]{16}$/);
    assert.equal(reportName(workload('Deployment', 'web')), reportName(web));
    const again = workload('Deployment', 'web', { uid: 'another' });
    assert.notEqual(reportName(again), reportName(web));
  });

  it('keeps the time of a result as long as the same thing is found', () => {
    const same = reportOf(web, resultsWith('verified', 'rejected'), { before: first, now: T1 });
    assert.deepEqual(times(same), [
      ['pass', at(T0)],
      ['fail', at(T0)],
    ]);
    const flipped = reportOf(web, resultsWith('rejected', 'rejected'), { before: first, now: T1 });
    assert.deepEqual(times(flipped), [
      ['fail', at(T1)],
      ['fail', at(T0)],
    ]);
  });

  it('begins a time anew for what comes back', () => {
    const without = reportOf(web, resultsWith('verified'), { before: first, now: T1 });
    const later = new Date('2026-11-22T00:00:00Z');
    const back = reportOf(web, resultsWith('verified', 'rejected'), {
      before: without,
      now: later,
    });
    assert.deepEqual(times(back), [
      ['pass', at(T0)],
      ['fail', at(later)],
    ]);
  });

  it('counts all results where it does not list them all', () => {
    const [one] = resultsWith('rejected');
    const many = Array.from({ length: 300 }, (_, i) => ({
      ...one!,
      properties: { resultID: i.toString() },
    }));
    const { results, summary } = reportOf(web, many, { before: undefined, now: T0 });
    assert.deepEqual([results?.length, summary?.fail], [200, 300]);
  });

  it('is the same in OpenReports, which says at the top who wrote it', () => {
    const report = reportIn(web, resultsWith('verified', 'rejected'), {
      api: reportApi('openreports'),
      before: undefined,
      now: T0,
    });
    const differing = {
      apiVersion: 'openreports.io/v1alpha1',
      kind: 'Report',
      source: 'countersign',
    };
    assert.deepEqual(report, { ...first, ...differing });
  });

  it('says the same whatever version, uid, order of keys and managed fields the stored one has', () => {
    const stored = JSON.parse(
      JSON.stringify({
        summary: { skip: 0, error: 0, warn: 0, fail: 1, pass: 1 },
        ...first,
        metadata: { resourceVersion: '41', uid: 'u', managedFields: [{}], ...first.metadata },
      }),
    ) as PolicyReport;
    const next = reportOf(web, resultsWith('verified', 'rejected'), { before: stored, now: T1 });
    assert.ok(sameReport(stored, next));
  });

  it('X51: says something else where anything that people read was edited', () => {
    const [head, ...tail] = first.results ?? [];
    const rename = { 'app.kubernetes.io/managed-by': 'evil' };
    for (const edited of [
      { ...first, results: [{ ...head, result: 'warn' as const }, ...tail] },
      { ...first, results: [{ ...head, message: 'all is well' }, ...tail] },
      { ...first, results: tail },
      { ...first, summary: { pass: 2, fail: 0, warn: 0, error: 0, skip: 0 } },
      { ...first, metadata: { ...first.metadata, labels: rename } },
      { ...first, metadata: { ...first.metadata, ownerReferences: [] } },
      { ...first, scope: { ...first.scope!, name: 'other' } },
    ]) {
      const next = reportOf(web, resultsWith('verified', 'rejected'), { before: edited, now: T1 });
      assert.ok(!sameReport(edited, next));
    }
  });

  it('X51: is made whole from one that was robbed of its parts', () => {
    const bare = { metadata: first.metadata };
    for (const robbed of [
      bare,
      { ...bare, results: [] },
      { ...bare, results: [{}] },
      { ...bare, results: [{ properties: {} }] },
    ]) {
      const next = reportOf(web, resultsWith('verified'), { before: robbed, now: T1 });
      assert.deepEqual(times(next), [['pass', at(T1)]]);
      assert.ok(!sameReport(robbed, next));
    }
  });
});
