// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { beforeEach, describe, it } from 'mocha';
import type { CosignKey } from '../harness/index.ts';
import { judge, type Judgement } from './judge.ts';
import { refusedWith, settled, type Answer, type Entry } from './record.ts';
import { Timeline, type Permit } from './timeline.ts';

const A = keyNamed('a');
const B = keyNamed('b');
const DIGEST = `sha256:${'1'.repeat(64)}`;
const IMAGE = `registry.example/chaos/app@${DIGEST}`;
const OTHER = IMAGE.replaceAll('1', '2');

describe('the judge of a record', () => {
  let now: number;
  let timeline: Timeline;

  beforeEach(() => {
    now = 1_000;
    timeline = new Timeline(() => now);
  });

  /** Only DIGEST is signed, by A alone. */
  const judged = (...entries: readonly Entry[]): Promise<Judgement> =>
    judge(entries, timeline, (key, digest) => Promise.resolve(key === A && digest === DIGEST));
  const accepts = (...keys: readonly CosignKey[]): (() => void) =>
    timeline.edits({ policy: 'team', prefixes: ['registry.example/chaos/'], keys });
  const isProven = async (entry: Entry): Promise<boolean> => {
    const { unproven, excused } = await judged(entry);
    return unproven.length + excused === 0;
  };

  it('accepts an image that is signed by a key which a policy in force accepts', async () => {
    accepts(A, B);
    assert.deepEqual(await judged(line(2_000), line(2_000, denied()), line(2_000, failed())), {
      admitted: 1,
      denied: 1,
      failed: 1,
      excused: 0,
      unproven: [],
    });
  });

  it('catches a denial that was doctored into an admission, and tells the whole line', async () => {
    accepts(A);
    const entry = { ...line(2_000, denied()), answer: admitted(OTHER) };
    const { unproven } = await judged(line(2_000), entry);
    assert.deepEqual(unproven, [`${OTHER}: ${JSON.stringify(entry)}`]);
  });

  it('catches an admission before there was a policy, and one that no policy covers', async () => {
    now = 3_000;
    accepts(A);
    assert.equal(await isProven(line(2_000)), false);
    assert.equal(await isProven(line(3_000)), true);
    const elsewhere = IMAGE.replace('chaos', 'elsewhere');
    assert.equal(await isProven(line(4_000, admitted(elsewhere))), false);
  });

  it('catches an admission without a digest, without an image, and with one image that is bad', async () => {
    accepts(A);
    assert.equal(await isProven(line(2_000, admitted('registry.example/chaos/app:1'))), false);
    assert.equal(await isProven(line(2_000, admitted())), false);
    assert.equal(await isProven(line(2_000, admitted(IMAGE, OTHER))), false);
  });

  it('believes in a key from when its policy is sent until the next edit is ready, and no longer', async () => {
    accepts(A);
    now = 5_000;
    const ready = accepts(B);
    now = 6_000;
    ready();
    assert.equal(await isProven(line(5_999)), true);
    assert.equal(await isProven(line(6_001)), false);
    now = 7_000;
    accepts(A);
    assert.equal(await isProven(line(6_500)), false);
    assert.equal(await isProven(line(7_000)), true);
  });

  it('judges by what was true at some moment between request and answer', async () => {
    now = 5_000;
    accepts(A);
    assert.equal(await isProven({ ...line(4_000), answeredAt: 4_999 }), false);
    assert.equal(await isProven({ ...line(4_000), answeredAt: 5_000 }), true);
  });

  describe('with an exception', () => {
    const permit: Permit = {
      name: 'hotfix',
      policy: 'team',
      namespace: 'chaos',
      serviceAccounts: ['default'],
      digests: [OTHER.slice(OTHER.indexOf('@') + 1)],
      notBefore: new Date(2_000),
      expiresAt: new Date(9_000),
    };
    const excepted = (at: number, account = 'default'): Entry => {
      const entry = line(at, admitted(OTHER));
      return { ...entry, subject: { ...entry.subject, serviceAccount: account } };
    };

    it('accepts what it covers in its time, and a second after', async () => {
      accepts(A);
      timeline.grants(permit);
      assert.equal(await isProven(excepted(1_900)), false);
      assert.equal(await isProven(excepted(2_000)), true);
      assert.equal(await isProven(excepted(10_000)), true);
      assert.equal(await isProven(excepted(10_001)), false);
    });

    it('catches another account, namespace, digest and policy', async () => {
      accepts(A);
      timeline.grants({ ...permit, policy: 'other' });
      assert.equal(await isProven(excepted(3_000)), false);
      timeline.grants({ ...permit, namespace: 'other' });
      assert.equal(await isProven(excepted(3_000)), false);
      timeline.grants({ ...permit, digests: [`sha256:${'3'.repeat(64)}`] });
      assert.equal(await isProven(excepted(3_000)), false);
      timeline.grants(permit);
      assert.equal(await isProven(excepted(3_000, 'other')), false);
      assert.equal(await isProven(excepted(3_000)), true);
    });

    it('believes a clock that is wrong while it is, but not that a deleted one is there', async () => {
      accepts(A);
      const deleted = timeline.grants(permit);
      now = 15_000;
      const right = timeline.steps(-6_000);
      assert.equal(await isProven(excepted(15_000)), true);
      now = 16_000;
      right();
      assert.equal(await isProven(excepted(16_001)), false);
      timeline.steps(-10_000);
      assert.equal(await isProven(excepted(17_000)), true);
      deleted();
      assert.equal(await isProven(excepted(17_001)), false);
    });

    it('catches what is admitted later than the bound after it was deleted', async () => {
      accepts(A);
      const [deleted, stalled] = [timeline.grants(permit), timeline.grants(permit)];
      now = 3_000;
      deleted();
      stalled(2_000);
      assert.equal(await isProven(excepted(5_000)), true);
      assert.equal(await isProven(excepted(5_001)), false);
    });
  });

  it('excuses what is let in while the emergency switch is used, and nothing before and after', async () => {
    const over = timeline.opens(now);
    now = 3_000;
    over();
    const { unproven, excused } = await judged(line(900), line(2_000), line(3_001));
    assert.equal(excused, 1);
    assert.equal(unproven.length, 2);
  });
});

describe('the record', () => {
  it('takes a code from our denials only', () => {
    const message =
      'admission webhook "pods.countersign.dev" denied the request: spec: KEY_UNTRUSTED: no';
    assert.deepEqual(refusedWith(message), { kind: 'denied', code: 'KEY_UNTRUSTED', message });
    const failing = 'failed calling webhook "pods.countersign.dev": connect: CONNECTION_REFUSED';
    assert.deepEqual(refusedWith(failing), { kind: 'failed', message: failing });
  });

  it('counts a request without an answer as an admission where its pod is stored', () => {
    const pod = { metadata: { name: 'app-1' }, spec: { containers: [{ image: IMAGE }] } };
    const [lost, dry] = settled(
      [line(1, failed()), { ...line(2, failed()), pod: 'app-2', dryRun: true }],
      [pod],
    );
    assert.deepEqual(lost?.answer, admitted(IMAGE));
    assert.deepEqual(dry?.answer, failed());
    assert.throws(() => settled([line(1, denied())], [pod]), /denied, but stored/);
    assert.throws(() => settled([], [pod]), /stored, but not recorded: app-1/);
    const dryRun = { ...line(1), dryRun: true };
    assert.throws(() => settled([dryRun], [pod]), /stored, but not recorded: app-1/);
  });
});

function line(sentAt: number, answer: Answer = admitted(IMAGE)): Entry {
  const subject = { label: 'app', image: IMAGE, namespace: 'chaos', serviceAccount: 'default' };
  return { subject, pod: 'app-1', dryRun: false, sentAt, answeredAt: sentAt, answer };
}

function admitted(...images: readonly string[]): Answer {
  return { kind: 'admitted', images };
}

function denied(): Answer {
  return { kind: 'denied', code: 'NO_SIGNATURE', message: 'no signature' };
}

function failed(): Answer {
  return { kind: 'failed', message: 'failed calling webhook' };
}

function keyNamed(name: string): CosignKey {
  return { privateKey: '', publicKey: name, publicKeyFile: name };
}
