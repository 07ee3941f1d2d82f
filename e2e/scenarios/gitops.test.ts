// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'mocha';
import { signBundle, waitFor, type KubernetesObject, type PushedImage } from '../harness/index.ts';
import {
  assertAdmitted,
  assertDenied,
  exception,
  keyInConfigMap,
  keyPolicySpec,
  namespace,
  pod,
  policy,
} from '../world/index.ts';
import { AS_TOOL, driftOf } from './gitops/drift.ts';
import { versionsOf } from './gitops/inventory.ts';
import { readyOf } from './gitops/kustomizations.ts';
import { rendered, startGitOpsStage, trustFiles, type GitOpsStage } from './gitops/stage.ts';

const NS = 'gitops';
const HOUR_MS = 3_600_000;
const LAYERS = [
  'countersign-crds',
  'countersign-report-crds',
  'countersign',
  'countersign-admission',
  'trust-policies',
  'trust-exceptions',
] as const;
/** Much less than any `timeout` in the guide: nobody waited for one. */
const FAST_MS = 45_000;

const VALIDATING = { kind: 'validatingwebhookconfiguration', name: 'countersign' } as const;

interface Condition {
  readonly type: string;
  readonly status: string;
  readonly reason: string;
  readonly lastTransitionTime: string;
}

interface Conditions {
  readonly metadata: { readonly generation: number };
  readonly status?: {
    readonly observedGeneration?: number;
    readonly conditions?: readonly Condition[];
  };
}

interface Configuration {
  readonly webhooks: readonly { readonly clientConfig: { readonly caBundle?: string } }[];
}

describe('everything from Git, applied by the real kustomize-controller', function () {
  this.timeout(180_000);
  let stage: GitOpsStage;
  let signed: PushedImage;
  let excepted: PushedImage;
  let lapsed: PushedImage;
  let policies: readonly KubernetesObject[];
  let exceptions: readonly KubernetesObject[];
  let late: ReturnType<typeof keyInConfigMap>;
  let sequence = 0;

  const create = (image: PushedImage) => {
    sequence += 1;
    const name = `pod-${sequence.toString()}`;
    return stage.world.kubectl.create(pod({ name, namespace: NS, image: image.pinned }));
  };
  const publish = (more: readonly KubernetesObject[] = []): Promise<string> =>
    stage.trust.publish({ files: trustFiles([...policies, ...more], exceptions) });
  const said = async (kind: string, name: string, inNamespace?: string) => {
    const object = await stage.world.kubectl.get<Conditions>(kind, name, inNamespace);
    return conditionsOf(object)
      .map((c) => `${c.type}=${c.status}/${c.reason}`)
      .sort();
  };
  const broken = (name: string, change: Readonly<Record<string, unknown>>): KubernetesObject =>
    policy(name, {
      ...keyPolicySpec({
        images: ['registry.example.com/broken/**'],
        keys: [stage.world.key.publicKey],
      }),
      ...change,
    });
  const badCel = (name: string): KubernetesObject => {
    const condition = { name: 'c', expression: 'predicate.components.size( > 0' };
    const attestation = {
      predicateType: 'https://cyclonedx.org/bom',
      anyOf: ['release-key'],
      conditions: [condition],
    };
    return broken(name, { requirements: [{ name: 'sbom', attestation }] });
  };

  const leaveAlone = async (reconcile: 'disabled' | 'enabled'): Promise<void> => {
    const annotations = { 'kustomize.toolkit.fluxcd.io/reconcile': reconcile };
    const { code, stderr } = await stage.world.kubectl.patch(VALIDATING, {
      metadata: { annotations },
    });
    assert.equal(code, 0, stderr);
  };

  before(async () => {
    stage = await startGitOpsStage();
    const { world } = stage;
    await world.kubectl.apply(namespace(NS));
    [signed, excepted, lapsed] = await Promise.all([
      world.push(world.registry, 'gitops/signed', '1.0'),
      world.push(world.registry, 'gitops/excepted', '1.0'),
      world.push(world.registry, 'gitops/lapsed', '1.0'),
    ]);
    await signBundle(world.key, signed.pinned);
    late = keyInConfigMap('late-key', world.key.publicKey);
    const images = [`${world.registry.host}/gitops/**`];
    const { configMap, authority } = keyInConfigMap('gitops-key', world.key.publicKey);
    const spec = keyPolicySpec({
      images,
      keys: [],
      exceptions: { allowed: true, approval: 'NotRequired' },
    });
    policies = [configMap, policy('gitops', { ...spec, authorities: [authority] })];
    const soon = new Date(Date.now() + HOUR_MS);
    const gone = new Date(Date.now() - HOUR_MS);
    const by = { namespace: NS, policy: 'gitops', requestedBy: 'dev@example.com' };
    exceptions = [
      exception({ name: 'live', ...by, digests: [excepted.digest], expiresAt: soon }),
      exception({ name: 'lapsed', ...by, digests: [lapsed.digest], expiresAt: gone }),
    ];
  });
  after(async () => {
    await stage.stop();
  });

  it('is healthy with a policy in force, a live exception and an expired one', async () => {
    const revision = await publish();
    await stage.kustomizations.ready('trust-exceptions', revision);
    assert.deepEqual(await said('imagetrustpolicy', 'gitops'), ['Ready=True/Enforced']);
    assert.deepEqual(await said('signingexception', 'live', NS), [
      'Active=True/InEffect',
      'Approved=True/NotRequired',
      'ExpiringSoon=True/EndsWithinDays',
      'Ready=True/Accepted',
    ]);
    assert.deepEqual(await said('signingexception', 'lapsed', NS), [
      'Active=False/Expired',
      'Approved=True/NotRequired',
      'Ready=True/Accepted',
    ]);
    assertAdmitted(await create(signed));
    assertAdmitted(await create(excepted));
    assertDenied(await create(lapsed), 'EXCEPTION_EXPIRED');
  });

  it('applied each layer when the one before it was ready', async () => {
    const { kubectl } = stage.world;
    const created = async (...args: Parameters<typeof kubectl.get>): Promise<string> =>
      String((await kubectl.get(...args)).metadata?.['creationTimestamp']);
    const became = async (type: string, ...args: Parameters<typeof kubectl.get>) =>
      conditionsOf(await kubectl.get<Conditions>(...args)).find((c) => c.type === type)
        ?.lastTransitionTime ?? 'never';
    const deployment = ['deployment', 'countersign-webhook', 'countersign-system'] as const;
    const order = [
      await became('Established', 'crd', 'signingexceptions.countersign.dev'),
      await created(...deployment),
      await became('Available', ...deployment),
      await created('validatingwebhookconfiguration', 'countersign'),
      await created('imagetrustpolicy', 'gitops'),
      await became('Ready', 'imagetrustpolicy', 'gitops'),
      await created('signingexception', 'live', NS),
    ].map((instant) => new Date(instant).getTime() / 1000);
    const seconds = order.map((instant) => Math.floor(instant));
    assert.deepEqual(
      seconds,
      seconds.toSorted((one, other) => one - other),
    );
  });

  it('changes nothing when it is reconciled again, not even the caBundle', async () => {
    const { kubectl } = stage.world;
    const versions = async () =>
      versionsOf(
        kubectl,
        await Promise.all(LAYERS.map((layer) => stage.kustomizations.get(layer))),
      );
    const first = await versions();
    assert.ok(first.size > 25, [...first.keys()].join(', '));
    await Promise.all(LAYERS.map((layer) => stage.kustomizations.again(layer)));
    assert.deepEqual(await versions(), first);
    assertAdmitted(await create(signed));
  });

  it('refuses a revision with a policy that does not compile, and names the field', async () => {
    const started = performance.now();
    const revision = await publish([badCel('refused'), broken('innocent', {})]);
    const { status, reason, message } = await stage.kustomizations.verdict(
      'trust-policies',
      revision,
    );
    assert.deepEqual([status, reason], ['False', 'ReconciliationFailed'], message);
    assert.match(message, /policies\.countersign\.dev/);
    assert.match(message, /spec\.requirements\[0\]\.attestation\.conditions\[0\]/);
    assert.ok(performance.now() - started < FAST_MS);
    for (const name of ['refused', 'innocent'])
      assert.equal(await stage.world.kubectl.find('imagetrustpolicy', name), undefined);
    assertDenied(await create(lapsed), 'EXCEPTION_EXPIRED');
  });

  it('fails through Stalled, not at the timeout, where no webhook could refuse it', async () => {
    const { kubectl } = stage.world;
    // Flux looks at a layer again when one that depends on it gets a new revision.
    await leaveAlone('disabled');
    await kubectl.patch(VALIDATING, [{ op: 'remove', path: '/webhooks/2' }], { type: 'json' });
    const dry = ['create', '--dry-run=server', '--filename=-'];
    const input = JSON.stringify(badCel('stalled'));
    await waitFor(async () => (await kubectl.run(dry, { input })).code === 0, {
      timeoutMs: 10_000,
      message: 'the API server goes without that webhook',
    });
    const started = performance.now();
    const keyless = broken('keyless', { authorities: [late.authority] });
    const revision = await publish([badCel('stalled'), keyless]);
    const { status, reason, message } = await stage.kustomizations.verdict(
      'trust-policies',
      revision,
    );
    assert.deepEqual([status, reason], ['False', 'HealthCheckFailed'], message);
    assert.match(message, /ImageTrustPolicy\/(stalled|keyless) status: 'Failed'/);
    assert.ok(performance.now() - started < FAST_MS);
    assert.deepEqual(await said('imagetrustpolicy', 'stalled'), [
      'Ready=False/CompileFailed',
      'Stalled=True/CompileFailed',
    ]);
    assert.deepEqual(await said('imagetrustpolicy', 'keyless'), [
      'Ready=False/MaterialMissing',
      'Stalled=True/MaterialMissing',
    ]);
    const waiting = readyOf(await stage.kustomizations.get('trust-exceptions'));
    assert.equal(waiting?.reason, 'DependencyNotReady');
  });

  it('gives back what somebody took from a webhook configuration, and it is trusted', async () => {
    await leaveAlone('enabled');
    await stage.kustomizations.again('countersign-admission');
    await waitFor(
      async () => {
        const { webhooks } = await stage.world.kubectl.get<Configuration>(
          VALIDATING.kind,
          VALIDATING.name,
        );
        const [first, , third] = webhooks.map(({ clientConfig }) => clientConfig.caBundle);
        return first !== undefined && third === first;
      },
      { timeoutMs: 10_000, message: 'caBundle of the webhook that came back' },
    );
  });

  it('is healthy again when the key came and the broken policy left', async () => {
    const keyless = broken('keyless', { authorities: [late.authority] });
    const revision = await publish([keyless, late.configMap]);
    // Flux may look before the operator has seen the key, and would try again after retryInterval.
    await stage.kustomizations.verdict('trust-policies', revision);
    await stage.world.enforced('keyless');
    await stage.kustomizations.again('trust-policies');
    await stage.kustomizations.ready('trust-policies', revision);
    assert.equal(await stage.world.kubectl.find('imagetrustpolicy', 'stalled'), undefined);
  });

  it('prunes the exceptions that left the source, and their images are denied again', async () => {
    assertAdmitted(await create(excepted));
    exceptions = [];
    await stage.kustomizations.ready('trust-exceptions', await publish());
    assert.deepEqual(await stage.world.kubectl.list('signingexceptions'), []);
    assertDenied(await create(excepted), 'NO_SIGNATURE');
    assertDenied(await create(lapsed), 'NO_SIGNATURE');
  });

  it('shows no drift to another tool that applied the same', async () => {
    const { kubectl } = stage.world;
    const objects = await rendered(kubectl, ['crd', 'default', 'admission', 'samples']);
    const input = JSON.stringify({ apiVersion: 'v1', kind: 'List', items: objects });
    await kubectl.must(['apply', ...AS_TOOL, '--filename=-'], { input });
    await waitFor(
      async () => {
        const kinds = 'imagetrustpolicies,signingexceptions';
        const found = await kubectl.list<Conditions>(kinds);
        return found.every((o) => o.status?.observedGeneration === o.metadata.generation);
      },
      { timeoutMs: 30_000, intervalMs: 500, message: 'the operator looked at every sample' },
    );
    assert.deepEqual(await driftOf(kubectl, objects), []);
    assert.deepEqual(await driftOf(kubectl, objects), []);
    const altered = namespace('countersign-system', { 'example.com/drift': 'yes' });
    assert.deepEqual(await driftOf(kubectl, [altered]), ['Namespace/countersign-system: labels']);
  });
});

function conditionsOf({ status }: Conditions): readonly Condition[] {
  return status?.conditions ?? [];
}
