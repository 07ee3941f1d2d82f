// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'mocha';
import {
  signLegacy,
  waitFor,
  type KubernetesObject,
  type PushedImage,
  type Registry,
} from '../harness/index.ts';
import { attachLayers, readLayers } from '../sigstore/index.ts';
import { reportOf, resultsOf } from '../story/index.ts';
import {
  deployment,
  exception,
  keyPolicySpec,
  namespace,
  policy,
  startWorld,
  type World,
} from '../world/index.ts';
import { installAdmission, installForProcesses } from '../world/manifests.ts';

const NS = 'remediation';
const RIGHTS = join(import.meta.dirname, '../../config/components/remediation/remediation.yaml');
/** Nothing is evicted in the first minute of an operator; an absence is confirmed after a minute. */
const ROUND_MS = 60_000;
const SLACK_MS = 30_000;

interface PodLike {
  readonly metadata: {
    readonly labels?: Readonly<Record<string, string>>;
    readonly deletionTimestamp?: string;
  };
  readonly status?: { readonly phase?: string };
}

interface EventLike {
  readonly reason: string;
  readonly message: string;
  readonly involvedObject: { readonly kind: string; readonly name: string };
}

interface LiveLike {
  readonly metadata: { readonly generation: number };
  readonly spec: {
    readonly template: {
      readonly spec: { readonly containers: readonly { readonly image: string }[] };
    };
  };
  readonly status?: { readonly observedGeneration?: number };
}

interface Rolled {
  readonly kind: 'Deployment' | 'StatefulSet' | 'DaemonSet';
  readonly name: string;
  readonly labels?: Readonly<Record<string, string>>;
}

const FREE: readonly Rolled[] = [
  { kind: 'Deployment', name: 'rolled/app' },
  { kind: 'StatefulSet', name: 'rolled/set' },
  { kind: 'DaemonSet', name: 'rolled/daemon' },
];
const FLUX: Rolled = {
  kind: 'Deployment',
  name: 'rolled/flux',
  labels: { 'kustomize.toolkit.fluxcd.io/name': 'apps' },
};
const ROLLED: readonly Rolled[] = [...FREE, FLUX];
/** Never had another image. */
const FRESH: Rolled = { kind: 'Deployment', name: 'rolled/fresh' };

describe('remediation on a real API server', function () {
  this.timeout(240_000);
  let world: World;
  const images = new Map<string, PushedImage>();
  /** When the first of a Deployment's pods were gone. */
  let firstRoundAt = 0;

  /** Pushes `folder/name` and signs it; one replica unless told. */
  const runs = async (
    name: string,
    { registry = world.registry, replicas = 1, isSigned = true }: RunOptions = {},
  ): Promise<void> => {
    const image = await world.push(registry, name, '1.0');
    if (isSigned) await signLegacy(world.key, image.pinned);
    images.set(name, image);
    const object = { name: nameOf(name), namespace: NS, image: image.pinned, replicas };
    deployments.push(deployment(object));
  };
  const deployments: ReturnType<typeof deployment>[] = [];
  const imageOf = (name: string): PushedImage => {
    const image = images.get(name);
    assert.ok(image !== undefined);
    return image;
  };
  const enforce = async (
    folder: string,
    {
      registry = world.registry,
      keys = [world.key],
      onRejected = 'Evict',
      ...rest
    }: PolicyOptions = {},
  ): Promise<void> => {
    const spec = keyPolicySpec({
      images: [`${registry.host}/${folder}/**`],
      keys: keys.map(({ publicKey }) => publicKey),
      reverification: { interval: '10s', onRejected },
      ...rest,
    });
    await world.kubectl.apply(policy(folder, spec));
    await world.enforced(folder);
  };
  const pods = async (name: string): Promise<number> => {
    const all = await world.kubectl.list<PodLike>('pods', NS);
    return all.filter(
      ({ metadata, status }) =>
        metadata.labels?.['app'] === nameOf(name) &&
        metadata.deletionTimestamp === undefined &&
        status?.phase === 'Running',
    ).length;
  };
  const podsBecome = (name: string, count: number, timeoutMs: number): Promise<unknown> =>
    waitFor(async () => (await pods(name)) === count, {
      timeoutMs,
      message: `${count.toString()} pods of ${name}\n${world.operator.logTail(20)}`,
    });
  const events = async (name: string, reason: string): Promise<readonly string[]> => {
    const all = await world.kubectl.list<EventLike>('events', NS);
    return all
      .filter(({ involvedObject }) => involvedObject.kind === 'Deployment')
      .filter((event) => event.involvedObject.name === nameOf(name) && event.reason === reason)
      .map(({ message }) => message);
  };
  const isTold = (name: string, reason: string, timeoutMs: number): Promise<readonly string[]> =>
    waitFor(
      async () => {
        const told = await events(name, reason);
        return told.length === 0 ? undefined : told;
      },
      { timeoutMs, message: `${reason} of ${name}\n${world.operator.logTail(20)}` },
    );
  const result = async (name: string, kind = 'Deployment'): Promise<string> => {
    const found = await reportOf(world, { kind, name: nameOf(name), namespace: NS });
    return resultsOf(found)
      .map((r) => [r.result, r.properties['reason'] ?? ''].join(' ').trim())
      .join(', ');
  };
  const isReported = (name: string, wanted: string, kind?: string): Promise<unknown> =>
    waitFor(async () => (await result(name, kind)) === wanted, {
      timeoutMs: SLACK_MS,
      message: `${name} is reported as ${wanted}`,
    });

  /** A workload with the earlier or the later of two images, which different keys signed. */
  const rolled = ({ kind, name, labels = {} }: Rolled, tag: string): KubernetesObject => {
    const image = imageOf(tag).pinned;
    const object = deployment({ name: nameOf(name), namespace: NS, image });
    const { replicas, ...rest } = object['spec'] as { readonly replicas: number };
    const own = {
      Deployment: { replicas },
      StatefulSet: { replicas, serviceName: 'none' },
      DaemonSet: {},
    };
    const metadata = { name: nameOf(name), namespace: NS, labels };
    return { ...object, kind, metadata, spec: { ...rest, ...own[kind] } };
  };
  const imageIs = ({ kind, name }: Rolled, tag: string, timeoutMs = SLACK_MS): Promise<unknown> =>
    waitFor(
      async () => {
        const { spec, status, metadata } = await world.kubectl.get<LiveLike>(
          kind,
          nameOf(name),
          NS,
        );
        const isSeen = status?.observedGeneration === metadata.generation;
        return isSeen && spec.template.spec.containers[0]?.image === imageOf(tag).pinned;
      },
      { timeoutMs, message: `${kind} ${name} has ${tag}\n${world.operator.logTail(20)}` },
    );

  before(async () => {
    world = await startWorld({
      env: {
        COUNTERSIGN_REMEDIATION: 'true',
        // Admission must not know signatures any more that are gone.
        COUNTERSIGN_EVIDENCE_FRESH_SECONDS: '1',
        COUNTERSIGN_EVIDENCE_NEGATIVE_SECONDS: '1',
      },
      installer: {
        base: async ({ kubectl }) => {
          await installForProcesses(kubectl);
          await kubectl.apply(readFileSync(RIGHTS, 'utf8'), { serverSide: true });
        },
        admission: ({ kubectl }, port) => installAdmission(kubectl, port),
      },
    });
    await world.kubectl.apply(namespace(NS));
    const registry = world.tagRegistry;
    for (const [tag, key] of [
      ['earlier', world.otherKey],
      ['later', world.key],
    ] as const) {
      const image = await world.push(world.registry, 'rolled/app', tag);
      await signLegacy(key, image.pinned);
      images.set(tag, image);
    }
    await Promise.all([
      runs('revoked/app', { replicas: 8 }),
      runs('revoked/guarded', { replicas: 2 }),
      runs('reported/app'),
      runs('excepted/app', { isSigned: false }),
      ...['one', 'two', 'three', 'lost', 'flooded'].map((name) => runs(`kept/${name}`)),
    ]);
    await Promise.all(
      ['one', 'two', 'three', 'four'].map((n) => runs(`stormy/${n}`, { registry })),
    );
    await Promise.all([
      enforce('revoked'),
      enforce('reported', { onRejected: 'Report' }),
      enforce('excepted', { exceptions: { allowed: true, approval: 'NotRequired' } }),
      enforce('kept'),
      enforce('stormy', { registry }),
      enforce('rolled', { keys: [world.key, world.otherKey], onRejected: 'Rollback' }),
    ]);
    const { digest } = imageOf('excepted/app');
    const expiresAt = new Date(Date.now() + 30_000);
    const digests = [digest];
    const named = { name: 'soon', namespace: NS, policy: 'excepted', requestedBy: 'e2e-admin' };
    await world.kubectl.apply([
      exception({ ...named, digests, expiresAt }),
      {
        apiVersion: 'policy/v1',
        kind: 'PodDisruptionBudget',
        metadata: { name: 'guarded', namespace: NS },
        spec: { minAvailable: 2, selector: { matchLabels: { app: nameOf('revoked/guarded') } } },
      },
    ]);
    await world.kubectl.apply(deployments);
    for (const object of ROLLED) await world.kubectl.apply(rolled(object, 'earlier'));
    for (const object of ROLLED) await imageIs(object, 'earlier');
    for (const object of [...ROLLED, FRESH]) await world.kubectl.apply(rolled(object, 'later'));
    await isReported('excepted/app', 'skip');
    for (const { kind, name } of [...ROLLED, FRESH]) await isReported(name, 'pass', kind);
    for (const name of images.keys())
      if (name.includes('/') && name !== 'excepted/app') await isReported(name, 'pass');
    await podsBecome('revoked/app', 8, SLACK_MS);
    await Promise.all(
      ['revoked', 'reported'].map((folder) => {
        const onRejected = folder === 'revoked' ? 'Evict' : 'Report';
        return enforce(folder, { keys: [world.otherKey], onRejected });
      }),
    );
    await enforce('rolled', { keys: [world.otherKey], onRejected: 'Rollback' });
    const lost = [...images].filter(([name]) => name === 'kept/lost' || name.startsWith('stormy/'));
    for (const [, { pinned }] of lost) await attachLayers(pinned, 'sig', []);
    const { pinned } = imageOf('kept/flooded');
    const [layer] = await readLayers(pinned, 'sig');
    assert.ok(layer !== undefined);
    const junk = Array.from({ length: 150 }, (_, n) => ({
      ...layer,
      annotations: { 'dev.cosignproject.cosign/signature': btoa(`junk ${n.toString()}`) },
    }));
    await attachLayers(pinned, 'sig', junk);
  });
  after(() => world.stop());

  it('rolls back to the last image that verifies, and evicts nothing for it', async () => {
    for (const object of FREE) {
      await imageIs(object, 'earlier');
      await isReported(object.name, 'pass', object.kind);
    }
    const [told = ''] = await isTold('rolled/app', 'RolledBack', 5_000);
    const [from, to] = [imageOf('later').pinned, imageOf('earlier').pinned];
    assert.equal(told, `rolled back ${from} to ${to}: ${from}: TrustRevoked [rolled/signed]`);
    assert.deepEqual(await events('rolled/app', 'Evicted'), []);
  });

  it('leaves alone what Flux owns, and what never had an image that verifies', async () => {
    await isTold('rolled/flux', 'RollbackSkipped', SLACK_MS);
    await isTold('rolled/fresh', 'RollbackImpossible', SLACK_MS);
    for (const object of [FLUX, FRESH]) {
      await imageIs(object, 'later');
      assert.equal(await pods(object.name), 1);
    }
  });

  it('evicts a quarter of the pods whose key was taken from the policy', async () => {
    await waitFor(async () => (await pods('revoked/app')) < 8, {
      timeoutMs: ROUND_MS + SLACK_MS,
      message: `an eviction\n${world.operator.logTail(20)}`,
    });
    firstRoundAt = Date.now();
    await podsBecome('revoked/app', 6, 5_000);
    const told = await isTold('revoked/app', 'Evicted', 5_000);
    for (const message of told)
      assert.match(message, /^evicted revoked-app-.*: TrustRevoked \[revoked\/signed\]$/);
  });

  it('evicts what an exception covered until it ended', async () => {
    await podsBecome('excepted/app', 0, SLACK_MS);
    const [told = ''] = await isTold('excepted/app', 'Evicted', 5_000);
    assert.match(told, /: ExceptionEnded \[excepted\/signed\]$/);
  });

  it('leaves alone what a PodDisruptionBudget guards, and says so', async () => {
    const [told = ''] = await isTold('revoked/guarded', 'RemediationHeld', SLACK_MS);
    assert.match(told, /^a PodDisruptionBudget does not let revoked-guarded-.* be evicted: /);
    assert.equal(await pods('revoked/guarded'), 2);
  });

  it('evicts the image that lost its signatures where others have theirs', async () => {
    assert.equal(await result('kept/lost'), 'fail NO_SIGNATURE');
    const [told = ''] = await isTold('kept/lost', 'Evicted', ROUND_MS + SLACK_MS);
    await podsBecome('kept/lost', 0, SLACK_MS);
    assert.match(told, /: SignatureAbsent \[kept\/signed\]$/);
  });

  it('evicts the next pods of a workload a minute later', async () => {
    await podsBecome('revoked/app', 5, ROUND_MS + SLACK_MS);
    const passed = Date.now() - firstRoundAt;
    assert.ok(passed > ROUND_MS - 5_000, passed.toString());
  });

  it('evicts nothing where a registry lost the signatures of many images, and says so', async () => {
    for (const name of ['one', 'two', 'three', 'four']) {
      await isTold(`stormy/${name}`, 'RemediationHeld', SLACK_MS);
      assert.equal(await result(`stormy/${name}`), 'fail NO_SIGNATURE');
      assert.equal(await pods(`stormy/${name}`), 1);
      assert.deepEqual(await events(`stormy/${name}`, 'Evicted'), []);
    }
  });

  it('evicts nothing whose signatures were flooded with junk', async () => {
    assert.equal(await result('kept/flooded'), 'fail LIMIT_EXCEEDED');
    assert.equal(await pods('kept/flooded'), 1);
    assert.deepEqual(await events('kept/flooded', 'Evicted'), []);
  });

  it('evicts nothing by a policy that asks for reports only', async () => {
    assert.match(await result('reported/app'), /^fail /);
    assert.equal(await pods('reported/app'), 1);
  });

  it('counts what it did and what it was kept from', async () => {
    const { body } = await world.operator.probe('/metrics');
    const count = (outcome: string, action = 'evict'): number =>
      Number(
        new RegExp(`remediations_total\\{action="${action}",outcome="${outcome}"\\} (\\d+)`).exec(
          body,
        )?.[1] ?? '0',
      );
    assert.ok(count('done') >= 5);
    assert.ok(count('blocked') > 0 && count('held') > 0);
    assert.equal(count('failed'), 0);
    assert.equal(count('done', 'rollback'), FREE.length);
    assert.equal(count('failed', 'rollback'), 0);
  });
});

interface RunOptions {
  readonly registry?: Registry;
  readonly replicas?: number;
  readonly isSigned?: boolean;
}

interface PolicyOptions {
  readonly registry?: Registry;
  readonly keys?: readonly World['key'][];
  readonly onRejected?: string;
  readonly [field: string]: unknown;
}

function nameOf(path: string): string {
  return path.replace('/', '-');
}
