// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { VerificationError } from '../../error.ts';
import { issueCertificate } from '../../testing/certificate.ts';
import { KeyIssuer } from '../../testing/issuer.ts';
import type { LogKind } from '../../testing/log-body.ts';
import { signEnvelope, signMessage, type TestSigned } from '../../testing/signed-entity.ts';
import { bundleAnnotation, TestLog, type EnterOptions } from '../../testing/transparency-log.ts';
import type { LogEntry } from '../entity.ts';
import { entryOfAnnotation } from './entry-json.ts';
import { verifyEntries, type EntriesOptions, type VerifiedEntries } from './verify-entries.ts';

const SECONDS = 1_748_779_500;
const rekor = new TestLog({ version: 1 });
const tiles = new TestLog({ version: 2 });
const stranger = new TestLog({ version: 1 });
const logs = [rekor.trusted, tiles.trusted];
const issuer = new KeyIssuer();
const signed = signMessage(issuer, Buffer.from('payload'));
const mismatch = { name: 'VerificationError', code: 'TLOG_ENTRY_MISMATCH' };
const invalid = { name: 'VerificationError', code: 'TLOG_PROOF_INVALID' };
const untrusted = { name: 'VerificationError', code: 'TLOG_KEY_UNTRUSTED' };

const enter = (log: TestLog, options: EnterOptions = {}): LogEntry =>
  log.enter(signed.entity, signed.pem, { time: SECONDS, ...options });

function verify(
  entries: readonly LogEntry[],
  options: Partial<EntriesOptions> = {},
  { entity, key }: TestSigned = signed,
): VerifiedEntries {
  return verifyEntries({ ...entity, entries }, { logs, key, tokenTimes: [], ...options });
}

describe('verifyEntries', () => {
  it('answers an empty set where there are no entries', () =>
    assert.deepEqual(verify([]), { logs: new Set(), times: [], unknownLogs: 0 }));
  it('answers the log and the time of a promise with a proof, of a promise, and of a proof', () => {
    const both = { logs: new Set([rekor.trusted.id]), times: [SECONDS * 1000], unknownLogs: 0 };
    assert.deepEqual(verify([enter(rekor)]), both);
    assert.deepEqual(verify([enter(rekor, { without: ['proof'] })]), both);
    assert.deepEqual(verify([enter(tiles)]).logs, new Set([tiles.trusted.id]));
  });
  it('A40: has no time from Rekor v2', () => assert.deepEqual(verify([enter(tiles)]).times, []));
  it('A15: has no time from an entry without a promise, whatever it says', () => {
    const entry = enter(rekor, { without: ['promise'] });
    assert.notEqual(entry.integratedTime, 0n);
    assert.deepEqual(verify([entry]).times, []);
    const bare = { ...enter(tiles), integratedTime: BigInt(SECONDS) };
    assert.throws(() => verify([bare]), invalid);
  });
  it('A11: counts two logs for two, and two entries of one log for one', () => {
    assert.equal(verify([enter(rekor), enter(tiles)]).logs.size, 2);
    assert.equal(verify([enter(rekor), enter(rekor)]).logs.size, 1);
  });
  it('A12: counts an entry that is repeated once', () => {
    const entry = enter(tiles);
    assert.equal(verify([entry, entry]).logs.size, 1);
  });
  it('A12: refuses an entry of Rekor v2 under another index than the proven one', () => {
    const entry = enter(tiles);
    const again = { ...entry, logIndex: entry.logIndex + 1n };
    assert.throws(() => verify([entry, again]), invalid);
  });
  it('A12: does not count an entry under the ID of another log', () => {
    const entry = { ...enter(tiles), logId: rekor.trusted.logId };
    assert.throws(() => verify([enter(tiles), entry]), invalid);
  });
  it('A11: counts a log once that the trusted root names twice', () => {
    const again = {
      ...tiles.trusted,
      logId: Buffer.alloc(32, 9),
      checkpointKeyId: tiles.trusted.logId,
    };
    assert.equal(verify([enter(tiles)], { logs: [tiles.trusted, again] }).logs.size, 1);
  });

  it('passes over entries of unknown logs, and counts them', () => {
    const { logs: vouching, times, unknownLogs } = verify([enter(stranger), enter(rekor)]);
    assert.deepEqual(vouching, new Set([rekor.trusted.id]));
    assert.deepEqual(times, [SECONDS * 1000]);
    assert.equal(unknownLogs, 1);
  });
  it('A31: answers no log and no time where all logs are unknown', () =>
    assert.deepEqual(verify([enter(stranger), enter(stranger)]), {
      logs: new Set(),
      times: [],
      unknownLogs: 2,
    }));
  it('A24: refuses a foreign entry, also of an unknown log, also where nobody asks for logs', () => {
    const foreign = signMessage(issuer, Buffer.from('other'));
    for (const log of [rekor, tiles, stranger]) {
      const entry = log.enter(foreign.entity, foreign.pem);
      assert.throws(() => verify([entry]), mismatch);
      assert.throws(() => verify([enter(rekor), entry]), mismatch);
      assert.throws(() => verify([entry], { logs: [] }), mismatch);
    }
  });

  it('wants a promise or a proof', () => {
    for (const log of [rekor, tiles])
      assert.throws(() => verify([enter(log, { without: ['promise', 'proof'] })]), invalid);
  });
  it('wants both of promise and proof good where there are both', () => {
    const entry = enter(rekor);
    const { promise } = stranger.enter(signed.entity, signed.pem);
    assert.throws(() => verify([{ ...entry, promise: promise! }]), invalid);
    assert.throws(() => verify([enter(rekor, { editNote: (note) => `x${note}` })]), invalid);
    const proof = { ...entry.proof!, hashes: [] };
    assert.throws(() => verify([{ ...entry, proof }]), invalid);
  });
  it('refuses a bad entry of a trusted log beside a good one', () => {
    const bad = { ...enter(rekor), integratedTime: 1n };
    assert.throws(
      () => verify([enter(tiles), bad]),
      (thrown) => thrown instanceof VerificationError,
    );
  });
  it('A21: wants more than a proof without a checkpoint, for anybody can make a tree', () =>
    assert.throws(() => verify([enter(rekor, { without: ['promise', 'checkpoint'] })]), invalid));
  it('lets a proof without a checkpoint stand beside a promise as long as it does not lie', () => {
    const entry = enter(rekor, { without: ['checkpoint'] });
    assert.deepEqual(verify([entry]).times, [SECONDS * 1000]);
    for (const change of [{ rootHash: Buffer.alloc(32) }, { hashes: [] }, { logIndex: 0n }])
      assert.throws(() => verify([{ ...entry, proof: { ...entry.proof!, ...change } }]), invalid);
  });

  it('X45: wants the key of a log in use when it promised', () => {
    const until = SECONDS * 1000;
    const retired = { ...rekor.trusted, validity: { from: 0, until } };
    assert.equal(verify([enter(rekor)], { logs: [retired] }).logs.size, 1);
    const late = enter(rekor, { time: SECONDS + 1 });
    assert.throws(() => verify([late], { logs: [retired] }), untrusted);
  });
  it('X45: wants the key of a log without promises in use at the times of tokens', () => {
    const retired = { ...tiles.trusted, validity: { from: 1000, until: 2000 } };
    const against = (...tokenTimes: number[]): VerifiedEntries =>
      verify([enter(tiles)], { logs: [retired], tokenTimes });
    assert.equal(against(1000, 2000).logs.size, 1);
    assert.throws(() => against(2001), untrusted);
    assert.throws(() => against(1500, 999), untrusted);
  });
  it('lets a token be made later than the log was retired that promised in time', () => {
    const retired = { ...rekor.trusted, validity: { from: 0, until: SECONDS * 1000 } };
    const tokenTimes = [SECONDS * 1000 + 86_400_000];
    assert.equal(verify([enter(rekor)], { logs: [retired], tokenTimes }).logs.size, 1);
  });

  it('verifies the annotation of a cosign signature', () => {
    const annotation = bundleAnnotation(enter(rekor));
    assert.deepEqual(verify([entryOfAnnotation(annotation)]).times, [SECONDS * 1000]);
    const backdated = JSON.stringify({ ...(JSON.parse(annotation) as object) }).replace(
      SECONDS.toString(),
      (SECONDS - 1).toString(),
    );
    assert.throws(() => verify([entryOfAnnotation(backdated)]), invalid);
  });
  it('A33: refuses every entry of a signature whose key is not known', () =>
    assert.throws(() => verify([enter(rekor)], { key: undefined }), mismatch));
  it('A41: answers the same however verifications are mixed', () => {
    const entries = [enter(rekor), enter(tiles), enter(stranger)];
    const once = verify(entries);
    for (let i = 0; i < 50; i += 1) {
      assert.throws(() => verify(entries, { key: undefined }), mismatch);
      assert.equal(verify(entries, { logs: [] }).unknownLogs, 3);
      assert.deepEqual(verify(entries), once);
    }
  });
});

const certificate = issueCertificate({});
const statement = { _type: 'https://in-toto.io/Statement/v1' };
const MATRIX: readonly (readonly [LogKind, TestLog, (name: string) => TestSigned])[] = [
  ['hashedrekord 0.0.1', rekor, (text) => signMessage(certificate, Buffer.from(text))],
  ['rekord 0.0.1', rekor, (text) => signMessage(certificate, Buffer.from(text))],
  ['intoto 0.0.1', rekor, (text) => signEnvelope(certificate, { ...statement, text })],
  ['intoto 0.0.2', rekor, (text) => signEnvelope(certificate, { ...statement, text })],
  ['dsse 0.0.1', rekor, (text) => signEnvelope(certificate, { ...statement, text })],
  ['hashedrekord 0.0.2', tiles, (text) => signMessage(certificate, Buffer.from(text))],
  ['hashedrekord 0.0.2', tiles, (text) => signEnvelope(certificate, { ...statement, text })],
  ['dsse 0.0.2', tiles, (text) => signEnvelope(certificate, { ...statement, text })],
];

for (const [kind, log, sign] of MATRIX) {
  const mine = sign('mine');
  const other = sign('other');
  const entered = (of: TestSigned): LogEntry => log.enter(of.entity, of.pem, { kind });
  describe(`verifyEntries, ${kind} about ${mine.entity.content.kind}`, () => {
    it('counts the entry of the signature', () =>
      assert.equal(verify([entered(mine)], {}, mine).logs.size, 1));
    it('A1: refuses the whole entry of another signature', () =>
      assert.throws(() => verify([entered(other)], {}, mine), mismatch));
    it('A1: refuses the body of this signature under the promise and proof of another', () => {
      const spliced = { ...entered(other), body: entered(mine).body };
      assert.throws(() => verify([spliced], {}, mine), invalid);
    });
    it('A2: refuses the body of another signature under the promise and proof of this', () => {
      const spliced = { ...entered(mine), body: entered(other).body };
      assert.throws(() => verify([spliced], {}, mine), mismatch);
    });
    it('A32: refuses the genuine entry of a stranger for the same content', () => {
      const strange = issueCertificate({});
      const entry = log.enter(mine.entity, strange.pem, { kind });
      assert.throws(() => verify([entry], {}, mine), mismatch);
    });
  });
}
