// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'mocha';
import type {
  Condition,
  ImageTrustPolicy,
  ImageTrustPolicySpecInput,
  SigningException,
} from '../crds/index.ts';
import { systemClock } from '../runtime/clock.ts';
import { EvidenceCache, Judge } from '../runtime/judge/index.ts';
import { KubeError, PooledKubeConfig } from '../runtime/kube/index.ts';
import { FencedClient } from '../runtime/leadership/index.ts';
import { silentLogger } from '../runtime/log/index.ts';
import { INDEX_NAME, REVISION_ANNOTATION } from '../runtime/program/index.ts';
import { TagDigests } from '../runtime/registry/index.ts';
import { FactCache } from '../verification/index.ts';
import {
  KeyIssuer,
  testException,
  testManifest,
  testPolicy,
} from '../verification/testing/index.ts';
import { seedTrustedRoot } from '../verification/sources/tuf/index.ts';
import { FakeApi } from './__fixtures__/fake-api.ts';
import { FakeClient } from './__fixtures__/fake-client.ts';
import { FakeKeychains, FakeRegistry } from './__fixtures__/registry.ts';
import { FakeTrustSource } from './__fixtures__/trust-source.ts';
import { pathTo, pod, workload } from './__fixtures__/workloads.ts';
import type { WorkloadObject } from './controllers/workload/index.ts';
import type { WebhookConfiguration } from './controllers/webhook-configuration/index.ts';
import { CountersignOperator } from './countersign-operator.ts';
import { OperatorMetrics } from './metrics.ts';
import type { PolicyReport } from './reporting/index.ts';

const NS = 'countersign-system';
const GROUP = '/apis/countersign.dev/v1alpha1';
const POLICY = `${GROUP}/imagetrustpolicies/team`;
const EXCEPTION = `${GROUP}/namespaces/checkout/signingexceptions/hotfix`;
const VALIDATING =
  '/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations/countersign';
const LEASE = `/apis/coordination.k8s.io/v1/namespaces/${NS}/leases/webhook-1`;
const INDEX = `/api/v1/namespaces/${NS}/configmaps/${INDEX_NAME}`;
const REPORTS = '/apis/wgpolicyk8s.io/v1alpha2/namespaces/checkout/policyreports';
const APP = 'registry.example/app';
const issuer = new KeyIssuer();
const signed = testManifest('signed');
const unsigned = testManifest('unsigned');

async function until(holds: () => boolean): Promise<void> {
  for (let turn = 0; turn < 1800 && !holds(); turn += 1)
    await new Promise((resolve) => setTimeout(resolve, 5));
  assert.ok(holds());
}

describe('the operator', () => {
  let api: FakeApi;
  let registry: FakeRegistry;
  let operator: CountersignOperator;
  let trustSource: FakeTrustSource;
  let held: boolean;
  let asked: number;
  let over: AbortController;
  const isHeld = (): boolean => {
    asked += 1;
    return held;
  };

  beforeEach(() => {
    api = new FakeApi();
    held = true;
    asked = 0;
    over = new AbortController();
    trustSource = new FakeTrustSource();
    registry = new FakeRegistry();
    registry.push(APP, signed, issuer);
    registry.push(APP, unsigned);
    const clock = systemClock;
    const evidence = new EvidenceCache({
      source: registry,
      clock,
      freshMs: 3_600_000,
      negativeMs: 5_000,
      collectionMs: 20_000,
      maxBytes: 1024 * 1024,
    });
    operator = new CountersignOperator({
      kubeConfig: new PooledKubeConfig(),
      client: new FencedClient(new FakeClient(api), { signal: over.signal, held: isHeld }),
      clock,
      logger: silentLogger,
      metrics: new OperatorMetrics(),
      namespace: NS,
      instance: 'operator-1',
      defaultAction: 'Allow',
      exemptNamespaces: [NS],
      materialMs: 60_000,
      concurrency: 2,
      reportApi: 'auto',
      remediation: false,
      reviewMs: 168 * 3_600_000,
      ownCertificates: true,
      caStepMs: 30_000,
      judge: new Judge({ evidence, facts: new FactCache(), clock }),
      evidence,
      tags: new TagDigests({ source: registry, clock, freshMs: 10_000, resolveMs: 20_000 }),
      keychains: new FakeKeychains(),
      trustRoots: trustSource,
    });
    api.seed('/api/v1/namespaces/checkout', { metadata: { name: 'checkout' } });
  });

  afterEach(async () => {
    await operator.shutDown();
  });

  const apply = (...objects: readonly WorkloadObject[]): void => {
    for (const object of objects) api.seed(pathTo(object), object);
  };
  const applyPolicy = (spec: ImageTrustPolicySpecInput, generation = 1): void => {
    const status = api.at<ImageTrustPolicy>(POLICY)?.status;
    const kept = status === undefined ? {} : { status };
    api.seed(POLICY, { metadata: { name: 'team', generation }, ...{ spec }, ...kept });
  };
  const reasonOf = (path: string, type: string): string | undefined =>
    api
      .at<{ readonly status?: { readonly conditions?: readonly Condition[] } }>(path)
      ?.status?.conditions?.find((condition) => condition.type === type)?.reason;
  const told = (name: string): string | undefined => {
    const reports = api.writesTo(REPORTS).map(({ path }) => api.at<PolicyReport>(path));
    const report = reports.find((found) => found?.scope?.name === name);
    return report?.results?.map(({ result }) => result).join(' ');
  };

  const unserved = (plural: string): void => {
    api.fault = (verb, path) =>
      verb === 'list' && path.endsWith(plural)
        ? new KubeError(404, 'not found', { reason: 'NotFound' })
        : undefined;
  };

  it('is not ready before it is started, nor without one thing that decides, and says which', async () => {
    unserved('pods');
    assert.equal(operator.readiness().ok, false);
    await operator.start();
    await until(() => operator.readiness().reasons.length === 1);
    const { ok, reasons } = operator.readiness();
    assert.deepEqual([ok, reasons], [false, ['pods: the resource type is not served: not found']]);
  });

  it('is ready where no reports are served, which a metric tells', async () => {
    unserved('policyreports');
    await operator.start();
    await until(() => operator.readiness().ok);
    assert.match((await operator.renderMetrics()).body, /countersign_reports_available 0/);
  });

  it('publishes a policy, and calls it ready once a replica acknowledged its program', async () => {
    applyPolicy(testPolicy([issuer]));
    await operator.start();
    await until(() => reasonOf(POLICY, 'Ready') === 'NoReplicas');
    assert.ok(api.at(`/api/v1/namespaces/${NS}/configmaps/${INDEX_NAME}`));
    const revision = api.at<ImageTrustPolicy>(POLICY)?.status?.program?.revision?.toString() ?? '';
    for (const renewTime of ['1', '2']) {
      const annotations = { [REVISION_ANNOTATION]: revision };
      api.seed(LEASE, {
        metadata: { name: 'webhook-1', namespace: NS, annotations },
        ...{ spec: { renewTime } },
      });
    }
    await until(() => reasonOf(POLICY, 'Ready') === 'Enforced');
    assert.match((await operator.renderMetrics()).body, /published_program_revision [1-9]/);
  });

  it('20: keeps a policy in force whose trust root cannot be read, and says so', async () => {
    const trustRoot = { publicGood: {} };
    const keyless = { issuer: 'https://idp.example', subject: 'dev@example.com', trustRoot };
    trustSource.known = seedTrustedRoot();
    applyPolicy({
      ...testPolicy([issuer]),
      authorities: [{ name: 'people', keyless }],
      requirements: [{ name: 'signed', signature: { anyOf: ['people'] } }],
    });
    await operator.start();
    await until(() => reasonOf(POLICY, 'TrustMaterialFresh') === 'TrustRootStale');
    assert.equal(reasonOf(POLICY, 'Ready'), 'NoReplicas');
    assert.equal(reasonOf(POLICY, 'Stalled'), undefined);
    assert.match((await operator.renderMetrics()).body, /trust_roots\{state="stale"\} 1/);
    assert.deepEqual(trustSource.reads, [{ kind: 'public-good' }]);
    applyPolicy(testPolicy([issuer]), 2);
    await until(() => reasonOf(POLICY, 'TrustMaterialFresh') === undefined);
  });

  it('X35: judges workloads by the program, and again when a policy, a key or an exception changes', async () => {
    const inHours = (hours: number): string =>
      new Date(systemClock.now().getTime() + hours * 3_600_000).toISOString();
    const lasting = (hours: number): object => {
      const instants = { notBefore: inHours(-2), expiresAt: inHours(hours) };
      return { spec: testException([unsigned.digest], instants).spec };
    };
    apply(
      workload('Deployment', 'good', { images: { web: `${APP}@${signed.digest}` } }),
      pod('bad', { images: { web: `${APP}@${unsigned.digest}` } }),
    );
    const exceptions = { allowed: true, approval: 'NotRequired' } as const;
    applyPolicy(testPolicy([issuer], { exceptions }));
    await operator.start();
    await until(() => told('good') === 'pass' && told('bad') === 'fail');
    const metadata = { name: 'hotfix', namespace: 'checkout', generation: 1 };
    api.seed(EXCEPTION, { metadata, ...lasting(1) });
    await until(() => told('bad') === 'skip' && reasonOf(EXCEPTION, 'Active') === 'InEffect');
    api.seed(EXCEPTION, { ...api.at<SigningException>(EXCEPTION)!, ...lasting(-1) });
    await until(() => told('bad') === 'fail' && reasonOf(EXCEPTION, 'Active') === 'Expired');
    applyPolicy(testPolicy([new KeyIssuer()], { exceptions }), 2);
    await until(() => told('good') === 'fail');
    assert.deepEqual(registry.collected.length, 2);
    // Nothing but keys: no trust root is ever asked for.
    assert.deepEqual(trustSource.reads, []);
  });

  it('tells an exception that its policy is missing, and when it comes', async () => {
    const { metadata, spec } = testException([unsigned.digest], {
      notBefore: '2998-12-31T00:00:00Z',
      expiresAt: '2999-01-01T00:00:00Z',
    });
    api.seed(EXCEPTION, { metadata, ...{ spec } });
    await operator.start();
    await until(() => reasonOf(EXCEPTION, 'Active') === 'PolicyNotFound');
    applyPolicy(testPolicy([issuer], { exceptions: { allowed: true, approval: 'NotRequired' } }));
    await until(() => reasonOf(EXCEPTION, 'Active') === 'NotYetActive');
    api.remove(POLICY);
    await until(() => reasonOf(EXCEPTION, 'Active') === 'PolicyNotFound');
  });

  it('X54: sets the caBundle of a configuration, again when it is taken away, and creates none', async () => {
    await operator.start();
    await until(() => operator.readiness().ok);
    const webhooks = [{ name: 'pods.countersign.dev', clientConfig: {} }];
    const bundle = (): string | undefined =>
      api.at<WebhookConfiguration>(VALIDATING)?.webhooks?.[0]?.clientConfig?.caBundle;
    for (let turn = 0; turn < 2; turn += 1) {
      api.seed(VALIDATING, { metadata: { name: 'countersign' }, ...{ webhooks } });
      await until(() => bundle() !== undefined);
    }
    api.remove(VALIDATING);
    await new Promise((resolve) => setTimeout(resolve, 50));
    assert.equal(api.at(VALIDATING), undefined);
    assert.match(
      (await operator.renderMetrics()).body,
      /webhook_configuration_exists\{configuration="validating"\} 0/,
    );
  });

  it('fault 4: writes nothing any more from the moment that its term has run out', async () => {
    await operator.start();
    await until(() => operator.readiness().ok && api.at(INDEX) !== undefined);
    held = false;
    const before = api.writes.length;
    applyPolicy(testPolicy([issuer]));
    api.seed(VALIDATING, {
      metadata: { name: 'countersign' },
      ...{ webhooks: [{ name: 'pods.countersign.dev', clientConfig: {} }] },
    });
    // It works on both, and would write a blob, a status and a caBundle, again and again.
    asked = 0;
    await until(() => asked > 5);
    assert.deepEqual(api.writes.slice(before), []);
    over.abort();
  });
});
