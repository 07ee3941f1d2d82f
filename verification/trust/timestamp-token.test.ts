// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, it } from 'mocha';
import { VerificationError } from '../error.ts';
import {
  assertSoon,
  der,
  stampAttribute,
  type StampEdit,
  type StampOptions,
  TestTimestampAuthority,
  tlv,
} from '../testing/index.ts';
import { parseTimestampToken } from './timestamp-token.ts';
import { verifyTimestamp } from './timestamp.ts';

const SIGNATURE = Buffer.from('a signature');
const AT = Date.UTC(2025, 5, 1, 12, 5);
const tsa = new TestTimestampAuthority();
const options = { imprints: [SIGNATURE], authorities: [tsa.trusted()] };
const timeOf = (stamp: StampOptions = {}): number =>
  verifyTimestamp(tsa.stamp(SIGNATURE, stamp), options).time;
const edited = (edit: NonNullable<StampOptions['edit']>): number => timeOf({ edit });
const malformed = (message = /./): object => ({
  name: 'VerificationError',
  code: 'BUNDLE_MALFORMED',
  message,
});
/** Puts something else in the place of one part. */
const at =
  (index: number, part: Buffer | ((old: Buffer) => Buffer)): StampEdit =>
  (parts) =>
    parts.map((old, place) => {
      if (place !== index) return old;
      return typeof part === 'function' ? part(old) : part;
    });
const without =
  (index: number): StampEdit =>
  (parts) =>
    parts.filter((_, place) => place !== index);
const and =
  (...more: readonly Buffer[]): StampEdit =>
  (parts) => [...parts, ...more];
const twice: StampEdit = (parts) => [...parts, ...parts];

describe('a response of a timestamp authority', () => {
  const status = (number: number): StampEdit => at(0, der.sequence(der.integer(Buffer.of(number))));

  it('was granted, with modifications or not', () => {
    for (const number of [0, 1]) assert.equal(edited({ response: status(number) }), AT);
    for (const number of [2, 3, 4, 5, 6])
      assert.throws(() => edited({ response: status(number) }), {
        code: 'TIMESTAMP_UNTRUSTED',
        message: /not granted/,
      });
  });

  it('holds one token and nothing else', () => {
    assert.throws(() => edited({ response: without(1) }), malformed());
    assert.throws(() => edited({ response: and(der.null()) }), malformed(/too many/));
    const good = tsa.stamp(SIGNATURE);
    for (const bytes of [Buffer.concat([good, good]), Buffer.concat([good, Buffer.of(0)])])
      assert.throws(() => verifyTimestamp(bytes, options), malformed());
  });

  it('holds signed data over a TSTInfo', () => {
    const data = der.oid('1.2.840.113549.1.7.1');
    assert.throws(() => edited({ contentInfo: at(0, data) }), malformed(/contentType/));
    const swapped = (info: Buffer): Buffer => der.sequence(data, info.subarray(15));
    assert.throws(() => edited({ signedData: at(2, swapped) }), malformed(/contentType/));
    assert.throws(
      () => edited({ signedData: at(2, der.sequence(der.oid('1.2.840.113549.1.9.16.1.4'))) }),
      malformed(),
    );
  });

  it('has one signer', () => {
    assert.throws(() => edited({ signers: twice }), malformed(/more than one signer/));
    assert.throws(() => edited({ signers: without(0) }), malformed());
  });

  it('may bring what says nothing here', () => {
    const attributeCertificate = tlv(0xa1, der.sequence());
    assert.equal(timeOf({ certificates: [attributeCertificate, tsa.leaf.der] }), AT);
    const revocations: StampEdit = (parts) => [
      ...parts.slice(0, -1),
      tlv(0xa1, der.sequence()),
      ...parts.slice(-1),
    ];
    assert.equal(edited({ signedData: revocations }), AT);
    const unsigned = tlv(0xa1, stampAttribute('1.2.3', der.null()));
    assert.equal(edited({ signer: and(unsigned) }), AT);
    assert.throws(() => edited({ signer: and(unsigned, unsigned) }), malformed(/too many/));
    assert.throws(() => edited({ signer: and(der.integer(3)) }), malformed());
  });
});

describe('the TSTInfo of a timestamp', () => {
  const time = (text: string): number => timeOf({ time: text });

  it('is of version 1', () => {
    assert.throws(() => edited({ info: at(0, der.integer(2)) }), malformed(/version/));
  });

  it('names the hash of its imprint, with no parameters or NULL', () => {
    const oid = der.oid('2.16.840.1.101.3.4.2.1');
    const digest = der.octets(createHash('sha256').update(SIGNATURE).digest());
    const imprint = (...parameters: readonly Buffer[]): StampEdit =>
      at(2, der.sequence(der.sequence(oid, ...parameters), digest));
    for (const parameters of [[], [der.null()]])
      assert.equal(edited({ info: imprint(...parameters) }), AT);
    for (const parameters of [[der.octets()], [der.null(), der.null()], [tlv(0x05, Buffer.of(0))]])
      assert.throws(() => edited({ info: imprint(...parameters) }), malformed(/parameters/));
  });

  it('has a time that can be read in one way only', () => {
    assert.equal(time('20250601120500Z'), AT);
    assert.equal(time('20250601120500.5Z'), AT + 500);
    const texts = [
      '20250601120500',
      '20250601120500z',
      '20250601120500+0000',
      '202506011205Z',
      '20250601120500.Z',
      '20250601120500.50Z',
      '20250601120500,5Z',
      '20250601120500.5+01',
      '20250601120500.1234567891Z',
      '20250631120500Z',
      '20250601240000Z',
      '20250601120560Z',
      '20250601120500Z\n',
      '',
    ];
    for (const text of texts) assert.throws(() => time(text), malformed(/genTime/));
    const utcTime = tlv(0x17, Buffer.from('250601120500Z'));
    assert.throws(() => edited({ info: at(4, utcTime) }), malformed(/genTime/));
  });

  it('may have what follows the time, in its order', () => {
    const [accuracy, ordering, nonce] = [der.sequence(), der.boolean(true), der.integer(7)];
    const name = der.explicit(0, der.sequence());
    const trailing =
      (...parts: readonly Buffer[]): StampEdit =>
      (fields) => [...fields.slice(0, 5), ...parts];
    for (const parts of [[], [accuracy, ordering, nonce, name], [nonce], [ordering, name]])
      assert.equal(edited({ info: trailing(...parts) }), AT);
    const lax = tlv(0x01, Buffer.of(1));
    assert.throws(() => edited({ info: trailing(lax) }), malformed(/ordering/));
    for (const parts of [[nonce, ordering], [nonce, nonce], [der.null()], [name, accuracy]])
      assert.throws(() => edited({ info: trailing(...parts) }), malformed(/order/));
  });

  it('has no extension that must be understood', () => {
    const extension = (critical: boolean): Buffer =>
      der.explicit(
        1,
        der.sequence(
          der.oid('1.3.6.1.5.5.7.1.3'),
          ...(critical ? [der.boolean(true)] : []),
          der.octets(),
        ),
      );
    assert.equal(edited({ info: and(extension(false)) }), AT);
    assert.throws(() => edited({ info: and(extension(true)) }), {
      code: 'TIMESTAMP_UNTRUSTED',
      message: /critical/,
    });
  });
});

describe('the signed attributes of a timestamp', () => {
  it('are there', () => {
    assert.throws(() => edited({ signer: without(3) }), malformed());
  });

  it('say type and digest of the content once each', () => {
    for (const index of [0, 1])
      assert.throws(() => edited({ attributes: without(index) }), malformed());
    assert.throws(() => edited({ attributes: twice }), malformed(/one value/));
    const type = der.oid('1.2.840.113549.1.9.16.1.4');
    for (const values of [[], [type, type]])
      assert.throws(
        () => edited({ attributes: at(0, stampAttribute('1.2.840.113549.1.9.3', ...values)) }),
        malformed(/one value/),
      );
  });

  it('may say more', () => {
    assert.equal(edited({ attributes: and(stampAttribute('1.2.3.4', der.null())) }), AT);
  });
});

describe('the parser of timestamps', () => {
  const good = tsa.stamp(SIGNATURE, { certificates: tsa.certificates });

  it('A10: takes 64 KiB and 16 certificates at most', () => {
    const limit = { name: 'VerificationError', code: 'LIMIT_EXCEEDED' };
    assert.throws(() => parseTimestampToken(Buffer.alloc(64 * 1024 + 1)), limit);
    const certificates = Array.from({ length: 16 }, () => tsa.leaf.der);
    assert.equal(timeOf({ certificates }), AT);
    assert.throws(() => timeOf({ certificates: [...certificates, tsa.leaf.der] }), limit);
  });

  it('A18: takes little time for whatever fits into a token', () => {
    let nested = der.null();
    for (let i = 0; i < 9000; i += 1) nested = der.sequence(nested);
    const attributes = Array.from({ length: 4000 }, (_, i) =>
      stampAttribute(`1.2.${i.toString()}`, der.null()),
    );
    const certificates = Array.from({ length: 16 }, () => der.sequence(Buffer.alloc(3500, 0x30)));
    assertSoon(1000, () => {
      assert.throws(() => verifyTimestamp(nested, options), malformed());
      assert.equal(edited({ attributes: and(...attributes) }), AT);
      assert.equal(timeOf({ certificates }), AT);
    });
  });

  const outcome = (bytes: Uint8Array): number | undefined => {
    try {
      return verifyTimestamp(Buffer.from(bytes), options).time;
    } catch (thrown) {
      assert.ok(thrown instanceof VerificationError);
      assert.ok(['BUNDLE_MALFORMED', 'TIMESTAMP_UNTRUSTED'].includes(thrown.code));
      return undefined;
    }
  };

  it('lets nothing but its own errors out, whatever it is given', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) => outcome(bytes) === undefined),
    );
    const cut = fc.nat(good.length - 1);
    fc.assert(fc.property(cut, (length) => outcome(good.subarray(0, length)) === undefined));
  });

  it('gives the same time or none when a byte is changed', () => {
    const change = fc.tuple(fc.nat(good.length - 1), fc.integer({ min: 1, max: 255 }));
    fc.assert(
      fc.property(change, ([place, flip]) => {
        const bytes = Buffer.from(good);
        bytes[place]! ^= flip;
        return [AT, undefined].includes(outcome(bytes));
      }),
      { numRuns: 1000 },
    );
  });

  it('never accepts a change of what it refused', () => {
    const strange = new TestTimestampAuthority({ name: 'strange' });
    const bad = strange.stamp(SIGNATURE, { certificates: strange.certificates });
    const change = fc.tuple(fc.nat(bad.length - 1), fc.integer({ min: 1, max: 255 }));
    fc.assert(
      fc.property(change, ([place, flip]) => {
        const bytes = Buffer.from(bad);
        bytes[place]! ^= flip;
        return outcome(bytes) === undefined;
      }),
      { numRuns: 1000 },
    );
  });
});
