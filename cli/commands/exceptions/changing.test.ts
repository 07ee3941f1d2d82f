// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { beforeEach, describe, it } from 'mocha';
import { parse } from 'yaml';
import type { SigningException, SigningExceptionStatus } from '../../../crds/index.ts';
import type { KubeObject } from '../../../runtime/kube/index.ts';
import { exceptionSpecHash } from '../../../verification/index.ts';
import { KeyIssuer, testException, testPolicy } from '../../../verification/testing/index.ts';
import { Bench, type Answer } from '../../__fixtures__/bench.ts';
import { FakeCluster } from '../../__fixtures__/cluster.ts';
import { ClusterError } from '../../cluster/cluster.ts';
import type { CliPorts } from '../../ports.ts';

const issuer = new KeyIssuer();
const POLICY = testPolicy([issuer], {
  match: { images: ['registry.example/**'] },
  exceptions: { allowed: true, incident: { allowed: true } },
});
const digest = `sha256:${'a'.repeat(64)}`;
const LEAD = 'lead@example.com';
const SAYS = [
  '--reason',
  'The vendor signs from the next release on.',
  '--owner',
  'team',
  '--expires',
  '7d',
];
const bench = new Bench();
const fake = { cluster: new FakeCluster() };

const run = (argv: readonly string[], ports: Partial<CliPorts> = {}): Promise<Answer> =>
  bench.run(['exceptions', ...argv], {
    openCluster: () => Promise.resolve(fake.cluster),
    ...ports,
  });

function make(
  name: string,
  spec: Partial<SigningException['spec']> = {},
  status: Partial<SigningExceptionStatus> = {},
): SigningException {
  const object = testException([digest], spec, name);
  const metadata = { ...object.metadata, generation: 1, creationTimestamp: '2026-09-01T00:00:00Z' };
  return { ...object, metadata, status: { observedGeneration: 1, ...status } };
}

function approved(object: SigningException): SigningException {
  const specHash = exceptionSpecHash(object.spec);
  const { expiresAt: latestExpiresAt } = object.spec;
  const approval = {
    approver: LEAD,
    approvedAt: '2026-09-01T00:00:00Z',
    specHash,
    latestExpiresAt,
  };
  return { ...object, status: { observedGeneration: 1, approvals: [approval] } };
}

/** A Deployment with a pod, and the report of it. */
function deploy(name: string, image: string, results: readonly object[] = []): void {
  const spec = { serviceAccountName: 'web', containers: [{ name: 'app', image }] };
  const owned = (kind: string, of: string, plural: string): object => ({
    ownerReferences: [
      { apiVersion: 'apps/v1', kind, name: of, uid: `${plural}/${of}`, controller: true },
    ],
  });
  const put = (plural: string, metadata: object, rest: object): void => {
    fake.cluster.put(plural, {
      metadata: { namespace: 'checkout', ...metadata },
      ...rest,
    } as KubeObject);
  };
  put('deployments', { name }, { spec: { template: { spec } } });
  put(
    'replicasets',
    { name, ...owned('Deployment', name, 'deployments') },
    { spec: { template: { spec } } },
  );
  put(
    'pods',
    { name: `${name}-1`, ...owned('ReplicaSet', name, 'replicasets') },
    { spec, status: { phase: 'Running' } },
  );
  if (results.length === 0) return;
  const labels = { 'app.kubernetes.io/managed-by': 'countersign' };
  const scope = { kind: 'Deployment', name, uid: `deployments/${name}` };
  put('policyreports', { name: `countersign-${name}`, labels }, { scope, results });
}

function failing(image: string, more: object = {}): object {
  const properties = { container: 'app', image, digest, reason: 'NO_SIGNATURE' };
  return { policy: 'team', rule: 'signed', result: 'fail', properties, ...more };
}

beforeEach(() => {
  fake.cluster = new FakeCluster();
  fake.cluster.program({ team: POLICY });
});

describe('exceptions request', () => {
  it('asks for what fails in the report of a workload, and creates nothing', async () => {
    const image = 'registry.example/app:1';
    deploy('app', image, [failing(image), failing(image, { rule: 'sbom', result: 'error' })]);
    const { code, stdout, stderr } = await run([
      'request',
      '--from-report',
      'deployment/app',
      ...SAYS,
    ]);
    assert.equal(code, 0, stderr);
    const { metadata, spec } = parse(stdout) as SigningException;
    assert.deepEqual(metadata, { name: 'app-aaaaaaaa', namespace: 'checkout' });
    assert.deepEqual(
      [
        spec.requirements,
        spec.digests,
        spec.serviceAccounts,
        spec.notBefore,
        spec.expiresAt,
        spec.requestedBy,
      ],
      [
        ['signed'],
        [digest],
        ['web'],
        '2026-11-20T12:00:00Z',
        '2026-11-27T12:00:00Z',
        'dev@example.com',
      ],
    );
    assert.match(stderr, /It waives signed of the policy team, for 7d:/);
    assert.match(
      stderr,
      /It would admit now:\n {2}Deployment\/app as web \(1 pod\): registry\.example\/app:1\n/,
    );
    assert.match(stderr, /it will be AwaitingApproval: nobody approved it yet\n$/);
    assert.deepEqual(fake.cluster.created, []);
  });

  it('carries everything that is said into the YAML, and into what it creates', async () => {
    const image = `registry.example/app@${digest}`;
    const said = ['--ticket', 'https://t/1', '--risk', 'r', '--control', 'a', '--control', 'b'];
    const more = ['--closure', 'c', '--extension', 'e', '--class', 'Incident', '--name', 'mine'];
    const place = [
      '--image',
      image,
      '--policy',
      'team',
      '--service-account',
      'web',
      '--not-before',
      '1h',
    ];
    const argv = [
      'request',
      ...place,
      ...SAYS,
      ...said,
      ...more,
      '--expires',
      '2026-11-21T00:00:00Z',
    ];
    const { stdout, stderr } = await run([...argv, '--requirement', 'signed', '--apply']);
    const object = parse(stdout) as SigningException;
    assert.deepEqual(fake.cluster.created, [object]);
    const { ticket, risk, compensatingControls, closureCondition, extensionCondition } =
      object.spec;
    assert.deepEqual(
      [ticket, risk, compensatingControls, closureCondition, extensionCondition],
      ['https://t/1', 'r', ['a', 'b'], 'c', 'e'],
    );
    assert.deepEqual(
      [object.metadata.name, object.spec.class, object.spec.notBefore],
      ['mine', 'Incident', '2026-11-20T13:00:00Z'],
    );
    assert.match(
      stderr,
      /\nTicket: https:\/\/t\/1\nRisk: r\nMeanwhile: a\nMeanwhile: b\nIt would admit/,
    );
    assert.match(stderr, /it will be InEffect: /);
    assert.match(
      stderr,
      /signingexception\.countersign\.dev\/mine created in the namespace checkout\n$/,
    );
  });

  it('names every requirement of the policy where a pod fails by no report', async () => {
    deploy('app', `registry.example/app@${digest}`);
    const { stdout } = await run(['request', '--from-pod', 'app-1', ...SAYS]);
    const { spec } = parse(stdout) as SigningException;
    assert.deepEqual(
      [spec.requirements, spec.digests, spec.serviceAccounts],
      [['signed'], [digest], ['web']],
    );
  });

  it('escapes what a reason would do to a terminal, and still means it', async () => {
    const reason = 'because\u001b[2J of the vendor';
    const place = [
      '--image',
      `registry.example/app@${digest}`,
      '--policy',
      'team',
      '--service-account',
      'web',
    ];
    const { stdout, stderr } = await run(['request', ...place, ...SAYS, '--reason', reason]);
    assert.ok(!stdout.includes('\u001b') && !stderr.includes('\u001b'));
    assert.equal((parse(stdout) as SigningException).spec.reason, reason);
  });

  const image = [
    '--image',
    `registry.example/app@${digest}`,
    '--policy',
    'team',
    '--service-account',
    'web',
  ];
  const refused: readonly (readonly [string, readonly string[], number, RegExp])[] = [
    ['no source', SAYS, 2, /exactly one of --from-report, --from-pod and --image/],
    ['two sources', [...SAYS, '--from-pod', 'a', '--from-report', 'b'], 2, /exactly one of/],
    [
      'an image alone',
      [...SAYS, ...image.slice(0, 2)],
      2,
      /--image needs --policy and --service-account/,
    ],
    [
      'a tag',
      [...SAYS, ...image.slice(2), '--image', 'registry.example/app:1'],
      2,
      /has no digest/,
    ],
    ['no reason', [...image, ...SAYS.slice(2)], 2, /required option '--reason <text>'/],
    [
      'a short reason',
      [...image, ...SAYS, '--reason', 'short'],
      2,
      /it would not be valid: spec\.reason: /,
    ],
    [
      'an end in the past',
      [...image, ...SAYS, '--expires', '2026-11-20T11:00:00Z'],
      2,
      /--expires: .* is not after/,
    ],
    [
      'a pod that is not there',
      [...SAYS, '--from-pod', 'app'],
      1,
      /there is no pod app .*--from-report deployment\/app/,
    ],
    [
      'a workload without a report',
      [...SAYS, '--from-report', 'deployment/app'],
      1,
      /there is no report of deployment\/app/,
    ],
    [
      'a policy that is not in force',
      [...SAYS, ...image, '--policy', 'x'],
      2,
      /the policy x is not in force, so what to waive/,
    ],
  ];
  for (const [what, argv, expected, message] of refused) {
    it(`refuses ${what}: ${expected.toString()}`, async () => {
      const { code, stdout, stderr } = await run(['request', ...argv]);
      assert.match(stderr, message);
      assert.deepEqual([code, stdout], [expected, '']);
    });
  }

  it('takes a report that it may read where others may not be read', async () => {
    const written = 'registry.example/app:1';
    deploy('app', written, [failing(written)]);
    fake.cluster.refuse('reports', 403);
    assert.equal((await run(['request', '--from-report', 'app', ...SAYS])).code, 0);
    const { code, stderr } = await run(['request', '--from-report', 'other', ...SAYS]);
    assert.match(stderr, /reports/);
    assert.doesNotMatch(stderr, /there is no report/);
    assert.equal(code, 1);
  });

  it('asks which policy is meant where several fail', async () => {
    const written = 'registry.example/app:1';
    deploy('app', written, [failing(written), failing(written, { policy: 'other' })]);
    const several = await run(['request', '--from-report', 'app', ...SAYS]);
    assert.match(several.stderr, /app does not satisfy other, team: name one by --policy/);
    assert.equal(several.code, 2);
    const { stdout } = await run(['request', '--from-report', 'app', '--policy', 'other', ...SAYS]);
    assert.deepEqual((parse(stdout) as SigningException).spec.policyRef, { name: 'other' });
  });
});

describe('exceptions approve', () => {
  it('approves what it shows: by a field manager of the approver, after a rehearsal', async () => {
    fake.cluster.user = LEAD;
    const object = make('hotfix');
    fake.cluster.exceptions(object);
    deploy('app', `registry.example/app@${digest}`);
    const { code, stderr } = await run([
      'approve',
      'hotfix',
      '--yes',
      '--comment',
      'ok',
      '--expires',
      '24h',
    ]);
    assert.equal(code, 0, stderr);
    assert.match(stderr, /Asked for by dev@example\.com, owned by team-checkout@example\.com: /);
    assert.match(stderr, / {2}Deployment\/app as web \(1 pod\)/);
    const [rehearsal, change] = fake.cluster.changes;
    assert.deepEqual({ ...rehearsal, dryRun: false }, change);
    assert.deepEqual(
      [rehearsal?.dryRun, change?.type, change?.path],
      [true, 'apply', '/checkout/signingexceptions/hotfix/status'],
    );
    assert.match(change?.fieldManager ?? '', /^countersign-approval-[0-9a-f]{16}$/);
    const { metadata, status } = change?.body as SigningException;
    assert.deepEqual(metadata, {
      name: 'hotfix',
      namespace: 'checkout',
      uid: 'signingexceptions/hotfix',
    });
    assert.deepEqual(status, {
      approvals: [
        {
          approver: LEAD,
          approvedAt: '2026-11-20T12:00:00Z',
          specHash: exceptionSpecHash(object.spec),
          latestExpiresAt: '2026-11-27T00:00:00Z',
          expiresAt: '2026-11-21T12:00:00Z',
          comment: 'ok',
        },
      ],
    });
  });

  it('asks at a terminal, and changes nothing without a yes', async () => {
    fake.cluster.user = LEAD;
    fake.cluster.exceptions(make('hotfix'));
    const asked: string[] = [];
    const confirm = (question: string): Promise<boolean> =>
      Promise.resolve(asked.push(question) > 1);
    const no = await run(['approve', 'hotfix'], { confirm });
    assert.deepEqual([no.code, asked], [1, ['Approve checkout/hotfix?']]);
    assert.match(no.stderr, /nothing was changed\n$/);
    assert.equal(fake.cluster.changes.filter(({ dryRun }) => dryRun !== true).length, 0);
    assert.equal((await run(['approve', 'hotfix'], { confirm })).code, 0);
    const silent = await run(['approve', 'hotfix']);
    assert.match(silent.stderr, /error: --yes is needed where there is no terminal/);
    assert.equal(silent.code, 2);
  });

  it('refuses who asked for it, in a look-alike of the name too, with or without a guard', async () => {
    fake.cluster.exceptions(make('hotfix'));
    fake.cluster.user = 'dev\u200b@example.com';
    assert.equal((await run(['approve', 'hotfix', '--yes'])).code, 1);
    fake.cluster.changes.length = 0;
    fake.cluster.user = 'Dev@Example.com';
    const { code, stderr } = await run(['approve', 'hotfix', '--yes']);
    assert.match(
      stderr,
      /error: Dev@Example\.com asked for it: somebody else has to approve it\n$/,
    );
    assert.deepEqual([code, fake.cluster.changes.map(({ dryRun }) => dryRun)], [1, [true]]);
    fake.cluster.refuse('signingexceptions/status', 403, 'the guard says no');
    const guarded = await run(['approve', 'hotfix', '--yes']);
    assert.match(guarded.stderr, /somebody else has to approve it: the guard says no\n$/);
  });

  it('refuses what is over, but for an incident, which is approved afterwards', async () => {
    fake.cluster.user = LEAD;
    const past = { notBefore: '2026-11-18T00:00:00Z', expiresAt: '2026-11-19T00:00:00Z' };
    fake.cluster.exceptions(make('over', past), make('incident', { ...past, class: 'Incident' }));
    const over = await run(['approve', 'over', '--yes']);
    assert.match(
      over.stderr,
      /error: it is over, so there is nothing to approve: ended at 2026-11-19/,
    );
    assert.equal(over.code, 1);
    assert.equal((await run(['approve', 'incident', '--yes'])).code, 0);
  });

  it('takes the own approval away, and no other', async () => {
    fake.cluster.exceptions(approved(make('hotfix')));
    const other = await run(['approve', 'hotfix', '--withdraw', '--yes']);
    assert.match(other.stderr, /checkout\/hotfix holds no approval of dev@example\.com/);
    assert.equal(other.code, 1);
    fake.cluster.user = LEAD;
    assert.equal((await run(['approve', 'hotfix', '--withdraw', '--yes'])).code, 0);
    assert.deepEqual(fake.cluster.changes.at(-1)?.body, [
      { op: 'test', path: '/status/approvals/0/approver', value: LEAD },
      { op: 'remove', path: '/status/approvals/0' },
    ]);
  });
});

describe('exceptions renew', () => {
  it('writes a new one that begins where the old one ends, and leaves that as it is', async () => {
    const old = make('hotfix', { ticket: 'T', extensionCondition: 'while the vendor is late' });
    fake.cluster.exceptions(approved(old));
    const { stdout, stderr } = await run([
      'renew',
      'hotfix',
      '--expires',
      '2026-12-01T00:00:00Z',
      '--apply',
    ]);
    assert.match(stderr, /^It may be renewed when: while the vendor is late\n/);
    const { metadata, spec } = parse(stdout) as SigningException;
    assert.equal(metadata.name, 'hotfix-r2');
    assert.deepEqual(spec, {
      ...old.spec,
      notBefore: '2026-11-27T00:00:00Z',
      expiresAt: '2026-12-01T00:00:00Z',
      requestedBy: 'dev@example.com',
      renews: { name: 'hotfix' },
    });
    assert.deepEqual([fake.cluster.created.length, fake.cluster.changes], [1, []]);
  });

  it('begins now where the old one is over, and counts on in the name', async () => {
    fake.cluster.exceptions(make('hotfix-r2', { expiresAt: '2026-11-20T06:00:00Z' }));
    const { metadata, spec } = parse(
      (
        await run([
          'renew',
          'hotfix-r2',
          '--expires',
          '24h',
          '--reason',
          'It is needed for a day more.',
        ])
      ).stdout,
    ) as SigningException;
    assert.deepEqual(
      [metadata.name, spec.notBefore, spec.expiresAt, spec.reason],
      ['hotfix-r3', '2026-11-20T12:00:00Z', '2026-11-21T12:00:00Z', 'It is needed for a day more.'],
    );
  });

  it('refuses one that would end before it begins: 2', async () => {
    fake.cluster.exceptions(make('hotfix'));
    const { code, stderr } = await run(['renew', 'hotfix', '--expires', '24h']);
    assert.match(
      stderr,
      /--expires: 2026-11-21T12:00:00Z is not after 2026-11-27T00:00:00Z, when it would begin/,
    );
    assert.equal(code, 2);
  });
});

describe('exceptions revoke', () => {
  const revoked = { at: '2026-11-20T12:00:00Z', by: 'dev@example.com', reason: 'a worm' };
  for (const [flags, field, path] of [
    [[], 'status', '/checkout/signingexceptions/hotfix/status'],
    [['--spec'], 'spec', '/checkout/signingexceptions/hotfix'],
  ] as const) {
    it(`writes it into the ${field}, in the name of the caller`, async () => {
      fake.cluster.exceptions(make('hotfix'));
      const { code } = await run(['revoke', 'hotfix', '--reason', 'a worm', ...flags]);
      assert.equal(code, 0);
      const body = { metadata: { uid: 'signingexceptions/hotfix' }, [field]: { revoked } };
      assert.deepEqual(fake.cluster.changes, [{ path, type: 'merge', body }]);
    });
  }

  it('says who did where it was revoked before: 1', async () => {
    fake.cluster.exceptions(make('hotfix', {}, { revoked }));
    const { code, stderr } = await run(['revoke', 'hotfix', '--reason', 'again']);
    assert.deepEqual([code, fake.cluster.changes], [1, []]);
    assert.match(
      stderr,
      /checkout\/hotfix was revoked at 2026-11-20T12:00:00Z by dev@example\.com/,
    );
  });
});

describe('exceptions prune', () => {
  const past = { notBefore: '2026-09-01T00:00:00Z', expiresAt: '2026-09-02T00:00:00Z' };
  const elsewhere = (letter: string): Partial<SigningException['spec']> => ({
    ...past,
    digests: [`sha256:${letter.repeat(64)}`],
  });
  const kept = async (...argv: readonly string[]): Promise<readonly string[]> => {
    const { stderr } = await run(['prune', ...argv]);
    return stderr.split('\n').filter((line) => line.includes(' stays: '));
  };

  it('lists what may go, says what stays and why, and deletes nothing without --yes', async () => {
    deploy('app', `registry.example/app@sha256:${'b'.repeat(64)}`);
    const usage = { firstSeen: '2026-09-01', lastSeen: '2026-09-02', digests: [], workloads: 1 };
    const labels = { 'kustomize.toolkit.fluxcd.io/name': 'apps' };
    const flux = make('flux', elsewhere('f'));
    fake.cluster.exceptions(
      make('gone', past),
      { ...flux, metadata: { ...flux.metadata, labels } },
      make('running', elsewhere('b')),
      make('used', elsewhere('c'), { usage }),
      make('incident', { ...elsewhere('d'), class: 'Incident' }),
      approved(make('incident-approved', { ...elsewhere('e'), class: 'Incident' })),
      make('renewed', elsewhere('1')),
      make('renewal', {
        ...elsewhere('1'),
        expiresAt: '2026-11-27T00:00:00Z',
        renews: { name: 'renewed' },
      }),
      make('recent', { ...elsewhere('2'), expiresAt: '2026-11-01T00:00:00Z' }),
    );
    const { code, stdout, stderr } = await run(['prune']);
    assert.equal(code, 0);
    assert.deepEqual(
      stdout
        .trim()
        .split('\n')
        .map((line) => line.split(/ {2,}/)[1]),
      ['NAME', 'flux', 'gone', 'incident-approved'],
    );
    assert.match(stdout, /flux .* Flux\n/);
    assert.deepEqual(await kept(), [
      'checkout/incident stays: an incident that nobody approved (overdue)',
      'checkout/renewed stays: renewal follows it and is not over',
      'checkout/running stays: still run: Deployment/app',
      'checkout/used stays: workloads still run by it',
    ]);
    assert.match(stderr, /GitOps creates again what its source still holds/);
    assert.match(stderr, /Nothing was deleted: add --yes\.\n$/);
    assert.deepEqual(fake.cluster.deleted, []);
    assert.match((await run(['prune', '--older-than', '7d'])).stdout, /recent/);
  });

  it('deletes with --yes, and goes on where one is refused', async () => {
    fake.cluster.exceptions(make('gone', past));
    assert.equal((await run(['prune', '--yes'])).code, 0);
    assert.deepEqual(fake.cluster.deleted, ['/checkout/signingexceptions/gone']);
    assert.equal((await run(['prune', '--yes'])).stderr, 'Nothing to prune.\n');
    fake.cluster.exceptions(make('gone', past), make('other', elsewhere('b')));
    const { cluster } = fake;
    const deleteOne = cluster.delete.bind(cluster);
    cluster.delete = (address) =>
      address.name === 'gone'
        ? Promise.reject(new ClusterError(403, 'you may not'))
        : deleteOne(address);
    const { code, stderr } = await run(['prune', '--yes']);
    assert.match(stderr, /error: checkout\/gone: you may not\ndeleted checkout\/other\n$/);
    assert.equal(code, 1);
  });

  it('keeps what it cannot tell of: pods that may not be listed, policies that may not be read', async () => {
    fake.cluster.exceptions(make('gone', past), make('incident', { ...past, class: 'Incident' }));
    fake.cluster.refuse('pods', 403);
    assert.match(
      (await kept())[0] ?? '',
      /not known whether something runs by it: you may not list pods/,
    );
    fake.cluster.refuse('configmaps', 403);
    assert.match(
      (await kept())[1] ?? '',
      /an incident of which it is not known whether somebody approved it/,
    );
  });
});
