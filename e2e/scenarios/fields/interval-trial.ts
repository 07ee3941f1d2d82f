// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { pushImage, signBundle, type PushedImage } from '../../harness/index.ts';
import type { Ground, Spec } from './ground.ts';
import { eventually, type Trial, type Tried } from './trial.ts';

/** A tenth is added to the interval at most; the rest is for what it takes to look. */
const LOOKED_MS = 14_000;

/** Two policies side by side, each for its own repository, so that both wait at the same time. */
export const INTERVAL_TRIAL: Trial = {
  kind: 'ImageTrustPolicy',
  path: 'reverification.interval',
  shows: 'a workload that is signed later is reported so after that time',
  alongside: ['match.images[]'],
  run: async (ground) => {
    const [short, long] = await Promise.all([follow(ground, '10s'), follow(ground, '168h')]);
    await Promise.all([short, long].map(({ image }) => signBundle(ground.world.key, image.pinned)));
    const passed = await eventually(short.look, 'pass', LOOKED_MS);
    assert.equal(passed, 'pass');
    const stayed = await long.look();
    assert.equal(stayed, 'fail');
    return [tried(short, passed), tried(long, stayed)];
  },
};

interface Followed {
  readonly spec: Spec;
  readonly image: PushedImage;
  readonly look: () => Promise<string>;
}

/** A workload that is not signed, and is reported so. */
async function follow(ground: Ground, interval: string): Promise<Followed> {
  const { host } = ground.world.registry;
  const repository = `${ground.folder}/every-${interval}`;
  const image = await pushImage(ground.world.registry, repository, '1.0');
  const match = { images: [`${host}/${repository}`] };
  const spec = ground.policy({ match, reverification: { interval } });
  await ground.enforce(spec, `${ground.name}-${interval}`);
  await ground.deploy(image.pinned, interval);
  const look = (): Promise<string> => ground.report(({ result }) => result, interval);
  assert.equal(await eventually(look, 'fail'), 'fail');
  return { spec, image, look };
}

function tried({ spec }: Followed, seen: string): Tried {
  return { spec, seen };
}
