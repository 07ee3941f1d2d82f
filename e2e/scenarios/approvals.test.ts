// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, describe, it } from 'mocha';
import { stringify } from 'yaml';
import {
  newDirectory,
  runCommand,
  waitFor,
  type CommandResult,
  type KubernetesObject,
  type PushedImage,
} from '../harness/index.ts';
import { attestBlob, type LocalSigstore, type Signer } from '../sigstore/index.ts';
import {
  assertAdmitted,
  assertDenied,
  CLUSTER,
  exception,
  namespace,
  pod,
  policy,
} from '../world/index.ts';
import { ALICE, keyless } from './shared/identities.ts';
import { Stage, type Spec } from './shared/stage.ts';

const ROOT: string = join(import.meta.dirname, '..', '..');
const NODE: string = join(ROOT, 'node_modules', '.bin', 'node');
const POLICY = 'approvals-signed';
const ELSEWHERE = 'approvals-elsewhere';
const APPROVAL_TYPE = 'https://countersign.dev/exception-approval/v1';
const HOUR = 3_600_000;

type Exception = KubernetesObject & { readonly spec: Spec };

/** An exception, the image it is for, and what is applied in the end. */
interface Case {
  readonly image: PushedImage;
  readonly object: Exception;
}

interface ImageReport {
  readonly image: string;
  readonly decision: string;
  readonly policies: readonly { readonly code?: string; readonly message?: string }[];
}

interface ApprovalReport {
  readonly exceptions: readonly {
    readonly name: string;
    readonly approval: string;
    readonly problem?: { readonly reason: string };
    readonly signed: readonly { readonly refusal?: string }[];
  }[];
}

describe('signed approvals on a real API server, and the command line', function () {
  this.timeout(180_000);
  let stage: Stage;
  let sigstore: LocalSigstore;
  let me: string;
  let directory: string;
  let policyFile: string;
  let files = 0;
  const approver = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const stranger = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  let keys: Readonly<Record<'approver' | 'stranger', string>>;

  const file = (text: string, name = 'file'): string => {
    files += 1;
    const path = join(directory, `${files.toString()}-${name}`);
    writeFileSync(path, text);
    return path;
  };
  const countersign = (
    args: readonly string[],
    input = '',
    env: Readonly<Record<string, string>> = {},
  ): Promise<CommandResult> =>
    runCommand(NODE, [join(ROOT, 'cli', 'main.ts'), ...args], { input, env });
  const must = async (...call: Parameters<typeof countersign>): Promise<string> => {
    const { code, stdout, stderr } = await countersign(...call);
    assert.equal(code, 0, stderr);
    return stdout;
  };

  /** An exception for an image of its own. */
  const requested = async (name: string, spec: Spec = {}): Promise<Case> => {
    const image = await stage.push('app');
    const object = exception({
      name,
      namespace: stage.name,
      policy: POLICY,
      digests: [image.digest],
      requestedBy: me,
      expiresAt: new Date(Date.now() + HOUR),
      ...spec,
    }) as Exception;
    return { image, object };
  };
  const edited = ({ image, object }: Case, spec: Spec, metadata: Spec = {}): Case => ({
    image,
    object: {
      ...object,
      metadata: { ...object.metadata, ...metadata },
      spec: { ...object.spec, ...spec },
    },
  });
  /** What `exceptions sign` writes of an exception that it reads from standard input. */
  const sign = ({ object }: Case, ...args: readonly string[]): Promise<string> => {
    const cluster = args.includes('--cluster') ? [] : ['--cluster', CLUSTER];
    return must(['exceptions', 'sign', '-', ...cluster, ...args], JSON.stringify(object));
  };
  const approved = async (of: Case, ...args: readonly string[]): Promise<Case> => {
    const signer = args.includes('--key') ? args : ['--key', keys.approver, ...args];
    return { image: of.image, object: JSON.parse(await sign(of, ...signer)) as Exception };
  };
  const keylessFlags = (): readonly string[] => [
    ...['--cluster', CLUSTER, '--fulcio-url', sigstore.fulcioUrl],
    ...['--rekor-url', sigstore.logUrl, '--tsa-url', sigstore.timestampsUrl],
  ];
  /** Approves as the guide says it is done with cosign. */
  const approvedByCosign = async (of: Case, by: Signer): Promise<Case> => {
    const [material, statement] = await Promise.all([
      sign(of, '--print-material'),
      sign(of, '--print-statement'),
    ]);
    const { predicate } = JSON.parse(statement) as { predicate: unknown };
    const bundle = await attestBlob(material, { by, type: APPROVAL_TYPE, predicate });
    return edited(of, { approvals: [{ bundle }] });
  };

  const ask = (image: PushedImage, where = stage.name): Promise<CommandResult> => {
    const input = JSON.stringify(pod({ name: 'app', namespace: where, image: image.pinned }));
    return stage.world.kubectl.run(['create', '--dry-run=server', '--filename=-'], { input });
  };
  const eventually = async (check: () => Promise<void>): Promise<void> => {
    const passes = async (): Promise<boolean> => {
      await check();
      return true;
    };
    await waitFor(passes, { timeoutMs: 10_000, message: 'answer' });
  };
  const admits = (image: PushedImage): Promise<void> =>
    eventually(async () => assertAdmitted(await ask(image)));
  const denies = (image: PushedImage, why: RegExp, where?: string): Promise<void> =>
    eventually(async () => {
      const answer = await ask(image, where);
      assertDenied(answer, 'EXCEPTION_UNAPPROVED');
      assert.match(answer.stderr, why);
    });

  /** What `countersign verify` says of images, with exceptions from a file. */
  const judge = async (
    cases: readonly Case[],
    { cluster = CLUSTER, where = stage.name }: { cluster?: string; where?: string } = {},
  ): Promise<ReadonlyMap<string, ImageReport>> => {
    const { stdout } = await countersign([
      ...['verify', '--policy', policyFile, '--namespace', where, '--output', 'json'],
      ...['--exceptions', file(cases.map(({ object }) => JSON.stringify(object)).join('\n---\n'))],
      ...['--plain-http', stage.world.registry.host],
      ...(cluster === '' ? [] : ['--cluster', cluster]),
      ...cases.map(({ image }) => image.pinned),
    ]);
    const { images } = JSON.parse(stdout) as { images: readonly ImageReport[] };
    return new Map(images.map((image) => [image.image, image]));
  };
  /** What `countersign exceptions verify` says of exceptions, and its exit code. */
  const check = async (
    cases: readonly Case[],
  ): Promise<readonly [number, ReadonlyMap<string, ApprovalReport['exceptions'][number]>]> => {
    const text = cases.map(({ object }) => JSON.stringify(object)).join('\n---\n');
    const args = ['--policy', policyFile, '--cluster', CLUSTER, '--output', 'json'];
    const { code, stdout } = await countersign(['exceptions', 'verify', '-', ...args], text);
    const { exceptions } = JSON.parse(stdout) as ApprovalReport;
    return [code, new Map(exceptions.map((found) => [found.name, found]))];
  };

  before(async () => {
    stage = await Stage.open('approvals');
    const { world } = stage;
    sigstore = await stage.sigstore.withRekorV1();
    directory = newDirectory('approvals');
    me = await world.kubectl.whoAmI();
    const pem = (key: typeof approver): string =>
      key.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
    keys = { approver: file(pem(approver)), stranger: file(pem(stranger)) };
    const inline = approver.publicKey.export({ type: 'spki', format: 'pem' }).toString();
    const object = policy(POLICY, {
      mode: 'Enforce',
      match: { images: [stage.repository('**')] },
      authorities: [
        { name: 'release', key: { material: { inline: world.otherKey.publicKey } } },
        { name: 'security', key: { material: { inline } } },
        { name: 'platform', key: { material: { inline: world.key.publicKey } } },
        { name: 'alice', ...keyless(sigstore, ALICE) },
      ],
      requirements: [{ name: 'signed', signature: { anyOf: ['release'] } }],
      exceptions: { allowed: true, approvers: ['security', 'platform', 'alice'] },
    });
    policyFile = file(JSON.stringify(object));
    await world.kubectl.apply([object, namespace(ELSEWHERE)]);
    await world.enforced(POLICY);
  });

  it('let in what an approver signed with a key, an identity or cosign, on both sides', async () => {
    const names = ['by-key', 'by-identity', 'by-cosign'];
    const [first, second, third] = await Promise.all(names.map((name) => requested(name)));
    assert.ok(first !== undefined && second !== undefined && third !== undefined);
    assertDenied(await ask(first.image), 'NO_SIGNATURE');
    const path = file(`# for the release\n${stringify(first.object)}`, 'by-key.yaml');
    const flags = ['--cluster', CLUSTER, '--key', keys.approver, '--in-place'];
    const [, byIdentity, byCosign] = await Promise.all([
      must(['exceptions', 'sign', path, ...flags]),
      must(['exceptions', 'sign', '-', ...keylessFlags()], JSON.stringify(second.object), {
        SIGSTORE_ID_TOKEN: sigstore.token(ALICE),
      }),
      approvedByCosign(third, { key: stage.world.key }),
    ]);
    const yaml = readFileSync(path, 'utf8');
    assert.match(yaml, /^# for the release\n/);
    await stage.world.kubectl.apply(yaml);
    const identified = { ...second, object: JSON.parse(byIdentity) as Exception };
    await stage.world.kubectl.apply([identified.object, byCosign.object]);
    for (const { image } of [first, identified, byCosign]) await admits(image);
    const [[code, found], images] = await Promise.all([
      check([identified, byCosign]),
      judge([identified, byCosign]),
    ]);
    assert.equal(code, 0);
    assert.deepEqual(
      [...found.values()].map(({ approval }) => approval),
      ['approved', 'approved'],
    );
    assert.deepEqual(
      [...images.values()].map(({ decision }) => decision),
      ['allowed', 'allowed'],
    );
  });

  it('keep counting for an earlier end', async () => {
    const signed = await approved(await requested('shorter'));
    await stage.world.kubectl.apply(signed.object);
    await admits(signed.image);
    const expiresAt = new Date(Date.now() + HOUR / 2).toISOString();
    const shorter = edited(signed, { expiresAt });
    await stage.world.kubectl.apply(shorter.object);
    const name = 'shorter';
    await eventually(async () => {
      const { status } = await stage.world.kubectl.get<Conditioned>(
        'signingexception',
        name,
        stage.name,
      );
      const approval = status?.conditions?.find(({ type }) => type === 'Approved');
      assert.deepEqual([status?.observedGeneration, approval?.status], [2, 'True']);
    });
    await admits(signed.image);
    assert.equal((await check([shorter]))[0], 0);
  });

  describe('count for nothing', () => {
    let cases: Readonly<Record<string, Case>>;
    let images: ReadonlyMap<string, ImageReport>;
    let elsewhere: ReadonlyMap<string, ImageReport>;
    let found: Awaited<ReturnType<typeof check>>;

    /** Applies it as its requester, which nobody else may. */
    const applyAs = async (user: string, object: KubernetesObject): Promise<void> => {
      const as = [`--as=${user}`, '--as-group=system:masters'];
      const args = ['apply', ...as, '--filename=-'];
      await stage.world.kubectl.must(args, { input: JSON.stringify(object) });
    };

    /** Approved as it was, applied, and then edited. */
    const editedLater = async (name: string, spec: Spec): Promise<Case> => {
      const signed = await approved(await requested(name));
      await stage.world.kubectl.apply(signed.object);
      await admits(signed.image);
      return edited(signed, spec);
    };

    before(async () => {
      const own = await requested('own', { requestedBy: ALICE.email });
      const made = await Promise.all([
        requested('none'),
        editedLater('widened', { serviceAccounts: ['default', 'admin'] }),
        editedLater('put-off', { expiresAt: new Date(Date.now() + 2 * HOUR).toISOString() }),
        requested('original').then(async (original) =>
          edited(await approved(original), {}, { name: 'other-object' }),
        ),
        requested('other-namespace').then(async (here) =>
          edited(await approved(here), {}, { namespace: ELSEWHERE }),
        ),
        requested('other-cluster').then((of) => approved(of, '--cluster', 'other')),
        requested('expired').then((of) => approved(of, '--expires', '1s')),
        requested('untrusted').then((of) => approved(of, '--key', keys.stranger)),
        requested('unknown-policy', { policyRef: { name: 'approvals-nowhere' } }).then((of) =>
          approved(of),
        ),
        approvedByCosign(own, { sigstore: stage.sigstore, identity: ALICE }),
      ]);
      cases = Object.fromEntries(made.map((one) => [one.object.metadata?.name ?? '', one]));
      const [mine, alices] = [made.slice(0, -1), made.slice(-1)];
      await stage.world.kubectl.apply(mine.map(({ object }) => object));
      for (const { object } of alices) await applyAs(ALICE.email, object);
      const signedAt = Date.now();
      await waitFor(() => Promise.resolve(Date.now() > signedAt + 1_000), {
        timeoutMs: 5_000,
        message: 'an approval for a second expires',
      });
      [images, elsewhere, found] = await Promise.all([
        judge(made),
        judge(made, { where: ELSEWHERE }),
        check(made),
      ]);
    });

    for (const [name, what, why] of [
      ['none', 'where there is none', /exception \S+ is not approved/],
      ['widened', 'after an edit that widens', /is of another spec than this/],
      ['put-off', 'after the end was put off', /is for an earlier end/],
      ['other-object', 'for another object', /is for the exception "approvals\/original"/],
      [
        'other-namespace',
        'in another namespace',
        /is for the exception "approvals\/other-namespace"/,
      ],
      ['other-cluster', 'in another cluster', /is for the cluster "other"/],
      ['expired', 'once they have expired', /has expired/],
      ['untrusted', 'by a key that is no approver', /KEY_UNTRUSTED/],
      ['own', 'by who asked for it', /does not count: it is of who asked for it/],
    ] as const) {
      it(`X26: ${what}, on both sides`, async () => {
        const { image } = cases[name] ?? assert.fail();
        const isElsewhere = name === 'other-namespace';
        await denies(image, why, isElsewhere ? ELSEWHERE : stage.name);
        const report = (isElsewhere ? elsewhere : images).get(image.pinned);
        assert.equal(report?.decision, 'rejected');
        assert.equal(report.policies[0]?.code, 'EXCEPTION_UNAPPROVED');
        assert.match(report.policies[0].message ?? '', why);
        const [code, exceptions] = found;
        assert.equal(code, 1);
        const assessment = exceptions.get(name);
        assert.equal(assessment?.approval, 'unapproved');
        const refusals = assessment.signed.map(({ refusal }) => refusal ?? 'counts');
        if (name === 'none') assert.deepEqual(refusals, []);
        else
          assert.ok(
            refusals.some((refusal) => why.test(refusal)),
            refusals.join(),
          );
        assert.equal(refusals.includes('counts'), false);
      });
    }

    it('for a policy that there is not, on both sides', async () => {
      const name = 'unknown-policy';
      const { image } = cases[name] ?? assert.fail();
      await eventually(async () => {
        const { status } = await stage.world.kubectl.get<Conditioned>(
          'signingexception',
          name,
          stage.name,
        );
        const active = status?.conditions?.find(({ type }) => type === 'Active');
        assert.deepEqual([active?.status, active?.reason], ['False', 'PolicyNotFound']);
      });
      assertDenied(await ask(image), 'NO_SIGNATURE');
      assert.equal(images.get(image.pinned)?.policies[0]?.code, 'NO_SIGNATURE');
      assert.equal(found[1].get(name)?.problem?.reason, 'PolicyNotFound');
    });

    it('X26: are not made by who asked for it', async () => {
      const { object } = await requested('mine', { requestedBy: ALICE.email });
      const token = ['--identity-token', file(sigstore.token(ALICE), 'token')];
      const args = ['exceptions', 'sign', '-', ...keylessFlags(), ...token];
      const { code, stdout, stderr } = await countersign(args, JSON.stringify(object));
      assert.match(stderr, /alice@example\.com asked for the exception: somebody else must/);
      assert.deepEqual([code, stdout], [1, '']);
    });

    it('where nobody says which cluster it is', async () => {
      const signed = await approved(await requested('nameless'));
      const report = await judge([signed], { cluster: '' });
      const [policyReport] = report.get(signed.image.pinned)?.policies ?? [];
      assert.equal(policyReport?.code, 'EXCEPTION_UNAPPROVED');
      assert.match(policyReport.message ?? '', /this cluster has no name/);
    });
  });
});

interface Conditioned {
  readonly status?: {
    readonly observedGeneration?: number;
    readonly conditions?: readonly {
      readonly type: string;
      readonly status: string;
      readonly reason: string;
    }[];
  };
}
