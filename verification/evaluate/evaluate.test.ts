// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import fc from 'fast-check';
import type { ImageTrustPolicySpecInput } from '../../crds/index.ts';
import { toVerificationError, VerificationError } from '../error.ts';
import { parseImageReference } from '../image/index.ts';
import { ExceptionIndex } from '../exception/index.ts';
import { compilePolicy } from '../policy/index.ts';
import type { RejectedResult, Verdict } from '../result.ts';
import {
  evidenceOf,
  KeyIssuer,
  simpleSigningEvidence,
  testManifest,
  testPolicy,
  testSubject,
} from '../testing/index.ts';
import { evaluate, evidenceNeeded, type Case, type EvidenceState } from './evaluate.ts';
import type { Facts } from './fact-question.ts';
import { unmemoisedFacts } from './facts.ts';

const image = testManifest('image');
const issuer = new KeyIssuer();
const signature = simpleSigningEvidence(issuer.simpleSigning(image.digest));
const good: EvidenceState = { state: 'collected', evidence: evidenceOf(image, [signature]) };
type Requirements = ImageTrustPolicySpecInput['requirements'];
const SIGNED = { name: 'signed', signature: { anyOf: ['key-0'] } };
const LISTED = { name: 'listed', allowedDigests: [image.digest] };
const UNLISTED = { name: 'unlisted', allowedDigests: [testManifest('other').digest] };
const OURS = { name: 'ours', allowedRepositories: ['ghcr.io/**', 'registry.example/*'] };
const FOREIGN = { name: 'foreign', allowedRepositories: ['registry.example'] };

function caseOf(
  requirements: Requirements,
  evidence: EvidenceState = good,
  edits: Partial<Case> = {},
): Case {
  const policy = compilePolicy('team', testPolicy([issuer], { requirements }));
  const subject = testSubject(image.digest);
  return {
    policy,
    subject,
    evidence,
    exceptions: new ExceptionIndex(),
    now: new Date(0),
    facts: unmemoisedFacts,
    ...edits,
  };
}
/** Throws what no code of ours would: libraries may. */
function throwing(thrown: unknown): never {
  throw thrown as Error;
}
const judge = (
  requirements: Requirements,
  evidence: EvidenceState = good,
  edits: Partial<Case> = {},
): Verdict => evaluate(caseOf(requirements, evidence, edits));

type First = Pick<RejectedResult, 'message' | 'requirement'> & { readonly code: string };

function first(verdict: Verdict, outcome: 'rejected' | 'inconclusive'): First {
  assert.equal<string>(verdict.outcome, outcome);
  if ('first' in verdict) return verdict.first;
  return assert.fail(verdict.outcome);
}

describe('evaluate', () => {
  it('verifies where every requirement holds', () => {
    const verdict = judge([SIGNED, LISTED, OURS]);
    assert.equal(verdict.outcome, 'verified');
    assert.equal(verdict.policy, 'team');
    assert.deepEqual(
      verdict.results.map((r) => [r.requirement, r.message]),
      [
        ['signed', 'signed by key-0'],
        ['listed', 'the digest is on the list'],
        ['ours', 'registry.example/app is on the list'],
      ],
    );
  });

  it('rejects where one does not, and names the first of them', () => {
    const verdict = judge([SIGNED, UNLISTED, FOREIGN]);
    assert.deepEqual(
      verdict.results.map((r) => r.outcome),
      ['verified', 'rejected', 'rejected'],
    );
    assert.equal(first(verdict, 'rejected').requirement, 'unlisted');
    assert.equal(first(verdict, 'rejected').code, 'DIGEST_NOT_ALLOWED');
    const { code, message } = first(judge([FOREIGN]), 'rejected');
    assert.equal(code, 'REPOSITORY_NOT_ALLOWED');
    assert.equal(message, 'registry.example/app is not on the list of allowed repositories');
  });

  it('judges the repository that was parsed, not the text that was written', () => {
    const requirement = [{ name: 'hub', allowedRepositories: ['nginx'] }];
    const named = (text: string): Verdict =>
      judge(
        requirement,
        { state: 'not-needed' },
        { subject: { ...testSubject(image.digest), image: parseImageReference(text) } },
      );
    for (const text of ['nginx', 'docker.io/nginx', 'index.docker.io/library/nginx:1'])
      assert.equal(named(text).outcome, 'verified');
    for (const text of [
      'evil.example/nginx',
      'docker.io/evil/nginx',
      'docker.io.evil.example/library/nginx',
    ]) {
      assert.equal(first(named(text), 'rejected').code, 'REPOSITORY_NOT_ALLOWED');
    }
  });

  it('asks for evidence only where a requirement needs some', () => {
    assert.equal(judge([LISTED, OURS], { state: 'not-needed' }).outcome, 'verified');
    assert.equal(evidenceNeeded(caseOf([LISTED, OURS])), false);
    assert.equal(evidenceNeeded(caseOf([LISTED, SIGNED])), true);
  });

  it('gives the code of a collection that failed: inconclusive, or rejected by what was served', () => {
    const failed = (code: VerificationError['code']): Verdict =>
      judge([LISTED, SIGNED], { state: 'failed', error: new VerificationError(code, 'why') });
    for (const code of ['REGISTRY_UNAVAILABLE', 'DEADLINE_EXCEEDED', 'INTERNAL'] as const) {
      assert.deepEqual(
        [first(failed(code), 'inconclusive').code, first(failed(code), 'inconclusive').message],
        [code, 'why'],
      );
    }
    for (const code of ['DIGEST_MISMATCH', 'MANIFEST_UNSUPPORTED', 'LIMIT_EXCEEDED'] as const) {
      assert.equal(first(failed(code), 'rejected').code, code);
    }
  });

  it('A33: takes anything thrown for INTERNAL of that requirement, never for a pass', () => {
    for (const thrown of [
      new TypeError('no such thing'),
      new VerificationError('NO_SIGNATURE', 'x'),
      'text',
      undefined,
    ]) {
      const facts: Facts = { ...unmemoisedFacts, signature: () => throwing(thrown) };
      const verdict = judge([LISTED, SIGNED], good, { facts });
      assert.deepEqual(
        verdict.results.map((r) => r.outcome),
        ['verified', 'inconclusive'],
      );
      assert.equal(first(verdict, 'inconclusive').code, 'INTERNAL');
    }
    const exceptions = {
      candidates: () => assert.fail('index is broken'),
    } as unknown as ExceptionIndex;
    assert.equal(
      first(judge([LISTED], good, { exceptions }), 'inconclusive').message,
      'index is broken',
    );
  });

  it('is inconclusive where evidence was not collected although it is needed', () => {
    assert.equal(first(judge([SIGNED], { state: 'not-needed' }), 'inconclusive').code, 'INTERNAL');
  });

  it('C3: is inconclusive where the evidence is of another digest', () => {
    const other = testManifest('other');
    const evidence: EvidenceState = {
      state: 'collected',
      evidence: evidenceOf(other, [simpleSigningEvidence(issuer.simpleSigning(other.digest))]),
    };
    assert.equal(
      first(judge([SIGNED], evidence), 'inconclusive').message,
      'evidence is of another digest',
    );
  });

  it('X22: rejects before it is inconclusive, in whatever order requirements stand', () => {
    const parts: Requirements[number][] = [SIGNED, LISTED, UNLISTED, OURS, FOREIGN];
    const states = fc.constantFrom<EvidenceState>(
      good,
      { state: 'collected', evidence: evidenceOf(image, []) },
      { state: 'failed', error: new VerificationError('REGISTRY_UNAVAILABLE', 'x') },
    );
    fc.assert(
      fc.property(fc.shuffledSubarray(parts, { minLength: 1 }), states, (some, evidence) => {
        const verdict = judge(some, evidence);
        const outcomes = new Set(verdict.results.map((r) => r.outcome));
        const expected = outcomes.has('rejected')
          ? 'rejected'
          : outcomes.has('inconclusive')
            ? 'inconclusive'
            : 'verified';
        assert.equal(verdict.outcome, expected);
        const sorted = judge(
          parts.filter((p) => some.includes(p)),
          evidence,
        );
        assert.equal(sorted.outcome, verdict.outcome);
        const byName = (v: Verdict): unknown =>
          [...v.results].sort((a, b) => (a.requirement < b.requirement ? -1 : 1));
        assert.deepEqual(byName(sorted), byName(verdict));
      }),
    );
  });

  it('A41: gives equal questions equal answers', () => {
    assert.deepEqual(judge([SIGNED, OURS]), judge([SIGNED, OURS]));
  });
});

describe('a thrown value', () => {
  it('becomes an error of the library, and INTERNAL where it is none', () => {
    const ours = new VerificationError('NO_POLICY', 'x');
    assert.equal(toVerificationError(ours), ours);
    const cause = new RangeError('too far');
    const { code, message, cause: kept } = toVerificationError(cause);
    assert.deepEqual([code, message, kept], ['INTERNAL', 'too far', cause]);
    assert.equal(toVerificationError('text').message, 'text');
  });
});
