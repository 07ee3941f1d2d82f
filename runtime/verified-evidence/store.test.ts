// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'mocha';
import type { Evidence } from '../../verification/index.ts';
import { bundleEvidence, evidenceOf, testManifest } from '../../verification/testing/index.ts';
import { fixedClock, type FixedClock } from '../clock-testing.ts';
import { createLogger } from '../log/index.ts';
import { BoundedFiles } from './bounded-files.ts';
import type { KeepingOutcome } from './kept-evidence.ts';
import { VerifiedEvidenceStore, type StoreOptions } from './store.ts';

const BLOCK = 4096;
const manifest = testManifest('image');
const signedBy = (text: string): Evidence =>
  evidenceOf(manifest, [bundleEvidence(Buffer.from(text))]);
const first = signedBy('first');
const second = signedBy('second');

describe('the store of verified evidence', () => {
  let directory: string;
  let clock: FixedClock;
  let log: string[];
  let outcomes: KeepingOutcome[];
  let store: VerifiedEvidenceStore;

  const filesAt = (where = directory, edits = {}): BoundedFiles =>
    new BoundedFiles({ directory: where, maxBytes: 1 << 20, maxFiles: 1000, ...edits });
  const open = (edits: Partial<StoreOptions> = {}): VerifiedEvidenceStore =>
    new VerifiedEvidenceStore({
      files: filesAt(),
      clock,
      logger: createLogger({ level: 'debug', format: 'json', sink: (line) => log.push(line) }),
      maxEvidenceBytes: 100_000,
      maxWaiting: 100,
      maxWaitingBytes: 1 << 20,
      maxMemoryBytes: 1 << 20,
      onOutcome: (outcome) => outcomes.push(outcome),
      ...edits,
    });
  const keep = async (key: string, evidence: Evidence, collectedAt = 1): Promise<void> => {
    store.note({ key, evidence, collectedAt, verified: true });
    await store.idle();
  };
  const refuse = async (key: string, evidence: Evidence, collectedAt = 2): Promise<void> => {
    store.note({ key, evidence, collectedAt, verified: false });
    await store.idle();
  };
  /** What lies in the files of a suffix, by name. */
  const names = async (suffix: string): Promise<readonly string[]> =>
    (await readdir(directory)).filter((name) => name.endsWith(suffix)).sort();

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'countersign-'));
    clock = fixedClock('2026-11-21T00:00:00Z');
    log = [];
    outcomes = [];
    store = open();
  });
  afterEach(async () => {
    await store.close();
    await rm(directory, { recursive: true });
  });

  it('finds what it was given, also after a restart, and nothing under another key', async () => {
    await keep('k', first, 7);
    for (store of [store, open()]) {
      const found = await store.find('k');
      assert.deepEqual([found?.collectedAt, found?.superseded], [7, false]);
      assert.deepEqual(found?.evidence, first);
      assert.equal(await store.find('other'), undefined);
    }
    assert.deepEqual(outcomes, ['kept', 'found', 'found']);
  });

  it('keeps the newest under a key, and evidence that several keys share once', async () => {
    await keep('k', first, 1);
    await keep('k', second, 2);
    assert.equal((await store.find('k'))?.collectedAt, 2);
    assert.deepEqual((await store.find('k'))?.evidence.signatures, second.signatures);
    await keep('other', second, 3);
    assert.deepEqual([(await names('.evidence')).length, (await names('.entry')).length], [2, 2]);
  });

  it('tells of newer evidence that did not satisfy the policy, also after a restart', async () => {
    await keep('k', first);
    await refuse('k', second);
    for (store of [store, open()]) {
      const found = await store.find('k');
      assert.deepEqual([found?.superseded, found?.evidence.signatures], [true, first.signatures]);
    }
    await keep('k', first, 3);
    assert.equal((await store.find('k'))?.superseded, false);
  });

  it('takes a refusal of the same evidence for one by the policy, and keeps nothing by a refusal', async () => {
    await keep('k', first);
    await refuse('k', structuredClone(first));
    assert.equal((await store.find('k'))?.superseded, false);
    await refuse('other', second);
    assert.equal(await store.find('other'), undefined);
    assert.deepEqual(await names('.tmp'), []);
  });

  it('does not take older evidence for good again that somebody judges by late', async () => {
    await keep('k', first, 1);
    await refuse('k', second, 3);
    await keep('k', first, 2);
    assert.deepEqual((await store.find('k'))?.superseded, true);
  });

  it('knows of a refusal at once, and where the volume takes nothing any more', async () => {
    const files = filesAt();
    let full = false;
    const filling = {
      open: () => files.open(),
      read: (name: string, max: number) => files.read(name, max),
      touch: (name: string, now: Date) => files.touch(name, now),
      remove: (name: string) => files.remove(name),
      write: (name: string, parts: readonly Uint8Array[]) =>
        full
          ? Promise.reject(Object.assign(new Error('no space'), { code: 'ENOSPC' }))
          : files.write(name, parts),
    };
    store = open({ files: filling });
    await keep('k', first);
    await keep('stays', first);
    full = true;
    store.note({ key: 'k', evidence: second, collectedAt: 2, verified: false });
    assert.equal((await store.find('k'))?.superseded, true);
    await store.idle();
    await keep('new', first);
    assert.deepEqual(outcomes.toSorted(), ['failed', 'failed', 'found', 'kept', 'kept']);
    // Who starts anew must not find it: it could not be marked.
    store = open();
    assert.equal(await store.find('k'), undefined);
    assert.equal((await store.find('stays'))?.superseded, false);
    assert.deepEqual(await names('.tmp'), []);
  });

  it('says once a minute, and counts always, that the volume takes nothing', async () => {
    const file = join(directory, 'file');
    await writeFile(file, '');
    store = open({ files: filesAt(join(file, 'evidence')) });
    for (const key of ['a', 'b']) await keep(key, first);
    assert.equal(await store.find('a'), undefined);
    assert.deepEqual(outcomes, ['failed', 'failed', 'failed']);
    assert.equal(log.length, 1);
    await clock.advance(60_000);
    await keep('c', first);
    assert.equal(log.length, 2);
  });

  it('counts a damaged file for none, and replaces it', async () => {
    for (const suffix of ['.evidence', '.entry']) {
      await keep('k', first);
      const [name = ''] = await names(suffix);
      const bytes = await readFile(join(directory, name));
      bytes[bytes.length - 2] = (bytes[bytes.length - 2] ?? 0) ^ 1;
      await writeFile(join(directory, name), bytes);
      store = open();
      assert.equal(await store.find('k'), undefined, suffix);
      assert.equal(outcomes.at(-1), 'damaged');
      await keep('k', first, 3);
      assert.equal((await open().find('k'))?.collectedAt, 3);
    }
  });

  it('writes again what somebody else deleted', async () => {
    await keep('k', first);
    for (const name of await readdir(directory)) await rm(join(directory, name));
    await keep('k', first, 2);
    assert.equal((await open().find('k'))?.collectedAt, 2);
  });

  it('is not misled by empty, cut and overlong files', async () => {
    await keep('k', first);
    for (const suffix of ['.evidence', '.entry']) {
      const [name = ''] = await names(suffix);
      const bytes = await readFile(join(directory, name));
      for (const other of [
        Buffer.alloc(0),
        bytes.subarray(0, 5),
        Buffer.concat([bytes, bytes]),
        Buffer.alloc(200_000),
      ]) {
        await writeFile(join(directory, name), other);
        assert.equal(await open().find('k'), undefined);
      }
      await writeFile(join(directory, name), bytes);
    }
    assert.equal((await open().find('k'))?.collectedAt, 1);
  });

  it('drops what is too large, and what waits already in too great a number', async () => {
    store = open({ maxEvidenceBytes: 2_000, maxWaiting: 2, maxWaitingBytes: 10_000 });
    await keep('k', first);
    await keep('k', signedBy('x'.repeat(3_000)), 2);
    assert.equal(await store.find('k'), undefined);
    outcomes.length = 0;
    for (const key of ['a', 'b', 'c', 'd', 'e'])
      store.note({ key, evidence: first, collectedAt: 1, verified: true });
    store.note({ key: 'a', evidence: second, collectedAt: 2, verified: false });
    await store.idle();
    assert.deepEqual(outcomes.filter((outcome) => outcome === 'dropped').length, 2);
    outcomes.length = 0;
    for (const key of ['f', 'g'])
      store.note({ key, evidence: signedBy('y'.repeat(11_000)), collectedAt: 1, verified: true });
    await store.idle();
    assert.deepEqual(outcomes, ['dropped', 'dropped']);
  });

  it('is used by many at once', async () => {
    const keys = Array.from({ length: 60 }, (_, i) => `k${i.toString()}`);
    for (const key of keys) store.note({ key, evidence: first, collectedAt: 1, verified: true });
    const during = Promise.all(keys.map((key) => store.find(key)));
    for (const key of keys) store.note({ key, evidence: second, collectedAt: 2, verified: true });
    for (const found of await during) assert.ok([undefined, 1, 2].includes(found?.collectedAt));
    await store.idle();
    const found = await Promise.all(keys.map((key) => store.find(key)));
    assert.deepEqual(new Set(found.map((kept) => kept?.collectedAt)), new Set([2]));
    // Read from the volume once.
    assert.equal(new Set(found.map((kept) => kept?.evidence)).size, 1);
  });

  it('shares a directory with another process without harm', async () => {
    const other = open();
    await Promise.all(
      [store, other].flatMap((each) =>
        ['a', 'b', 'c'].map(async (key) => {
          each.note({ key, evidence: first, collectedAt: 1, verified: true });
          await each.idle();
        }),
      ),
    );
    assert.equal((await other.find('a'))?.collectedAt, 1);
    assert.equal((await store.find('c'))?.collectedAt, 1);
  });

  it('holds no more than its bytes and files, and forgets what was used least recently', async () => {
    store = open({ files: filesAt(directory, { maxBytes: 6 * BLOCK }) });
    for (const key of ['a', 'b', 'c']) await keep(key, signedBy(key));
    assert.equal((await store.find('a'))?.collectedAt, 1);
    await keep('d', signedBy('d'));
    const found = await Promise.all(['a', 'b', 'c', 'd'].map((key) => open().find(key)));
    assert.deepEqual(
      found.map((kept) => kept !== undefined),
      [true, false, true, true],
    );
    assert.equal((await readdir(directory)).length, 6);
  });

  it('takes over what a former process left, oldest first, and clears what it did not finish', async () => {
    for (const key of ['a', 'b', 'c']) await keep(key, signedBy(key));
    await writeFile(join(directory, 'left.tmp'), 'half');
    for (const name of await names('y')) await utimes(join(directory, name), 1, 1);
    store = open({ files: filesAt(directory, { maxFiles: 4 }) });
    await keep('d', signedBy('d'));
    assert.deepEqual(await names('.tmp'), []);
    assert.ok((await readdir(directory)).length <= 4);
    assert.equal((await store.find('d'))?.collectedAt, 1);
  });

  it('notes nothing more once it is closed', async () => {
    await store.close();
    await keep('k', first);
    assert.equal(await store.find('k'), undefined);
    assert.deepEqual(outcomes, []);
  });
});
