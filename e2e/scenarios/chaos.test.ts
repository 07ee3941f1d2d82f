// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'mocha';
import { waitFor } from '../harness/index.ts';
import type { World } from '../world/index.ts';
import { objectChapters } from './chaos/object-chapters.ts';
import { outageChapters } from './chaos/outage-chapters.ts';
import { registryChapters } from './chaos/registry-chapters.ts';
import { ChaosStage } from './chaos/stage.ts';

describe('whatever fails, nothing is admitted without a proof', function () {
  this.timeout(180_000);
  let stage: ChaosStage;
  let world: World;
  let recorder: ChaosStage['recorder'];

  before(async () => {
    stage = await ChaosStage.start();
    ({ world, recorder } = stage);
    await recorder.sees('signed', 'admitted');
    await recorder.sees('by-tag', 'admitted');
    await recorder.sees('rotated', 'admitted');
    await recorder.sees('unsigned', 'NO_SIGNATURE');
    await recorder.sees('excepted', 'NO_SIGNATURE');
  });
  after(async () => {
    await stage.stop();
  });

  it('keys and exceptions that come and go take effect, and end in time', async () => {
    const { key, otherKey } = world;
    await stage.accepts([key]);
    await recorder.sees('rotated', 'SIGNATURE_INVALID');
    await stage.accepts([key, otherKey]);
    await recorder.sees('rotated', 'admitted');
    await stage.grants('deleted', 'excepted');
    await recorder.sees('excepted', 'admitted');
    await stage.ends('deleted');
    await recorder.sees('excepted', 'NO_SIGNATURE');
    await stage.grants('expiring', 'excepted', {
      notBefore: new Date(Date.now() - 7_200_000),
      expiresAt: new Date(Date.now() + 4_000),
    });
    await recorder.sees('excepted', 'admitted');
    await recorder.sees('excepted', 'EXCEPTION_EXPIRED');
    assert.deepEqual(
      recorder.since(0, 'stranger').filter(({ answer }) => answer.kind === 'admitted'),
      [],
    );
  });

  it('fault 1: kill -9 of a webhook under load costs denials at most, for seconds', async () => {
    const [victim] = stage.members.webhooks;
    assert.ok(victim !== undefined);
    const mark = recorder.length;
    const killed = Date.now();
    stage.timeline.note('a webhook is killed');
    await victim.component.kill();
    await waitFor(() => Date.now() - killed > 5_000, { timeoutMs: 10_000, message: '5 s' });
    for (const { answer, answeredAt } of recorder.since(mark)) {
      if (answer.kind !== 'failed') continue;
      assert.match(answer.message, /failed calling webhook/);
      assert.ok(answeredAt - killed < 5_000, answer.message);
    }
    await victim.component.start();
    await victim.component.ready();
  });

  objectChapters(() => stage);
  registryChapters(() => stage);
  outageChapters(() => stage);

  // Mocha runs the tests of a suite before the suites in it.
  describe('the record', () => {
    it('shows no admission without a valid signature, by cosign, or an exception', async () => {
      const entries = await recorder.stop();
      stage.keeps(entries);
      const { unproven, admitted, denied, excused } = await stage.judged(entries);
      assert.deepEqual(unproven, [], stage.timeline.toString());
      assert.ok(
        admitted > 100 && denied > 100 && excused < 100,
        `${admitted.toString()} admissions`,
      );
      const answers = new Set(
        entries.map(({ subject, answer }) => `${subject.label} ${answer.kind}`),
      );
      for (const wanted of [
        'signed admitted',
        'by-tag admitted',
        'rotated denied',
        'excepted admitted',
      ])
        assert.ok(answers.has(wanted), wanted);
      // The judge itself: one denial that is made an admission is found.
      const line = entries.find(({ answer }) => answer.kind === 'denied');
      assert.ok(line !== undefined);
      const images = [line.subject.image];
      const doctored = { ...line, answer: { kind: 'admitted', images } } as const;
      assert.equal((await stage.judged([...entries, doctored])).unproven.length, 1);
    });
  });
});
