// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { beforeEach, describe, it } from 'mocha';
import type { SigningException, SigningExceptionStatus } from '../../../crds/index.ts';
import type { KubeObject, ResourceAddress } from '../../../runtime/kube/index.ts';
import { INDEX_NAME } from '../../../runtime/program/index.ts';
import { exceptionSpecHash } from '../../../verification/index.ts';
import { KeyIssuer, testException, testPolicy } from '../../../verification/testing/index.ts';
import { Bench, type Answer } from '../../__fixtures__/bench.ts';
import { FakeCluster } from '../../__fixtures__/cluster.ts';
import { ClusterError } from '../../cluster/cluster.ts';
import type { ReviewDocument } from '../../exceptions/document.ts';

const POLICY = testPolicy([new KeyIssuer()], {
  exceptions: { allowed: true, maxDuration: '240h', incident: { allowed: true } },
});
const digest = `sha256:${'a'.repeat(64)}`;
const bench = new Bench();
const fake = { cluster: new FakeCluster() };

const run = (...argv: readonly string[]): Promise<Answer> =>
  bench.run(['exceptions', ...argv], { openCluster: () => Promise.resolve(fake.cluster) });
const json = async (...argv: readonly string[]): Promise<ReviewDocument> =>
  JSON.parse((await run(...argv, '-o', 'json')).stdout) as ReviewDocument;

function make(
  name: string,
  spec: Partial<SigningException['spec']> = {},
  status: Partial<SigningExceptionStatus> = {},
): SigningException {
  const object = testException([digest], spec, name);
  return {
    ...object,
    metadata: { ...object.metadata, generation: 1, creationTimestamp: '2026-11-01T00:00:00Z' },
    status: { observedGeneration: 1, ...status },
  };
}

/** An approval of an exception as it is. */
function approvalOf({ spec }: SigningException): SigningExceptionStatus['approvals'] & object {
  const specHash = exceptionSpecHash(spec);
  const approvedAt = '2026-11-20T00:00:00Z';
  return [{ approver: 'lead@example.com', approvedAt, specHash, latestExpiresAt: spec.expiresAt }];
}

function approved(object: SigningException): SigningException {
  return {
    ...object,
    status: { observedGeneration: 1, ...object.status, approvals: approvalOf(object) },
  };
}

describe('the commands that read exceptions', () => {
  beforeEach(() => {
    fake.cluster = new FakeCluster();
    fake.cluster.program({ team: POLICY }, 'prod');
  });

  it('list how each stands now, and close the cluster', async () => {
    fake.cluster.exceptions(make('waiting'), approved(make('good')));
    const { code, stdout, stderr } = await run('list');
    assert.deepEqual([code, stderr, fake.cluster.closed], [0, '', true]);
    const [header = '', ...rows] = stdout.trim().split('\n');
    assert.match(
      header,
      /^NAMESPACE +NAME +POLICY +CLASS +STATE +EXPIRES +APPROVED +LASTUSED +OWNER$/,
    );
    assert.match(
      rows[0] ?? '',
      /^checkout +good +team +Planned +InEffect +2026-11-27T00:00:00Z \(in 6d12h\) +lead@/,
    );
    assert.match(rows[1] ?? '', /^checkout +waiting +team +Planned +AwaitingApproval .* no +-/);
  });

  it('list a document of a version, of one policy and with labels where that is asked for', async () => {
    const labelled = make('labelled');
    fake.cluster.exceptions(
      { ...labelled, metadata: { ...labelled.metadata, labels: { team: 'shop' } } },
      make('other', { policyRef: { name: 'elsewhere' } }),
    );
    const document = await json('list');
    assert.deepEqual(
      [document.formatVersion, document.at, document.cluster],
      [1, '2026-11-20T12:00:00.000Z', 'prod'],
    );
    const names = async (...argv: readonly string[]): Promise<readonly string[]> =>
      (await json('list', ...argv)).exceptions.map(({ name }) => name);
    assert.deepEqual(await names(), ['labelled', 'other']);
    assert.deepEqual(await names('--policy', 'elsewhere'), ['other']);
    assert.deepEqual(await names('-l', 'team=shop'), ['labelled']);
    assert.equal(document.exceptions[1]?.state, 'PolicyNotFound');
  });

  it('say on stderr that there are none, and nothing on stdout', async () => {
    assert.deepEqual(await run('list'), {
      code: 0,
      stdout: '',
      stderr: 'No exceptions found in checkout.\n',
    });
  });

  it('fall back to what the operator wrote where the program may not be read, and say so once', async () => {
    const condition = (
      type: string,
      status: 'True' | 'False',
      reason: string,
      message = '',
    ): object => ({
      ...{ type, status, reason, message, lastTransitionTime: '2026-11-20T00:00:00Z' },
    });
    const conditions = [
      condition('Active', 'True', 'InEffect', 'ends at some time'),
      condition('Approved', 'True', 'Approved', 'approved by lead@example.com'),
    ] as NonNullable<SigningExceptionStatus['conditions']>;
    const stale = make('stale', {}, { conditions, observedGeneration: 0 });
    fake.cluster.exceptions(
      make('told', {}, { conditions }),
      stale,
      make('over', { expiresAt: '2026-11-20T11:00:00Z' }, { conditions }),
      make('later', { notBefore: '2026-11-21T00:00:00Z' }, { conditions }),
    );
    fake.cluster.refuse('configmaps', 403);
    const { stderr } = await run('list');
    assert.equal(
      stderr,
      'warning: the program in the namespace countersign-system may not be read: what follows is what the operator wrote into status\n',
    );
    const { exceptions } = await json('list');
    assert.deepEqual(
      exceptions.map(({ name, state, approvedBy }) => [name, state, approvedBy]),
      [
        ['later', 'NotYetActive', 'lead@example.com'],
        ['over', 'Expired', 'lead@example.com'],
        ['stale', 'Unknown', undefined],
        ['told', 'InEffect', 'lead@example.com'],
      ],
    );
  });

  it('warn of a policy that may not be read, and tell of the others', async () => {
    fake.cluster.exceptions(make('hotfix'));
    const { cluster } = fake;
    const get = cluster.get.bind(cluster);
    cluster.get = async <T>(address: ResourceAddress): Promise<T | undefined> => {
      if (address.plural === 'configmaps' && address.name !== INDEX_NAME)
        throw new ClusterError(403, 'you may not');
      return await get<T>(address);
    };
    const { code, stdout, stderr } = await run('list');
    assert.equal(
      stderr,
      'warning: the policy team cannot be read out of the program: you may not\n',
    );
    assert.match(stdout, /hotfix/);
    assert.equal(code, 0);
  });

  it('show one at any instant, with what each approval is worth', async () => {
    const object = approved(make('good', { extensionCondition: 'when asked' }));
    const [approval] = object.status?.approvals ?? [];
    assert.ok(approval);
    const older = {
      ...approval,
      approver: 'old@example.com',
      specHash: `sha256:${'0'.repeat(64)}`,
    };
    fake.cluster.exceptions({
      ...object,
      status: { observedGeneration: 1, approvals: [older, approval] },
    });
    const { stdout } = await run('show', 'good', '--at', '2026-11-26T23:59:59Z');
    assert.match(
      stdout,
      /^checkout\/good\n {2}At: +2026-11-26T23:59:59\.000Z\n {2}State: +InEffect: /,
    );
    assert.match(
      stdout,
      / old@example\.com at .*: does not count: that of old@example\.com is of another spec/,
    );
    assert.match(stdout, / lead@example\.com at 2026-11-20T00:00:00Z: counts\n/);
    assert.match(stdout, / May be renewed: +when asked\n/);
    const over = await run('show', 'good', '--at', '2026-11-27T00:00:00Z');
    assert.match(over.stdout, / State: +Expired: ended at 2026-11-27T00:00:00Z\n/);
    const before = await run('show', 'good', '--at', '-13h', '-o', 'yaml');
    assert.match(before.stdout, / state: NotYetActive\n/);
  });

  it('review by groups, each exception in every group that it belongs to', async () => {
    const usage = {
      firstSeen: '2026-11-02',
      lastSeen: '2026-11-20',
      digests: [digest],
      workloads: 2,
    };
    const month = { notBefore: '2026-11-18T00:00:00Z', expiresAt: '2026-11-28T00:00:00Z' };
    fake.cluster.exceptions(
      approved(make('expiring', {}, { usage, renewals: 2 })),
      approved(make('over', { expiresAt: '2026-11-20T12:00:00Z' }, { usage })),
      make('waiting', { ...month, serviceAccounts: ['other'] }),
      make('incident', {
        class: 'Incident',
        notBefore: '2026-11-19T00:00:00Z',
        expiresAt: '2026-11-19T12:00:00Z',
      }),
      approved(
        make('idle', {
          ...month,
          notBefore: '2026-11-13T00:00:00Z',
          expiresAt: '2026-11-22T00:00:00Z',
          digests: [`sha256:${'b'.repeat(64)}`],
        }),
      ),
    );
    const { exceptions } = await json('review');
    assert.deepEqual(Object.fromEntries(exceptions.map(({ name, groups }) => [name, groups])), {
      expiring: ['expiring', 'renewed'],
      over: ['expired-in-use'],
      waiting: ['unapproved'],
      incident: ['unapproved', 'overdue'],
      idle: ['expiring', 'unused', 'overdue'],
    });
    const table = (await run('review')).stdout;
    assert.match(table, /^Expiring within 7 days \(2\)\nNAMESPACE /);
    assert.match(table, /\nNot approved \(2\)\n/);
    assert.match(table, /\nThere are no others\.\n$/);
    const markdown = (await run('review', '-o', 'markdown')).stdout;
    assert.match(
      markdown,
      /^# Exceptions on 2026-11-20\n\n## Expiring within 7 days \(2\)\n\n\| Namespace \|/,
    );
    const csv = (await run('review', '-o', 'csv')).stdout.split('\r\n');
    assert.equal(csv.length, exceptions.length + 2);
    assert.match(csv.find((line) => line.includes('incident')) ?? '', /,unapproved overdue$/);
    assert.match((await run('review', '-o', 'html')).stdout, /^<!doctype html>/);
  });

  it('see by the reports what still runs by what is over, and by the status when a review is due', async () => {
    const over = approved(make('over', { expiresAt: '2026-11-20T12:00:00Z' }));
    const properties = {
      exception: 'checkout/over',
      process: 'background',
      reason: 'EXCEPTION_EXPIRED',
    };
    const labels = { 'app.kubernetes.io/managed-by': 'countersign' };
    for (const name of ['one', 'two']) {
      const results = [
        { result: 'fail', properties },
        { result: 'fail', properties },
      ];
      const metadata = { name, namespace: 'checkout', labels };
      const scope = { kind: 'Deployment', name, uid: name };
      fake.cluster.put('policyreports', { metadata, scope, results } as KubeObject);
    }
    const usage = {
      firstSeen: '2026-11-02',
      lastSeen: '2026-11-19',
      digests: [digest],
      workloads: 0,
    };
    const due = {
      type: 'ReviewOverdue',
      status: 'True' as const,
      reason: 'NotReviewed',
      message: '',
      lastTransitionTime: '2026-11-20T06:00:00Z',
    };
    const other = { serviceAccounts: ['other'] };
    const reviewed = { at: '2026-11-20T07:00:00Z', by: 'auditor@example.com' };
    const told = (name: string, status: object): SigningException => {
      const object = approved(
        make(name, { ...other, expiresAt: '2026-12-20T00:00:00Z', policyRef: { name: 'long' } }),
      );
      return { ...object, status: { ...object.status, observedGeneration: 1, ...status } };
    };
    fake.cluster.program({
      team: POLICY,
      long: testPolicy([new KeyIssuer()], { exceptions: { allowed: true, maxDuration: '8760h' } }),
    });
    fake.cluster.exceptions(
      { ...over, status: { observedGeneration: 1, ...over.status, usage } },
      told('due', { conditions: [due] }),
      told('done', { conditions: [due], reviews: [reviewed] }),
      told('fresh', { conditions: [] }),
    );
    const { exceptions } = await json('review');
    const entry = (name: string) => exceptions.find((one) => one.name === name);
    assert.deepEqual(
      [entry('over')?.groups, entry('over')?.usage?.workloads],
      [['expired-in-use'], 2],
    );
    assert.deepEqual(
      ['due', 'done', 'fresh'].map((name) => entry(name)?.groups.includes('overdue')),
      [true, false, false],
    );
    const warning = 'warning: the reports in checkout may not all be read: ';
    const answers = [
      [200, 404],
      [404, 200],
      [200, 403],
      [403, 200],
      [403, 404],
      [403, 403],
      [404, 404],
    ] as const;
    for (const [wgpolicy, openreports] of answers) {
      fake.cluster.refusals.clear();
      if (wgpolicy !== 200) fake.cluster.refuse('policyreports', wgpolicy);
      if (openreports !== 200) fake.cluster.refuse('reports', openreports);
      const isWarned = (await run('review')).stderr.startsWith(warning);
      assert.equal(isWarned, wgpolicy + openreports !== 604, [wgpolicy, openreports].join());
    }
    const writing = await run('renew', 'over', '--expires', '24h');
    assert.ok(!writing.stderr.includes(warning));
  });

  it('record a review behind those that are there, in the name of the caller', async () => {
    const reviews = [{ at: '2026-11-13T00:00:00Z', by: 'auditor@example.com' }];
    fake.cluster.exceptions(make('good', {}, { reviews }));
    const { code, stderr } = await run('review', 'good', '--record', '--comment', 'still needed');
    assert.deepEqual(
      [code, stderr],
      [0, 'recorded a review of checkout/good by dev@example.com\n'],
    );
    const added = { at: '2026-11-20T12:00:00Z', by: 'dev@example.com', comment: 'still needed' };
    assert.deepEqual(fake.cluster.changes, [
      {
        path: '/checkout/signingexceptions/good/status',
        type: 'merge',
        body: {
          metadata: { uid: 'signingexceptions/good', resourceVersion: '7' },
          status: { reviews: [...reviews, added] },
        },
      },
    ]);
  });

  it('escape who recorded a review', async () => {
    fake.cluster.exceptions(make('good'));
    fake.cluster.user = 'dev\u001b[2J';
    const { stderr } = await run('review', 'good', '--record');
    assert.match(stderr, /^recorded a review of checkout\/good by dev/);
    assert.ok(!stderr.includes('\u001b'));
  });

  it('let the oldest review make room where there are 64', async () => {
    const reviews = Array.from({ length: 64 }, (_, i) => ({
      at: '2026-11-13T00:00:00Z',
      by: `a${i.toString()}`,
    }));
    fake.cluster.exceptions(make('good', {}, { reviews }));
    await run('review', 'good', '--record');
    const { status } = fake.cluster.changes[0]?.body as SigningException;
    assert.equal(status?.reviews?.length, 64);
    assert.deepEqual([status.reviews[0]?.by, status.reviews[63]?.by], ['a1', 'dev@example.com']);
  });
});

describe('the exit codes of commands on a cluster', () => {
  beforeEach(() => {
    fake.cluster = new FakeCluster();
  });

  it('are 1 in one line where something is not there, or not allowed', async () => {
    const missing = await run('show', 'nothing');
    assert.match(
      missing.stderr,
      /error: there is no exception nothing in the namespace checkout\n$/,
    );
    assert.equal(missing.code, 1);
    fake.cluster.refuse('signingexceptions', 403, 'you\nmay not');
    const forbidden = await run('list');
    assert.deepEqual(forbidden, { code: 1, stdout: '', stderr: 'error: you\\u000amay not\n' });
  });

  it('are 3 where the API server does not answer in good order', async () => {
    for (const status of [0, 429, 500, 503]) {
      fake.cluster.refuse('signingexceptions', status, 'no answer');
      assert.deepEqual(await run('list'), { code: 3, stdout: '', stderr: 'error: no answer\n' });
    }
  });

  const wrong: readonly (readonly [string, readonly string[], RegExp])[] = [
    [
      '-n with -A',
      ['list', '-n', 'a', '-A'],
      /--namespace and --all-namespaces exclude each other/,
    ],
    ['a duration that is none', ['list', '--timeout', '0'], /Must be a duration/],
    ['a namespace that is none', ['list', '-n', 'A'], /Not the name of a namespace/],
    ['an instant that is none', ['show', 'x', '--at', 'yesterday'], /Must be an instant/],
    ['a form that is none', ['list', '-o', 'xml'], /'xml' is invalid/],
    ['a name without --record', ['review', 'x'], /a name and --record go together/],
    ['--record without a name', ['review', '--record'], /a name and --record go together/],
    ['--record everywhere', ['review', 'x', '--record', '-A'], /--record takes neither/],
    [
      '--record into a file',
      ['review', 'x', '--record', '--out', 'f'],
      /--record takes neither --all-namespaces nor --out/,
    ],
    ['a comment on nothing', ['review', '--comment', 'x'], /--comment needs --record/],
  ];
  for (const [what, argv, expected] of wrong) {
    it(`are 2 for ${what}`, async () => {
      const { code, stdout, stderr } = await run(...argv);
      assert.match(stderr, expected);
      assert.deepEqual([code, stdout], [2, '']);
    });
  }
});
