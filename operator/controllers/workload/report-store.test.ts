// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { fixedClock } from '../../../runtime/clock-testing.ts';
import { KubeError } from '../../../runtime/kube/index.ts';
import { FakeApi } from '../../__fixtures__/fake-api.ts';
import { judgedWith, resultWith } from '../../__fixtures__/findings.ts';
import { FakeReports } from '../../__fixtures__/reporting.ts';
import { workload } from '../../__fixtures__/workloads.ts';
import type { PolicyReport, ReportResult } from '../../reporting/index.ts';
import { reportName } from './report.ts';
import { ReportStore } from './report-store.ts';
import { resultsOf } from './results.ts';

const GROUP = '/apis/wgpolicyk8s.io/v1alpha2';
const REPORTS = `${GROUP}/namespaces/checkout/policyreports`;
const KEY = 'Deployment|checkout|web';
const web = workload('Deployment', 'web');
const PATH = `${REPORTS}/${reportName(web)}`;

function resultsWith(outcome: 'verified' | 'rejected', message?: string): readonly ReportResult[] {
  const result = resultWith(outcome, message === undefined ? {} : { message });
  return resultsOf([judgedWith(result)], { uid: 'uid', namespaceLabels: {}, exempt: false });
}

interface WrittenBody {
  readonly metadata?: { readonly resourceVersion?: string };
}

function setup(options: { readonly served?: boolean } = {}) {
  const api = new FakeApi();
  const clock = fixedClock('2026-11-20T00:00:00Z');
  const reports = new FakeReports(api, options.served ?? true);
  const store = new ReportStore({ collection: reports, writer: reports.writer, clock });
  const writes = (): unknown => api.writes.map(({ verb, path }) => [verb, path]);
  return { api, clock, reports, store, writes, written: () => reports.written };
}

describe('the store of reports', () => {
  it('creates one for a workload, and writes nothing as long as it says the same', async () => {
    const { clock, store, writes, written } = setup();
    assert.equal(await store.write(KEY, web, resultsWith('rejected')), undefined);
    await clock.advance(3_600_000);
    const before = await store.write(KEY, web, resultsWith('rejected'));
    assert.equal(before?.metadata.name, reportName(web));
    assert.deepEqual(writes(), [['create', PATH]]);
    assert.equal(written(), 1);
  });

  it('knows a change that it made itself, once, and no other', async () => {
    const { api, reports, store } = setup();
    const own: boolean[] = [];
    reports.store.onChange((_key, current, previous) => {
      if (current !== undefined && previous !== undefined) own.push(store.isOwn(current));
    });
    await store.write(KEY, web, resultsWith('rejected'));
    await store.write(KEY, web, resultsWith('rejected'));
    assert.deepEqual(own, []);
    await store.write(KEY, web, resultsWith('verified'));
    assert.deepEqual(own, [true]);
    const { metadata } = api.at<PolicyReport>(PATH)!;
    api.seed(PATH, { metadata });
    await store.write(KEY, web, resultsWith('verified'));
    assert.deepEqual(own, [true, false, true]);
  });

  it('does not take for its own what somebody else changed where its write failed', async () => {
    const [failing, going] = [setup(), setup()];
    failing.api.fault = (verb) => (verb === 'replace' ? new KubeError(500, 'no') : undefined);
    for (const { store } of [failing, going]) await store.write(KEY, web, resultsWith('rejected'));
    await going.store.write(KEY, web, resultsWith('verified'));
    const write = failing.store.write(KEY, web, resultsWith('verified'));
    await assert.rejects(write, { name: 'KubeError', status: 500 });
    const replaced = going.api.at<PolicyReport>(PATH)!;
    assert.equal(failing.store.isOwn(replaced), false);
    assert.equal(going.store.isOwn(replaced), true);
  });

  it('replaces it where it says anything new, and answers what was there', async () => {
    const { api, store, writes, written } = setup();
    await store.write(KEY, web, resultsWith('rejected'));
    const before = await store.write(KEY, web, resultsWith('verified'));
    assert.equal(before?.results?.[0]?.result, 'fail');
    assert.equal(api.at<PolicyReport>(PATH)?.results?.[0]?.result, 'pass');
    await store.write(KEY, web, resultsWith('verified', 'in other words'));
    assert.deepEqual(writes(), [
      ['create', PATH],
      ['replace', PATH],
      ['replace', PATH],
    ]);
    assert.equal(written(), 3);
  });

  it('deletes it where there are no results, and makes none', async () => {
    const { store, writes } = setup();
    await store.write(KEY, web, []);
    assert.deepEqual(writes(), []);
    await store.write(KEY, web, resultsWith('verified'));
    await store.write(KEY, web, []);
    await store.write(KEY, web, []);
    assert.deepEqual(writes(), [
      ['create', PATH],
      ['delete', PATH],
    ]);
  });

  it('removes that of an older workload of the same name, and no other', async () => {
    const { api, store, writes } = setup();
    const older = workload('Deployment', 'web', { uid: 'older' });
    const other = workload('StatefulSet', 'web');
    await store.write(KEY, older, resultsWith('verified'));
    await store.write('StatefulSet|checkout|web', other, resultsWith('verified'));
    api.writes.length = 0;
    await store.write(KEY, web, resultsWith('verified'));
    assert.deepEqual(writes(), [
      ['delete', `${REPORTS}/${reportName(older)}`],
      ['create', PATH],
    ]);
    assert.ok(api.at(`${REPORTS}/${reportName(other)}`));
  });

  it('removes what is about a key that is gone', async () => {
    const { store, writes } = setup();
    await store.write(KEY, web, resultsWith('verified'));
    await store.removeStale('Deployment|other|web');
    await store.removeStale(KEY);
    await store.removeStale(KEY);
    assert.deepEqual(writes(), [
      ['create', PATH],
      ['delete', PATH],
    ]);
  });

  it('writes, reads and removes nothing where no reports can be written', async () => {
    const { api, store, written } = setup({ served: false });
    assert.equal(store.available, false);
    assert.equal(await store.write(KEY, web, resultsWith('verified')), undefined);
    await store.removeStale(KEY);
    assert.deepEqual([api.writes, api.reads, written()], [[], [], 0]);
  });

  it('begins to write once the type is served, and tells once that something is missing', async () => {
    const { reports, store, writes } = setup({ served: false });
    assert.equal(store.takeMissed(), false);
    await store.write(KEY, web, resultsWith('verified'));
    reports.served = true;
    assert.deepEqual([store.takeMissed(), store.takeMissed()], [true, false]);
    await store.write(KEY, web, resultsWith('verified'));
    assert.deepEqual(writes(), [['create', PATH]]);
  });

  it('does not mind a report that somebody else deleted', async () => {
    const { api, store, written } = setup();
    await store.write(KEY, web, resultsWith('verified'));
    api.remove(PATH, { silently: true });
    await store.write(KEY, web, []);
    assert.equal(written(), 1);
  });

  it('throws a conflict where somebody else wrote what the mirror does not show yet', async () => {
    const { api, store } = setup();
    await store.write(KEY, web, resultsWith('verified'));
    api.fault = (verb) =>
      verb === 'replace' ? new KubeError(409, 'conflict', { reason: 'Conflict' }) : undefined;
    await assert.rejects(store.write(KEY, web, resultsWith('rejected')), { name: 'KubeError' });
  });

  it('B32, X51: takes back a report whose label was taken away, so that no mirror shows it', async () => {
    const { api, reports, store, writes } = setup();
    await store.write(KEY, web, resultsWith('rejected'));
    const hidden = api.at<PolicyReport>(PATH)!;
    const forged = [{ ...hidden.results?.[0], result: 'pass' as const }];
    api.seed(PATH, { ...hidden, ...{ results: forged }, metadata: { name: hidden.metadata.name } });
    reports.store.remove(`checkout/${hidden.metadata.name}`);
    api.writes.length = 0;
    assert.equal(await store.write(KEY, web, resultsWith('rejected')), undefined);
    assert.deepEqual(writes(), [['replace', PATH]]);
    const restored = api.at<PolicyReport>(PATH)!;
    assert.equal(restored.results?.[0]?.result, 'fail');
    assert.deepEqual(restored.metadata.labels, { 'app.kubernetes.io/managed-by': 'countersign' });
  });

  it('names in every write what it creates, or the version that it replaces or deletes', async () => {
    const { api, store } = setup();
    await store.write(KEY, web, resultsWith('rejected'));
    const { uid, resourceVersion: first } = api.at<PolicyReport>(PATH)!.metadata;
    await store.write(KEY, web, resultsWith('verified'));
    const { resourceVersion: second } = api.at<PolicyReport>(PATH)!.metadata;
    await store.write(KEY, web, []);
    const [create, replace, remove] = api.writes.map(({ body }) => body as WrittenBody);
    assert.equal(create?.metadata?.resourceVersion, undefined);
    assert.equal(replace?.metadata?.resourceVersion, first);
    assert.deepEqual(remove, { preconditions: { uid, resourceVersion: second } });
  });

  it('deletes nothing that somebody else wrote meanwhile', async () => {
    const { api, reports, store } = setup();
    await store.write(KEY, web, resultsWith('rejected'));
    const seen = api.at<PolicyReport>(PATH)!;
    api.seed(PATH, { ...seen });
    reports.store.put(seen);
    await assert.rejects(store.write(KEY, web, []), { name: 'KubeError', status: 409 });
    assert.ok(api.at(PATH));
  });

  it('throws where one is in the way that goes away again', async () => {
    const { api, store } = setup();
    api.fault = (verb) =>
      verb === 'create' ? new KubeError(409, 'exists', { reason: 'AlreadyExists' }) : undefined;
    await assert.rejects(store.write(KEY, web, resultsWith('verified')), { name: 'KubeError' });
  });
});
