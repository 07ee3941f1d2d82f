// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { gunzipSync, gzipSync } from 'node:zlib';
import { describe, it } from 'mocha';
import fc from 'fast-check';
import { canonicalJson, compilePolicy } from '../../verification/index.ts';
import { KeyIssuer, testPolicy } from '../../verification/testing/index.ts';
import {
  BLOB_PREFIX,
  decodeBlob,
  decodeIndex,
  encodeBlob,
  encodeIndex,
  FORMAT_VERSION,
  MAX_BLOB_BYTES,
  ProgramError,
  type EncodedBlob,
  type ProgramIndex,
} from './codec.ts';

const issuer = new KeyIssuer();
const { spec } = compilePolicy('team', testPolicy([issuer]));
const blob = encodeBlob(spec);

/** A blob of any plain bytes, under the name that they hash to. */
function named(plain: string | Buffer): EncodedBlob {
  const name = BLOB_PREFIX + createHash('sha256').update(plain).digest('hex');
  return { name, bytes: gzipSync(plain) };
}

function refusesBlob({ name, bytes }: EncodedBlob, message: RegExp): void {
  assert.throws(() => decodeBlob(name, bytes), { name: 'ProgramError', message });
}

describe('a blob', () => {
  it('comes back as it went in, and compiles', () => {
    const decoded = decodeBlob(blob.name, blob.bytes);
    assert.equal(canonicalJson(decoded), canonicalJson(spec));
    assert.deepEqual(compilePolicy('team', decoded).spec, spec);
  });

  it('is called by the hash of its uncompressed bytes', () => {
    const plain = gunzipSync(blob.bytes);
    assert.equal(blob.name, BLOB_PREFIX + createHash('sha256').update(plain).digest('hex'));
    assert.deepEqual(JSON.parse(plain.toString('utf8')), { formatVersion: FORMAT_VERSION, spec });
  });

  it('has one name for equal specs, whatever the order of their fields, and another for others', () => {
    const reversed = Object.fromEntries(Object.entries(spec).reverse()) as typeof spec;
    assert.equal(encodeBlob(reversed).name, blob.name);
    assert.notEqual(encodeBlob({ ...spec, mode: 'Audit' }).name, blob.name);
    const other = compilePolicy('team', testPolicy([new KeyIssuer()]));
    assert.notEqual(encodeBlob(other.spec).name, blob.name);
  });

  it('is the same however strongly it was compressed', () => {
    const weak = gzipSync(gunzipSync(blob.bytes), { level: 1 });
    assert.deepEqual(decodeBlob(blob.name, weak), decodeBlob(blob.name, blob.bytes));
  });

  it('is refused where its bytes are those of another', () => {
    const other = encodeBlob({ ...spec, mode: 'Audit' });
    refusesBlob({ name: blob.name, bytes: other.bytes }, /content does not hash to its name$/);
    refusesBlob({ name: 'other', bytes: blob.bytes }, /^other: content does not hash to its name$/);
  });

  it('is refused where it is not gzip, cut, or empty', () => {
    const { name, bytes } = blob;
    for (const broken of [
      Buffer.from('{}'),
      bytes.subarray(0, bytes.length - 9),
      Buffer.alloc(0),
    ]) {
      refusesBlob({ name, bytes: broken }, /not gzip$/);
    }
  });

  it('is refused before it has unpacked to more than 16 MiB', () => {
    const most = 16 * 1024 * 1024;
    const bomb = named(Buffer.alloc(most + 1, ' '));
    assert.ok(bomb.bytes.length < MAX_BLOB_BYTES);
    assert.throws(
      () => decodeBlob(bomb.name, bomb.bytes),
      (thrown) => {
        assert.ok(thrown instanceof ProgramError);
        assert.equal((thrown.cause as NodeJS.ErrnoException).code, 'ERR_BUFFER_TOO_LARGE');
        return true;
      },
    );
    refusesBlob(named(Buffer.alloc(most, ' ')), /not JSON$/);
  });

  it('is refused where it is of a form that is not known', () => {
    for (const formatVersion of [
      0,
      FORMAT_VERSION + 1,
      '1',
      null,
      undefined,
      true,
      [FORMAT_VERSION],
    ]) {
      refusesBlob(named(JSON.stringify({ formatVersion, spec })), /format version is not known$/);
    }
  });

  it('is refused where it hashes to its name and is not a JSON object', () => {
    refusesBlob(named('{"formatVersion":1'), /not JSON$/);
    for (const text of ['null', '[]', '"text"', '1']) refusesBlob(named(text), /not an object$/);
  });
});

const NAMES = ['a', 'b'].map((content) => named(content).name);
const index: ProgramIndex = {
  formatVersion: FORMAT_VERSION,
  revision: 7,
  defaultAction: 'Deny',
  policies: new Map([
    ['app', NAMES[0] ?? ''],
    ['team', NAMES[1] ?? ''],
  ]),
};
const written = JSON.parse(encodeIndex(index)) as Record<string, unknown>;
const edited = (edits: Record<string, unknown>): string => JSON.stringify({ ...written, ...edits });

function refusesIndex(text: string, message: RegExp): void {
  assert.throws(() => decodeIndex(text), { name: 'ProgramError', message });
}

describe('the index', () => {
  it('comes back as it went in', () => {
    assert.deepEqual(decodeIndex(encodeIndex(index)), index);
    const empty: ProgramIndex = { ...index, defaultAction: 'Allow', policies: new Map() };
    assert.deepEqual(decodeIndex(encodeIndex(empty)), empty);
  });

  it('is the same text whatever the order in which policies were added', () => {
    const turned = { ...index, policies: new Map([...index.policies].reverse()) };
    assert.equal(encodeIndex(turned), encodeIndex(index));
  });

  it('G7: takes names that objects inherit for names like others', () => {
    const names = ['__proto__', 'constructor', 'toString'];
    const policies = new Map(names.map((name) => [name, NAMES[0] ?? '']));
    assert.deepEqual(
      new Set(decodeIndex(encodeIndex({ ...index, policies })).policies.keys()),
      new Set(names),
    );
  });

  it('is refused where it is not a JSON object', () => {
    for (const text of ['', '{', 'revision: 1'])
      refusesIndex(text, /^countersign-program: not JSON$/);
    for (const text of ['null', '[]', '1', '""'])
      refusesIndex(text, /^countersign-program: not an object$/);
  });

  it('is refused where it is of a form that is not known', () => {
    for (const formatVersion of [FORMAT_VERSION + 1, 0, '1', null, undefined]) {
      refusesIndex(edited({ formatVersion }), /^index: format version is not known$/);
    }
  });

  it('is refused without a revision that can be counted on', () => {
    for (const revision of [0, -1, 1.5, 2 ** 53, '7', null, undefined, [7]]) {
      refusesIndex(edited({ revision }), /^index: no revision$/);
    }
  });

  it('is refused without a default action: there is no silent Allow', () => {
    for (const defaultAction of [undefined, null, '', 'allow', 'Audit', true]) {
      refusesIndex(edited({ defaultAction }), /^index: no default action$/);
    }
  });

  it('X26: holds the name of the cluster, or none at all: no name is like any other', () => {
    const named: ProgramIndex = { ...index, cluster: 'prod' };
    assert.deepEqual(decodeIndex(encodeIndex(named)), named);
    assert.notEqual(encodeIndex(named), encodeIndex(index));
    assert.equal('cluster' in decodeIndex(encodeIndex(index)), false);
    for (const cluster of ['', null, 7, ['prod'], { name: 'prod' }, true])
      refusesIndex(edited({ cluster }), /^index: cluster is not a name$/);
  });

  it('is refused without a table of policies', () => {
    for (const policies of [undefined, null, [], [NAMES[0]], 'team', 3]) {
      refusesIndex(edited({ policies }), /^index: no policies$/);
    }
  });

  it('is refused where a policy names anything but a blob', () => {
    const hash = 'a'.repeat(64);
    for (const name of [
      hash,
      'countersign-program',
      `${BLOB_PREFIX}${hash.slice(1)}`,
      `${BLOB_PREFIX}${hash}0`,
      `${BLOB_PREFIX}${hash.toUpperCase()}`,
      ` ${BLOB_PREFIX}${hash}`,
      `${BLOB_PREFIX}${hash}\n`,
      null,
      1,
      [`${BLOB_PREFIX}${hash}`],
    ]) {
      refusesIndex(edited({ policies: { team: name } }), /^index: policy team names no blob$/);
    }
  });

  it('answers an index or a ProgramError for any text', () => {
    const json = fc.record({
      formatVersion: fc.constant(FORMAT_VERSION),
      revision: fc.jsonValue(),
      defaultAction: fc.jsonValue(),
      policies: fc.jsonValue(),
    });
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.json(),
          json.map((value) => JSON.stringify(value)),
        ),
        (text) => {
          try {
            decodeIndex(text);
          } catch (thrown) {
            assert.ok(thrown instanceof ProgramError);
          }
        },
      ),
    );
  });
});
