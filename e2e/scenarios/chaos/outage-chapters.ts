// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { before, describe, it } from 'mocha';
import { waitFor } from '../../harness/index.ts';
import type { ApiCall } from '../../world/index.ts';
import type { Member } from '../leadership/stage.ts';
import { clockChapters } from './clock-chapters.ts';
import { rotationChapter } from './object-chapters.ts';
import { askReplica } from './replica.ts';
import { NS, type ChaosStage } from './stage.ts';

const MINUTE = 60_000;
/** Silence after which a watch counts as dead, the wait before the next one, and a busy machine. */
const NOTICED_MS = 90_000 + 10_000;
/** Silence about exceptions with which a replica is not ready any more, and a busy machine. */
const STALE_MS = 120_000 + 15_000;
/** Longest wait of a mirror for an API server that was away, election of a leader, and a busy machine. */
const RESUMED_MS = 30_000;

const ofExceptions = ({ path }: ApiCall): boolean => path.endsWith('/signingexceptions');

/** An API server that cannot be reached, wholly or in part: mirrors keep what they have, and come back. */
export function outageChapters(stageOf: () => ChaosStage): void {
  describe('while the watch of exceptions of one webhook is in a black hole, and another may not read them', () => {
    let holed: Member;
    let refused: Member;
    let sound: Member;
    let since: number;
    let processes: readonly (number | undefined)[];
    /** When the black hole was noticed, and when the other one was not ready; what went wrong otherwise. */
    let noticed: Promise<number | Error>;
    let unready: Promise<number | Error>;

    const members = (): readonly Member[] => {
      const { operators, webhooks } = stageOf().members;
      return [...operators, ...webhooks];
    };
    const asked = (member: Member, repository: 'signed' | 'unsigned' | 'stalled' | 'held') =>
      askReplica(member.port, { image: stageOf().image(repository).pinned, namespace: NS });
    const answers = (member: Member, repository: 'stalled' | 'held', answer: string, ms: number) =>
      waitFor(async () => (await asked(member, repository)) === answer, {
        timeoutMs: ms,
        intervalMs: 200,
        message: `${member.name}: ${repository}: ${answer}`,
      });

    before(async () => {
      const stage = stageOf();
      const [first, second, third] = stage.members.webhooks;
      assert.ok(first !== undefined && second !== undefined && third !== undefined);
      [holed, refused, sound] = [first, second, third];
      await stage.grants('stalled', 'stalled');
      await stage.grants('held', 'held');
      for (const member of stage.members.webhooks)
        for (const repository of ['stalled', 'held'] as const)
          await answers(member, repository, 'admitted', 15_000);
      processes = members().map(({ component }) => component.pid);
      since = performance.now();
      stage.timeline.note('watches of exceptions are cut off');
      holed.api.isHole = (call) => call.isWatch && ofExceptions(call) && call.at < since;
      refused.api.fault = (call) => (ofExceptions(call) ? { status: 500 } : undefined);
      refused.api.cut(ofExceptions);
      // No longer than the design says: then the replica that cannot know is not ready.
      await Promise.all([stage.ends('stalled', STALE_MS), stage.ends('held', STALE_MS)]);
      noticed = momentOf(answers(holed, 'stalled', 'NO_SIGNATURE', NOTICED_MS));
      unready = momentOf(
        waitFor(async () => !(await refused.component.isReady()), {
          timeoutMs: STALE_MS,
          intervalMs: 200,
          message: 'not ready',
        }),
      );
    });

    it('those who see the exceptions end deny within a second; those who cannot go on as before', async () => {
      await answers(sound, 'stalled', 'NO_SIGNATURE', 1_000);
      await answers(sound, 'held', 'NO_SIGNATURE', 1_000);
      assert.equal(await asked(holed, 'stalled'), 'admitted');
      assert.equal(await asked(refused, 'held'), 'admitted');
    });

    it('fault 6: the API server is away for a minute; replicas stay, and all is as before in seconds', async () => {
      const stage = stageOf();
      const { plane, key, otherKey } = stage.world;
      const reads = members().map(({ api }) => api.reads.length);
      const stopped = performance.now();
      stage.timeline.note('the API server is stopped');
      await plane.stopApiServer();
      while (performance.now() - stopped < MINUTE) {
        assert.equal(await asked(sound, 'signed'), 'admitted');
        assert.equal(await asked(sound, 'unsigned'), 'NO_SIGNATURE');
        await sleep(2_000);
      }
      await plane.restartApiServer();
      stage.timeline.note('the API server is back');
      await plane.compact();
      await stage.accepts([key], RESUMED_MS);
      await stage.recorder.sees('rotated', 'SIGNATURE_INVALID');
      await stage.accepts([key, otherKey]);
      await stage.recorder.sees('rotated', 'admitted');
      await stage.recorder.sees('unsigned', 'NO_SIGNATURE');
      for (const [index, { api, name }] of members().entries())
        assert.deepEqual(tooMany(api.reads.slice(reads[index])), [], name);
    });

    clockChapters(stageOf, () => sound);
    rotationChapter(stageOf);

    it('fault 7, 8: the black hole is noticed; as etcd was compacted, it lists again and knows what was hidden', async () => {
      const at = await noticed;
      if (at instanceof Error) throw at;
      assert.ok(at - since > 60_000, 'it was no black hole');
      assert.ok(at - since < NOTICED_MS);
      assert.ok(holed.api.expired.some(ofExceptions), 'no 410 was answered');
      const lists = holed.api.reads.filter((c) => ofExceptions(c) && !c.isWatch && c.at > since);
      assert.equal(lists.length, 1);
      assert.equal(await holed.component.isReady(), true);
    });

    it('fault 8: who may not read exceptions for two minutes is not ready, until it may again', async () => {
      const at = await unready;
      if (at instanceof Error) throw at;
      assert.ok(at - since > 60_000 && at - since < STALE_MS);
      const { body } = await refused.component.probe('/readyz');
      assert.match(body, /the watch of exceptions is stale/);
      // Connections that were open before are served on: without exceptions.
      assert.equal(await asked(refused, 'held'), 'NO_SIGNATURE');
      assert.equal(await asked(refused, 'signed'), 'admitted');
      refused.api.fault = () => undefined;
      await answers(refused, 'held', 'NO_SIGNATURE', RESUMED_MS);
      await refused.component.ready();
    });

    it('no process was started again for any of this', () => {
      assert.deepEqual(
        members().map(({ component }) => component.pid),
        processes,
      );
    });
  });
}

/** When something came to pass; what went wrong where it did not. */
function momentOf(event: Promise<unknown>): Promise<number | Error> {
  return event.then(
    () => performance.now(),
    (error: unknown) => error as Error,
  );
}

/** Attempts of one mirror in a minute of waits of up to five seconds, each twice at most, and a busy machine. */
const MOST_ATTEMPTS = 80;
/** Lists of one collection that the API server had to answer. */
const MOST_LISTS = 2;

/** Mirrored collections that were read too often, of those that were not refused. */
function tooMany(reads: readonly ApiCall[]): readonly string[] {
  // Single objects, and what is not watched, are read by what has to be done with them.
  const watched = new Set(reads.filter(({ isWatch }) => isWatch).map(({ path }) => path));
  return [...watched].flatMap((path) => {
    const ofPath = reads.filter((call) => call.path === path && !ofExceptions(call));
    const lists = ofPath.filter(({ isWatch, status }) => !isWatch && status === 200);
    return ofPath.length <= MOST_ATTEMPTS && lists.length <= MOST_LISTS
      ? []
      : [`${path}: ${ofPath.length.toString()} reads, ${lists.length.toString()} lists`];
  });
}
