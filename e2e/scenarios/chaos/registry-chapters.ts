// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { waitFor, type ProxyFault } from '../../harness/index.ts';
import type { Member } from '../leadership/stage.ts';
import type { ChaosStage } from './stage.ts';

/** A lease of 15 s, two seconds until it is looked at, and a busy machine. */
const FAILOVER_MS = 25_000;
/** Longest wait for an image after its registry is well again: what was asked for, or five seconds. */
const RECOVERED_MS = 30_000;

interface Misery {
  readonly name: string;
  readonly fault: ProxyFault;
  readonly code: string;
}

const MISERIES: readonly Misery[] = [
  { name: '500', fault: { status: 500 }, code: 'REGISTRY_UNAVAILABLE' },
  { name: '503', fault: { status: 503 }, code: 'REGISTRY_UNAVAILABLE' },
  { name: 'slow', fault: { delayMs: 6_000 }, code: 'DEADLINE_EXCEEDED' },
];
/** How long the registry asks to be left alone, in seconds. */
const PATIENCE = 6;

/** Registries that fail, while the leader is paused past its lease: neither needs the other. */
export function registryChapters(stageOf: () => ChaosStage): void {
  describe('while the leader is paused past its lease', () => {
    let paused: Member;
    let next: Member;

    it('fault 4: its process stands still', async () => {
      const { members, timeline } = stageOf();
      paused = await members.leader(members.operators, FAILOVER_MS);
      next = members.other(paused);
      timeline.note('the leader is paused');
      signal(paused, 'SIGSTOP');
    });

    for (const { name, fault, code } of MISERIES)
      it(`fault 13, 15: a registry that is ${name} denies with ${code}, other registries are not affected, and it recovers`, async () => {
        const { recorder, ...stage } = partsOf(stageOf());
        const label = `registry-${name}`;
        const image = await stage.fresh(label);
        stage.breaks(fault);
        recorder.add({ label, image, serviceAccount: 'default' });
        await recorder.sees(label, code, RECOVERED_MS);
        await recorder.sees('signed', 'admitted');
        await recorder.sees('unsigned', 'NO_SIGNATURE');
        stage.breaks(undefined);
        await recorder.sees(label, 'admitted', RECOVERED_MS);
        recorder.drop(label);
      });

    it('fault 14: a registry that asks for patience is left alone, and asked again then', async () => {
      const { recorder, ...stage } = partsOf(stageOf());
      const label = 'registry-429';
      const image = await stage.fresh(label);
      stage.breaks({ status: 429, headers: { 'retry-after': PATIENCE.toString() } });
      stage.proxy.reset();
      recorder.add({ label, image, serviceAccount: 'default' });
      await recorder.sees(label, 'REGISTRY_UNAVAILABLE', RECOVERED_MS);
      await recorder.sees('signed', 'admitted');
      const [first] = stage.proxy.requests;
      assert.ok(first !== undefined);
      const end = first.at + PATIENCE * 1000;
      await waitFor(() => performance.now() > end, { timeoutMs: 10_000, message: 'patience' });
      // Three replicas, each of which may have had some on their way when it was asked for patience.
      const asked = stage.proxy.requests.filter(({ at }) => at < end).length;
      assert.ok(asked <= 12, `${asked.toString()} requests`);
      stage.breaks(undefined);
      await recorder.sees(label, 'admitted', RECOVERED_MS);
      recorder.drop(label);
    });

    it('fault 4: the other one leads, edits are in force, and what it was is over when it goes on', async () => {
      const stage = stageOf();
      const { members, world, recorder } = stage;
      await members.leader([next], FAILOVER_MS);
      await stage.accepts([world.key]);
      const before = paused.api.writes.length;
      signal(paused, 'SIGCONT');
      await waitFor(
        async () => (await paused.component.probe('/readyz')).body.trim() === 'standby',
        { timeoutMs: FAILOVER_MS, message: 'it stands by' },
      );
      await recorder.sees('rotated', 'SIGNATURE_INVALID');
      await stage.accepts([world.key, world.otherKey]);
      await recorder.sees('rotated', 'admitted');
      assert.deepEqual(paused.api.writes.slice(before), []);
    });
  });
}

function partsOf(stage: ChaosStage): {
  readonly recorder: ChaosStage['recorder'];
  readonly proxy: ChaosStage['proxy'];
  readonly fresh: (name: string) => Promise<string>;
  readonly breaks: (fault: ProxyFault | undefined) => void;
} {
  return {
    recorder: stage.recorder,
    proxy: stage.proxy,
    fresh: (name) => stage.fresh(name),
    breaks: (fault) => {
      stage.fault = fault;
      stage.timeline.note(`the registry: ${JSON.stringify(fault ?? 'well')}`);
    },
  };
}

function signal({ component }: Member, name: NodeJS.Signals): void {
  if (component.pid !== undefined) process.kill(-component.pid, name);
}
