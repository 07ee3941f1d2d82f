// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import fc from 'fast-check';
import { ExceptionIndex } from '../exception/index.ts';
import { compilePolicy } from '../policy/index.ts';
import type { EvidenceGap, RawSignature } from '../ports.ts';
import type { Verdict } from '../result.ts';
import {
  bundleEvidence,
  editJson,
  evidenceOf,
  KeyIssuer,
  simpleSigningEvidence,
  testManifest,
  testPolicy,
  testSubject,
} from '../testing/index.ts';
import { evaluate } from './evaluate.ts';
import type { Facts } from './fact-question.ts';
import { unmemoisedFacts } from './facts.ts';

const image = testManifest('image');
const other = testManifest('another image');
const [alice, bob, carol, stranger] = [
  new KeyIssuer(),
  new KeyIssuer('Ed25519'),
  new KeyIssuer('P-384'),
  new KeyIssuer(),
];

interface Setting {
  readonly signature?: object;
  readonly trusted?: readonly KeyIssuer[];
  readonly gaps?: readonly EvidenceGap[];
  readonly facts?: Facts;
}

function judge(
  signatures: readonly RawSignature[],
  {
    signature = {},
    trusted = [alice, bob, carol],
    gaps = [],
    facts = unmemoisedFacts,
  }: Setting = {},
): Verdict {
  const anyOf = trusted.map((_, i) => `key-${i.toString()}`);
  const policy = compilePolicy(
    'team',
    testPolicy(trusted, { requirements: [{ name: 'signed', signature: { anyOf, ...signature } }] }),
  );
  const evidence = { state: 'collected', evidence: evidenceOf(image, signatures, gaps) } as const;
  return evaluate({
    policy,
    subject: testSubject(image.digest),
    evidence,
    exceptions: new ExceptionIndex(),
    now: new Date(0),
    facts,
  });
}

const simple = (issuer: KeyIssuer, annotations?: Record<string, string>): RawSignature =>
  simpleSigningEvidence(
    issuer.simpleSigning(image.digest, annotations === undefined ? {} : { annotations }),
  );
const bundle = (issuer: KeyIssuer, annotations?: Record<string, string>): RawSignature =>
  bundleEvidence(issuer.bundle(image.digest, annotations === undefined ? {} : { annotations }));
const attestation = (issuer: KeyIssuer): RawSignature =>
  bundleEvidence(issuer.bundle(image.digest, { predicateType: 'https://slsa.dev/provenance/v1' }));
const gap = (code: EvidenceGap['code']): EvidenceGap => ({
  code,
  what: 'referrers',
  detail: 'could not be read',
});

function rejected(verdict: Verdict, code: string, message: RegExp): void {
  assert.equal(verdict.outcome, 'rejected');
  assert.equal(verdict.first.code, code);
  assert.match(verdict.first.message, message);
  assert.equal(verdict.first.underlying, undefined);
}

/** Every order of a short list. */
function orders<T>(list: readonly T[]): readonly (readonly T[])[] {
  if (list.length < 2) return [list];
  return list.flatMap((head, i) =>
    orders(list.filter((_, j) => j !== i)).map((rest) => [head, ...rest]),
  );
}

const JUNK: readonly RawSignature[] = [
  bundleEvidence(Buffer.from('{')),
  simple(stranger),
  bundle(stranger),
  attestation(alice),
  simpleSigningEvidence(alice.simpleSigning(other.digest)),
  { ...simple(alice), annotations: {} },
];

describe('a signature requirement', () => {
  it('holds by a signature of any format, and names who signed', () => {
    for (const signature of [
      simple(alice),
      bundle(alice),
      bundleEvidence(alice.messageBundle(image.bytes)),
    ]) {
      const verdict = judge([signature]);
      assert.equal(verdict.outcome, 'verified');
      const [result] = verdict.results;
      assert.deepEqual(result.signers, [{ authority: 'key-0', identity: alice.fingerprint }]);
      assert.equal(result.message, 'signed by key-0');
      assert.equal(result.category, 'Image Signature');
    }
  });

  it('B22: holds by a good signature among bad ones, in every order of them', () => {
    for (const bad of JUNK) {
      for (const order of orders([bad, bundle(carol), bad]))
        assert.equal(judge(order).outcome, 'verified');
    }
    fc.assert(
      fc.property(fc.shuffledSubarray([...JUNK, simple(bob)], { minLength: 0 }), (signatures) => {
        const verdict = judge(signatures);
        assert.equal(
          verdict.outcome === 'verified',
          signatures.some((s) => s === simple(bob) || !JUNK.includes(s)),
        );
      }),
    );
  });

  it('keeps a trail of what was looked at', () => {
    const verdict = judge([JUNK[1]!, simple(alice)], { trusted: [alice] });
    const [result] = verdict.results;
    assert.deepEqual(
      result.trail.map((t) => [t.authority, t.checks.at(-1)?.outcome]),
      [
        ['key-0', 'failed'],
        ['key-0', 'passed'],
      ],
    );
    assert.match(result.trail[0]?.origin ?? '', /^simple-signing sha256:[0-9a-f]{64} \(tag\)$/);
  });

  it('A35: does not hold without evidence', () => {
    rejected(judge([]), 'NO_SIGNATURE', /^no signature by key-0 or key-1 or key-2$/);
  });

  it('A5: does not hold by attestations', () => {
    rejected(judge([attestation(alice), attestation(bob)]), 'NO_SIGNATURE', /only attestations/);
  });

  it('A22: does not hold by a genuine signature over another image', () => {
    for (const signature of [
      simpleSigningEvidence(alice.simpleSigning(other.digest)),
      bundleEvidence(alice.bundle(other.digest)),
      bundleEvidence(alice.messageBundle(other.bytes)),
    ]) {
      rejected(
        judge([signature]),
        'SUBJECT_MISMATCH',
        /no signature by .* \((?:is|signature is said to be) for /,
      );
    }
  });

  it('B17: does not hold by what annotations say', () => {
    const annotations = {
      'countersign.dev/verified': 'true',
      'cosign.sigstore.dev/verified': 'true',
      'kyverno.io/verify-images': '{"app":"pass"}',
    };
    rejected(
      judge([{ ...simple(stranger), annotations }]),
      'BUNDLE_MALFORMED',
      /no annotation dev\.cosignproject\.cosign\/signature/,
    );
  });

  for (const [code, signature, message] of [
    ['BUNDLE_MALFORMED', bundleEvidence(Buffer.from('{')), /bundle: not JSON/],
    ['KEY_UNTRUSTED', bundle(stranger), /a key that key-0 does not hold/],
    ['SIGNATURE_INVALID', simple(stranger), /does not verify with key-0/],
    [
      'PAYLOAD_MALFORMED',
      simpleSigningEvidence(alice.simpleSigning('', { payload: Buffer.from('{') })),
      /payload: not JSON/,
    ],
    [
      'SUBJECT_MISMATCH',
      simpleSigningEvidence(alice.simpleSigning(other.digest)),
      /\(is for sha256/,
    ],
    ['ANNOTATION_MISMATCH', simple(alice), /signature by key-0 lacks the annotation team=a/],
    ['DIGEST_MISMATCH', bundleEvidence(alice.bundle(image.digest)), /broken/],
  ] as const) {
    it(`tells ${code}, the furthest that a signature came, in every order of them`, () => {
      const broken: Facts = {
        ...unmemoisedFacts,
        signature: (raw, evidence, authority) =>
          code === 'DIGEST_MISMATCH' && raw === signature
            ? { outcome: 'refused', code, detail: 'broken', checks: [] }
            : unmemoisedFacts.signature(raw, evidence, authority),
      };
      const setting = { signature: { annotations: { team: 'a' } }, facts: broken };
      const lesser = [attestation(stranger), JUNK[0]!];
      for (const order of orders([signature, ...lesser]))
        rejected(judge(order, setting), code, message);
    });
  }

  it('A10: tells that a limit was exceeded by a statement that is ours', () => {
    const subject = Array.from({ length: 1025 }, () => ({ digest: { sha256: 'a' } }));
    const json = JSON.parse(bundle(alice).bytes.toString()) as {
      dsseEnvelope: { payload: string };
    };
    const payload = editJson(Buffer.from(json.dsseEnvelope.payload, 'base64'), { subject });
    rejected(
      judge([bundleEvidence(alice.bundle('', { payload })), bundle(stranger)]),
      'LIMIT_EXCEEDED',
      /1024 subjects/,
    );
  });

  it('is inconclusive where a check broke down, and holds where another signature is good', () => {
    const facts: Facts = {
      ...unmemoisedFacts,
      signature: (raw, evidence, authority) =>
        raw.origin === 'tag'
          ? { outcome: 'refused', code: 'INTERNAL', detail: 'no memory', checks: [] }
          : unmemoisedFacts.signature(raw, evidence, authority),
    };
    const verdict = judge([simple(alice), bundle(stranger)], { facts });
    assert.equal(verdict.outcome, 'inconclusive');
    assert.equal(verdict.first.code, 'INTERNAL');
    assert.equal(verdict.first.message, 'no memory');
    assert.equal(judge([simple(alice), bundle(alice)], { facts }).outcome, 'verified');
  });
});

describe('a threshold', () => {
  const two = { signature: { threshold: 2 } };

  it('counts distinct authorities', () => {
    assert.equal(judge([simple(alice), bundle(bob)], two).outcome, 'verified');
    assert.equal(
      judge([simple(alice), bundle(bob), simple(carol)], { signature: { threshold: 3 } }).outcome,
      'verified',
    );
    const verdict = judge([bundle(carol), simple(bob)], two);
    assert.equal(verdict.outcome, 'verified');
    assert.deepEqual(
      verdict.results[0].signers.map((s) => s.authority),
      ['key-1', 'key-2'],
    );
  });

  it('A11: is not met by one authority that signed twice, in every format and with every key of its set', () => {
    const message = bundleEvidence(alice.messageBundle(image.bytes));
    rejected(
      judge([simple(alice), simple(alice), bundle(alice), message], two),
      'THRESHOLD_NOT_MET',
      /signature by key-0, 1 of 2/,
    );
    const rotation = { publicKeyPem: alice.publicKeyPem + bob.publicKeyPem };
    const policy = compilePolicy(
      'team',
      testPolicy([rotation, carol], {
        requirements: [{ name: 'signed', signature: { anyOf: ['key-0', 'key-1'], threshold: 2 } }],
      }),
    );
    const evidence = {
      state: 'collected',
      evidence: evidenceOf(image, [simple(alice), simple(bob)]),
    } as const;
    const question = {
      policy,
      subject: testSubject(image.digest),
      evidence,
      exceptions: new ExceptionIndex(),
      now: new Date(0),
      facts: unmemoisedFacts,
    };
    rejected(
      evaluate(question),
      'THRESHOLD_NOT_MET',
      /signature by key-0, 1 of 2 needed authorities/,
    );
  });

  it('is met exactly where enough of the authorities signed, whatever else there is', () => {
    const signers = [alice, bob, carol];
    const made = signers.flatMap((s) => [simple(s), bundle(s)]);
    fc.assert(
      fc.property(
        fc.shuffledSubarray([...made, ...JUNK]),
        fc.integer({ min: 1, max: 3 }),
        (signatures, threshold) => {
          const count = signers.filter((_, i) =>
            made.slice(2 * i, 2 * i + 2).some((s) => signatures.includes(s)),
          ).length;
          const verdict = judge(signatures, { signature: { threshold } });
          assert.equal(verdict.outcome, count >= threshold ? 'verified' : 'rejected');
          if (count > 0 && verdict.outcome === 'rejected')
            assert.equal(verdict.first.code, 'THRESHOLD_NOT_MET');
        },
      ),
    );
  });
});

describe('annotations that a policy demands', () => {
  const wanted = { signature: { annotations: { team: 'a', stage: 'prod' } } };
  const all = { team: 'a', stage: 'prod', more: 'x' };

  it('are those that were signed', () => {
    assert.equal(judge([simple(alice, all)], wanted).outcome, 'verified');
    assert.equal(judge([bundle(alice, all)], wanted).outcome, 'verified');
    rejected(
      judge([simple(alice, { team: 'a' })], wanted),
      'ANNOTATION_MISMATCH',
      /lacks the annotation stage=prod/,
    );
    rejected(
      judge([simple(alice, { ...all, team: 'A' })], wanted),
      'ANNOTATION_MISMATCH',
      /lacks the annotation team=a/,
    );
  });

  it('are not those of the layer or of the bundle', () => {
    const layer = simple(alice);
    rejected(
      judge([{ ...layer, annotations: { ...layer.annotations, ...all } }], wanted),
      'ANNOTATION_MISMATCH',
      /team=a/,
    );
    rejected(
      judge([{ ...bundle(alice), annotations: all }], wanted),
      'ANNOTATION_MISMATCH',
      /team=a/,
    );
    rejected(
      judge([bundleEvidence(alice.messageBundle(image.bytes))], wanted),
      'ANNOTATION_MISMATCH',
      /team=a/,
    );
  });

  it('B23: are those of one signature: neither of several, nor of a stranger', () => {
    for (const pair of [
      [simple(alice), simple(stranger, all)],
      [simple(alice, { team: 'a' }), simple(alice, { stage: 'prod' })],
      [simple(alice, { team: 'a' }), bundle(alice, { stage: 'prod' })],
      [bundle(alice), simple(bob, { team: 'a' })],
      [
        simpleSigningEvidence(alice.simpleSigning(other.digest, { annotations: all })),
        simple(alice),
      ],
    ]) {
      for (const order of orders(pair))
        rejected(judge(order, wanted), 'ANNOTATION_MISMATCH', /lacks the annotation/);
    }
  });

  it('B23: are wanted of every signature that counts towards a threshold', () => {
    const setting = { signature: { ...wanted.signature, threshold: 2 } };
    rejected(
      judge([simple(alice, all), simple(bob)], setting),
      'THRESHOLD_NOT_MET',
      /signature by key-0, 1 of 2/,
    );
    assert.equal(judge([simple(alice, all), simple(bob, all)], setting).outcome, 'verified');
  });

  it('G7: are not found among what objects inherit', () => {
    const inherited = { signature: { annotations: { constructor: 'x' } } };
    rejected(judge([simple(alice)], inherited), 'ANNOTATION_MISMATCH', /constructor=x/);
    assert.equal(judge([simple(alice, { constructor: 'x' })], inherited).outcome, 'verified');
  });
});

describe('evidence with gaps', () => {
  for (const code of [
    'REGISTRY_UNAVAILABLE',
    'REGISTRY_UNAUTHORIZED',
    'REGISTRY_UNSAFE',
    'DEADLINE_EXCEEDED',
    'INTERNAL',
  ] as const) {
    it(`is inconclusive for ${code} where the requirement is not met`, () => {
      for (const signatures of [[], [simple(stranger)], [attestation(alice)]]) {
        const verdict = judge(signatures, { gaps: [gap('LIMIT_EXCEEDED'), gap(code)] });
        assert.equal(verdict.outcome, 'inconclusive');
        assert.equal(verdict.first.code, code);
        assert.equal(verdict.first.message, 'referrers: could not be read');
      }
      const verdict = judge([simple(alice)], { signature: { threshold: 2 }, gaps: [gap(code)] });
      assert.equal(verdict.outcome, 'inconclusive');
    });
  }

  it('verifies where what could be read is enough', () => {
    for (const code of ['REGISTRY_UNAVAILABLE', 'LIMIT_EXCEEDED', 'DIGEST_MISMATCH'] as const) {
      assert.equal(judge([simple(alice)], { gaps: [gap(code)] }).outcome, 'verified');
    }
  });

  it('X41: tells LIMIT_EXCEEDED whatever junk was read before the limit', () => {
    for (const signatures of [[], JUNK, [simple(stranger)]]) {
      rejected(
        judge(signatures, { gaps: [gap('LIMIT_EXCEEDED')] }),
        'LIMIT_EXCEEDED',
        /^no signature by key-0 or .* in what was read \(referrers: could not be read\)$/,
      );
    }
    rejected(
      judge([simple(alice)], { signature: { threshold: 2 }, gaps: [gap('LIMIT_EXCEEDED')] }),
      'LIMIT_EXCEEDED',
      /in what was read/,
    );
  });

  it('tells what was refused while reading where nothing came further', () => {
    rejected(
      judge([], { gaps: [gap('DIGEST_MISMATCH')] }),
      'DIGEST_MISMATCH',
      /^referrers: could not be read$/,
    );
    rejected(
      judge([attestation(alice)], { gaps: [gap('DIGEST_MISMATCH')] }),
      'DIGEST_MISMATCH',
      /^referrers/,
    );
    rejected(
      judge([simple(stranger)], { gaps: [gap('DIGEST_MISMATCH')] }),
      'SIGNATURE_INVALID',
      /does not verify/,
    );
  });
});
