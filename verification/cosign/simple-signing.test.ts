// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import fc from 'fast-check';
import type { RawSignature } from '../ports.ts';
import {
  editJson,
  evidenceOf,
  keyAuthority,
  KeyIssuer,
  simpleSigningEvidence,
  testManifest,
  type KeyKind,
} from '../testing/index.ts';
import { checkSignature } from './check.ts';
import type { SignatureFact } from './fact.ts';

const image = testManifest('image');
const other = testManifest('another image');
const issuer = new KeyIssuer();
const SIGNATURE = 'dev.cosignproject.cosign/signature';

function check(signature: RawSignature, trusted: readonly KeyIssuer[] = [issuer]): SignatureFact {
  return checkSignature(
    signature,
    evidenceOf(image, [signature]),
    keyAuthority('release-key', trusted),
  );
}

function refused(fact: SignatureFact, code: string, detail: RegExp): void {
  assert.equal(fact.outcome, 'refused');
  assert.equal(fact.code, code);
  assert.match(fact.detail, detail);
  assert.equal(fact.checks.at(-1)?.outcome, 'failed');
  assert.equal(fact.checks.at(-1)?.code, code);
}

const signedPayload = (payload: Buffer): RawSignature =>
  simpleSigningEvidence(issuer.simpleSigning(image.digest, { payload }));
const good = issuer.simpleSigning(image.digest);

describe('a simple signing signature', () => {
  for (const kind of [
    'P-256',
    'P-384',
    'P-521',
    'RSA-2048',
    'RSA-PSS',
    'Ed25519',
  ] satisfies KeyKind[]) {
    it(`by a key of the type ${kind} is signed`, () => {
      const signer = new KeyIssuer(kind);
      const fact = check(simpleSigningEvidence(signer.simpleSigning(image.digest)), [
        new KeyIssuer(kind),
        signer,
      ]);
      assert.equal(fact.outcome, 'signed');
      assert.deepEqual(fact.signer.proof, {
        authority: 'release-key',
        identity: signer.fingerprint,
      });
      assert.deepEqual(
        fact.checks.map((c) => `${c.check} ${c.outcome}`),
        ['encoding passed', 'signature passed', 'payload-subject passed'],
      );
    });
  }

  it('carries the annotations of its payload, and drops those that are no strings', () => {
    const payload = editJson(good.payload, {
      optional: { team: 'a', constructor: 'c', count: 1, nested: {} },
    });
    const fact = check(signedPayload(payload));
    assert.equal(fact.outcome, 'signed');
    assert.deepEqual(
      [...fact.annotations],
      [
        ['team', 'a'],
        ['constructor', 'c'],
      ],
    );
  });

  it('may have no annotations at all', () => {
    for (const optional of [null, undefined, {}]) {
      const fact = check(signedPayload(editJson(good.payload, { optional })));
      assert.equal(fact.outcome, 'signed');
      assert.equal(fact.annotations.size, 0);
    }
  });

  it('may have its base64 wrapped, as old signers did', () => {
    const wrapped = (good.annotations[SIGNATURE] ?? '').replaceAll(/(.{64})/g, '$1\r\n');
    assert.equal(
      check(simpleSigningEvidence({ ...good, annotations: { [SIGNATURE]: `${wrapped}\n` } }))
        .outcome,
      'signed',
    );
  });

  it('X46: is judged by its bytes, whatever docker-reference says', () => {
    const fact = check(
      simpleSigningEvidence(
        issuer.simpleSigning(image.digest, { reference: 'registry.example/elsewhere' }),
      ),
    );
    assert.equal(fact.outcome, 'signed');
  });

  it('A22: for another image is refused, although it is genuine', () => {
    refused(
      check(simpleSigningEvidence(issuer.simpleSigning(other.digest))),
      'SUBJECT_MISMATCH',
      new RegExp(other.digest),
    );
  });

  it('by another key is refused', () => {
    const stranger = new KeyIssuer();
    refused(
      check(simpleSigningEvidence(stranger.simpleSigning(image.digest))),
      'SIGNATURE_INVALID',
      /does not verify with release-key/,
    );
  });

  it('A14: for an authority without keys is refused', () => {
    refused(check(simpleSigningEvidence(good), []), 'SIGNATURE_INVALID', /release-key/);
  });

  it('A34: over other bytes than those of the layer is refused, also where they mean the same', () => {
    const respaced = Buffer.from(
      JSON.stringify(JSON.parse(good.payload.toString('utf8')), null, 1),
    );
    refused(
      check(simpleSigningEvidence({ ...good, payload: respaced })),
      'SIGNATURE_INVALID',
      /does not verify/,
    );
  });

  for (const [what, text] of [
    ['no signature annotation', undefined],
    ['an empty one', ''],
    ['X33: base64 with foreign characters', 'YWJj!!ZGVm'],
    ['X33: base64 without padding', 'YWI'],
    ['X33: URL-safe base64', 'a-_b'],
    ['X33: base64 with spaces', 'YW Jj'],
  ] as const) {
    it(`with ${what} is refused`, () => {
      const annotations: Record<string, string> = text === undefined ? {} : { [SIGNATURE]: text };
      refused(
        check(simpleSigningEvidence({ ...good, annotations })),
        'BUNDLE_MALFORMED',
        /annotation/,
      );
    });
  }

  const text = good.payload.toString('utf8');
  for (const [what, payload] of [
    ['A6: that is truncated', text.slice(0, -5)],
    ['that is empty', ''],
    ['that is not JSON', 'critical'],
    ['that is null', 'null'],
    ['that is a list', '[]'],
    ['that is not UTF-8', Buffer.from([0x22, 0xff, 0x22])],
    ['X32: that names critical twice', text.replace('{"critical"', '{"critical":{},"critical"')],
    [
      'X32: that names critical in two cases',
      text.replace('{"critical"', '{"Critical":{},"critical"'),
    ],
    ['X32: that names Critical only', text.replace('"critical"', '"Critical"')],
    [
      'X32: that names the digest twice',
      text.replace(
        '"docker-manifest-digest"',
        '"docker-manifest-digest":"x","docker-manifest-digest"',
      ),
    ],
    ['G7: with a key __proto__', text.replace('"optional":null', '"optional":{"__proto__":"x"}')],
    [
      'that is nested deeper than 16',
      text.replace('"optional":null', `"optional":${'{"a":'.repeat(16)}1${'}'.repeat(16)}`),
    ],
    ['of another type', editJson(good.payload, { 'critical.type': 'atomic container signature' })],
    ['without a type', editJson(good.payload, { 'critical.type': undefined })],
    [
      'whose critical is no object',
      editJson(good.payload, { critical: 'cosign container image signature' }),
    ],
    ['without an image', editJson(good.payload, { 'critical.image': undefined })],
    [
      'A38: whose digest is a number',
      editJson(good.payload, { 'critical.image.docker-manifest-digest': 1 }),
    ],
    [
      'A38: whose digest is a list of the digest',
      editJson(good.payload, { 'critical.image.docker-manifest-digest': [image.digest] }),
    ],
    ['whose optional is a list', editJson(good.payload, { optional: [] })],
    ['whose optional is a string', editJson(good.payload, { optional: 'x' })],
  ] as const) {
    it(`with a signed payload ${what} is refused`, () => {
      refused(check(signedPayload(Buffer.from(payload))), 'PAYLOAD_MALFORMED', /^payload: /);
    });
  }

  for (const [what, digest] of [
    ['is empty', ''],
    ['is in upper case', image.digest.toUpperCase()],
    ['has no algorithm', image.digest.slice('sha256:'.length)],
    ['has white space around it', ` ${image.digest}`],
    ['is of another algorithm', `sha512:${'a'.repeat(128)}`],
  ] as const) {
    it(`whose digest ${what} is refused`, () => {
      refused(
        check(simpleSigningEvidence(issuer.simpleSigning(digest))),
        'SUBJECT_MISMATCH',
        /^is for /,
      );
    });
  }

  it('is refused as INTERNAL where a source broke its promise, and nothing is thrown', () => {
    const broken = {
      ...simpleSigningEvidence(good),
      annotations: { [SIGNATURE]: 1 as unknown as string },
    };
    refused(check(broken), 'INTERNAL', /replaceAll/);
  });

  it('with one bit changed anywhere is refused', () => {
    const signature = Buffer.from(good.annotations[SIGNATURE] ?? '', 'base64');
    fc.assert(
      fc.property(
        fc.constantFrom('payload', 'signature'),
        fc.nat(),
        fc.integer({ min: 0, max: 7 }),
        (where, at, bit) => {
          const bytes = Buffer.from(where === 'payload' ? good.payload : signature);
          const index = at % bytes.length;
          bytes[index] = (bytes[index] ?? 0) ^ (1 << bit);
          const layer =
            where === 'payload'
              ? { ...good, payload: bytes }
              : { ...good, annotations: { [SIGNATURE]: bytes.toString('base64') } };
          assert.equal(check(simpleSigningEvidence(layer)).outcome, 'refused');
        },
      ),
    );
  });
});
