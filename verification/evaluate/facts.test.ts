// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import fc from 'fast-check';
import type { CompiledAuthority } from '../authority/index.ts';
import { compilePolicy } from '../policy/index.ts';
import type { RawSignature } from '../ports.ts';
import {
  bundleEvidence,
  evidenceOf,
  KeyIssuer,
  simpleSigningEvidence,
  testManifest,
  testPolicy,
} from '../testing/index.ts';
import { FactCache, unmemoisedFacts } from './facts.ts';

const image = testManifest('image');
const other = testManifest('another image');
const alice = new KeyIssuer();
const bob = new KeyIssuer('Ed25519');
const signature = simpleSigningEvidence(alice.simpleSigning(image.digest));

/** The authority `name` with the key of the issuer. */
function authority(issuer: KeyIssuer, name = 'key'): CompiledAuthority {
  const policy = compilePolicy('p', {
    ...testPolicy([]),
    authorities: [{ name, key: { material: { inline: issuer.publicKeyPem } } }],
    requirements: [{ name: 'signed', signature: { anyOf: [name] } }],
  });
  const [requirement] = policy.requirements;
  assert.ok(requirement.kind === 'signature' && requirement.authorities[0] !== undefined);
  return requirement.authorities[0];
}

describe('the cache of facts', () => {
  it('answers the same fact again without cryptography, also for a copy of the signature', () => {
    const cache = new FactCache();
    const evidence = evidenceOf(image, [signature]);
    const fact = cache.signature(signature, evidence, authority(alice));
    assert.equal(fact?.outcome, 'signed');
    assert.equal(cache.signature(signature, evidence, authority(alice)), fact);
    assert.equal(cache.signature({ ...signature }, evidenceOf(image, []), authority(alice)), fact);
  });

  it('B24: knows authorities of one name by their keys, and of one key by their names', () => {
    const cache = new FactCache();
    const evidence = evidenceOf(image, [signature]);
    assert.equal(cache.signature(signature, evidence, authority(alice))?.outcome, 'signed');
    assert.equal(cache.signature(signature, evidence, authority(bob))?.outcome, 'refused');
    const renamed = cache.signature(signature, evidence, authority(alice, 'release'));
    assert.ok(renamed?.outcome === 'signed' && renamed.signer.proof.authority === 'release');
  });

  it('A22: does not answer what is true of one image for another', () => {
    const cache = new FactCache();
    assert.equal(
      cache.signature(signature, evidenceOf(image, []), authority(alice))?.outcome,
      'signed',
    );
    const elsewhere = cache.signature(signature, evidenceOf(other, []), authority(alice));
    assert.ok(elsewhere?.outcome === 'refused' && elsewhere.code === 'SUBJECT_MISMATCH');
  });

  it('knows equal blobs by their annotations and their format', () => {
    const cache = new FactCache();
    const evidence = evidenceOf(image, []);
    assert.equal(cache.signature(signature, evidence, authority(alice))?.outcome, 'signed');
    assert.equal(
      cache.signature({ ...signature, annotations: {} }, evidence, authority(alice))?.outcome,
      'refused',
    );
    assert.equal(
      cache.signature({ ...signature, format: 'bundle' }, evidence, authority(alice))?.outcome,
      'refused',
    );
    assert.equal(cache.signature(signature, evidence, authority(alice))?.outcome, 'signed');
  });

  it('B24, X34: answers what was found without it, whatever was asked before', () => {
    const made = [alice, bob].flatMap((issuer) =>
      [image, other].flatMap((manifest) => [
        simpleSigningEvidence(issuer.simpleSigning(manifest.digest)),
        bundleEvidence(issuer.bundle(manifest.digest)),
        bundleEvidence(issuer.messageBundle(manifest.bytes)),
      ]),
    );
    const mixed: RawSignature[] = [
      ...made,
      ...made
        .slice(0, 3)
        .map((s, i) => ({ ...s, annotations: made[(i + 3) % made.length]?.annotations ?? {} })),
    ];
    const authorities = [authority(alice), authority(bob), authority(alice, 'other')];
    const question = fc.tuple(
      fc.constantFrom(...mixed),
      fc.constantFrom(image, other),
      fc.constantFrom(...authorities),
    );
    fc.assert(
      fc.property(
        fc.array(question, { maxLength: 40 }),
        fc.constantFrom(16 * 1024 * 1024, 4096),
        (questions, maxBytes) => {
          const cache = new FactCache({ maxBytes });
          for (const [raw, manifest, by] of questions) {
            const evidence = evidenceOf(manifest, [raw]);
            assert.deepEqual(
              cache.signature(raw, evidence, by),
              unmemoisedFacts.signature(raw, evidence, by),
            );
          }
        },
      ),
      { numRuns: 40 },
    );
  });

  it('does not keep that a check broke down', () => {
    const cache = new FactCache();
    let broken = true;
    const unreadable = {
      byteLength: 1,
      get buffer(): never {
        throw new Error('no memory');
      },
    } as unknown as Uint8Array;
    const flaky: RawSignature = {
      ...signature,
      get bytes(): Uint8Array {
        return broken ? unreadable : signature.bytes;
      },
    };
    const first = cache.signature(flaky, evidenceOf(image, []), authority(alice));
    assert.ok(first?.outcome === 'refused' && first.code === 'INTERNAL');
    broken = false;
    assert.equal(
      cache.signature(flaky, evidenceOf(image, []), authority(alice))?.outcome,
      'signed',
    );
  });

  it('forgets what was not used for longest when it is full', () => {
    const many = Array.from({ length: 50 }, (_, i) =>
      simpleSigningEvidence(
        alice.simpleSigning(image.digest, { annotations: { i: i.toString().repeat(100) } }),
      ),
    );
    const cache = new FactCache({ maxBytes: 8192 });
    const [first, ...rest] = many.map((raw) =>
      cache.signature(raw, evidenceOf(image, []), authority(alice)),
    );
    const again = cache.signature(many[0]!, evidenceOf(image, []), authority(alice));
    assert.notEqual(again, first);
    assert.deepEqual(again, first);
    assert.equal(
      cache.signature(many.at(-1)!, evidenceOf(image, []), authority(alice)),
      rest.at(-1),
    );
  });
});
