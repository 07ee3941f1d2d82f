// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { load, median, type Shot, type Target } from './load.ts';
import { pinShot, verifyShot } from './reviews.ts';
import { MANY_POLICIES, NS, setPolicies, type Scene } from './scene.ts';

const ROUNDS = 5;
const COUNT_C1 = 2_000;
const COUNT_C16 = 6_000;

/** Figures of warm admission. */
export interface WarmFigures {
  readonly warm_ratio_c1: number;
  readonly warm_ratio_c16: number;
  readonly warm_ratio_c16_16_policies: number;
  readonly warm_pin_ratio_c16: number;
  readonly warm_per_second_c16: number;
  readonly warm_p99_ms_c16: number;
  readonly bare_per_second_c16: number;
  readonly warm_registry_requests: number;
}

/** Warm admission as a ratio to the bare server: rounds alternate between both; medians of five. */
export async function benchWarm(scene: Scene): Promise<WarmFigures> {
  const digests = { images: scene.images.map((i) => i.pinned), namespace: NS };
  const tags = { images: scene.images.map((i) => i.reference), namespace: NS };
  await setPolicies(scene, 1);
  const digestShots = [verifyShot(digests)];
  await load(scene.webhook, digestShots, { connections: 16, count: 3_000 });
  await load(scene.bare, digestShots, { connections: 16, count: 3_000 });
  scene.proxy.reset();
  const c1 = await compare(scene, digestShots, { connections: 1, count: COUNT_C1 });
  const c16 = await compare(scene, digestShots, { connections: 16, count: COUNT_C16 });
  const requests = scene.proxy.requests.length;
  await setPolicies(scene, MANY_POLICIES);
  await load(scene.webhook, digestShots, { connections: 16, count: 1_000 });
  const many = await compare(scene, digestShots, { connections: 16, count: COUNT_C16 });
  await setPolicies(scene, 1);
  const pin = await comparePin(scene, tags, digests);
  return {
    warm_ratio_c1: c1.ratio,
    warm_ratio_c16: c16.ratio,
    warm_ratio_c16_16_policies: many.ratio,
    warm_pin_ratio_c16: pin.ratio,
    warm_per_second_c16: c16.perSecond,
    warm_p99_ms_c16: c16.p99Ms,
    bare_per_second_c16: c16.barePerSecond,
    warm_registry_requests: requests,
  };
}

interface Comparison {
  readonly ratio: number;
  readonly perSecond: number;
  readonly p99Ms: number;
  readonly barePerSecond: number;
}

async function compare(
  scene: Scene,
  shots: readonly Shot[],
  options: { connections: number; count: number },
): Promise<Comparison> {
  return await compareShots(scene, { ours: shots, bare: shots }, options);
}

/** One admission = pin + verify on both sides. */
async function comparePin(scene: Scene, tags: PodImages, digests: PodImages): Promise<Comparison> {
  const ours = [pinShot(tags), verifyShot(digests)];
  const bare = [verifyShot(tags), verifyShot(digests)];
  return await compareShots(scene, { ours, bare }, { connections: 16, count: COUNT_C16 / 2 });
}

interface PodImages {
  readonly images: readonly string[];
  readonly namespace: string;
}

async function compareShots(
  scene: Scene,
  shots: { readonly ours: readonly Shot[]; readonly bare: readonly Shot[] },
  options: { connections: number; count: number },
): Promise<Comparison> {
  const run = (target: Target, which: readonly Shot[]) => load(target, which, options);
  const ours = [];
  const bare = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    bare.push(await run(scene.bare, shots.bare));
    ours.push(await run(scene.webhook, shots.ours));
  }
  const perSecond = median(ours.map((r) => r.perSecond));
  const barePerSecond = median(bare.map((r) => r.perSecond));
  return {
    ratio: perSecond / barePerSecond,
    perSecond,
    barePerSecond,
    p99Ms: median(ours.map((r) => r.p99Ms)),
  };
}
