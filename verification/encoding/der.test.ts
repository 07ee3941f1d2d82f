// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import fc from 'fast-check';
import { describe, it } from 'mocha';
import { der, tlv } from '../testing/index.ts';
import { readDer, readDerValues } from './der.ts';

const read = (bytes: Buffer): unknown => readDer(bytes, 'CERT_MALFORMED', 'x');
const list = (bytes: Buffer): unknown => readDerValues(bytes, 'CERT_MALFORMED', 'x');
const malformed = { name: 'VerificationError', code: 'CERT_MALFORMED' };

describe('DER', () => {
  it('is read one level at a time', () => {
    const parts = [der.null(), der.sequence(der.integer(5)), der.octets(Buffer.alloc(300, 1))];
    const whole = readDer(der.sequence(...parts), 'CERT_MALFORMED', 'x');
    assert.equal(whole.tag, 0x30);
    const inside = readDerValues(whole.value, 'CERT_MALFORMED', 'x');
    assert.deepEqual(
      inside.map(({ encoded }) => encoded),
      parts,
    );
    assert.deepEqual(inside[2]?.value, Buffer.alloc(300, 1));
    assert.deepEqual(readDerValues(Buffer.alloc(0), 'CERT_MALFORMED', 'x'), []);
  });

  it('reads back what was written, whatever its length', () => {
    for (const length of [0, 1, 127, 128, 255, 256, 65_535, 65_536, 70_000]) {
      const bytes = tlv(0x04, Buffer.alloc(length, 7));
      assert.deepEqual(readDer(bytes, 'CERT_MALFORMED', 'x'), {
        tag: 0x04,
        value: Buffer.alloc(length, 7),
        encoded: bytes,
      });
    }
  });

  for (const [what, hex] of [
    ['nothing', ''],
    ['a tag alone', '30'],
    ['a tag of several bytes', '3f810000'],
    ['the tag 0', '0000'],
    ['an indefinite length', '3080050000 00'],
    ['a length in more bytes than it needs', '0481' + '01ff'],
    ['a length with zeroes in front', '04820080' + '00'.repeat(128)],
    ['a length of five bytes', '048500000000' + '01ff'],
    ['a length whose own bytes are missing', '048201'],
    ['less than the length says', '0403ffff'],
  ] as const) {
    it(`A18: refuses ${what}`, () => {
      const bytes = Buffer.from(hex.replaceAll(' ', ''), 'hex');
      assert.throws(() => read(bytes), malformed);
      if (bytes.length > 0) assert.throws(() => list(bytes), malformed);
    });
  }

  it('A18: refuses what follows a value', () =>
    assert.throws(() => read(Buffer.concat([der.null(), der.null()])), malformed));

  it('is the only way to write what it reads', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), (junk) => {
        try {
          const values = readDerValues(Buffer.from(junk), 'CERT_MALFORMED', 'x');
          const again = Buffer.concat(values.map(({ tag, value }) => tlv(tag, value)));
          assert.deepEqual(again, Buffer.from(junk));
        } catch (thrown) {
          assert.match(String(thrown), /VerificationError: x: not DER/);
        }
      }),
    );
  });
});
