// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { inspect } from 'node:util';
import { describe, it } from 'mocha';
import fc from 'fast-check';
import { VerificationError } from '../error.ts';
import { statementBytes } from './__fixtures__/predicates.ts';
import { parseStatement } from './statement.ts';

const SHA = 'a'.repeat(64);
const malformed = { name: 'VerificationError', code: 'PAYLOAD_MALFORMED' };
const tooMuch = { name: 'VerificationError', code: 'LIMIT_EXCEEDED' };

describe('in-toto statements', () => {
  for (const _type of ['https://in-toto.io/Statement/v0.1', 'https://in-toto.io/Statement/v1']) {
    it(`reads ${_type}`, () => {
      const predicate = { a: [1, { b: null }] };
      const statement = parseStatement(
        statementBytes(predicate, {
          _type,
          subject: [{ name: 'i', digest: { sha256: SHA }, annotations: { k: 'v' } }],
        }),
      );
      assert.equal(statement.predicateType, 'https://example.com/predicate/v1');
      assert.deepEqual(statement.predicate, predicate);
      assert.deepEqual(statement.json['predicate'], predicate);
      assert.deepEqual(statement.subjects, [
        { digests: new Map([['sha256', SHA]]), annotations: new Map([['k', 'v']]) },
      ]);
    });
  }
  it('takes no predicate, and null, for none', () => {
    for (const predicate of [undefined, null])
      assert.equal(parseStatement(statementBytes(predicate)).predicate, null);
  });
  it('reads a predicate that is a text of JSON, and keeps the text', () => {
    const text = '{"spdxVersion":"SPDX-2.3"}';
    const { predicate, json } = parseStatement(statementBytes(text));
    assert.deepEqual(predicate, { spdxVersion: 'SPDX-2.3' });
    assert.equal(json['predicate'], text);
  });
  for (const text of [
    's',
    '',
    '5',
    '"{}"',
    '[]',
    'null',
    '{"a":1,"A":2}',
    '{"__proto__":1}',
    '{} {}',
    '['.repeat(65) + ']'.repeat(65),
  ])
    it(`A38: refuses a predicate that is the text ${inspect(text.slice(0, 20))}`, () =>
      assert.throws(() => parseStatement(statementBytes(text)), malformed));
  for (const predicate of [1, true, false, [], [{}]])
    it(`A38: refuses the predicate ${inspect(predicate)}`, () =>
      assert.throws(() => parseStatement(statementBytes(predicate)), malformed));
  for (const edit of [
    { subject: [null] },
    { subject: null },
    { subject: {} },
    { subject: [] },
    { subject: 's' },
    { subject: ['s'] },
    { subject: [{}] },
    { subject: [{ digest: null }] },
    { subject: [{ digest: 'sha256:x' }] },
    { subject: [{ digest: { sha256: 1 } }] },
    { subject: [{ digest: [SHA] }] },
    { subject: [{ digest: { sha256: SHA } }, null] },
    { predicateType: null },
    { predicateType: '' },
    { predicateType: ['https://example.com'] },
    { _type: 'https://in-toto.io/Statement/v2' },
    { _type: ['https://in-toto.io/Statement/v1'] },
  ])
    it(`A38: refuses ${JSON.stringify(edit).slice(0, 60)}`, () =>
      assert.throws(() => parseStatement(statementBytes({}, edit)), malformed));
  for (const name of ['subject', 'predicateType', '_type'])
    it(`A38: refuses a statement without ${name}`, () =>
      assert.throws(() => parseStatement(statementBytes({}, { [name]: undefined })), malformed));
  for (const json of ['null', '[]', '"s"', '1', 'true', '{}', '', '{"_type":'])
    it(`A38: refuses the payload ${inspect(json)}`, () =>
      assert.throws(() => parseStatement(Buffer.from(json)), malformed));

  it('E5: refuses nesting beyond the limit', () => {
    const nested = (depth: number) =>
      Buffer.from(statementBytes(0))
        .toString()
        .replace('"predicate":0', `"predicate":${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}`);
    parseStatement(Buffer.from(nested(63)));
    assert.throws(() => parseStatement(Buffer.from(nested(64))), malformed);
    assert.throws(() => parseStatement(Buffer.from(nested(100_000))), malformed);
  });
  it('refuses more subjects and digests than the limits', () => {
    const subject = { digest: { sha256: SHA } };
    const digest = Object.fromEntries(
      Array.from({ length: 33 }, (_, i) => [`d${i.toString()}`, SHA]),
    );
    parseStatement(statementBytes({}, { subject: Array(1024).fill(subject) }));
    assert.throws(
      () => parseStatement(statementBytes({}, { subject: Array(1025).fill(subject) })),
      tooMuch,
    );
    assert.throws(() => parseStatement(statementBytes({}, { subject: [{ digest }] })), tooMuch);
  });
  it('reads or refuses any JSON in the places of its members', () => {
    const any = fc.option(fc.jsonValue(), { nil: undefined });
    fc.assert(
      fc.property(
        any,
        fc.record({ subject: any, predicateType: any }, { requiredKeys: [] }),
        (predicate, edit) => {
          isReadOrRefused(statementBytes(predicate, edit));
        },
      ),
    );
  });
  it('reads or refuses any change of bytes', () => {
    const good = Buffer.from(statementBytes({ a: ['b', { c: 1 }] }));
    fc.assert(
      fc.property(fc.nat(good.length - 1), fc.nat(255), fc.nat(3), (at, byte, length) => {
        isReadOrRefused(
          Buffer.concat([good.subarray(0, at), Buffer.of(byte), good.subarray(at + length)]),
        );
      }),
    );
  });
});

function isReadOrRefused(bytes: Uint8Array): void {
  try {
    const { predicate, subjects } = parseStatement(bytes);
    assert.ok(predicate === null || typeof predicate === 'object');
    assert.ok(subjects.length > 0 && subjects.every(({ digests }) => digests.size > 0));
  } catch (thrown) {
    assert.ok(thrown instanceof VerificationError, String(thrown));
    assert.ok(['PAYLOAD_MALFORMED', 'LIMIT_EXCEEDED'].includes(thrown.code), thrown.code);
  }
}
