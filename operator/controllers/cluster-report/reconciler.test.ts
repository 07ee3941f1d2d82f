// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { beforeEach, describe, it } from 'mocha';
import type { ImageTrustPolicy } from '../../../crds/index.ts';
import { fixedClock, type FixedClock } from '../../../runtime/clock-testing.ts';
import { FakeApi } from '../../__fixtures__/fake-api.ts';
import { reportApi } from '../../__fixtures__/reporting.ts';
import { ReportWriter, type PolicyReport, type ReportApi } from '../../reporting/index.ts';
import type { Coverage } from '../../state/findings-board.ts';
import { ClusterReportReconciler, type ClusterReportReconcilerOptions } from './reconciler.ts';

const PATH = '/apis/wgpolicyk8s.io/v1alpha2/clusterpolicyreports';
const REPORT = `${PATH}/countersign`;
const NONE: Coverage = { uncovered: new Map(), exemptNamespaces: [] };
const STALE = {
  fresh: 'False',
  reason: 'TrustRootStale',
  message: 'spec.x: it expired',
} as const;

type Trust = NonNullable<
  ReturnType<ClusterReportReconcilerOptions['program']['viewOf']>
>['outcome']['trust'];

describe('the report about the cluster', () => {
  let api: FakeApi;
  let clock: FixedClock;
  let coverage: Coverage | undefined;
  /** Policies by name; `null` where nothing is known of one yet. */
  let policies: Record<string, Trust | null>;
  let served: ReportApi | undefined;
  let reconciler: ClusterReportReconciler;

  const report = (): PolicyReport | undefined => api.at<PolicyReport>(REPORT);
  const told = (): unknown =>
    report()?.results?.map(({ result, policy, rule, timestamp }) => [
      result,
      policy,
      rule,
      timestamp?.seconds,
    ]);
  const verbs = (): unknown => api.writes.map(({ verb }) => verb);
  const named = (name: string): ImageTrustPolicy =>
    ({ metadata: { name } }) as Partial<ImageTrustPolicy> as ImageTrustPolicy;

  beforeEach(() => {
    api = new FakeApi();
    clock = fixedClock(new Date(1_000_000));
    coverage = NONE;
    policies = {};
    served = reportApi('policyreport');
    const reports = api.mirror<PolicyReport>(PATH);
    reconciler = new ClusterReportReconciler({
      policies: { list: () => Object.keys(policies).map(named) },
      program: {
        viewOf: (name) => {
          const trust = policies[name];
          if (trust === null) return undefined;
          return { outcome: trust === undefined ? {} : { trust } };
        },
      },
      board: { coverage: () => coverage },
      collection: {
        get clusterTarget() {
          return served === undefined ? undefined : { api: served, reports };
        },
      },
      writer: new ReportWriter({ api, onWrite: () => undefined }),
      clock,
    });
  });

  it('is not there where all is well, and goes when it is', async () => {
    await reconciler.reconcile();
    assert.deepEqual(verbs(), []);
    coverage = { ...NONE, exemptNamespaces: ['kube-system'] };
    await reconciler.reconcile();
    coverage = NONE;
    await reconciler.reconcile();
    assert.deepEqual(verbs(), ['create', 'delete']);
  });

  it('warns of what no policy covers without scoring, and names where that is', async () => {
    coverage = {
      uncovered: new Map([['registry.example/free/app', ['a', 'b', 'c', 'd', 'e']]]),
      exemptNamespaces: ['kube-system'],
    };
    await reconciler.reconcile();
    const { apiVersion, kind, metadata, summary, results } = report()!;
    assert.deepEqual(
      [apiVersion, kind, metadata.name],
      ['wgpolicyk8s.io/v1alpha2', 'ClusterPolicyReport', 'countersign'],
    );
    assert.deepEqual(summary, { pass: 0, fail: 0, warn: 2, error: 0, skip: 0 });
    const [exempt, free] = results ?? [];
    assert.deepEqual(exempt?.resources, [
      { apiVersion: 'v1', kind: 'Namespace', name: 'kube-system' },
    ]);
    assert.deepEqual(
      [free?.category, free?.scored, free?.properties?.['registry']],
      ['Image Coverage', false, 'registry.example'],
    );
    assert.equal(free?.properties?.['namespaces'], 'a, b, c and 2 more');
  });

  it('is written only when it says anything new, and keeps the time of what is still so', async () => {
    coverage = { uncovered: new Map([['r/a', ['x']]]), exemptNamespaces: [] };
    await reconciler.reconcile();
    await clock.advance(60_000);
    await reconciler.reconcile();
    assert.deepEqual(verbs(), ['create']);
    coverage = {
      uncovered: new Map([
        ['r/a', ['x', 'y']],
        ['r/b', ['y']],
      ]),
      exemptNamespaces: [],
    };
    await reconciler.reconcile();
    assert.deepEqual(told(), [
      ['warn', 'cluster-coverage', 'images-without-policy', 1_000],
      ['warn', 'cluster-coverage', 'images-without-policy', 1_060],
    ]);
  });

  it('lists a hundred repositories and fifty namespaces, and counts the others', async () => {
    const repositories = Array.from({ length: 250 }, (_, i) => [`r/${i}`, ['x']] as const);
    const exemptNamespaces = Array.from({ length: 60 }, (_, i) => `n${i}`);
    coverage = { uncovered: new Map(repositories), exemptNamespaces };
    await reconciler.reconcile();
    const messages = report()?.results?.map(({ message }) => message) ?? [];
    assert.equal(messages.length, 152);
    assert.equal(messages[50], '10 more exempt namespaces run images');
    assert.equal(messages[151], '150 more repositories are used where no policy covers them');
  });

  it('20: says error of a policy whose trust root is stale, until that is fresh or the policy gone', async () => {
    policies = { b: STALE, a: { ...STALE, reason: 'TrustRootInvalid' }, c: { fresh: 'True' } };
    await reconciler.reconcile();
    assert.deepEqual(told(), [
      ['error', 'a', 'trust-root', 1_000],
      ['error', 'b', 'trust-root', 1_000],
    ]);
    const [first] = report()?.results ?? [];
    assert.deepEqual([first?.scored, first?.properties?.['reason']], [true, 'TrustRootInvalid']);
    policies = { b: STALE, a: { fresh: 'True' } };
    await reconciler.reconcile();
    assert.deepEqual(told(), [['error', 'b', 'trust-root', 1_000]]);
    policies = {};
    await reconciler.reconcile();
    assert.equal(report(), undefined);
  });

  it('leaves what was told as it is while nothing is known after a start', async () => {
    policies = { a: STALE, b: STALE };
    coverage = { uncovered: new Map([['r/a', ['x']]]), exemptNamespaces: ['kube-system'] };
    await reconciler.reconcile();
    const before = told();
    await clock.advance(60_000);
    coverage = undefined;
    policies = { a: null, b: { fresh: 'Unknown' } };
    await reconciler.reconcile();
    assert.deepEqual(told(), before);
    assert.deepEqual(verbs(), ['create']);
    policies = { b: { fresh: 'Unknown' } };
    await reconciler.reconcile();
    assert.equal(report()?.results?.length, 3);
  });

  it('X51: is made whole where somebody robbed it, and taken over where its label was taken', async () => {
    coverage = { uncovered: new Map([['r/a', ['x']]]), exemptNamespaces: [] };
    await reconciler.reconcile();
    for (const robbed of [{ results: [{}] }, { results: [], metadata: { name: 'countersign' } }]) {
      api.seed(REPORT, { ...report()!, ...robbed });
      await reconciler.reconcile();
      assert.deepEqual(told(), [['warn', 'cluster-coverage', 'images-without-policy', 1_000]]);
      assert.deepEqual(report()?.metadata.labels, {
        'app.kubernetes.io/managed-by': 'countersign',
      });
    }
  });

  it('is not written where the API server serves no such type', async () => {
    served = undefined;
    coverage = { uncovered: new Map([['r/a', ['x']]]), exemptNamespaces: [] };
    await reconciler.reconcile();
    assert.deepEqual([api.writes, api.reads], [[], []]);
  });
});
