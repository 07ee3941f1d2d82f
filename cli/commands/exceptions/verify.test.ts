// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'mocha';
import type { ImageTrustPolicySpecInput, SigningException } from '../../../crds/index.ts';
import { KeyIssuer, testException, testPolicy } from '../../../verification/testing/index.ts';
import { approvedBy } from '../../__fixtures__/approvals.ts';
import { Bench, type Answer } from '../../__fixtures__/bench.ts';
import type { ApprovalReport } from '../../output/approvals.ts';

const DIGEST = `sha256:${'a'.repeat(64)}`;
const LATER = '2026-11-28T00:00:00Z';

describe('countersign exceptions verify', () => {
  const lead = new KeyIssuer();
  const stranger = new KeyIssuer();
  const plain = testException([DIGEST]);
  const approved = approvedBy(lead, plain);
  let bench: Bench;

  beforeEach(async () => {
    bench = new Bench();
    await bench.start();
  });
  afterEach(async () => {
    await bench.stop();
  });

  const policy = (exceptions: Partial<ImageTrustPolicySpecInput['exceptions']> = {}): string =>
    bench.policy(
      testPolicy([lead], { exceptions: { allowed: true, approvers: ['key-0'], ...exceptions } }),
    );
  const check = async (
    exceptions: readonly SigningException[],
    ...args: readonly string[]
  ): Promise<Answer> => {
    const given = args.includes('--policy') ? args : [...args, '--policy', policy()];
    const cluster = args.includes('--cluster') ? [] : ['--cluster', 'prod'];
    const file = bench.exceptions(...exceptions);
    return await bench.run(['exceptions', 'verify', file, ...given, ...cluster]);
  };
  const edited = (spec: object, metadata: object = {}): SigningException => ({
    metadata: { ...approved.metadata, ...metadata },
    spec: { ...approved.spec, ...spec },
  });

  it('finds an exception approved that an approver signed: 0', async () => {
    const { code, stdout, stderr } = await check([approved]);
    const by = `key-0 (${lead.fingerprint})`;
    assert.equal(
      stdout,
      `checkout/hotfix (policy team): approved by ${by}\n  approval 1 for ${by} counts\n`,
    );
    assert.deepEqual([code, stderr], [0, '']);
  });

  it('keeps it approved for an earlier end: 0', async () => {
    const { code } = await check([edited({ expiresAt: '2026-11-22T00:00:00Z' })]);
    assert.equal(code, 0);
  });

  for (const [what, exception, why] of [
    ['nobody approved', plain, /unapproved: no signed approval counts\n$/],
    [
      'was widened since',
      edited({ serviceAccounts: ['web', 'admin'] }),
      /approval 1 for key-0 does not count: is of another spec than this\n/,
    ],
    ['was put off since', edited({ expiresAt: LATER }), /is for an earlier end/],
    ['has another name', edited({}, { name: 'other' }), /is for the exception "checkout\/hotfix"/],
    [
      'is in another namespace',
      edited({}, { namespace: 'shop' }),
      /is for the exception "checkout\/hotfix"/,
    ],
    [
      'is approved for another cluster',
      approvedBy(lead, plain, { cluster: 'dev' }),
      /is for the cluster "dev"/,
    ],
    [
      'has an approval that has expired',
      approvedBy(lead, plain, { expiresAt: '2026-11-20T12:00:00Z' }),
      /has expired/,
    ],
    ['a stranger signed', approvedBy(stranger, plain), /does not count: KEY_UNTRUSTED: /],
    [
      'was requested in the name of the approver',
      approvedBy(lead, testException([DIGEST], { requestedBy: 'Key-0' })),
      /does not count: it is of who asked for it/,
    ],
  ] as const) {
    it(`X26: finds an exception unapproved that ${what}: 1`, async () => {
      const { code, stdout } = await check([exception]);
      assert.match(stdout, why);
      assert.match(stdout, /^\S+ \(policy team\): unapproved/);
      assert.equal(code, 1);
    });
  }

  it('asks for no approval where the policy needs none: 0', async () => {
    const lax = policy({ approval: 'NotRequired', approvers: [] });
    const { code, stdout } = await check([plain], '--policy', lax);
    assert.equal(stdout, 'checkout/hotfix (policy team): needs no approval\n');
    assert.equal(code, 0);
  });

  for (const [what, exception, exceptions, why] of [
    [
      'names no policy that is given',
      edited({ policyRef: { name: 'teem' } }),
      {},
      /cannot take effect\n {2}PolicyNotFound: there is no policy "teem"\n/,
    ],
    ['is from a policy that allows none', approved, { allowed: false }, /NotAllowedByPolicy: /],
    ['is too long', approved, { maxDuration: '1h' }, /TooLong: longer than the 1h /],
    [
      'waives a requirement that there is not, beside one that there is',
      approvedBy(lead, testException([DIGEST], { requirements: ['signed', 'sbom'] })),
      {},
      /approved by .*\n {2}UnknownRequirement: the policy team has no requirement sbom\n/,
    ],
    [
      'is revoked',
      edited({ revoked: { at: LATER, by: 'lead', reason: 'x' } }),
      {},
      /Revoked: revoked by lead: x/,
    ],
  ] as const) {
    it(`tells of an exception that ${what}: 1`, async () => {
      const { code, stdout } = await check([exception], '--policy', policy(exceptions));
      assert.match(stdout, why);
      assert.equal(code, 1);
    });
  }

  it('speaks of the instant that is asked about', async () => {
    const early = await check([approved], '--at', '2026-11-19T00:00:00Z');
    assert.match(early.stdout, /approved by/);
    assert.equal(early.code, 0);
    const late = await check([approved], '--at', '2026-11-27T00:00:00Z');
    assert.match(late.stdout, /Expired: ended at 2026-11-27T00:00:00Z/);
    assert.equal(late.code, 1);
  });

  it('judges every exception of every file, and one that is bad decides: 1', async () => {
    const second = testException([DIGEST], {}, 'second');
    const { code, stdout } = await check([approved, second]);
    assert.match(stdout, /^checkout\/hotfix .*: approved by [^]*^checkout\/second .*: unapproved/m);
    assert.equal(code, 1);
  });

  it('adds every check with --explain', async () => {
    const { stdout } = await check([approvedBy(stranger, plain)], '--explain');
    assert.match(stdout, /\n {4}failed signature KEY_UNTRUSTED: /);
  });

  it('writes JSON with bundles, approvers, reasons and checks', async () => {
    const { code, stdout } = await check([approvedBy(lead, approvedBy(stranger, plain))], '-ojson');
    const report = JSON.parse(stdout) as ApprovalReport;
    const { formatVersion, at, cluster, good, exceptions } = report;
    assert.deepEqual(
      [formatVersion, at, cluster, good],
      [1, '2026-11-20T12:00:00.000Z', 'prod', true],
    );
    assert.deepEqual(
      exceptions[0]?.signed.map(({ bundle, authority, refusal }) => [
        bundle,
        authority,
        refusal?.replace(/: signed.*/, ''),
      ]),
      [
        [0, 'key-0', 'does not count: KEY_UNTRUSTED'],
        [1, 'key-0', undefined],
      ],
    );
    assert.equal(exceptions[0].approval, 'approved');
    assert.equal(code, 0);
  });

  for (const [what, args, why] of [
    ['no cluster', ['--policy', 'p.yaml'], /required option '--cluster <name>' not specified/],
    ['an empty cluster', ['--policy', 'p.yaml', '--cluster', ''], /Must have 1 to 253/],
    [
      'an instant without a zone',
      ['--policy', 'p.yaml', '--cluster', 'prod', '--at', '2026-11-20T00:00:00'],
      /Must be an instant/,
    ],
  ] as const) {
    it(`refuses ${what}: 2`, async () => {
      const { code, stderr } = await bench.run(['exceptions', 'verify', 'x.yaml', ...args]);
      assert.match(stderr, why);
      assert.equal(code, 2);
    });
  }

  it('refuses files without an exception, and an exception that is malformed: 2', async () => {
    const empty = await check([]);
    assert.match(empty.stderr, /^error: .*exceptions\.yaml: no SigningException\n$/);
    assert.equal(empty.code, 2);
    const broken = await check([edited({ digests: ['sha256:*'] })]);
    assert.match(
      broken.stderr,
      /exceptions\.yaml:\d+: SigningException hotfix: spec\.digests\.0: /,
    );
    assert.equal(broken.code, 2);
  });
});
