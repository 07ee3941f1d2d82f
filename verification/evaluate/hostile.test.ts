// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import fc from 'fast-check';
import type { RawSignature } from '../ports.ts';
import type { Verdict } from '../result.ts';
import {
  assertSoon,
  type AuthorityInput,
  bundleEvidence,
  editJson,
  KeyIssuer,
  keylessAuthority,
  layerEvidence,
  type SigningOptions,
  type TestLayer,
  TestSigstore,
} from '../testing/index.ts';
import {
  assertRejected,
  assertVerified,
  codesOf,
  IMAGE,
  judge,
  OTHER,
} from './__fixtures__/judge.ts';
import { FactCache, unmemoisedFacts } from './facts.ts';

const sigstore = new TestSigstore();
const root = sigstore.trustedRoot();
const issuer = new KeyIssuer();
const predicateType = 'https://example.com/scan/v1';
const thresholds = { logEntries: 1, scts: 1, timestamps: 1 };
const release = keylessAuthority(root, { thresholds });
const key: AuthorityInput = { name: 'key', key: { material: { inline: issuer.publicKeyPem } } };
const anyone = { by: [release, key] };

const full: SigningOptions = { logs: [{}, { log: 'v2' }], timestamps: [{}] };
const bundle = sigstore.bundle(IMAGE, full);
const message = sigstore.bundle(IMAGE, { ...full, kind: 'message', version: '0.2' });
const scan = sigstore.bundle(IMAGE, { ...full, predicateType });
const sig = sigstore.layer(IMAGE, { timestamps: [{}] });
const att = sigstore.layer(IMAGE, { kind: 'dsse', predicateType, timestamps: [{}] });
const ALL: readonly RawSignature[] = [
  ...[bundle, message, scan].map(bundleEvidence),
  ...[sig, att].map(layerEvidence),
];
const asked = [{}, { attestation: { predicateType } }];

/** Everything that stands anywhere in a JSON text, as paths of `editJson`. */
function placesOf(bytes: Buffer): readonly string[] {
  const walk = (value: unknown, path: string): readonly string[] =>
    typeof value === 'object' && value !== null
      ? Object.entries(value).flatMap(([name, member]) => {
          const at = path === '' ? name : `${path}.${name}`;
          return name.includes('.') ? [] : [at, ...walk(member, at)];
        })
      : [];
  return walk(JSON.parse(bytes.toString()), '');
}

/** A verdict about evidence that is not the good one: no fault of ours, and made soon. */
function judgedSoon(signature: RawSignature, attestation: object): Verdict {
  const verdict = assertSoon(1000, () => judge([signature], { ...anyone, ...attestation }));
  assert.doesNotMatch(codesOf(verdict).join(), /INTERNAL/);
  return verdict;
}

function flipped(bytes: Buffer, at: number, bit: number): Buffer {
  const copy = Buffer.from(bytes);
  const index = at % copy.length;
  copy[index] = (copy[index] ?? 0) ^ (1 << bit);
  return copy;
}

describe('A28: an envelope with more or less than one signature', () => {
  const own = JSON.parse(sigstore.bundle(IMAGE, { signer: issuer, logs: [] }).toString()) as {
    dsseEnvelope: { signatures: [object] };
  };
  const [good] = own.dsseEnvelope.signatures;
  const bad = { sig: Buffer.from('bad').toString('base64'), keyid: '' };
  const layer = sigstore.layer(IMAGE, { kind: 'dsse', predicateType, signer: issuer, logs: [] });
  for (const [what, signatures] of [
    ['bad and good', [bad, good]],
    ['good and bad', [good, bad]],
    ['twice the same', [good, good]],
    ['none', []],
  ] as const) {
    it(`is refused: ${what}`, () => {
      const written = editJson(Buffer.from(JSON.stringify(own)), {
        'dsseEnvelope.signatures': signatures,
      });
      assertRejected(judge([bundleEvidence(written)], { by: [key] }), 'BUNDLE_MALFORMED');
      const payload = editJson(layer.payload, { signatures });
      const evidence = layerEvidence({ ...layer, payload });
      const setting = { by: [key], attestation: { predicateType } };
      assertRejected(judge([evidence], setting), 'BUNDLE_MALFORMED');
    });
  }
});

describe('A33, A38: evidence that is not what it should be', () => {
  const places: readonly (readonly [string, readonly unknown[]])[] = [
    ['verificationMaterial.tlogEntries', [1, 'x', {}, [null], [1], [[]]]],
    [
      'verificationMaterial.tlogEntries.0.canonicalizedBody',
      [1, null, {}, 'e30', 'e30=\n', '_-=='],
    ],
    ['verificationMaterial.tlogEntries.0.logId', [1, null, [], 'x', { keyId: 1 }, {}]],
    [
      'verificationMaterial.tlogEntries.0.inclusionPromise',
      [1, [], 'x', { signedEntryTimestamp: 1 }, { signedEntryTimestamp: 'A' }],
    ],
    ['verificationMaterial.tlogEntries.0.inclusionProof.rootHash', [1, null, {}, '_w==', 'AAA']],
    ['verificationMaterial.tlogEntries.0.inclusionProof.hashes', [1, 'x', {}, [1], ['A'], [null]]],
    ['verificationMaterial.timestampVerificationData', [1, 'x', []]],
    [
      'verificationMaterial.timestampVerificationData.rfc3161Timestamps',
      [1, {}, 'x', [null], [1], [{}], [{ signedTimestamp: 1 }], [{ signedTimestamp: 'AB==' }]],
    ],
    ['verificationMaterial.certificate.rawBytes', [1, null, {}, [], 'A', ' ', 'YWJj!!ZGVm']],
  ];
  for (const [place, values] of places) {
    it(`is refused: another thing at ${place}`, () => {
      for (const value of values) {
        const evidence = bundleEvidence(editJson(bundle, { [place]: value }));
        assertRejected(judge([evidence], { by: [release] }), 'BUNDLE_MALFORMED');
      }
    });
  }

  it('is refused: no certificate, or one that is none', () => {
    const chain = 'verificationMaterial.x509CertificateChain';
    for (const [value, code] of [
      [{ certificates: [] }, 'BUNDLE_MALFORMED'],
      [{ certificates: [null] }, 'BUNDLE_MALFORMED'],
      [{ certificates: [{ rawBytes: 'AA==' }] }, 'CERT_MALFORMED'],
      [{}, 'BUNDLE_MALFORMED'],
    ] as const) {
      const evidence = bundleEvidence(editJson(message, { [chain]: value }));
      assertRejected(judge([evidence], { by: [release] }), code);
    }
  });

  const annotation = 'dev.sigstore.cosign/';
  for (const [name, texts, code] of [
    ['certificate', [' ', 'x', 'null', sigstore.ca.pem], 'CERT_MALFORMED'],
    ['chain', [' ', 'x'], 'CERT_MALFORMED'],
    ['bundle', [' ', 'x', '{}', 'null', '[]', '{"Payload":1}'], 'BUNDLE_MALFORMED'],
    ['rfc3161timestamp', [' ', 'x', '{}', '{"SignedRFC3161Timestamp":1}'], 'BUNDLE_MALFORMED'],
  ] as const) {
    it(`is refused: another thing in the annotation ${name}`, () => {
      for (const text of texts) {
        for (const layer of [sig, att]) {
          const annotations = { ...layer.annotations, [annotation + name]: text };
          const attestation = layer === att ? { attestation: { predicateType } } : {};
          const verdict = judge([layerEvidence({ ...layer, annotations })], {
            ...anyone,
            ...attestation,
          });
          assertRejected(verdict, code);
        }
      }
    });
  }

  it('is refused: a signature annotation that is none', () => {
    for (const text of [' ', '!', 'YWJj!!ZGVm', 'YWI']) {
      const annotations = { ...sig.annotations, 'dev.cosignproject.cosign/signature': text };
      assertRejected(judge([layerEvidence({ ...sig, annotations })], anyone), 'BUNDLE_MALFORMED');
    }
  });
});

describe('evidence with something changed', () => {
  it('was good before', () => {
    assertVerified(judge(ALL, anyone));
    assertVerified(judge(ALL, { ...anyone, attestation: { predicateType } }));
  });

  it('stays refused, throws nothing and takes no time, whatever stands at any place of a bundle', () => {
    const refused = sigstore.bundle(OTHER, full);
    const places = fc.constantFrom(...placesOf(refused));
    fc.assert(
      fc.property(
        places,
        fc.jsonValue({ maxDepth: 3 }),
        fc.constantFrom(...asked),
        (at, value, by) => {
          const evidence = bundleEvidence(editJson(refused, { [at]: value }));
          assert.equal(judgedSoon(evidence, by).outcome, 'rejected');
        },
      ),
      { numRuns: 400 },
    );
  });

  it('holds only where what was changed has no part in it', () => {
    // Without its promise an entry is proven by inclusion; one of an unknown log counts for nothing.
    const ignored = /keyid$|logId|\.inclusionPromise$|logIndex$/;
    fc.assert(
      fc.property(
        fc.constantFrom(...placesOf(scan)),
        fc.jsonValue({ maxDepth: 2 }),
        (at, value) => {
          const evidence = bundleEvidence(editJson(scan, { [at]: value }));
          const verdict = judgedSoon(evidence, asked[1] ?? {});
          if (verdict.outcome === 'verified') assert.match(at, ignored);
        },
      ),
      { numRuns: 400 },
    );
  });

  it('stays refused with any bit of a bundle changed, and is never ours to blame', () => {
    const refused = sigstore.bundle(OTHER, full);
    fc.assert(
      fc.property(
        fc.nat(),
        fc.integer({ min: 0, max: 7 }),
        fc.constantFrom(...asked),
        (at, bit, by) => {
          const evidence = bundleEvidence(flipped(refused, at, bit));
          assert.equal(judgedSoon(evidence, by).outcome, 'rejected');
        },
      ),
      { numRuns: 400 },
    );
  });

  it('stays refused with parts of another signature by the same identity', () => {
    const other = JSON.parse(sigstore.bundle(OTHER, full).toString()) as Record<string, unknown>;
    const mine = JSON.parse(bundle.toString()) as Record<string, unknown>;
    const valueAt = (json: unknown, path: string): unknown =>
      path
        .split('.')
        .reduce<unknown>((node, name) => (node as Record<string, unknown>)[name], json);
    const same = new Set(['mediaType']);
    for (const at of placesOf(bundle)) {
      const value = valueAt(other, at);
      if (JSON.stringify(value) === JSON.stringify(valueAt(mine, at))) same.add(at);
      if (same.has(at) || /keyid|logIndex$/.test(at)) continue;
      const evidence = bundleEvidence(editJson(bundle, { [at]: value }));
      const verdict = judgedSoon(evidence, {});
      assert.equal(verdict.outcome, 'rejected', at);
    }
  });

  const mutated = (layer: TestLayer): fc.Arbitrary<TestLayer> =>
    fc
      .tuple(
        fc.constantFrom('payload', ...Object.keys(layer.annotations)),
        fc.nat(),
        fc.integer({ min: 0, max: 7 }),
        fc.option(fc.string({ unit: 'grapheme', maxLength: 50 })),
      )
      .map(([where, at, bit, text]) => {
        if (where === 'payload') return { ...layer, payload: flipped(layer.payload, at, bit) };
        const old = Buffer.from(layer.annotations[where] ?? '');
        const now = old.length === 0 ? Buffer.from('x') : flipped(old, at, bit);
        const written = text ?? now.toString('latin1');
        return { ...layer, annotations: { ...layer.annotations, [where]: written } };
      });

  for (const kind of ['message', 'dsse'] as const) {
    it(`stays refused, throws nothing and takes no time in a layer of the content ${kind}`, () => {
      const options = { kind, predicateType, timestamps: [{}] };
      const refused = sigstore.layer(OTHER, options);
      fc.assert(
        fc.property(mutated(refused), fc.constantFrom(...asked), (layer, by) => {
          assert.equal(judgedSoon(layerEvidence(layer), by).outcome, 'rejected');
        }),
        { numRuns: 400 },
      );
    });
  }

  it('is refused, whatever it is', () => {
    const formats = fc.constantFrom('simple-signing', 'dsse', 'bundle');
    const texts = fc.oneof(
      fc.json(),
      fc.string(),
      fc.uint8Array().map((b) => Buffer.from(b).toString('latin1')),
    );
    const annotations = fc.dictionary(fc.constantFrom(...Object.keys(sig.annotations)), texts);
    fc.assert(
      fc.property(
        formats,
        texts,
        annotations,
        fc.constantFrom(...asked),
        (format, text, notes, by) => {
          const evidence = { ...bundleEvidence(Buffer.from(text)), format, annotations: notes };
          assert.equal(judgedSoon(evidence, by).outcome, 'rejected');
        },
      ),
      { numRuns: 400 },
    );
  });
});

describe('A41: verdicts that are asked for in any order, of one memo', () => {
  it('are those of each question by itself', () => {
    const stranger = new TestSigstore();
    const foreign = stranger.trustedRoot();
    const settings = [
      anyone,
      { by: [keylessAuthority(foreign)] },
      { by: [key] },
      { by: [release], attestation: { predicateType } },
      { by: [keylessAuthority(foreign)], attestation: { predicateType } },
      { by: [release], attestation: { predicateType, maxAge: '1h' } },
    ];
    const evidence = [
      ...ALL.map((signature) => [signature]),
      [bundleEvidence(stranger.bundle(IMAGE))],
      [bundleEvidence(stranger.bundle(IMAGE, { predicateType }))],
      [bundleEvidence(sigstore.bundle(IMAGE, { signer: issuer, logs: [] }))],
      [bundleEvidence(sigstore.bundle(OTHER, full))],
    ];
    const facts = new FactCache();
    const questions = fc.array(
      fc.tuple(fc.constantFrom(...evidence), fc.constantFrom(...settings)),
      {
        maxLength: 30,
      },
    );
    fc.assert(
      fc.property(questions, (asking) => {
        for (const [signatures, setting] of asking) {
          const cached = judge(signatures, { ...setting, facts });
          assert.deepEqual(cached, judge(signatures, { ...setting, facts: unmemoisedFacts }));
        }
      }),
      { numRuns: 30 },
    );
  });
});
