// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import fc from 'fast-check';
import { preAuthEncoding } from './pae.ts';

describe('preAuthEncoding', () => {
  it('is the example of the DSSE protocol', () => {
    const encoded = preAuthEncoding('http://example.com/HelloWorld', Buffer.from('hello world'));
    assert.equal(
      encoded.toString('utf8'),
      'DSSEv1 29 http://example.com/HelloWorld 11 hello world',
    );
  });
  it('A16: counts bytes of a payload type, not units of UTF-16', () => {
    const encoded = preAuthEncoding('tÿpe/\u{1f600}', Buffer.from('é'));
    assert.equal(encoded.toString('utf8'), 'DSSEv1 10 tÿpe/\u{1f600} 2 é');
  });
  it('keeps a payload byte by byte', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.uint8Array(), (type, payload) => {
        const encoded = preAuthEncoding(type, payload);
        const tail = encoded.subarray(encoded.byteLength - payload.byteLength);
        assert.deepEqual(new Uint8Array(tail), payload);
      }),
    );
  });
});
