// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import fc from 'fast-check';
import { describe, it } from 'mocha';
import { digestOf, type Evidence, type RawSignature } from '../../verification/index.ts';
import { entryFileOf, keyHash, readEntryFile } from './entry-file.ts';
import { evidenceFileOf, readEvidenceFile } from './evidence-file.ts';

const bytes = fc.uint8Array({ maxLength: 64 });
const signature: fc.Arbitrary<RawSignature> = fc
  .record({
    format: fc.constantFrom('simple-signing', 'bundle', 'dsse'),
    bytes,
    annotations: fc.dictionary(
      fc.string().filter((name) => name !== '__proto__'),
      fc.string(),
      { noNullPrototype: true },
    ),
    origin: fc.constantFrom('tag', 'referrers-api', 'referrers-tag'),
  })
  .map((s) => ({ ...s, digest: digestOf(s.bytes, s.bytes.length % 2 ? 'sha256' : 'sha512') }));
const plain: fc.Arbitrary<Evidence> = fc
  .record({
    manifest: fc.record({ mediaType: fc.string(), bytes }),
    signatures: fc.array(signature, { maxLength: 4 }),
    gaps: fc.array(
      fc.record(
        {
          code: fc.constantFrom('LIMIT_EXCEEDED', 'REGISTRY_UNAVAILABLE'),
          what: fc.string(),
          detail: fc.string(),
          isAbsence: fc.constant(true as const),
        },
        { requiredKeys: ['code', 'what', 'detail'], noNullPrototype: true },
      ),
      { maxLength: 2 },
    ),
  })
  .map((e) => ({ ...e, digest: digestOf(e.manifest.bytes) }));
const evidence: fc.Arbitrary<Evidence> = fc.oneof(
  plain,
  fc.tuple(plain, plain).map(([own, index]) => ({ ...own, index })),
);

const written = (of: Evidence): { id: string; file: Buffer } => {
  const { id, parts } = evidenceFileOf(of);
  return { id, file: Buffer.concat(parts) };
};
/** Buffers and arrays of bytes alike. */
const comparable = (value: Evidence | undefined): unknown =>
  JSON.parse(
    JSON.stringify(value, (_, member: unknown) =>
      member instanceof Uint8Array ? Buffer.from(member).toString('hex') : member,
    ),
  );

describe('a file of evidence', () => {
  it('is read back as it was, whatever it holds', () => {
    fc.assert(
      fc.property(evidence, (of) => {
        const { id, file } = written(of);
        // As toJSON of a Buffer comes before a replacer.
        const plainly = { ...of, manifest: { ...of.manifest } };
        assert.deepEqual(
          comparable(viewed(readEvidenceFile(id, file))),
          comparable(viewed(plainly)),
        );
      }),
    );
  });

  it('counts for nothing where one byte of it is another, is missing, or too many', () => {
    fc.assert(
      fc.property(evidence, fc.nat(), fc.integer({ min: 1, max: 255 }), (of, at, change) => {
        const { id, file } = written(of);
        const damaged = Buffer.from(file);
        const place = at % damaged.length;
        damaged[place] = (damaged[place] ?? 0) ^ change;
        assert.equal(readEvidenceFile(id, damaged), undefined);
        assert.equal(readEvidenceFile(id, file.subarray(0, place)), undefined);
        assert.equal(readEvidenceFile(id, Buffer.concat([file, Buffer.of(change)])), undefined);
      }),
    );
  });

  it('counts for nothing under the name of another', () => {
    fc.assert(
      fc.property(evidence, evidence, (one, other) => {
        const [a, b] = [written(one), written(other)];
        fc.pre(a.id !== b.id);
        assert.equal(readEvidenceFile(a.id, b.file), undefined);
      }),
    );
  });

  it('has one name for one content', () => {
    fc.assert(
      fc.property(evidence, (of) => {
        assert.equal(evidenceFileOf(structuredClone(of)).id, evidenceFileOf(of).id);
      }),
    );
  });
});

describe('an entry', () => {
  const entry = {
    key: keyHash('k'),
    evidence: 'e'.repeat(64),
    collectedAt: 1_795_000_000_000,
    superseded: false,
  };

  it('is read back as it was', () => {
    assert.deepEqual(readEntryFile(entry.key, entryFileOf(entry)), entry);
  });

  it('counts for nothing where a byte of it is another, or it is of another key', () => {
    const file = entryFileOf(entry);
    for (let at = 0; at < file.length; at += 1) {
      const damaged = Buffer.from(file);
      damaged[at] = (damaged[at] ?? 0) ^ 1;
      assert.equal(readEntryFile(entry.key, damaged), undefined, at.toString());
    }
    assert.equal(readEntryFile(keyHash('other'), file), undefined);
    assert.equal(readEntryFile(entry.key, Buffer.alloc(0)), undefined);
  });
});

/** With arrays of bytes where there are buffers. */
function viewed(of: Evidence | undefined): Evidence | undefined {
  if (of === undefined) return undefined;
  const view = (array: Uint8Array): Uint8Array => new Uint8Array(array);
  const { index } = of;
  const shown = index === undefined ? undefined : viewed(index);
  return {
    ...of,
    manifest: { ...of.manifest, bytes: view(of.manifest.bytes) },
    signatures: of.signatures.map((s) => ({ ...s, bytes: view(s.bytes) })),
    ...(shown === undefined ? {} : { index: shown }),
  };
}
