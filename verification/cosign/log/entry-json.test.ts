// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { TransparencyLogEntry } from '@sigstore/protobuf-specs';
import { describe, it } from 'mocha';
import fc from 'fast-check';
import { VerificationError } from '../../error.ts';
import { editJson } from '../../testing/evidence.ts';
import { KeyIssuer } from '../../testing/issuer.ts';
import { signMessage } from '../../testing/signed-entity.ts';
import { bundleAnnotation, bundleMember, TestLog } from '../../testing/transparency-log.ts';
import { entriesOfBundle, entryOfAnnotation } from './entry-json.ts';

const { entity, pem } = signMessage(new KeyIssuer(), Buffer.from('payload'));
const log = new TestLog();
const entry = log.enter(entity, pem);
const annotated = log.enter(entity, pem, { without: ['proof'] });
const malformed = { name: 'VerificationError', code: 'BUNDLE_MALFORMED' };

const ofBundle = (edits: Readonly<Record<string, unknown>> = {}): unknown =>
  entriesOfBundle([
    TransparencyLogEntry.fromJSON(
      JSON.parse(editJson(Buffer.from(JSON.stringify(bundleMember(entry))), edits).toString()),
    ),
  ]);
const ofAnnotation = (edits: Readonly<Record<string, unknown>> = {}): unknown =>
  entryOfAnnotation(editJson(Buffer.from(bundleAnnotation(annotated)), edits).toString());

describe('entriesOfBundle', () => {
  it('reads entries of Rekor v1 and v2 as they were entered', () => {
    for (const made of [
      entry,
      annotated,
      log.enter(entity, pem, { without: ['promise', 'checkpoint'] }),
      new TestLog({ version: 2 }).enter(entity, pem, { witnesses: ['w.example'] }),
    ]) {
      const [read] = entriesOfBundle([TransparencyLogEntry.fromJSON(bundleMember(made))]);
      assert.deepEqual(read, made);
    }
  });
  it('reads no entries', () => assert.deepEqual(entriesOfBundle([]), []));
  it('A10: refuses more than 32 entries', () => {
    const one = TransparencyLogEntry.fromJSON(bundleMember(entry));
    assert.equal(entriesOfBundle(Array<TransparencyLogEntry>(32).fill(one)).length, 32);
    assert.throws(() => entriesOfBundle(Array<TransparencyLogEntry>(33).fill(one)), {
      code: 'LIMIT_EXCEEDED',
    });
  });
  it('takes an empty checkpoint for none', () => {
    const [read] = ofBundle({ 'inclusionProof.checkpoint.envelope': '' }) as (typeof entry)[];
    assert.equal(read?.proof?.checkpoint, undefined);
  });
  const edits: readonly Readonly<Record<string, unknown>>[] = [
    { logIndex: '-1' },
    { logIndex: '01' },
    { logIndex: '0x1' },
    { logIndex: ' 1' },
    { logIndex: '1.0' },
    { logIndex: 1e21 },
    { logIndex: {} },
    { logIndex: '9007199254740992' },
    { integratedTime: '-1' },
    { integratedTime: 'now' },
    { integratedTime: '9007199254740992' },
    { logId: null },
    { 'logId.keyId': '' },
    { kindVersion: null },
    { canonicalizedBody: '' },
    { canonicalizedBody: null },
    { inclusionPromise: {} },
    { 'inclusionProof.logIndex': '-1' },
    { 'inclusionProof.treeSize': '1'.repeat(20) },
    { 'inclusionProof.treeSize': 'ten' },
  ];
  for (const edit of edits)
    it(`refuses ${JSON.stringify(edit)}`, () => assert.throws(() => ofBundle(edit), malformed));
});

describe('entryOfAnnotation', () => {
  it('reads the entry as it was entered, kind and version from its body', () =>
    assert.deepEqual(ofAnnotation(), annotated));
  const edits: readonly Readonly<Record<string, unknown>>[] = [
    { SignedEntryTimestamp: undefined },
    { SignedEntryTimestamp: '' },
    { SignedEntryTimestamp: 1 },
    { SignedEntryTimestamp: 'YR==' },
    { Payload: null },
    { Payload: [] },
    { 'Payload.body': 1 },
    { 'Payload.body': null },
    { 'Payload.body': '' },
    { 'Payload.body': { kind: 'hashedrekord' } },
    { 'Payload.body': 'ew==' },
    { 'Payload.body': Buffer.from('[]').toString('base64') },
    { 'Payload.body': Buffer.from('{"kind":1,"apiVersion":"1","spec":{}}').toString('base64') },
    { 'Payload.body': annotated.body.toString('base64url') + '_' },
    { 'Payload.body': `${annotated.body.toString('base64')}\n` },
    { 'Payload.integratedTime': '1' },
    { 'Payload.integratedTime': -1 },
    { 'Payload.integratedTime': 1.5 },
    { 'Payload.integratedTime': null },
    { 'Payload.logIndex': 2 ** 53 },
    { 'Payload.logIndex': -1 },
    { 'Payload.logIndex': '1' },
    { 'Payload.logID': 'c0d2' },
    { 'Payload.logID': annotated.logId.toString('hex').toUpperCase() },
    { 'Payload.logID': annotated.logId.toString('base64') },
    { 'Payload.logID': 7 },
  ];
  for (const edit of edits)
    it(`A38: refuses ${JSON.stringify(edit)}`, () =>
      assert.throws(() => ofAnnotation(edit), malformed));
  const text = bundleAnnotation(annotated);
  for (const [what, json] of [
    ['X32: a Payload that repeats', `{"Payload":{},${text.slice(1)}`],
    ['X32: a payload beside the Payload', `{"payload":{},${text.slice(1)}`],
    ['nothing', ''],
    ['null', 'null'],
    ['a text', '"a"'],
    ['a truncated text', text.slice(0, -1)],
    ['deep nesting', `{"Payload":${'['.repeat(100)}${']'.repeat(100)}}`],
  ] as const)
    it(`refuses ${what}`, () => assert.throws(() => entryOfAnnotation(json), malformed));
  it('A10: refuses an annotation of more than 1 MiB', () =>
    assert.throws(() => entryOfAnnotation(' '.repeat(1024 * 1024 + 1)), {
      code: 'LIMIT_EXCEEDED',
    }));
  it('throws nothing but a VerificationError, whatever the text is', () => {
    const parse = (json: string): void => {
      try {
        entryOfAnnotation(json);
      } catch (thrown) {
        assert.ok(thrown instanceof VerificationError);
        assert.equal(thrown.code, 'BUNDLE_MALFORMED');
      }
    };
    fc.assert(fc.property(fc.string(), parse));
    fc.assert(fc.property(fc.json(), parse));
    fc.assert(
      fc.property(fc.nat(text.length - 1), fc.string({ maxLength: 3 }), (at, by) =>
        parse(text.slice(0, at) + by + text.slice(at + 1)),
      ),
    );
  });
});
