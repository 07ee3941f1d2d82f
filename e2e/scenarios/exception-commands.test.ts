// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, describe, it } from 'mocha';
import { parse } from 'yaml';
import {
  freePort,
  newDirectory,
  pushImage,
  runCommand,
  waitFor,
  type CommandResult,
  type KubernetesObject,
  type PushedImage,
} from '../harness/index.ts';
import { reportOf, resultsOf } from '../story/index.ts';
import {
  assertAdmitted,
  assertDenied,
  deployment,
  exception,
  keyPolicySpec,
  namespace,
  pod,
  policy,
  sharedWorld,
  type World,
} from '../world/index.ts';

const NS = 'exception-commands';
const DEV = 'dev@example.com';
const LEAD = 'lead@example.com';
/** May read exceptions and nothing else. */
const READER = 'reader@example.com';
const STRANGER = 'stranger@example.com';
const ROOT: string = join(import.meta.dirname, '..', '..');
const NODE: string = join(ROOT, 'node_modules', '.bin', 'node');
const HOUR = 3_600_000;
const REASON = 'The vendor signs from the next release on.';
const SAYS = ['--reason', REASON, '--owner', 'team-shop@example.com', '--expires', '24h'];

interface Exception extends KubernetesObject {
  readonly spec: Readonly<Record<string, unknown>> & { readonly expiresAt: string };
  readonly status?: {
    readonly approvals?: readonly { readonly approver: string; readonly comment?: string }[];
    readonly reviews?: readonly { readonly by: string; readonly comment?: string }[];
    readonly revoked?: { readonly by: string; readonly reason: string };
  };
}

interface Listed {
  readonly exceptions: readonly {
    readonly name: string;
    readonly state: string;
    readonly approval: string;
    readonly approvedBy?: string;
    readonly renewals: number;
    readonly groups: readonly string[];
  }[];
}

interface Shown {
  readonly exception: Listed['exceptions'][number];
  readonly approvals: readonly { readonly by: string; readonly counts: string; because?: string }[];
}

describe('the commands for exceptions, on a real API server', function () {
  this.timeout(120_000);
  let world: World;
  let shop: PushedImage;
  let older: PushedImage;
  let directory: string;
  let name: string;
  let sequence = 0;

  /** The command line as a user; as the administrator where none is named. */
  const run = (user: string | undefined, ...args: readonly string[]): Promise<CommandResult> =>
    runCommand(NODE, [
      join(ROOT, 'cli', 'main.ts'),
      'exceptions',
      ...args,
      ...['--kubeconfig', world.kubectl.kubeconfig],
      ...(user === undefined ? [] : ['--as', user]),
      ...(args.includes('-A') ? [] : ['-n', NS]),
    ]);
  const must = async (
    user: string | undefined,
    ...args: readonly string[]
  ): Promise<CommandResult> => {
    const answer = await run(user, ...args);
    assert.equal(answer.code, 0, `${args.join(' ')}: ${answer.stderr}`);
    return answer;
  };
  const create = (image: PushedImage): Promise<CommandResult> => {
    sequence += 1;
    const object = pod({ name: `try-${sequence.toString()}`, namespace: NS, image: image.pinned });
    return world.kubectl.create(object);
  };
  const get = (of: string): Promise<Exception> =>
    world.kubectl.get<Exception>('signingexception', of, NS);
  /** Who the administrator is to the API server. */
  const caller = async (): Promise<string> => {
    return await world.kubectl.whoAmI();
  };
  const eventually = async (check: (answer: CommandResult) => void): Promise<void> => {
    await waitFor(
      async () => {
        check(await create(shop));
        return true;
      },
      { timeoutMs: 15_000, message: 'admission answers so' },
    );
  };
  const grant = async (
    user: string,
    role: string,
    kind = 'ClusterRole',
    where = NS,
  ): Promise<void> => {
    const binding = `${user.split('@')[0] ?? ''}-${role}`;
    await world.kubectl.apply({
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'RoleBinding',
      metadata: { name: binding, namespace: where },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind, name: role },
      subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name: user }],
    });
  };

  before(async () => {
    world = await sharedWorld();
    directory = newDirectory('exception-commands');
    await world.kubectl.apply(namespace(NS));
    await world.kubectl.apply({
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'ClusterRole',
      metadata: { name: 'exception-commands-reader' },
      rules: [
        {
          apiGroups: ['countersign.dev'],
          resources: ['signingexceptions'],
          verbs: ['get', 'list'],
        },
      ],
    });
    for (const user of [DEV, LEAD]) {
      await grant(user, 'view');
      await grant(user, 'countersign-exception-approver');
      await grant(user, 'countersign-program-reader', 'Role', 'countersign-system');
    }
    await grant(DEV, 'countersign-exception-requester');
    await grant(LEAD, 'countersign-exception-auditor');
    await grant(READER, 'exception-commands-reader');
    shop = await pushImage(world.registry, `${NS}/shop`, '1.0');
    older = await pushImage(world.registry, `${NS}/older`, '1.0');
    const before = pod({ name: 'older', namespace: NS, image: older.pinned });
    assertAdmitted(await world.kubectl.create(before));
    const images = [`${world.registry.host}/${NS}/**`];
    const spec = keyPolicySpec({
      images,
      keys: [world.key.publicKey],
      exceptions: { allowed: true, maxDuration: '48h', incident: { allowed: true } },
    });
    await world.kubectl.apply(policy(NS, spec));
    await world.enforced(NS);
    await world.kubectl.apply(deployment({ name: 'shop', namespace: NS, image: shop.pinned }));
    for (const [kind, of] of [
      ['Deployment', 'shop'],
      ['Pod', 'older'],
    ] as const) {
      await waitFor(
        async () => {
          const report = await reportOf(world, { kind, name: of, namespace: NS });
          return resultsOf(report).some(({ result }) => result === 'fail');
        },
        { timeoutMs: 30_000, message: `the report of ${kind}/${of} fails` },
      );
    }
  });

  it('request one from the report of a workload whose pods are denied, with what it would admit', async () => {
    assertDenied(await create(shop), 'NO_SIGNATURE');
    const { stdout, stderr } = await must(
      DEV,
      'request',
      '--from-report',
      'deployment/shop',
      ...SAYS,
    );
    const { kind, metadata, spec } = parse(stdout) as Exception;
    assert.equal(kind, 'SigningException');
    assert.equal(metadata?.name, `shop-${shop.digest.slice(7, 15)}`);
    const { notBefore, expiresAt, ...rest } = spec;
    assert.equal(Date.parse(expiresAt) - Date.parse(String(notBefore)), 24 * HOUR);
    assert.deepEqual(rest, {
      policyRef: { name: NS },
      requirements: ['signed'],
      digests: [shop.digest],
      serviceAccounts: ['default'],
      class: 'Planned',
      reason: REASON,
      owner: 'team-shop@example.com',
      requestedBy: DEV,
    });
    assert.match(stderr, /It would admit now:\n {2}Deployment\/shop as default \(no pods yet\): /);
    assert.match(stderr, /As it is, it will be AwaitingApproval: nobody approved it yet\n/);
    name = metadata.name ?? '';
  });

  it('request one from a pod that is there, and from an image', async () => {
    const file = join(directory, 'older.yaml');
    const answer = await must(DEV, 'request', '--from-pod', 'older', '--out', file, ...SAYS);
    assert.equal(answer.stdout, '');
    assert.match(answer.stderr, /Pod\/older as default \(1 pod\)/);
    const fromPod = parse(readFileSync(file, 'utf8')) as Exception;
    assert.deepEqual(fromPod.spec['digests'], [older.digest]);
    const place = ['--policy', NS, '--service-account', 'cart'];
    const { stdout } = await must(DEV, 'request', '--image', older.pinned, ...place, ...SAYS);
    const fromImage = parse(stdout) as Exception;
    assert.deepEqual(fromImage.spec['requirements'], ['signed']);
    assert.deepEqual(fromImage.spec['serviceAccounts'], ['cart']);
  });

  it('tell before it is asked for that the policy would not take it', async () => {
    const says = [...SAYS.slice(0, -1), '30d'];
    const { stderr } = await must(DEV, 'request', '--from-report', 'shop', ...says);
    assert.match(stderr, /As it is, it will be TooLong: longer than the 48h that the policy/);
  });

  it('create what is asked for, and say what the API server says', async () => {
    const args = ['request', '--from-report', 'deployment/shop', '--apply', ...SAYS];
    const { stderr } = await must(DEV, ...args, '--ticket', 'https://tickets.example/SEC-1');
    assert.match(stderr, new RegExp(`signingexception\\.countersign\\.dev/${name} created`));
    const again = await run(DEV, ...args);
    assert.deepEqual([again.code, again.stderr.includes('already exists')], [1, true]);
    const stranger = await run(STRANGER, ...args);
    assert.match(stranger.stderr, /^error: you may not list reports in the namespace /m);
    assert.equal(stranger.code, 1);
  });

  it('let who asked for it not approve it, in the words of the guard', async () => {
    const { code, stderr } = await run(DEV, 'approve', name, '--yes');
    assert.match(
      stderr,
      /^error: dev@example\.com asked for it: somebody else has to approve it: /m,
    );
    assert.match(stderr, /dev@example\.com asked for this exception and may not approve it/);
    assert.equal(code, 1);
    assert.equal((await get(name)).status?.approvals, undefined);
  });

  it('approve nothing without a yes', async () => {
    const { code, stderr } = await run(LEAD, 'approve', name);
    assert.match(stderr, /^error: --yes is needed where there is no terminal to ask at$/m);
    assert.equal(code, 2);
    assert.equal((await get(name)).status?.approvals, undefined);
  });

  it('approve it as somebody else, and its pods are admitted', async () => {
    const args = ['approve', name, '--comment', 'seen the ticket', '--yes'];
    const { stderr } = await must(LEAD, ...args);
    assert.match(stderr, /It would admit now:\n {2}Deployment\/shop as default/);
    assert.match(stderr, /approved .* as lead@example\.com: it is InEffect, ends at /);
    const approvals = (await get(name)).status?.approvals;
    assert.deepEqual(
      approvals?.map(({ approver, comment }) => [approver, comment]),
      [[LEAD, 'seen the ticket']],
    );
    await eventually(assertAdmitted);
  });

  it('show how it stands, now and at another time, as admission would have it', async () => {
    const at = async (...when: readonly string[]): Promise<Shown> =>
      JSON.parse((await must(LEAD, 'show', name, '-o', 'json', ...when)).stdout) as Shown;
    const { spec } = await get(name);
    const end = Date.parse(spec.expiresAt);
    const now = await at();
    assert.deepEqual([now.exception.state, now.exception.approvedBy], ['InEffect', LEAD]);
    assert.deepEqual(
      now.approvals.map(({ by, counts }) => [by, counts]),
      [[LEAD, 'yes']],
    );
    const last = await at('--at', new Date(end - 1000).toISOString());
    const over = await at('--at', new Date(end).toISOString());
    const early = await at('--at', '-2h');
    assert.deepEqual(
      [last, over, early].map(({ exception: { state } }) => state),
      ['InEffect', 'Expired', 'NotYetActive'],
    );
    const { stdout } = await must(LEAD, 'show', name);
    assert.match(stdout, /^ {2}State: +InEffect: ends at /m);
    assert.match(stdout, /lead@example\.com at .* \(seen the ticket\): counts$/m);
  });

  it('list in each form', async () => {
    await world.kubectl.must(['label', 'signingexception', name, 'team=shop'], { namespace: NS });
    const list = async (...args: readonly string[]): Promise<string> =>
      (await must(LEAD, 'list', ...args)).stdout;
    const [table, wide, csv, markdown] = await Promise.all([
      list(),
      list('-o', 'wide'),
      list('-o', 'csv'),
      list('-o', 'markdown'),
    ]);
    assert.match(
      table,
      /^NAMESPACE +NAME +POLICY +CLASS +STATE +EXPIRES +APPROVED +LASTUSED +OWNER\n/,
    );
    assert.match(wide, /REQUIREMENTS +SERVICEACCOUNTS +DIGESTS/);
    assert.match(csv, /^Namespace,Name,Policy,/);
    assert.match(markdown, /^\| Namespace \| Name \|/);
    const [json, yaml, labelled, others] = await Promise.all([
      list('-o', 'json'),
      list('-o', 'yaml'),
      list('-o', 'name', '-l', 'team=shop'),
      list('-o', 'name', '-l', 'team=cart'),
    ]);
    for (const { exceptions } of [JSON.parse(json) as Listed, parse(yaml) as Listed])
      assert.deepEqual(
        exceptions.map((e) => [e.name, e.state, e.approval]),
        [[name, 'InEffect', 'approved']],
      );
    assert.equal(labelled, `signingexception.countersign.dev/${name}\n`);
    assert.equal(others, '');
  });

  it('list by what the operator wrote where the program may not be read, and nothing to strangers', async () => {
    const [told, refused] = await Promise.all([
      must(READER, 'list', '-o', 'json'),
      run(STRANGER, 'list'),
    ]);
    assert.match(
      told.stderr,
      /^warning: the program in the namespace countersign-system may not be/,
    );
    const [entry] = (JSON.parse(told.stdout) as Listed).exceptions;
    assert.deepEqual(
      [entry?.state, entry?.approval, entry?.approvedBy],
      ['InEffect', 'approved', LEAD],
    );
    assert.match(
      refused.stderr,
      /^error: .*forbidden: User "stranger@example\.com" cannot list .*\n$/,
    );
    assert.deepEqual([refused.code, refused.stdout], [1, '']);
  });

  it('review in each form, and record that somebody did', async () => {
    const page = join(directory, 'review.html');
    const [table, markdown, csv, html, all] = await Promise.all([
      must(LEAD, 'review'),
      must(LEAD, 'review', '-o', 'markdown'),
      must(LEAD, 'review', '-o', 'csv'),
      must(LEAD, 'review', '-o', 'html', '--out', page),
      must(undefined, 'review', '-A', '-o', 'json'),
    ]);
    assert.match(table.stdout, /^Expiring within 7 days \(1\)\nNAMESPACE /);
    assert.match(markdown.stdout, /^## Expiring within 7 days \(1\)$/m);
    assert.match(csv.stdout, new RegExp(`^${NS},${name},.*expiring\r$`, 'm'));
    assert.equal(html.stdout, '');
    assert.match(readFileSync(page, 'utf8'), new RegExp(`^<!doctype html>[^]*${name}`));
    const ours = (JSON.parse(all.stdout) as Listed).exceptions.find((e) => e.name === name);
    assert.deepEqual(ours?.groups, ['expiring']);
    const refused = await run(DEV, 'review', name, '--record');
    assert.match(refused.stderr, /dev@example\.com needs the verb review on signingexceptions/);
    assert.equal(refused.code, 1);
    await must(LEAD, 'review', name, '--record', '--comment', 'still needed');
    assert.deepEqual(
      (await get(name)).status?.reviews?.map(({ by, comment }) => [by, comment]),
      [[LEAD, 'still needed']],
    );
  });

  it('renew it by a new one, which has to be approved by itself', async () => {
    const end = Date.parse((await get(name)).spec.expiresAt);
    const until = new Date(end + HOUR).toISOString();
    const { stdout } = await must(DEV, 'renew', name, '--expires', until, '--apply');
    const written = parse(stdout) as Exception;
    const renewal = await get(`${name}-r2`);
    assert.deepEqual(renewal.spec, written.spec);
    assert.deepEqual(
      [renewal.spec['renews'], Date.parse(String(renewal.spec['notBefore']))],
      [{ name }, end],
    );
    const [now, then] = await Promise.all([
      must(LEAD, 'show', `${name}-r2`, '-o', 'json'),
      must(LEAD, 'show', `${name}-r2`, '-o', 'json', '--at', new Date(end).toISOString()),
    ]);
    const states = [now, then].map((answer) => (JSON.parse(answer.stdout) as Shown).exception);
    assert.deepEqual(
      states.map(({ state, renewals }) => [state, renewals]),
      [
        ['NotYetActive', 1],
        ['AwaitingApproval', 1],
      ],
    );
  });

  it('take an approval away again, and with it the effect', async () => {
    await must(LEAD, 'approve', name, '--withdraw', '--yes');
    await eventually((answer) => {
      assertDenied(answer, 'EXCEPTION_UNAPPROVED');
    });
    await must(LEAD, 'approve', name, '--yes');
    await eventually(assertAdmitted);
  });

  it('revoke it in the status, and it has no effect', async () => {
    const refused = await run(READER, 'revoke', name, '--reason', 'none');
    assert.equal(refused.code, 1);
    await must(LEAD, 'revoke', name, '--reason', 'the image holds a worm');
    await eventually((answer) => {
      assertDenied(answer, 'EXCEPTION_EXPIRED');
    });
    const { status } = await get(name);
    assert.deepEqual(
      [status?.revoked?.by, status?.revoked?.reason],
      [LEAD, 'the image holds a worm'],
    );
    await must(DEV, 'revoke', `${name}-r2`, '--spec', '--reason', 'nor is it needed again');
    const renewal = await get(`${name}-r2`);
    assert.equal((renewal.spec['revoked'] as { by: string }).by, DEV);
  });

  it('tell of a deadline what admission does before and after it', async () => {
    const end = new Date(Math.ceil(Date.now() / 1000) * 1000 + 30_000);
    const brief = { name: 'brief', namespace: NS, policy: NS, digests: [older.digest] };
    await world.kubectl.apply(exception({ ...brief, expiresAt: end, requestedBy: await caller() }));
    await must(LEAD, 'approve', 'brief', '--yes');
    await waitFor(
      async () => {
        assertAdmitted(await create(older));
        return true;
      },
      { timeoutMs: 10_000, message: 'it is in effect' },
    );
    const states = await Promise.all(
      [end.getTime() - 1000, end.getTime()].map(async (at) => {
        const when = new Date(at).toISOString();
        const { stdout } = await must(LEAD, 'show', 'brief', '-o', 'json', '--at', when);
        return (JSON.parse(stdout) as Shown).exception.state;
      }),
    );
    assert.deepEqual(states, ['InEffect', 'Expired']);
    await waitFor(() => Promise.resolve(Date.now() >= end.getTime()), {
      timeoutMs: 40_000,
      message: 'the deadline has come',
    });
    assertDenied(await create(older), 'EXCEPTION_EXPIRED');
    const now = await must(LEAD, 'show', 'brief', '-o', 'json');
    assert.equal((JSON.parse(now.stdout) as Shown).exception.state, 'Expired');
  });

  it('see in a review what still runs by what is over', async () => {
    await waitFor(
      async () => {
        const { stdout } = await must(LEAD, 'review', '-o', 'json');
        const entry = (JSON.parse(stdout) as Listed).exceptions.find((e) => e.name === 'brief');
        return entry?.groups.includes('expired-in-use') === true;
      },
      { timeoutMs: 60_000, message: 'the review shows it' },
    );
  });

  it('prune what has long been over, but no incident that nobody approved', async () => {
    const past = {
      namespace: NS,
      policy: NS,
      notBefore: new Date(Date.now() - 60 * 24 * HOUR),
      expiresAt: new Date(Date.now() - (60 * 24 - 1) * HOUR),
      requestedBy: await caller(),
    };
    const digests = (letter: string): readonly string[] => [`sha256:${letter.repeat(64)}`];
    await world.kubectl.apply([
      exception({ ...past, name: 'gone', digests: digests('a') }),
      exception({ ...past, name: 'incident', class: 'Incident', digests: digests('b') }),
    ]);
    const listed = await must(undefined, 'prune');
    assert.match(listed.stdout, /^NAMESPACE +NAME .*\nexception-commands +gone +/);
    assert.match(
      listed.stderr,
      /exception-commands\/incident stays: an incident that nobody approved/,
    );
    assert.equal((await get('gone')).metadata?.name, 'gone');
    const refused = await run(LEAD, 'prune', '--yes');
    assert.match(refused.stderr, /^error: exception-commands\/gone: .*cannot delete/m);
    assert.equal(refused.code, 1);
    await must(undefined, 'prune', '--yes');
    assert.equal(await world.kubectl.find('signingexception', 'gone', NS), undefined);
    assert.equal((await get('incident')).metadata?.name, 'incident');
    assert.equal((await get(name)).metadata?.name, name);
  });

  it('tell an API server that is not there from one that refuses', async () => {
    const file = join(directory, 'nobody.yaml');
    const nobody = `https://127.0.0.1:${(await freePort()).toString()}`;
    const text = readFileSync(world.kubectl.kubeconfig, 'utf8');
    writeFileSync(file, text.replace(/https:\/\/[^"'\s]+/, nobody));
    const { code, stdout, stderr } = await runCommand(
      NODE,
      [join(ROOT, 'cli', 'main.ts'), 'exceptions', 'list'],
      { env: { KUBECONFIG: file } },
    );
    assert.match(stderr, /^error: the API server did not answer: .*ECONNREFUSED.*\n$/);
    assert.deepEqual([code, stdout], [3, '']);
    const context = await run(undefined, 'list', '--context', 'elsewhere');
    assert.match(context.stderr, /there is no context "elsewhere"\n$/);
    assert.equal(context.code, 2);
  });
});
