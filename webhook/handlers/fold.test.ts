// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import type { ImageJudgement } from '../../runtime/judge/index.ts';
import {
  compilePolicy,
  parseImageReference,
  withDigest,
  type Digest,
  type ReasonCode,
  type RequirementResult,
  type Verdict,
} from '../../verification/index.ts';
import { KeyIssuer, testPolicy } from '../../verification/testing/index.ts';
import type { Finding } from './finding.ts';
import { fold } from './fold.ts';
import type { Target } from './target.ts';

const DIGEST: Digest = `sha256:${'a'.repeat(64)}`;
const POLICY = compilePolicy('team', testPolicy([new KeyIssuer()]));
const TARGET: Target = {
  subject: 'pod',
  namespace: 'team',
  serviceAccount: 'default',
  pullSecrets: [],
  changed: [],
  old: [],
  mirror: false,
  derived: false,
};

function finding(image: string, code: ReasonCode, more: Partial<Finding> = {}): Finding {
  const field = {
    path: 'spec.containers[0].image',
    pointer: '/spec/containers/0/image',
    list: 'containers',
    name: 'c',
    image,
  } as const;
  return { field, effect: 'deny', code, message: `about ${image}`, rule: 'team/signed', ...more };
}

function judgement(result: Partial<RequirementResult>): ImageJudgement {
  const base = { requirement: 'signed', category: 'Image Signature', message: '', trail: [] };
  const first = { ...base, ...result };
  const verdict = { outcome: result.outcome, policy: 'team', results: [first], first } as Verdict;
  return {
    use: {
      image: withDigest(parseImageReference('registry.example/app'), DIGEST),
      namespace: 'team',
      namespaceLabels: {},
      serviceAccount: 'default',
    },
    policies: [{ policy: POLICY, mode: 'Enforce', verdict }],
    defaultAction: 'Allow',
  };
}

const lines = (message = ''): readonly string[] => message.split('\n');

describe('folding findings into one answer', () => {
  it('allows without a word where nothing was found and nothing judged', () => {
    assert.deepEqual(fold('u', TARGET, [], []), { response: { uid: 'u', allowed: true } });
  });

  it('denies by one finding that denies, among however many that warn', () => {
    for (const at of [0, 5, 9]) {
      const findings = Array.from({ length: 10 }, (_, i) =>
        finding(`i${i.toString()}`, 'NO_SIGNATURE', { effect: i === at ? 'deny' : 'warn' }),
      );
      const { response, code } = fold('u', TARGET, findings, []);
      assert.equal(response.allowed, false);
      assert.equal(code, 'NO_SIGNATURE');
      assert.equal(lines(response.status?.message).length, 1);
      assert.equal(response.warnings?.length, 9);
    }
  });

  it('tells the rejected before the inconclusive, each with its own code', () => {
    const open = finding('a', 'REGISTRY_UNAVAILABLE');
    const refused = finding('b', 'NO_SIGNATURE');
    for (const findings of [
      [open, refused],
      [refused, open],
    ]) {
      const { response, code } = fold('u', TARGET, findings, []);
      assert.equal(code, 'NO_SIGNATURE');
      assert.deepEqual(
        response.status?.details?.causes.map((cause) => cause.reason),
        ['NO_SIGNATURE', 'REGISTRY_UNAVAILABLE'],
      );
    }
    assert.equal(fold('u', TARGET, [open], []).code, 'REGISTRY_UNAVAILABLE');
    assert.equal(fold('u', TARGET, [open], []).response.allowed, false);
  });

  it('says what is the same once, and ten lines at most', () => {
    const same = [finding('a', 'NO_SIGNATURE'), finding('a', 'NO_SIGNATURE')];
    assert.equal(lines(fold('u', TARGET, same, []).response.status?.message).length, 1);
    const many = Array.from({ length: 25 }, (_, i) => finding(i.toString(), 'NO_SIGNATURE'));
    const told = lines(fold('u', TARGET, many, []).response.status?.message);
    assert.equal(told.length, 11);
    assert.equal(told.at(-1), 'and 15 more');
  });

  it('X17: warns of a mirror pod and never denies it', () => {
    const { response, code } = fold(
      'u',
      { ...TARGET, mirror: true },
      [finding('a', 'NO_SIGNATURE')],
      [],
    );
    assert.equal(response.allowed, true);
    assert.equal(code, undefined);
    assert.equal(response.warnings?.length, 1);
    assert.equal(response.auditAnnotations?.verdict, 'rejected');
  });

  it('does not warn of a derived template again, and denies it all the same', () => {
    const derived = { ...TARGET, subject: 'template', derived: true } as const;
    const warned = fold('u', derived, [finding('a', 'NO_SIGNATURE', { effect: 'warn' })], []);
    assert.equal(warned.response.allowed, true);
    assert.equal(warned.response.warnings, undefined);
    const denied = fold('u', derived, [finding('a', 'NO_SIGNATURE')], []);
    assert.equal(denied.response.allowed, false);
  });

  it('X55: forges no line, cause or warning, whatever an image is called', () => {
    const evil = `evil\nadmitted: true\u202e\u001b[31m${'x'.repeat(100_000)}`;
    const { response } = fold(
      'u',
      TARGET,
      [
        finding(evil, 'REF_INVALID', { message: evil }),
        finding(evil, 'REF_INVALID', { effect: 'warn', message: evil }),
      ],
      [],
    );
    assert.equal(lines(response.status?.message).length, 1);
    const told = [
      response.status?.message,
      ...(response.status?.details?.causes ?? []).map((cause) => cause.message),
      ...(response.warnings ?? []),
    ];
    for (const text of told) {
      assert.doesNotMatch(text ?? '', /[\p{Cc}\p{Cf}]/u);
      assert.ok((text ?? '').length < 3000);
    }
  });

  it('names an image that is not there', () => {
    const { response } = fold('u', TARGET, [finding('', 'REF_INVALID')], []);
    assert.match(response.status?.message ?? '', /^\(no image\): /);
  });

  it('writes the worst verdict, and who signed or excepted, into the audit log', () => {
    const signers = [{ authority: 'key-0', identity: 'sha256:k' }];
    const verified = judgement({ outcome: 'verified', signers });
    assert.deepEqual(fold('u', TARGET, [], [verified]).response.auditAnnotations, {
      verdict: 'verified',
      policy: 'team',
      digest: DIGEST,
      identity: 'key-0=sha256:k',
    });
    const use = { namespace: 'team', name: 'e', expiresAt: '', documentation: {} };
    const exempt = judgement({ outcome: 'exempt', exception: use });
    const audit = fold('u', TARGET, [], [verified, exempt]).response.auditAnnotations;
    assert.deepEqual([audit?.verdict, audit?.exception], ['exempt', 'team/e']);
    const open = finding('a', 'REGISTRY_UNAVAILABLE', { effect: 'warn', rule: 'other/signed' });
    const worse = fold('u', TARGET, [open], [exempt]).response.auditAnnotations;
    assert.deepEqual(
      [worse?.verdict, worse?.reason, worse?.policy],
      ['inconclusive', 'REGISTRY_UNAVAILABLE', 'team,other'],
    );
  });

  it('counts a verdict that no mode acts on: templates that are ignored are still told', () => {
    const rejected = judgement({ outcome: 'rejected', code: 'NO_SIGNATURE' });
    const { response } = fold('u', TARGET, [], [rejected]);
    assert.equal(response.allowed, true);
    assert.equal(response.auditAnnotations?.verdict, 'rejected');
  });

  it('names no policy where the cluster default denies', () => {
    const { field, effect, code, message } = finding('a', 'NO_POLICY');
    const { response } = fold('u', TARGET, [{ field, effect, code, message }], []);
    assert.doesNotMatch(response.status?.message ?? '', /\[/);
    assert.equal(response.auditAnnotations?.policy, undefined);
  });
});
