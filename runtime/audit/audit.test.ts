// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  constants,
  openSync,
  closeSync,
  readSync,
  mkdtempSync,
  readFileSync,
  rmSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { systemClock } from '../clock.ts';
import { fixedClock, type FixedClock } from '../clock-testing.ts';
import { silentLogger } from '../log/index.ts';
import { AuditLog, type AuditOutcome } from './audit-log.ts';
import { FileDestination, type Destination } from './destination.ts';
import { openAudit } from './open.ts';
import { changeOf, renderRecord, type AuditRecord } from './record.ts';

const RECORD: AuditRecord = {
  process: 'admission',
  time: new Date('2026-01-01T00:00:00Z'),
  uid: 'uid-1',
  verdict: 'verified',
};

/** Lines as they were written, parsed. */
function parsed(text: string): readonly Record<string, unknown>[] {
  return text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}

describe('an audit record', () => {
  it('is one line of JSON that says what it is', () => {
    const workload = { kind: 'ReplicaSet', name: 'web-1' };
    const line = renderRecord({ ...RECORD, workload, change: { 'ci/run': '7' }, dryRun: false });
    assert.ok(line.endsWith('}\n'));
    assert.deepEqual(parsed(line), [
      {
        apiVersion: 'audit.countersign.dev/v1alpha1',
        kind: 'AuditRecord',
        time: '2026-01-01T00:00:00.000Z',
        process: 'admission',
        uid: 'uid-1',
        verdict: 'verified',
        dryRun: false,
        workload,
        change: { 'ci/run': '7' },
      },
    ]);
  });

  it('F4: is bounded, and holds nothing that could forge a line or speak to a terminal', () => {
    const evil = `a\n{"kind":"AuditRecord"}\u001b[2J\u202e${'x'.repeat(100_000)}`;
    const record = { ...RECORD, user: evil, image: evil, change: { evil } };
    const line = renderRecord({ ...record, workload: { kind: evil, name: evil } });
    assert.equal(line.indexOf('\n'), line.length - 1);
    assert.ok(line.length < 10_000, line.length.toString());
    const [read] = parsed(line);
    for (const char of '\u001b\u202e') assert.ok(!line.includes(char));
    assert.equal((read?.['change'] as { evil: string }).evil.slice(0, 3), 'a\\u');
  });

  it('carries the annotations that are named, and no others', () => {
    const annotations = { 'ci/run': '7', other: 'x', 'ci/change': 3, 'ci/empty': '' };
    const names = ['ci/run', 'ci/change', 'ci/empty', 'ci/absent', 'toString'];
    assert.deepEqual(changeOf(annotations, names), { 'ci/run': '7' });
    for (const nothing of [undefined, null, 'text', {}])
      assert.equal(changeOf(nothing, names), undefined);
    assert.equal(changeOf(annotations, []), undefined);
  });
});

/** A destination that takes what a test lets it take. */
class Tap implements Destination {
  taken = '';
  /** Bytes of one write; 0 is full. */
  room = Infinity;
  fault: Error | undefined;
  closed = 0;

  write(bytes: Uint8Array): Promise<number> {
    if (this.fault !== undefined) return Promise.reject(this.fault);
    const part = bytes.subarray(0, Math.min(this.room, bytes.byteLength));
    this.taken += Buffer.from(part).toString();
    return Promise.resolve(part.byteLength);
  }

  close(): Promise<void> {
    this.closed += 1;
    return Promise.resolve();
  }
}

describe('the audit log', () => {
  let clock: FixedClock;
  let tap: Tap;
  let counts: Record<AuditOutcome, number>;
  let warned: string[];

  beforeEach(() => {
    clock = fixedClock();
    tap = new Tap();
    counts = { written: 0, dropped: 0 };
    warned = [];
  });
  const opened = (maxBytes?: number): AuditLog =>
    new AuditLog({
      destination: tap,
      clock,
      logger: { ...silentLogger, warn: (message) => void warned.push(message) },
      onRecords: (outcome, count) => (counts[outcome] += count),
      ...(maxBytes === undefined ? {} : { maxBytes }),
    });

  it('writes records in their order, many at a time', async () => {
    const log = opened();
    for (let n = 0; n < 1000; n += 1) log.append({ ...RECORD, uid: n.toString() });
    await clock.advance(0);
    assert.deepEqual(
      parsed(tap.taken).map((r) => r['uid']),
      Array.from({ length: 1000 }, (_, n) => n.toString()),
    );
    assert.deepEqual(counts, { written: 1000, dropped: 0 });
  });

  it('goes on with the rest where a part was taken', async () => {
    tap.room = 7;
    const log = opened();
    log.append(RECORD);
    log.append(RECORD);
    await clock.advance(1000);
    assert.equal(tap.taken, renderRecord(RECORD).repeat(2));
  });

  it('drops and counts what does not fit while nobody reads, and goes on afterwards', async () => {
    tap.room = 0;
    const size = renderRecord(RECORD).length;
    const log = opened(3 * size);
    for (let n = 0; n < 10; n += 1) log.append(RECORD);
    await clock.advance(5000);
    assert.deepEqual(counts, { written: 0, dropped: 7 });
    assert.deepEqual(warned, ['audit records are lost']);
    tap.room = Infinity;
    await clock.advance(1000);
    assert.deepEqual(counts, { written: 3, dropped: 7 });
    log.append(RECORD);
    await clock.advance(0);
    assert.deepEqual(counts, { written: 4, dropped: 7 });
  });

  it('tries again where writing fails, and says so once', async () => {
    tap.fault = new Error('no space');
    const log = opened();
    log.append(RECORD);
    await clock.advance(10_000);
    assert.deepEqual(warned, ['the audit log cannot be written']);
    tap.fault = undefined;
    await clock.advance(1000);
    assert.deepEqual(counts, { written: 1, dropped: 0 });
    assert.equal(tap.taken, renderRecord(RECORD));
  });

  it('writes what waits at the end, for so long, and counts what is left', async () => {
    const log = opened();
    log.append(RECORD);
    await log.close(1000);
    assert.equal(tap.closed, 1);
    assert.deepEqual(counts, { written: 1, dropped: 0 });
    log.append(RECORD);
    assert.deepEqual(counts, { written: 1, dropped: 1 });

    tap.room = 0;
    const stuck = opened();
    for (let n = 0; n < 5; n += 1) stuck.append(RECORD);
    const closing = stuck.close(1000);
    await clock.advance(1000);
    await closing;
    await clock.advance(0);
    assert.deepEqual(counts, { written: 1, dropped: 6 });
  });

  it('counts records that were not made', () => {
    opened().drop(3);
    opened().drop(0);
    assert.deepEqual(counts, { written: 0, dropped: 3 });
  });
});

describe('where an audit log is written', () => {
  let directory: string;
  beforeEach(() => (directory = mkdtempSync(join(tmpdir(), 'audit-'))));
  afterEach(() => rmSync(directory, { recursive: true, force: true }));

  it('is a file that is appended to', async () => {
    const path = join(directory, 'audit.jsonl');
    for (const text of ['one\n', 'two\n']) {
      const destination = new FileDestination(path);
      assert.equal(await destination.write(Buffer.from(text)), 4);
      await destination.close();
    }
    assert.equal(readFileSync(path, 'utf8'), 'one\ntwo\n');
  });

  it('is a pipe that takes nothing while it is full, and never waits', async () => {
    const path = join(directory, 'pipe');
    execFileSync('mkfifo', [path]);
    const reader = openSync(path, constants.O_RDWR | constants.O_NONBLOCK);
    const destination = new FileDestination(path);
    const bytes = Buffer.alloc(50_000, 'x');
    let taken = 0;
    for (let last = -1; last !== 0; taken += last) last = await destination.write(bytes);
    assert.ok(taken > 0);
    readSync(reader, Buffer.alloc(8192));
    assert.ok((await destination.write(bytes)) > 0);
    await destination.close();
    closeSync(reader);
  });

  it('is told where it cannot be opened, and tried anew', async () => {
    const destination = new FileDestination(join(directory, 'absent', 'audit.jsonl'));
    const refused = { code: 'ENOENT' };
    await assert.rejects(destination.write(Buffer.from('x')), refused);
    await assert.rejects(destination.write(Buffer.from('x')), refused);
  });

  it('comes from the settings, and is nowhere without them', async () => {
    const stops: (() => Promise<void>)[] = [];
    const context = { onStop: (_name: string, stop: () => Promise<void>) => void stops.push(stop) };
    let written = 0;
    const common = {
      clock: systemClock,
      logger: silentLogger,
      onRecords: (_outcome: AuditOutcome, count: number) => void (written += count),
    };
    const none = { destination: undefined, annotations: [] };
    assert.equal(openAudit({ ...common, settings: none }, context), undefined);
    assert.equal(stops.length, 0);
    const path = join(directory, 'audit.jsonl');
    const settings = { destination: path, annotations: ['ci/run'] };
    const audit = openAudit({ ...common, settings }, context);
    assert.deepEqual(audit?.annotations, ['ci/run']);
    audit.sink.append(RECORD);
    for (const stop of stops) await stop();
    assert.equal(readFileSync(path, 'utf8'), renderRecord(RECORD));
    assert.equal(written, 1);
  });
});
