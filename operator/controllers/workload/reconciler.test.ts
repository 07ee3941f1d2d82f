// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { setImmediate } from 'node:timers/promises';
import { afterEach, describe, it } from 'mocha';
import type { ImageTrustPolicySpecInput } from '../../../crds/index.ts';
import { VerificationError } from '../../../verification/index.ts';
import {
  KeyIssuer,
  testException,
  testManifest,
  testPolicy,
} from '../../../verification/testing/index.ts';
import { rollout } from '../../__fixtures__/owner-api.ts';
import { pathTo, pod, workload } from '../../__fixtures__/workloads.ts';
import { snapshotOf, World } from '../../__fixtures__/world.ts';
import type { PolicyReport } from '../../reporting/index.ts';

const SECOND = 1000;
const MINUTE = 60_000;
const HOUR = 3_600_000;
const APP = 'registry.example/app';
const WEB = 'Deployment|checkout|web';
const NAMESPACE = '/api/v1/namespaces/checkout';
const issuer = new KeyIssuer();
const signed = testManifest('signed');
const unsigned = testManifest('unsigned');
const excepting = { exceptions: { allowed: true, approval: 'NotRequired' } } as const;

describe('re-verification', () => {
  let world: World;
  afterEach(() => {
    assert.deepEqual(world.failures, []);
  });

  /** A world with a Deployment of one pod, each by digest, and the policy `team`. */
  async function started(
    image: typeof signed,
    options: {
      readonly start?: string;
      readonly policy?: Partial<ImageTrustPolicySpecInput>;
      readonly exemptNamespaces?: readonly string[];
      readonly served?: boolean;
    } = {},
  ): Promise<string> {
    const { start = '2026-11-21T00:00:00Z', policy = excepting, ...rest } = options;
    world = new World({ start, ...rest });
    world.registry.push(APP, signed, issuer);
    world.registry.push(APP, unsigned);
    world.api.seed(NAMESPACE, { metadata: { name: 'checkout', labels: { env: 'prod' } } });
    const written = `${APP}@${image.digest}`;
    const deployment = workload('Deployment', 'web', { images: { web: written } });
    const replicas = workload('ReplicaSet', 'web-1', { owner: deployment });
    world.apply(
      deployment,
      replicas,
      pod('web-1-a', { owner: replicas, images: { web: written } }),
    );
    world.enforce(snapshotOf({ team: testPolicy([issuer], policy) }));
    await world.pass();
    return written;
  }
  /** Lets look-ups of owners end, and what they lead to happen. */
  const settled = async (): Promise<void> => {
    for (let turn = 0; turn < 20; turn += 1) {
      await setImmediate();
      await world.pass();
    }
  };
  const told = (): readonly string[] => world.told('Deployment', 'web');
  const reasons = (): readonly string[] => world.events.map(({ reason }) => reason);

  it('reports a pass of a signed image on the Deployment, one result for pod and template', async () => {
    const written = await started(signed);
    assert.deepEqual(told(), ['pass']);
    const [result] = world.reportOf('Deployment', 'web')?.results ?? [];
    const { properties = {} } = result ?? {};
    assert.deepEqual(
      ['container', 'image', 'digest', 'process', 'authority', 'identity'].map(
        (p) => properties[p],
      ),
      ['web', written, signed.digest, 'background', 'key-0', issuer.fingerprint],
    );
    assert.deepEqual(world.findings.get(WEB)?.summary, {
      pass: 1,
      fail: 0,
      warn: 0,
      error: 0,
      skip: 0,
    });
    assert.deepEqual(world.events, []);
    assert.equal(world.reportOf('Pod', 'web-1-a'), undefined);
  });

  it('reports a fail with its reason, and tells it by one event on the workload', async () => {
    await started(unsigned);
    assert.deepEqual(told(), ['fail NO_SIGNATURE']);
    assert.deepEqual(reasons(), ['ImageRejected']);
    assert.match(
      world.events[0]?.message ?? '',
      /registry\.example\/app@sha256:.* \[team\/signed\] NO_SIGNATURE$/,
    );
    await world.pass(3 * HOUR);
    assert.deepEqual(reasons(), ['ImageRejected']);
  });

  it('reports a Deployment whose every pod was denied, by its template', async () => {
    await started(signed);
    const denied = workload('Deployment', 'denied', {
      images: { web: `${APP}@${unsigned.digest}` },
    });
    world.apply(denied);
    await world.pass();
    const [result] = world.reportOf('Deployment', 'denied')?.results ?? [];
    assert.deepEqual([result?.result, result?.properties?.['process']], ['fail', 'template']);
  });

  it('looks again every interval and writes nothing as long as nothing changed', async () => {
    await started(signed);
    world.looks.length = 0;
    await world.pass(3 * HOUR);
    assert.deepEqual(
      world.looks.filter((key) => key === WEB),
      [WEB, WEB, WEB],
    );
    assert.deepEqual(world.reportWrites, ['create']);
    assert.equal(world.registry.collected.length, 4);
  });

  it('X25: turns skip into fail at the instant an exception expires, by the clock alone', async () => {
    await started(unsigned, { start: '2026-11-26T23:00:00Z' });
    world.except(testException([unsigned.digest]));
    await world.pass();
    assert.deepEqual(told(), ['skip']);
    const [skip] = world.reportOf('Deployment', 'web')?.results ?? [];
    assert.equal(skip?.properties?.['exceptionOwner'], 'team-checkout@example.com');
    await world.pass(HOUR - 1);
    assert.deepEqual(told(), ['skip']);
    const read = world.registry.collected.length;
    await world.pass(2);
    assert.deepEqual(told(), ['fail EXCEPTION_EXPIRED']);
    const [fail] = world.reportOf('Deployment', 'web')?.results ?? [];
    assert.deepEqual(
      ['exception', 'underlyingReason'].map((name) => fail?.properties?.[name]),
      ['checkout/hotfix', 'NO_SIGNATURE'],
    );
    assert.equal(fail?.timestamp?.seconds, Date.parse('2026-11-27T00:00:00Z') / SECOND);
    assert.ok(world.registry.collected.length <= read + 1);
    assert.deepEqual(reasons(), [
      'ImageRejected',
      'ExceptionUsed',
      'ImageRejected',
      'ExceptionExpired',
    ]);
    const { workloads, ended, digests } = world.usage.usageOf('checkout/hotfix');
    assert.deepEqual([workloads, ended, digests], [0, 1, [unsigned.digest]]);
    await world.api.delete(pathTo(workload('Deployment', 'web')));
    await world.api.delete(pathTo(workload('ReplicaSet', 'web-1')));
    await world.api.delete(pathTo(pod('web-1-a')));
    await world.pass();
    assert.equal(world.usage.usageOf('checkout/hotfix').ended, 0);
  });

  it('X25: turns fail into skip at the instant an exception begins', async () => {
    await started(unsigned, { start: '2026-11-19T23:59:00Z' });
    world.except(testException([unsigned.digest]));
    await world.pass();
    assert.deepEqual(told(), ['fail EXCEPTION_OUT_OF_SCOPE']);
    await world.pass(MINUTE + 1);
    assert.deepEqual(told(), ['skip']);
  });

  it('turns skip into fail as soon as an exception is revoked or deleted, without the registry', async () => {
    await started(unsigned);
    const exception = testException([unsigned.digest]);
    const revoked = { at: '2026-11-21T00:00:00Z', by: 'sec@example.com', reason: 'leaked' };
    for (const end of [
      (): void => world.except({ ...exception, spec: { ...exception.spec, revoked } }),
      (): void =>
        world.api.remove(
          '/apis/countersign.dev/v1alpha1/namespaces/checkout/signingexceptions/hotfix',
        ),
    ]) {
      world.except(exception);
      await world.pass();
      assert.deepEqual(told(), ['skip']);
      const read = world.registry.collected.length;
      world.registry.fault = new VerificationError('REGISTRY_UNAVAILABLE', '503');
      end();
      await world.pass();
      assert.match(told()[0] ?? '', /^fail /);
      assert.equal(world.registry.collected.length, read);
      world.registry.fault = undefined;
    }
  });

  it('X35: turns pass into fail as soon as a key is rotated, and back, without the registry', async () => {
    await started(signed);
    const read = world.registry.collected.length;
    world.registry.fault = new VerificationError('REGISTRY_UNAVAILABLE', '503');
    world.enforce(snapshotOf({ team: testPolicy([new KeyIssuer()]) }));
    await world.pass();
    assert.deepEqual(told(), ['fail SIGNATURE_INVALID']);
    assert.deepEqual(reasons(), ['ImageRejected']);
    world.enforce(snapshotOf({ team: testPolicy([issuer]) }));
    await world.pass();
    assert.deepEqual(told(), ['pass']);
    assert.equal(world.registry.collected.length, read);
    assert.deepEqual(world.reportWrites, ['create', 'replace', 'replace']);
  });

  it('judges what is not signed again for another policy without the registry, and reads it for a new pod', async () => {
    const written = await started(unsigned);
    await world.pass(HOUR / 2);
    const read = world.registry.collected.length;
    world.registry.push(APP, unsigned, issuer);
    world.enforce(snapshotOf({ other: testPolicy([issuer]) }));
    await world.pass();
    assert.deepEqual(told(), ['fail NO_SIGNATURE']);
    assert.equal(world.registry.collected.length, read);
    world.apply(pod('alone', { images: { web: written } }));
    await world.pass();
    assert.deepEqual(world.told('Pod', 'alone'), ['pass']);
    assert.equal(world.registry.collected.length, read + 1);
  });

  it('notices within an interval that a signature was taken away', async () => {
    await started(signed);
    world.registry.push(APP, signed);
    await world.pass(HOUR - 1);
    assert.deepEqual(told(), ['pass']);
    await world.pass(2);
    assert.deepEqual(told(), ['fail NO_SIGNATURE']);
  });

  it('says error, not fail, while the registry is away, and tries again soon', async () => {
    world = new World({ start: '2026-11-21T00:00:00Z' });
    world.registry.fault = new VerificationError('REGISTRY_UNAVAILABLE', '503');
    world.apply(workload('Deployment', 'web', { images: { web: `${APP}@${signed.digest}` } }));
    world.enforce(snapshotOf({ team: testPolicy([issuer]) }));
    await world.pass();
    assert.deepEqual(told(), ['error REGISTRY_UNAVAILABLE']);
    assert.deepEqual(world.events, []);
    world.registry.fault = undefined;
    world.registry.push(APP, signed, issuer);
    await world.pass(MINUTE);
    assert.deepEqual(told(), ['pass']);
  });

  it('keeps the last verdict of known evidence for an interval while the registry is away, then cannot tell', async () => {
    await started(signed);
    world.registry.fault = new VerificationError('REGISTRY_UNAVAILABLE', '503');
    await world.pass(1.9 * HOUR);
    assert.deepEqual(told(), ['pass']);
    assert.deepEqual(world.reportWrites, ['create']);
    await world.pass(0.2 * HOUR);
    assert.deepEqual(told(), ['error REGISTRY_UNAVAILABLE']);
    world.registry.fault = undefined;
    await world.pass(0.1 * HOUR);
    assert.deepEqual(told(), ['pass']);
  });

  it('B21, X22: reports every policy on an image, a failing one beside a passing one', async () => {
    await started(signed);
    const listed = { requirements: [{ name: 'listed', allowedDigests: [unsigned.digest] }] };
    world.enforce(
      snapshotOf({
        team: testPolicy([issuer]),
        strict: testPolicy([issuer], listed),
        watch: testPolicy([issuer], { ...listed, mode: 'Audit' }),
      }),
    );
    await world.pass();
    const results = world.reportOf('Deployment', 'web')?.results ?? [];
    assert.deepEqual(
      results.map((r) => [r.policy, r.rule, r.result, r.scored]),
      [
        ['strict', 'listed', 'fail', true],
        ['team', 'signed', 'pass', true],
        ['watch', 'listed', 'warn', false],
      ],
    );
  });

  it('X18: judges and reports exempt namespaces, and scores nothing there', async () => {
    await started(unsigned, { exemptNamespaces: ['checkout'] });
    const [result] = world.reportOf('Deployment', 'web')?.results ?? [];
    assert.deepEqual([result?.result, result?.scored], ['warn', false]);
    assert.deepEqual(world.events, []);
  });

  it('follows the labels of a namespace, and takes the strictest mode where they are not known', async () => {
    const modeOverrides = [
      { namespaceSelector: { matchLabels: { env: 'dev' } }, mode: 'Audit' as const },
    ];
    await started(unsigned, { policy: { modeOverrides } });
    assert.deepEqual(told(), ['fail NO_SIGNATURE']);
    world.api.seed(NAMESPACE, { metadata: { name: 'checkout', labels: { env: 'dev' } } });
    await world.pass();
    assert.deepEqual(told(), ['warn NO_SIGNATURE']);
    world.api.remove(NAMESPACE);
    await world.pass();
    assert.deepEqual(told(), ['fail NO_SIGNATURE']);
  });

  it('X52: reports what a node runs besides what the spec names', async () => {
    const written = await started(signed);
    const replicas = workload('ReplicaSet', 'web-1', { owner: workload('Deployment', 'web') });
    const imageIds = { web: `${APP}@${unsigned.digest}` };
    world.apply(pod('web-1-a', { owner: replicas, images: { web: written }, imageIds }));
    await world.pass();
    assert.deepEqual([...told()].sort(), ['fail NO_SIGNATURE', 'pass']);
  });

  it('X17: reports a static pod, which admission cannot deny', async () => {
    await started(signed);
    const node = { apiVersion: 'v1', kind: 'Node', metadata: { name: 'n1', uid: 'node' } };
    world.apply(pod('static-n1', { owner: node, images: { c: `${APP}@${unsigned.digest}` } }));
    await world.pass();
    assert.deepEqual(world.told('Pod', 'static-n1'), ['fail NO_SIGNATURE']);
  });

  it('B32, X51: puts a report right that somebody edited, robbed or deleted', async () => {
    await started(unsigned);
    const report = world.reportOf('Deployment', 'web')!;
    const path = `/apis/wgpolicyk8s.io/v1alpha2/namespaces/checkout/policyreports/${report.metadata.name}`;
    const forged = report.results?.map((result) => ({ ...result, result: 'pass' as const }));
    for (const tamper of [
      (): void => world.api.seed(path, { ...report, ...{ results: forged } }),
      (): void => world.api.seed(path, { ...report, ...{ results: [{}] } }),
      (): void => world.api.seed(path, { metadata: report.metadata }),
      (): void => world.api.remove(path),
    ]) {
      tamper();
      await world.pass();
      assert.deepEqual(told(), ['fail NO_SIGNATURE']);
      assert.deepEqual(world.api.at<PolicyReport>(path)?.summary, report.summary);
    }
  });

  it('deletes the report where the workload goes, or is owned by another from now on', async () => {
    await started(signed);
    world.apply(pod('alone', { images: { web: `${APP}@${unsigned.digest}` } }));
    await world.pass();
    assert.deepEqual(world.told('Pod', 'alone'), ['fail NO_SIGNATURE']);
    const owner = workload('Deployment', 'web', { images: { web: `${APP}@${signed.digest}` } });
    world.apply(pod('alone', { owner, images: { web: `${APP}@${unsigned.digest}` } }));
    await world.pass();
    assert.equal(world.reportOf('Pod', 'alone'), undefined);
    assert.deepEqual([...told()].sort(), ['fail NO_SIGNATURE', 'pass']);
    for (const kind of ['ReplicaSet', 'Deployment'] as const)
      world.api.remove(pathTo(workload(kind, kind === 'Deployment' ? 'web' : 'web-1')));
    await world.pass();
    assert.equal(world.reportOf('Deployment', 'web'), undefined);
    assert.equal(world.findings.has(WEB), false);
  });

  it('reports on the owner of another kind where it is known, and moves the report when it goes', async () => {
    await started(signed);
    const owner = rollout('shop');
    const images = { web: `${APP}@${unsigned.digest}` };
    const replicas = workload('ReplicaSet', 'shop-1', { owner, images });
    world.owners.put(owner);
    world.apply(replicas, pod('shop-1-a', { owner: replicas, images }));
    await world.pass();
    // Nothing is told of what may belong to another.
    assert.equal(world.reportOf('ReplicaSet', 'shop-1'), undefined);
    await settled();
    const report = world.reportOf('Rollout', 'shop');
    assert.deepEqual(world.told('Rollout', 'shop'), ['fail NO_SIGNATURE']);
    assert.deepEqual(report?.metadata.ownerReferences, [
      { apiVersion: 'argoproj.io/v1alpha1', kind: 'Rollout', name: 'shop', uid: 'uid-of-shop' },
    ]);
    assert.deepEqual([...world.findings.keys()], [WEB, 'Rollout.argoproj.io|checkout|shop']);
    // The API server takes the report away with its owner.
    world.owners.objects.clear();
    const { name } = report.metadata;
    world.api.remove(`/apis/wgpolicyk8s.io/v1alpha2/namespaces/checkout/policyreports/${name}`);
    await settled();
    assert.equal(world.reportOf('Rollout', 'shop'), undefined);
    assert.deepEqual(world.told('ReplicaSet', 'shop-1'), ['fail NO_SIGNATURE']);
    assert.deepEqual([...world.findings.keys()], [WEB, 'ReplicaSet|checkout|shop-1']);
  });

  it('keeps no report where no policy matches any more', async () => {
    await started(signed);
    world.enforce(snapshotOf({}));
    await world.pass();
    assert.equal(world.reportOf('Deployment', 'web'), undefined);
    world.enforce(snapshotOf({}, 'Deny'));
    await world.pass();
    assert.deepEqual(told(), ['fail NO_POLICY']);
  });

  it('says nothing before the first program', async () => {
    await started(signed);
    world.enforce(undefined);
    world.apply(pod('early', { images: { web: `${APP}@${unsigned.digest}` } }));
    await world.pass(2 * HOUR);
    assert.equal(world.reportOf('Pod', 'early'), undefined);
    assert.equal(world.findings.has('Pod|checkout|early'), false);
    assert.deepEqual(told(), ['pass']);
  });

  it('judges and counts where no reports can be written', async () => {
    await started(unsigned, { served: false });
    assert.deepEqual(world.reportWrites, []);
    assert.equal(world.findings.get(WEB)?.summary.fail, 1);
    assert.deepEqual(reasons(), ['ImageRejected']);
  });

  it('B40: reads a workload that is misshapen as one without images, and goes on with the others', async () => {
    await started(signed);
    const broken = { ...pod('broken'), spec: { containers: [{ name: 'web', image: 1 }] } };
    world.apply(broken, pod('next', { images: { web: `${APP}@${unsigned.digest}` } }));
    await world.pass();
    assert.equal(world.reportOf('Pod', 'broken'), undefined);
    assert.deepEqual(world.told('Pod', 'next'), ['fail NO_SIGNATURE']);
  });
});
