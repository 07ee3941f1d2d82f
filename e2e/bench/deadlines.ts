// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { setTimeout as sleep } from 'node:timers/promises';
import { pushImage, waitFor } from '../harness/index.ts';
import { reportOf, resultsOf } from '../story/index.ts';
import { deployment, exception, keyPolicySpec, policy } from '../world/index.ts';
import { quantile, RawClient } from './load.ts';
import { verifyShot } from './reviews.ts';
import { NS, type Scene } from './scene.ts';

const EDITS = 50;
const EXCEPTIONS = 20;
const LEAD_MS = 8_000;

/** Figures of how soon a change counts. */
export interface DeadlineFigures {
  readonly policy_edit_to_enforced_ms_p99: number;
  readonly exception_deadline_to_denied_ms_max: number;
  readonly exception_deadline_to_report_ms_max: number;
}

/** Measures policy edits and exception deadlines against the webhook's own answers. */
export async function benchDeadlines(scene: Scene): Promise<DeadlineFigures> {
  const edits = await policyEdits(scene);
  const { denied, reported } = await exceptionDeadlines(scene);
  return {
    policy_edit_to_enforced_ms_p99: quantile(
      [...edits].sort((a, b) => a - b),
      0.99,
    ),
    exception_deadline_to_denied_ms_max: Math.max(...denied),
    exception_deadline_to_report_ms_max: Math.max(...reported),
  };
}

/** From the API server's answer to an edit until the webhook's first answer under it. */
async function policyEdits(scene: Scene): Promise<readonly number[]> {
  const { world, proxy, images } = scene;
  const spec = (key: string) => keyPolicySpec({ images: [`${proxy.host}/bench/one`], keys: [key] });
  await world.kubectl.apply(policy('bench-edit', spec(world.key.publicKey)));
  await world.enforced('bench-edit');
  const client = await RawClient.open(scene.webhook);
  const times: number[] = [];
  for (let n = 0; n < EDITS; n += 1) {
    const good = n % 2 === 1;
    await world.kubectl.apply(
      policy('bench-edit', spec((good ? world.key : world.otherKey).publicKey)),
    );
    const at = performance.now();
    const shot = verifyShot({ images: [images[0].pinned], namespace: NS }, '"allowed":');
    await waitFor(async () => (await client.send(shot)).includes(`"allowed":${good.toString()}`), {
      timeoutMs: 10_000,
      intervalMs: 5,
      message: 'edit enforced',
    });
    times.push(performance.now() - at);
  }
  client.close();
  await world.kubectl.delete('itp', 'bench-edit');
  return times;
}

/** Exceptions that all end at different instants; each has a Deployment whose report must flip. */
async function exceptionDeadlines(
  scene: Scene,
): Promise<{ denied: readonly number[]; reported: readonly number[] }> {
  const { world } = scene;
  const requestedBy = await world.kubectl.whoAmI();
  const results = [];
  for (let n = 0; n < EXCEPTIONS; n += 1) results.push(await oneDeadline(scene, n, requestedBy));
  const settled = await Promise.all(results.map((r) => r()));
  return { denied: settled.map((r) => r.denied), reported: settled.map((r) => r.reported) };
}

async function oneDeadline(
  scene: Scene,
  n: number,
  requestedBy: string,
): Promise<() => Promise<{ denied: number; reported: number }>> {
  const { world, proxy } = scene;
  const name = `deadline-${n.toString()}`;
  const image = await pushImage(world.registry, `bench/${name}`, '1.0');
  const pinned = image.pinned.replace(world.registry.host, proxy.host);
  await world.kubectl.apply(deployment({ name, namespace: NS, image: pinned, replicas: 0 }));
  const expiresAt = new Date(Date.now() + LEAD_MS);
  await world.kubectl.apply(
    exception({
      name,
      namespace: NS,
      policy: 'bench-0',
      digests: [image.digest],
      expiresAt,
      requestedBy,
    }),
  );
  const shot = verifyShot({ images: [pinned], namespace: NS }, '"allowed":');
  const measured = Promise.all([
    deniedAfter(scene, shot, expiresAt),
    reportedAfter(scene, name, expiresAt),
  ]);
  return async () => {
    const [denied, reported] = await measured;
    return { denied, reported };
  };
}

async function deniedAfter(
  scene: Scene,
  shot: ReturnType<typeof verifyShot>,
  expiresAt: Date,
): Promise<number> {
  const client = await RawClient.open(scene.webhook);
  await waitFor(async () => (await client.send(shot)).includes('"allowed":true'), {
    timeoutMs: LEAD_MS - 1_000,
    intervalMs: 50,
    message: 'exception in effect',
  });
  await sleep(expiresAt.getTime() - Date.now() - 20);
  await waitFor(async () => (await client.send(shot)).includes('EXCEPTION_EXPIRED'), {
    timeoutMs: 5_000,
    intervalMs: 2,
    message: 'exception ended',
  });
  client.close();
  return Math.max(0, Date.now() - expiresAt.getTime());
}

async function reportedAfter(scene: Scene, name: string, expiresAt: Date): Promise<number> {
  const result = async (): Promise<string | undefined> =>
    resultsOf(await reportOf(scene.world, { kind: 'Deployment', name, namespace: NS }))[0]?.result;
  await sleep(Math.max(0, expiresAt.getTime() - Date.now()));
  await waitFor(async () => (await result()) === 'fail', {
    timeoutMs: 20_000,
    intervalMs: 100,
    message: `report of ${name}`,
  });
  return Date.now() - expiresAt.getTime();
}
