// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { it } from 'mocha';
import { waitFor } from '../../harness/index.ts';
import type { Member } from '../leadership/stage.ts';
import { step } from './clock.ts';
import { askReplica } from './replica.ts';
import { NS, type ChaosStage } from './stage.ts';

const HOUR = 3_600_000;

/**
 * Wall clocks that jump. A process believes its own clock: with one that is wrong, exceptions begin and
 * end by the wrong time; with the right one again, by the right one, at once.
 */
export function clockChapters(stageOf: () => ChaosStage, replica: () => Member): void {
  const stepped = (member: Member, offsetMs: number): void => {
    const { clocks, timeline } = stageOf();
    timeline.note(`the clock of ${member.name} is ${offsetMs.toString()} ms off`);
    if (member.component.pid !== undefined) step(clocks, member.component.pid, offsetMs);
  };
  const asked = (member: Member, repository: 'excepted' | 'lasting' | 'signed') =>
    askReplica(member.port, { image: stageOf().image(repository).pinned, namespace: NS });
  const answers = (repository: 'excepted' | 'lasting', answer: string) =>
    waitFor(async () => (await asked(replica(), repository)) === answer, {
      timeoutMs: 5_000,
      message: `${repository}: ${answer}`,
    });

  it('fault 22: with a clock that is stepped, exceptions end by it; with the right one, none comes back', async () => {
    const stage = stageOf();
    const off = replica();
    const others = stage.members.webhooks.filter((webhook) => webhook !== off);
    // New connections go to those with the right clock; the API server keeps those that it has.
    stage.members.withdraw(off);
    await stage.grants('lasting', 'lasting');
    await answers('lasting', 'admitted');
    const right = [HOUR, -HOUR].map((offset) => stage.timeline.steps(offset));
    stepped(off, HOUR);
    await answers('lasting', 'EXCEPTION_EXPIRED');
    assert.equal(await asked(off, 'signed'), 'admitted');
    assert.equal(await off.component.isReady(), true);
    stepped(off, -HOUR);
    await answers('excepted', 'admitted');
    for (const other of others) assert.equal(await asked(other, 'excepted'), 'EXCEPTION_EXPIRED');
    assert.equal(await asked(off, 'signed'), 'admitted');
    assert.equal(await off.component.isReady(), true);
    stepped(off, 0);
    await answers('excepted', 'EXCEPTION_EXPIRED');
    await answers('lasting', 'admitted');
    for (const isRight of right) isRight();
    await stage.ends('lasting');
    stage.members.restore(off);
  });

  it('fault 22: a leader whose clock is stepped leads on, and its edits are in force', async () => {
    const stage = stageOf();
    const { key, otherKey } = stage.world;
    const leader = await stage.members.leader(stage.members.operators, 20_000);
    for (const offset of [HOUR, -HOUR]) {
      stepped(leader, offset);
      await stage.accepts([key]);
      await stage.recorder.sees('rotated', 'SIGNATURE_INVALID');
    }
    stepped(leader, 0);
    await stage.accepts([key, otherKey]);
    await stage.recorder.sees('rotated', 'admitted');
    assert.deepEqual(await stage.members.leaders(stage.members.operators), [leader]);
  });
}
