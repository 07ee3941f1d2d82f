// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { KeyIssuer } from '../../testing/issuer.ts';
import { signMessage } from '../../testing/signed-entity.ts';
import { TestLog } from '../../testing/transparency-log.ts';
import type { LogEntry } from '../entity.ts';
import { verifyPromise } from './promise.ts';

const SECONDS = 1_748_779_500;
const { entity, pem } = signMessage(new KeyIssuer(), Buffer.from('payload'));
const log = new TestLog();
const entry = log.enter(entity, pem, { time: SECONDS });
const { promise } = entry;

describe('verifyPromise', () => {
  it('answers the log and the time that it promised at', () =>
    assert.deepEqual(verifyPromise(entry, [new TestLog().trusted, log.trusted]), {
      log: log.trusted,
      time: SECONDS * 1000,
    }));
  const changes: readonly (readonly [string, Partial<LogEntry>])[] = [
    ['A15: a time that was moved', { integratedTime: BigInt(SECONDS - 1) }],
    ['A12: an index that was changed', { logIndex: entry.logIndex + 1n }],
    ['A2: a body that was spliced in', { body: Buffer.from(entry.body).fill(0x20, 10, 11) }],
    ['a signature that was cut', { promise: promise!.subarray(0, -1) }],
    ['an empty signature', { promise: Buffer.alloc(0) }],
    ['an index that JSON cannot hold', { logIndex: 1n << 53n }],
    ['a time that JSON cannot hold', { integratedTime: 1n << 60n }],
    ['a negative time', { integratedTime: -1n }],
  ];
  for (const [what, change] of changes) {
    it(`refuses ${what}`, () =>
      assert.throws(() => verifyPromise({ ...entry, ...change }, [log.trusted]), {
        name: 'VerificationError',
        code: 'TLOG_PROOF_INVALID',
      }));
  }
  it('refuses an entry without a promise', () =>
    assert.throws(
      () => verifyPromise(log.enter(entity, pem, { without: ['promise'] }), [log.trusted]),
      { code: 'TLOG_PROOF_INVALID' },
    ));
  it('A31: takes no key but those of trusted logs', () => {
    for (const logs of [[], [new TestLog().trusted]])
      assert.throws(() => verifyPromise(entry, logs), { code: 'TLOG_KEY_UNTRUSTED' });
  });
  it('A31: refuses a promise by another key under the ID of the log', () => {
    const forged = { ...log.trusted, key: new TestLog().trusted.key };
    assert.throws(() => verifyPromise(entry, [forged]), { code: 'TLOG_PROOF_INVALID' });
  });
  it('verifies with the one hash that the trusted root gives', () =>
    assert.throws(() => verifyPromise(entry, [{ ...log.trusted, hash: 'sha384' }]), {
      code: 'TLOG_PROOF_INVALID',
    }));
  const time = SECONDS * 1000;
  it('X45: takes an entry at both ends of the window of the key', () => {
    for (const validity of [
      { from: time, until: Number.POSITIVE_INFINITY },
      { from: 0, until: time },
    ])
      assert.equal(verifyPromise(entry, [{ ...log.trusted, validity }]).time, time);
  });
  it('X45: refuses an entry outside of the window of the key', () => {
    for (const validity of [
      { from: time + 1, until: Number.POSITIVE_INFINITY },
      { from: 0, until: time - 1 },
    ])
      assert.throws(() => verifyPromise(entry, [{ ...log.trusted, validity }]), {
        code: 'TLOG_KEY_UNTRUSTED',
      });
  });
  it('finds a log by the ID of its checkpoints where the trusted root gives one', () => {
    const { logId } = log.trusted;
    const renamed = { ...log.trusted, logId: Buffer.alloc(32, 7), checkpointKeyId: logId };
    assert.equal(verifyPromise(entry, [renamed]).log, renamed);
  });
});
