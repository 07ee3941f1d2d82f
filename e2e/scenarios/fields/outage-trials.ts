// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { pushImage, signBundle } from '../../harness/index.ts';
import type { Ground, Spec } from './ground.ts';
import { eventually, type Trial, type Tried } from './trial.ts';

/** Evidence is due after 10 seconds and a tenth; the rest is for what it takes to look. */
const DUE_MS = 20_000;
/** A minute of age, besides. */
const OLD_MS = 90_000;
const KEPT = 'pass REGISTRY_UNAVAILABLE';
const interval = '10s';

/** Fields that say what happens while a registry is away; told by reports, as admission remembers longer. */
export const OUTAGE_TRIALS: readonly Trial[] = [
  {
    kind: 'ImageTrustPolicy',
    path: 'onInconclusive.action',
    shows: 'AllowLastVerified judges by kept evidence in an outage, and says so',
    alongside: ['match.images[]', 'onInconclusive.maxAge'],
    run: async (ground: Ground): Promise<readonly Tried[]> => {
      const [kept, denied] = await cutOff(ground, [
        { action: 'AllowLastVerified', maxAge: '1h' },
        { action: 'Deny' },
      ]);
      assert.equal(await eventually(kept.look, KEPT, DUE_MS), KEPT);
      assert.equal(await denied.look(), 'pass');
      return [tried(kept, KEPT), tried(denied, 'pass')];
    },
  },
  {
    kind: 'ImageTrustPolicy',
    path: 'onInconclusive.maxAge',
    shows: 'kept evidence counts no longer than it says',
    alongside: ['match.images[]'],
    run: async (ground: Ground): Promise<readonly Tried[]> => {
      const action = 'AllowLastVerified';
      const [short, long] = await cutOff(ground, [
        { action, maxAge: '1m' },
        { action, maxAge: '1h' },
      ]);
      for (const { look } of [short, long])
        assert.equal(await eventually(look, KEPT, DUE_MS), KEPT);
      const over = 'error REGISTRY_UNAVAILABLE';
      assert.equal(await eventually(short.look, over, OLD_MS), over);
      assert.equal(await long.look(), KEPT);
      return [tried(short, over), tried(long, KEPT)];
    },
  },
];

interface Followed {
  readonly spec: Spec;
  readonly look: () => Promise<string>;
}

/** Two workloads that pass, each by a policy of its own; then their registry fails. */
async function cutOff(
  ground: Ground,
  settings: readonly [Spec, Spec],
): Promise<readonly [Followed, Followed]> {
  const way = await ground.backdrop.way();
  const [one, other] = settings;
  const followed = await Promise.all([follow(ground, 'one', one), follow(ground, 'other', other)]);
  way.cut(ground.folder);
  return followed;
}

async function follow(ground: Ground, name: string, onInconclusive: Spec): Promise<Followed> {
  const { host } = await ground.backdrop.way();
  const { registry, key } = ground.world;
  const repository = `${ground.folder}/${name}`;
  const image = await pushImage(registry, repository, '1.0');
  await signBundle(key, image.pinned);
  const match = { images: [`${host}/${repository}`] };
  const spec = ground.policy({ match, onInconclusive, reverification: { interval } });
  await ground.enforce(spec, `${ground.name}-${name}`);
  await ground.deploy(image.pinned.replace(registry.host, host), name);
  const look = (): Promise<string> =>
    ground.report(
      ({ result, properties }) => [result, properties['reason'] ?? ''].join(' ').trim(),
      name,
    );
  assert.equal(await eventually(look, 'pass'), 'pass');
  return { spec, look };
}

function tried({ spec }: Followed, seen: string): Tried {
  return { spec, seen };
}
