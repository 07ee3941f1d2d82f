// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { compileException, VerificationError } from '../../../verification/index.ts';
import { testException } from '../../../verification/testing/index.ts';
import {
  DIGEST,
  judgedWith,
  observedImage,
  policyNamed,
  resultWith,
  verdictWith,
} from '../../__fixtures__/findings.ts';
import type { ReportResult } from '../../reporting/index.ts';
import type { Finding } from './examine.ts';
import { resultsOf, type ResultContext } from './results.ts';

const PLAIN: ResultContext = { uid: 'uid-of-web', namespaceLabels: {}, exempt: false };
const EXEMPT: ResultContext = { uid: 'uid-of-web', namespaceLabels: {}, exempt: true };
const OTHER = `sha256:${'b'.repeat(64)}` as const;

function only(finding: Finding, context = PLAIN): ReportResult {
  const results = resultsOf([finding], context);
  assert.equal(results.length, 1);
  return results[0]!;
}

function idOf(finding: Finding, context = PLAIN): string {
  return only(finding, context).properties['resultID'] ?? '';
}

describe('the results of a report', () => {
  const audit = policyNamed('team', { mode: 'Audit' });

  for (const [outcome, word, severity] of [
    ['verified', 'pass', 'info'],
    ['exempt', 'skip', 'info'],
    ['rejected', 'fail', 'high'],
    ['inconclusive', 'error', 'high'],
  ] as const) {
    it(`say ${word} for what is ${outcome}, and count it`, () => {
      const result = only(judgedWith(resultWith(outcome)));
      assert.deepEqual(
        [result.result, result.severity, result.scored, result.policy, result.rule],
        [word, severity, true, 'team', 'signed'],
      );
      assert.equal(result.source, 'countersign');
    });

    it(`do not count what is ${outcome} in Audit, nor where admission leaves a namespace alone`, () => {
      const lenient = word === 'fail' ? 'warn' : word;
      for (const result of [
        only(judgedWith(resultWith(outcome), { policy: audit })),
        only(judgedWith(resultWith(outcome)), EXEMPT),
      ]) {
        assert.deepEqual([result.result, result.scored], [lenient, false]);
      }
    });
  }

  it('name container, image, digest, who signed and where it was seen', () => {
    const signers = [
      { authority: 'key-0', identity: 'sha256:k' },
      { authority: 'work', identity: 'dev@example.com', issuer: 'https://issuer.example' },
    ];
    const { resultID, ...rest } = only(judgedWith(resultWith('verified', { signers }))).properties;
    assert.match(resultID ?? '', /^[0-9a-f]{32}$/);
    assert.deepEqual(rest, {
      container: 'web',
      image: `registry.example/app@${DIGEST}`,
      digest: DIGEST,
      process: 'background',
      authority: 'key-0, work',
      identity: 'sha256:k, dev@example.com',
      issuer: 'https://issuer.example',
    });
  });

  it('name the reason of what is rejected or cannot be told, and what lies under an exception', () => {
    const rejected = only(judgedWith(resultWith('rejected'))).properties;
    assert.equal(rejected['reason'], 'NO_SIGNATURE');
    assert.equal(rejected['underlyingReason'], undefined);
    const open = only(judgedWith(resultWith('inconclusive'))).properties;
    assert.equal(open['reason'], 'REGISTRY_UNAVAILABLE');
    const { use } = compileException(testException([DIGEST]));
    const ended = resultWith('rejected', {
      code: 'EXCEPTION_EXPIRED',
      underlying: 'NO_SIGNATURE',
      exception: use,
    });
    const { properties, result } = only(judgedWith(ended));
    assert.equal(result, 'fail');
    assert.deepEqual(
      ['reason', 'underlyingReason', 'exception', 'exceptionExpires'].map((p) => properties[p]),
      ['EXCEPTION_EXPIRED', 'NO_SIGNATURE', 'checkout/hotfix', '2026-11-27T00:00:00Z'],
    );
  });

  it('say pass for what kept evidence proves, and tell since when and why', () => {
    const judged = judgedWith(resultWith('verified'));
    const lastVerified = {
      collectedAt: new Date('2026-11-21T00:00:00Z'),
      code: 'REGISTRY_UNAVAILABLE',
      message: '503',
    } as const;
    const policies = judged.policies.map((each) => ({ ...each, lastVerified }));
    const bridged = only({ ...judged, policies });
    const { evidenceFrom, reason, resultID } = bridged.properties;
    assert.deepEqual(
      [bridged.result, evidenceFrom, reason],
      ['pass', '2026-11-21T00:00:00.000Z', 'REGISTRY_UNAVAILABLE'],
    );
    assert.equal(resultID, idOf(judged));
    const listed = judgedWith(resultWith('verified', { signers: [] }));
    const others = listed.policies.map((each) => ({ ...each, lastVerified }));
    assert.equal(only({ ...listed, policies: others }).properties['evidenceFrom'], undefined);
  });

  it('carry all that an exception documents on what it skips', () => {
    const { use } = compileException(
      testException([DIGEST], {
        ticket: 'https://tickets.example/SEC-1',
        risk: 'an unsigned image',
        compensatingControls: ['no egress', 'read only'],
        closureCondition: 'the vendor signs again',
        extensionCondition: 'never',
      }),
    );
    const result = only(judgedWith(resultWith('exempt', { exception: use })));
    assert.equal(result.category, 'Signing Exception');
    const names = Object.keys(result.properties).filter((name) => name.startsWith('exception'));
    assert.deepEqual(Object.fromEntries(names.map((name) => [name, result.properties[name]])), {
      exception: 'checkout/hotfix',
      exceptionExpires: '2026-11-27T00:00:00Z',
      exceptionReason: 'the signing service of the vendor is down',
      exceptionOwner: 'team-checkout@example.com',
      exceptionRequestedBy: 'dev@example.com',
      exceptionTicket: 'https://tickets.example/SEC-1',
      exceptionRisk: 'an unsigned image',
      exceptionCompensatingControls: 'no egress; read only',
      exceptionClosureCondition: 'the vendor signs again',
      exceptionExtensionCondition: 'never',
    });
  });

  it('B35: show and cut what somebody else wrote, in messages and in properties', () => {
    const hostile = '\u001b[31m\u202eevil\n' + 'x'.repeat(1_048_576);
    const { use } = compileException(testException([DIGEST]));
    const exception = { ...use, documentation: { exceptionReason: hostile } };
    for (const finding of [
      judgedWith(resultWith('rejected', { message: hostile })),
      judgedWith(resultWith('exempt', { exception })),
      judgedWith(resultWith('verified', { signers: [{ authority: 'key-0', identity: hostile }] })),
      {
        observed: observedImage({ written: hostile }),
        error: new VerificationError('REF_INVALID', hostile),
        policies: [],
      },
    ]) {
      const text = JSON.stringify(only(finding));
      assert.ok(text.length < 12_000, text.length.toString());
      assert.ok(text.includes('evil'));
      // JSON would write an escape that is itself escaped.
      assert.ok(!/[^\\]\\u001b/.test(text) && !text.includes('\u202e'));
    }
  });

  it('have an id that is the same for the same thing, whatever words, reasons and pods it is told of', () => {
    const id = idOf(judgedWith(resultWith('rejected')));
    for (const same of [
      judgedWith(resultWith('rejected', { message: 'other words' })),
      judgedWith(resultWith('rejected', { code: 'SIGNATURE_INVALID' })),
      judgedWith(resultWith('rejected'), { observed: observedImage({ process: 'template' }) }),
      judgedWith(resultWith('rejected'), { image: `mirror.example/app@${DIGEST}` }),
      judgedWith(resultWith('rejected'), { observed: observedImage({ serviceAccount: 'x' }) }),
    ]) {
      assert.equal(idOf(same), id);
    }
  });

  it('have another id for another outcome, container, digest, policy or requirement', () => {
    const ids = [
      judgedWith(resultWith('rejected')),
      judgedWith(resultWith('verified')),
      judgedWith(resultWith('rejected'), { policy: audit }),
      judgedWith(resultWith('rejected'), { observed: observedImage({ container: 'init' }) }),
      judgedWith(resultWith('rejected'), { digest: OTHER }),
      judgedWith(resultWith('rejected'), { policy: policyNamed('other') }),
      judgedWith(resultWith('rejected', { requirement: 'sbom' })),
    ].map((finding) => idOf(finding));
    assert.equal(new Set(ids).size, ids.length);
  });

  it('tell of the template only what pods do not show, in whatever order they come', () => {
    const running = judgedWith(resultWith('rejected'));
    const template = judgedWith(resultWith('rejected', { message: 'of the template' }), {
      observed: observedImage({ process: 'template' }),
    });
    const next = judgedWith(resultWith('verified'), {
      observed: observedImage({ process: 'template' }),
      digest: OTHER,
    });
    for (const findings of [
      [running, template, next],
      [next, template, running],
    ]) {
      assert.deepEqual(
        resultsOf(findings, PLAIN)
          .map(({ result, properties }) => [result, properties['process']])
          .sort(),
        [
          ['fail', 'background'],
          ['pass', 'template'],
        ],
      );
    }
  });

  it('B21: are those of every policy, each in its own mode, and sorted however they come', () => {
    const enforce = policyNamed('b-enforce');
    const watch = policyNamed('a-audit', { mode: 'Audit' });
    const result = resultWith('rejected');
    const policies = [enforce, watch].map((policy) => ({
      policy,
      mode: policy.modeIn({}),
      verdict: verdictWith(policy.name, result, resultWith('verified', { requirement: 'listed' })),
    }));
    const brief = (finding: Finding): unknown =>
      resultsOf([finding], PLAIN).map((r) => [r.policy, r.rule, r.result, r.scored]);
    const expected = [
      ['a-audit', 'listed', 'pass', false],
      ['a-audit', 'signed', 'warn', false],
      ['b-enforce', 'listed', 'pass', true],
      ['b-enforce', 'signed', 'fail', true],
    ];
    assert.deepEqual(brief(judgedWith(result, { policies })), expected);
    assert.deepEqual(brief(judgedWith(result, { policies: [...policies].reverse() })), expected);
  });

  it('name every policy that would have judged an image that cannot be judged, without a rule', () => {
    const error = new VerificationError('DIGEST_REQUIRED', 'the image has no digest');
    const finding = { observed: observedImage({ written: 'app:1' }), error, policies: [audit] };
    const results = resultsOf([{ ...finding, policies: [audit, policyNamed('other')] }], PLAIN);
    assert.deepEqual(
      results.map((r) => [r.policy, r.rule, r.result, r.scored, r.properties['reason']]),
      [
        ['other', undefined, 'fail', true, 'DIGEST_REQUIRED'],
        ['team', undefined, 'warn', false, 'DIGEST_REQUIRED'],
      ],
    );
    assert.ok(!('rule' in only(finding)));
    assert.equal(only(finding).properties['image'], 'app:1');
    assert.equal(only(finding).properties['digest'], undefined);
  });

  it('say error, not fail, of a tag that could not be resolved', () => {
    const error = new VerificationError('REGISTRY_UNAVAILABLE', '503');
    const finding = { observed: observedImage(), error, policies: [policyNamed('team')] };
    assert.deepEqual([only(finding).result, only(finding).scored], ['error', true]);
  });

  it('X23: speak for the cluster default where no policy does, as strictly as admission', () => {
    const error = new VerificationError('NO_POLICY', 'no policy matches the image');
    const finding = { observed: observedImage(), error, policies: [] };
    const brief = ({ policy, result, scored }: ReportResult): unknown => [policy, result, scored];
    assert.deepEqual(brief(only(finding)), ['cluster-default', 'fail', true]);
    assert.deepEqual(brief(only(finding, EXEMPT)), ['cluster-default', 'warn', false]);
    const mild = { ...finding, defaultMode: 'Audit' } as const;
    assert.deepEqual(brief(only(mild)), ['cluster-default', 'warn', false]);
  });

  it('are none where nothing was found', () => {
    assert.deepEqual(resultsOf([], PLAIN), []);
  });
});
