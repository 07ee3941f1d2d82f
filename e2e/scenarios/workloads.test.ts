// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { before, describe, it } from 'mocha';
import { pushImage, signBundle, waitFor, type KubernetesObject } from '../harness/index.ts';
import {
  assertAdmitted,
  keyPolicySpec,
  namespace,
  pod,
  policy,
  sharedWorld,
} from '../world/index.ts';
import type { World } from '../world/index.ts';
import { definition, KINDS, mirrorPod, ownedSet, workloadOf } from './workloads/objects.ts';

const NS = 'workloads';
const GROUP = 'rollouts.workloads.test';
const COMPLETE = { 'kwok.test/complete': 'true' };

interface WorkloadReport {
  readonly metadata: { readonly ownerReferences?: readonly { readonly uid: string }[] };
  readonly scope: {
    readonly apiVersion: string;
    readonly kind: string;
    readonly name: string;
    readonly uid: string;
  };
  readonly results: readonly { readonly result: string }[];
}

describe('workloads of every kind, on a real API server', function () {
  this.timeout(120_000);
  let world: World;
  /** Signed, and not. */
  let images: Readonly<Record<'good' | 'bad', string>>;

  const reports = (): Promise<readonly WorkloadReport[]> =>
    world.kubectl.list<WorkloadReport>('policyreports', NS);
  /** What every report says, by kind and name of what it is about. */
  const told = async (): Promise<Readonly<Record<string, string>>> => {
    const entries = (await reports()).map(({ scope, results }) => [
      `${scope.apiVersion} ${scope.kind} ${scope.name}`,
      results.map(({ result }) => result).join(' '),
    ]);
    return Object.fromEntries(entries.sort()) as Readonly<Record<string, string>>;
  };
  const becomes = async (
    holds: (told: Readonly<Record<string, string>>) => boolean,
    message: string,
  ): Promise<void> => {
    let last: Readonly<Record<string, string>> = {};
    await waitFor(async () => holds((last = await told())), { timeoutMs: 60_000, message }).catch(
      (cause: unknown) => {
        throw new Error(`${message}; told: ${JSON.stringify(last, null, 1)}`, { cause });
      },
    );
  };
  const create = async (...objects: readonly KubernetesObject[]): Promise<void> =>
    assertAdmitted(await world.kubectl.create(objects));
  const uidOf = async (kind: string, name: string): Promise<string> =>
    (await world.kubectl.get(kind, name, NS)).metadata?.uid ?? '';

  before(async () => {
    world = await sharedWorld();
    const { kubectl, registry } = world;
    await kubectl.apply([
      namespace(NS),
      definition(GROUP, 'Rollout'),
      definition(GROUP, 'Vault'),
      {
        apiVersion: 'rbac.authorization.k8s.io/v1',
        kind: 'ClusterRole',
        metadata: {
          name: 'workloads-reads-rollouts',
          labels: { 'countersign.dev/foreign-owner': 'true' },
        },
        rules: [{ apiGroups: [GROUP], resources: ['rollouts'], verbs: ['get'] }],
      },
    ]);
    await kubectl.must([
      'wait',
      '--for=condition=Established',
      '--timeout=20s',
      `crd/rollouts.${GROUP}`,
      `crd/vaults.${GROUP}`,
    ]);
    const [good, bad] = await Promise.all(
      ['signed', 'unsigned'].map((name) => pushImage(registry, `workloads/${name}`, '1.0')),
    );
    assert.ok(good !== undefined && bad !== undefined);
    await signBundle(world.key, good.pinned);
    images = { good: good.pinned, bad: bad.pinned };
    for (const [name, image] of Object.entries(images)) {
      await create(...KINDS.map((kind) => workloadOf(kind, { name, namespace: NS, image })));
      await create(pod({ name: `${name}-ended`, namespace: NS, image, annotations: COMPLETE }));
      await createByKubelet(`${name}-static`, image);
      for (const kind of ['Rollout', 'Vault']) {
        await create({
          apiVersion: `${GROUP}/v1`,
          kind,
          metadata: { name, namespace: NS },
          spec: { template: 'in a way that nobody else knows' },
        });
        const owner = await kubectl.get(`${kind.toLowerCase()}s.${GROUP}`, name, NS);
        await create(
          ownedSet({ name: `${name}-of-${kind.toLowerCase()}`, namespace: NS, image, owner }),
        );
      }
      await kubectl.must(['create', 'job', `${name}-once`, `--from=cronjob/${name}`], {
        namespace: NS,
      });
    }
    // An older state of the Rollout that is not signed: nothing runs of it.
    const owner = await kubectl.get(`rollouts.${GROUP}`, 'good', NS);
    await create(
      ownedSet({ name: 'good-old', namespace: NS, image: bad.pinned, owner, replicas: 0 }),
    );
    await ended('bad-ended');
    await kubectl.apply(
      policy(
        NS,
        keyPolicySpec({ images: [`${registry.host}/${NS}/**`], keys: [world.key.publicKey] }),
      ),
    );
    await world.enforced(NS);
  });

  /** What it runs of a file on its node. */
  async function createByKubelet(name: string, image: string): Promise<void> {
    const { kubectl } = world;
    const node = await kubectl.get('node', 'kwok-0');
    const me = ['--as=system:node:kwok-0', '--as-group=system:nodes'];
    const input = JSON.stringify(mirrorPod(name, NS, { image, node }));
    assertAdmitted(await kubectl.run(['create', '--filename=-', ...me], { input }));
  }

  async function ended(name: string): Promise<void> {
    await waitFor(
      async () =>
        (await world.kubectl.get<{ status: { phase?: string } }>('pod', name, NS)).status.phase ===
        'Succeeded',
      { timeoutMs: 20_000, message: `${name} ends` },
    );
  }

  it('have one report each, on what a person would name; what has ended has none', async () => {
    const wanted = Object.fromEntries(
      Object.entries({ good: 'pass', bad: 'fail' }).flatMap(([name, result]) => [
        ...KINDS.map((kind) => [`${kind.apiVersion} ${kind.kind} ${name}`, result]),
        [`v1 Pod ${name}-static`, result],
        [`${GROUP}/v1 Rollout ${name}`, result],
        // The operator may not read a Vault.
        [`apps/v1 ReplicaSet ${name}-of-vault`, result],
      ]),
    ) as Readonly<Record<string, string>>;
    const text = (map: Readonly<Record<string, string>>): string =>
      JSON.stringify(Object.entries(map).sort());
    await becomes((seen) => text(seen) === text(wanted), text(wanted));
  });

  it('own their reports, also as objects of another kind, and have the events', async () => {
    const uid = await uidOf(`rollouts.${GROUP}`, 'bad');
    const report = (await reports()).find(({ scope }) => scope.uid === uid);
    assert.deepEqual(
      report?.metadata.ownerReferences?.map((owner) => owner.uid),
      [uid],
    );
    const events = await world.kubectl.list<{ reason: string; involvedObject: { uid: string } }>(
      'events',
      NS,
    );
    assert.ok(
      events.some((e) => e.reason === 'ImageRejected' && e.involvedObject.uid === uid),
      'an event on the Rollout',
    );
  });

  it('leave what they owned by itself where they go without it, and take its reports along else', async () => {
    const { kubectl } = world;
    const remove = (name: string, cascade: string): Promise<string> =>
      kubectl.must(['delete', `rollouts.${GROUP}`, name, `--cascade=${cascade}`], {
        namespace: NS,
      });
    await Promise.all([remove('bad', 'orphan'), remove('good', 'background')]);
    await becomes(
      (seen) =>
        Object.keys(seen).every(
          (key) => !key.includes('Rollout') && !key.includes('good-of-rollout'),
        ) && seen['apps/v1 ReplicaSet bad-of-rollout'] === 'fail',
      'the report moves to the ReplicaSet',
    );
  });
});
