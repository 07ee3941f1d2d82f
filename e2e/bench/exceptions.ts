// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { systemClock } from '../../runtime/clock.ts';
import {
  KubeClient,
  loadKubeConfig,
  Reflector,
  type KubeObject,
} from '../../runtime/kube/index.ts';
import { silentLogger } from '../../runtime/log/index.ts';
import { waitFor, type KubernetesObject } from '../harness/index.ts';
import { exception } from '../world/index.ts';
import { load, median, type Shot } from './load.ts';
import { verifyShot } from './reviews.ts';
import { inParallel } from './scale/parallel.ts';
import { NS, setPolicies, startScene, type Scene } from './scene.ts';

/** As many as have an effect. */
const EXCEPTIONS = 10_000;
const NUMBERS: readonly number[] = Array.from({ length: EXCEPTIONS }, (_, n) => n);
/** Of these name the images that are judged, for another service account. */
const MATCHING = 20;
const ROUNDS = 7;
const COUNT = 16_000;
/** After so many writes the control plane and the operator go on for a while: events, compaction. */
const REST_MS = 30_000;
const HOUR = 3_600_000;
const RESOURCE = { group: 'countersign.dev', version: 'v1alpha1', plural: 'signingexceptions' };
const PATH = `/apis/${RESOURCE.group}/${RESOURCE.version}/namespaces/${NS}/${RESOURCE.plural}`;

/** Figures of admission beside many exceptions. */
export interface ExceptionFigures {
  /** Throughput with ten thousand live exceptions to that with none, each held to the bare server beside it. */
  readonly exceptions_10000_ratio: number;
  /** From the first one written until the operator has told the state of each in its status. */
  readonly exceptions_10000_settled_s: number;
}

/** Warm admission of signed images without exceptions, with ten thousand, and without again. */
export async function benchExceptions(): Promise<ExceptionFigures> {
  const scene = await startScene();
  const config = loadKubeConfig({ kubeconfigPath: scene.world.plane.kubeconfig });
  try {
    await setPolicies(scene, 1);
    const client = new KubeClient(config);
    const shots = [verifyShot({ images: scene.images.map((i) => i.pinned), namespace: NS })];
    await load(scene.webhook, shots, { connections: 16, count: COUNT });
    const before = await ratesOf(scene, shots);
    const settledMs = await fill(scene, client);
    await sleep(REST_MS);
    const filled = await ratesOf(scene, shots);
    await empty(client);
    await sleep(REST_MS);
    const after = await ratesOf(scene, shots);
    return {
      exceptions_10000_ratio: median(filled) / median([...before, ...after]),
      exceptions_10000_settled_s: settledMs / 1000,
    };
  } finally {
    await config.close();
    await scene.stop();
  }
}

/** Ours to the bare server, round by round. */
async function ratesOf(scene: Scene, shots: readonly Shot[]): Promise<readonly number[]> {
  const rates: number[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    const bare = await load(scene.bare, shots, { connections: 16, count: COUNT });
    const ours = await load(scene.webhook, shots, { connections: 16, count: COUNT });
    rates.push(ours.perSecond / bare.perSecond);
  }
  return rates;
}

async function fill(scene: Scene, client: KubeClient): Promise<number> {
  const started = performance.now();
  await inParallel(NUMBERS, 16, (n) =>
    client.create(PATH, exceptionOf(n, scene), { timeoutMs: 30_000 }),
  );
  await mirrored(
    client,
    (seen) => seen.length === EXCEPTIONS && seen.every((object) => isInEffect(object)),
  );
  return performance.now() - started;
}

/** One by one: the API server answers to the deletion of a whole collection only once all are gone. */
async function empty(client: KubeClient): Promise<void> {
  await inParallel(NUMBERS, 16, (n) =>
    client.delete(`${PATH}/${nameOf(n)}`, { timeoutMs: 30_000 }),
  );
  await mirrored(client, (objects) => objects.length === 0);
}

function nameOf(n: number): string {
  return `exception-${n.toString()}`;
}

function exceptionOf(n: number, { images }: Scene): KubernetesObject {
  const isMatching = n % (EXCEPTIONS / MATCHING) === 0;
  const hash = createHash('sha256').update(n.toString()).digest('hex');
  return exception({
    name: nameOf(n),
    namespace: NS,
    policy: 'bench-0',
    digests: isMatching ? images.map(({ digest }) => digest) : [`sha256:${hash}`],
    serviceAccounts: ['another'],
    requestedBy: 'e2e-admin',
    expiresAt: new Date(Date.now() + HOUR),
  });
}

interface ExceptionLike extends KubeObject {
  readonly status?: { readonly conditions?: readonly { type: string; status: string }[] };
}

function isInEffect({ status }: ExceptionLike): boolean {
  return status?.conditions?.some((c) => c.type === 'Active' && c.status === 'True') ?? false;
}

/** Waits until what a watch of its own shows of all exceptions is as it should be. */
async function mirrored(
  client: KubeClient,
  isDone: (objects: readonly ExceptionLike[]) => boolean,
): Promise<void> {
  const mirror = new Reflector<ExceptionLike>({
    client,
    clock: systemClock,
    logger: silentLogger,
    resource: RESOURCE,
  });
  mirror.start();
  try {
    await mirror.synced;
    await waitFor(() => isDone([...mirror.store.list()]), {
      timeoutMs: 600_000,
      intervalMs: 250,
      message: 'exceptions as they should be',
    });
  } finally {
    await mirror.stop();
  }
}
