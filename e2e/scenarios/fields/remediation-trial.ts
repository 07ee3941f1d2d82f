// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import type { Ground } from './ground.ts';
import { eventually, type Trial, type Tried } from './trial.ts';

const NOT_ENABLED = 'RemediationNotEnabled';

/** This world is without the component remediation; e2e/scenarios/remediation.test.ts is with it. */
export const REMEDIATION_TRIAL: Trial = {
  kind: 'ImageTrustPolicy',
  path: 'reverification.onRejected',
  shows: 'a policy that asks for more than reports is told where this is not to be had',
  alongside: [],
  run: async (ground) => {
    const asking = await tried(ground, 'Evict', NOT_ENABLED);
    return [asking, await tried(ground, 'Report', 'nothing')];
  },
};

async function tried(ground: Ground, onRejected: string, wanted: string): Promise<Tried> {
  const name = `${ground.name}-${onRejected.toLowerCase()}`;
  const spec = ground.policy({ reverification: { interval: '1h', onRejected } });
  await ground.enforce(spec, name);
  const look = async (): Promise<string> => {
    const selector = `--field-selector=involvedObject.name=${name},reason=${NOT_ENABLED}`;
    const args = ['get', 'events', '--namespace=default', selector, '--output=name'];
    return (await ground.world.kubectl.must(args)).trim() === '' ? 'nothing' : NOT_ENABLED;
  };
  const seen = await eventually(look, wanted);
  assert.equal(seen, wanted);
  return { spec, seen };
}
