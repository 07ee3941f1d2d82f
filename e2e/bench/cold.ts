// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { load, median, RawClient, type Shot } from './load.ts';
import { verifyShot } from './reviews.ts';
import { NS, signedImage, type Scene } from './scene.ts';

const ROUNDS = 5;
const PER_ROUND = 32;
const BURST = 50;

/** Figures of cold admission: every registry count is the proxy's. */
export interface ColdFigures {
  readonly cold_round_trips: number;
  readonly cold_registry_requests: number;
  readonly cold_per_second_c16: number;
  readonly burst50_collections: number;
}

/** Cold admission: images nobody asked for before, one repository each. */
export async function benchCold(scene: Scene): Promise<ColdFigures> {
  const trips: number[] = [];
  const requests: number[] = [];
  const rates: number[] = [];
  const bursts: number[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    const single = await oneCold(scene, `bench/single-${round.toString()}`);
    trips.push(single.trips);
    requests.push(single.requests);
    bursts.push(await burst(scene, `bench/burst-${round.toString()}`));
    rates.push(await coldRate(scene, round));
  }
  return {
    cold_round_trips: median(trips),
    cold_registry_requests: median(requests),
    cold_per_second_c16: median(rates),
    burst50_collections: median(bursts),
  };
}

async function oneCold(
  scene: Scene,
  repository: string,
): Promise<{ trips: number; requests: number }> {
  const image = await signedImage(scene.world, scene.proxy.host, repository);
  scene.proxy.reset();
  await load(scene.webhook, [verifyShot({ images: [image.pinned], namespace: NS })], {
    connections: 1,
    count: 1,
  });
  return { trips: scene.proxy.maxSequential(), requests: scene.proxy.requests.length };
}

/** Identical cold admissions at once; how often the manifest of the digest was read. */
async function burst(scene: Scene, repository: string): Promise<number> {
  const image = await signedImage(scene.world, scene.proxy.host, repository);
  scene.proxy.reset();
  const shot = verifyShot({ images: [image.pinned], namespace: NS });
  await load(scene.webhook, [shot], { connections: BURST, count: BURST });
  return scene.proxy.requests.filter((r) => r.path.endsWith(`/manifests/${image.digest}`)).length;
}

async function coldRate(scene: Scene, round: number): Promise<number> {
  const shots: Shot[] = [];
  for (let n = 0; n < PER_ROUND; n += 1) {
    const image = await signedImage(
      scene.world,
      scene.proxy.host,
      `bench/cold-${round.toString()}-${n.toString()}`,
    );
    shots.push(verifyShot({ images: [image.pinned], namespace: NS }));
  }
  const clients = await Promise.all(
    Array.from({ length: 16 }, () => RawClient.open(scene.webhook)),
  );
  const started = performance.now();
  await Promise.all(
    clients.map(async (client) => {
      for (let shot = shots.pop(); shot !== undefined; shot = shots.pop()) await client.send(shot);
    }),
  );
  const seconds = (performance.now() - started) / 1000;
  for (const client of clients) client.close();
  return PER_ROUND / seconds;
}
