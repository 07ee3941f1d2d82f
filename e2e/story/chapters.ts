// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { waitFor, type PushedImage } from '../harness/index.ts';
import {
  assertAdmitted,
  assertDenied,
  assertWarned,
  deployment,
  exception,
  keyPolicySpec,
  namespace,
  policy,
} from '../world/index.ts';
import { reportOf, resultsOf, type ReportResult } from './reports.ts';
import type { Teller } from './teller.ts';

/** What the chapters hand on to each other. */
export interface StoryState {
  readonly me: string;
  readonly signed: PushedImage;
  readonly unsigned: PushedImage;
  /** Signed first; its tag is moved later. */
  readonly moving: PushedImage;
}

/** One chapter: a sentence, and what happens with its assertions on the API server's own answers. */
export interface Chapter {
  readonly title: string;
  tell(teller: Teller, state: StoryState): Promise<void>;
}

const NS = 'shop';
const POLICY = 'team-images';
/** Time after which a tag is resolved again (design §5). */
const TAG_CACHE_MS = 10_000;
const EXCEPTION = 'checkout-2-0';
const EXCEPTION_MS = 3_600_000;
/** What is left of it in the end. */
const LAST_MS = 6_000;
/** Who may approve exceptions in the namespace, and did not ask for this one. */
const APPROVER = 'security-lead@example.com';

/** Pushes and signs the images of the story, and makes its namespaces. */
export async function prepare(teller: Teller): Promise<StoryState> {
  const { world } = teller;
  await world.kubectl.apply([namespace(NS), namespace('shop-dev', { env: 'dev' })]);
  await world.kubectl.must(['create', 'serviceaccount', 'checkout'], { namespace: NS });
  await allowApprover(world.kubectl);
  const [signed, unsigned, moving] = await Promise.all([
    world.push(world.registry, 'shop/cart', '1.4.2'),
    world.push(world.registry, 'shop/checkout', '2.0.0'),
    world.push(world.tagRegistry, 'shop/web', '1.0'),
  ]);
  await Promise.all([
    world.sign('bundle', world.key, signed.pinned),
    world.sign('legacy', world.key, moving.pinned),
  ]);
  teller.narrator.say(
    `${signed.reference} is signed (cosign v3 bundle), ${moving.reference} too (legacy signature), ${unsigned.reference} is not.`,
  );
  return { me: await world.kubectl.whoAmI(), signed, unsigned, moving };
}

/** Who approves sees what is approved: what runs in the namespace, and the policies in force. */
async function allowApprover(kubectl: Teller['world']['kubectl']): Promise<void> {
  const bind = async (role: string, name: string, inNamespace: string): Promise<void> => {
    const args = ['create', 'rolebinding', `story-${name}`, `--${role}=${name}`];
    await kubectl.must([...args, `--user=${APPROVER}`], { namespace: inNamespace });
  };
  await bind('clusterrole', 'countersign-exception-approver', NS);
  await bind('clusterrole', 'view', NS);
  await bind('role', 'countersign-program-reader', 'countersign-system');
}

/** The story in its order; each chapter relies on those before it. */
export const CHAPTERS: readonly Chapter[] = [
  { title: 'A policy is applied and enforced', tell: applyPolicy },
  { title: 'A signed image runs, by the digest that was verified', tell: runSigned },
  { title: 'An unsigned image is refused, with the reason', tell: refuseUnsigned },
  {
    title: 'An unsigned Deployment gets its report, though no pod of it exists',
    tell: reportUnsigned,
  },
  { title: 'A namespace that is audited admits it with a warning', tell: audit },
  { title: 'The tag of a signed image is moved, and refused', tell: moveTag },
  { title: 'An exception is asked for, and lets nothing in', tell: requestException },
  { title: 'Somebody else approves it: one digest, one service account', tell: approveException },
  { title: 'The exception ends by itself, and the running pod is reported', tell: expire },
  {
    title: 'A key is rotated: the report of what runs flips, its pods are not touched',
    tell: rotate,
  },
];

async function applyPolicy(teller: Teller): Promise<void> {
  const { world } = teller;
  assertAdmitted(await teller.apply(policy(POLICY, policySpec(teller, [world.key.publicKey]))));
  await world.enforced(POLICY);
  assertAdmitted(await teller.kubectl('get', 'itp'));
}

async function runSigned(teller: Teller, { signed }: StoryState): Promise<void> {
  const { world } = teller;
  assertAdmitted(
    await teller.kubectl('create', 'deployment', 'cart', `--image=${signed.reference}`, '-n', NS),
  );
  await world.kubectl.must(['rollout', 'status', 'deployment/cart', '--timeout=30s'], {
    namespace: NS,
  });
  const answer = await teller.kubectl(
    'get',
    'pods',
    '-n',
    NS,
    '-o',
    'custom-columns=NAME:.metadata.name,STATUS:.status.phase,IMAGE:.spec.containers[*].image',
  );
  assert.ok(answer.stdout.includes(`${signed.reference}@${signed.digest}`), answer.stdout);
}

async function refuseUnsigned(teller: Teller, { unsigned }: StoryState): Promise<void> {
  assertDenied(
    await teller.kubectl('run', 'checkout', `--image=${unsigned.reference}`, '-n', NS),
    'NO_SIGNATURE',
  );
}

async function reportUnsigned(teller: Teller, { unsigned }: StoryState): Promise<void> {
  const object = deployment({
    name: 'checkout',
    namespace: NS,
    image: unsigned.reference,
    serviceAccount: 'checkout',
  });
  assertWarned(await teller.apply(object), 'NO_SIGNATURE');
  const [result] = await reported(teller, 'checkout', 'fail');
  assert.equal(result.properties['reason'], 'NO_SIGNATURE');
  const pods = await teller.world.kubectl.list('pods', NS, 'app=checkout');
  assert.equal(pods.length, 0);
  await teller.overview();
}

async function audit(teller: Teller, { unsigned }: StoryState): Promise<void> {
  assertWarned(
    await teller.kubectl('run', 'checkout', `--image=${unsigned.reference}`, '-n', 'shop-dev'),
    'NO_SIGNATURE',
  );
}

async function moveTag(teller: Teller, { moving }: StoryState): Promise<void> {
  const { world, narrator } = teller;
  assertAdmitted(await teller.kubectl('run', 'web-1', `--image=${moving.reference}`, '-n', NS));
  const moved = await world.push(world.tagRegistry, 'shop/web', '1.0');
  narrator.say(
    `Somebody pushes another image under ${moving.reference}: it is now ${moved.digest.slice(0, 19)}…`,
  );
  const early = await world.kubectl.run(['run', 'web-2', `--image=${moving.reference}`, '-n', NS]);
  if (early.code === 0) {
    const pod = await world.kubectl.get<{ spec: { containers: { image: string }[] } }>(
      'pod',
      'web-2',
      NS,
    );
    assert.equal(pod.spec.containers[0]?.image, `${moving.reference}@${moving.digest}`);
    narrator.say(
      'For ten seconds the tag may still be known: what runs then is the digest that was verified.',
    );
  }
  await sleep(TAG_CACHE_MS + 500);
  assertDenied(
    await teller.kubectl('run', 'web-3', `--image=${moving.reference}`, '-n', NS),
    'NO_SIGNATURE',
  );
}

async function requestException(teller: Teller, state: StoryState): Promise<void> {
  const expiresAt = new Date(Date.now() + EXCEPTION_MS);
  const granted = {
    name: EXCEPTION,
    namespace: NS,
    policy: POLICY,
    digests: [state.unsigned.digest],
  };
  await teller.apply(
    exception({
      ...granted,
      serviceAccounts: ['checkout'],
      expiresAt,
      requestedBy: state.me,
      ticket: 'https://tickets.example/SEC-1234',
    }),
  );
  const overrides = JSON.stringify({ spec: { serviceAccountName: 'checkout' } });
  const run = ['run', 'checkout', `--image=${state.unsigned.pinned}`, '-n', NS];
  await waitFor(
    async () => {
      const refused = await teller.world.kubectl.run([...run, `--overrides=${overrides}`]);
      assertDenied(refused, 'EXCEPTION_UNAPPROVED');
      return true;
    },
    { timeoutMs: 5_000, message: 'refused as long as nobody approved it' },
  );
  const own = await teller.kubectl(
    'countersign',
    'exceptions',
    'approve',
    EXCEPTION,
    '-n',
    NS,
    '--yes',
  );
  assert.notEqual(own.code, 0);
  assert.match(own.stderr, /asked for it: somebody else has to approve it/);
}

async function approveException(teller: Teller, state: StoryState): Promise<void> {
  const { world } = teller;
  const approve = ['countersign', 'exceptions', 'approve', EXCEPTION, '-n', NS, '--yes'];
  assertAdmitted(await teller.kubectl(...approve, `--as=${APPROVER}`));
  await world.kubectl.must(['rollout', 'restart', 'deployment/checkout'], { namespace: NS });
  await world.kubectl.must(['rollout', 'status', 'deployment/checkout', '--timeout=10s'], {
    namespace: NS,
  });
  const [result] = await reported(teller, 'checkout', 'skip');
  assert.equal(result.properties['exception'], `${NS}/${EXCEPTION}`);
  const other = await teller.kubectl(
    'run',
    'checkout',
    `--image=${state.unsigned.pinned}`,
    '-n',
    NS,
  );
  assertDenied(other, 'EXCEPTION_OUT_OF_SCOPE');
  await teller.overview();
}

async function expire(teller: Teller, state: StoryState): Promise<void> {
  const { world, narrator } = teller;
  const deadline = Date.now() + LAST_MS;
  narrator.say('An earlier end needs nobody to approve it again.');
  const spec = JSON.stringify({ spec: { expiresAt: new Date(deadline).toISOString() } });
  assertAdmitted(
    await teller.kubectl('patch', 'sigex', EXCEPTION, '-n', NS, '--type=merge', '-p', spec),
  );
  narrator.say(`waiting for ${new Date(deadline).toISOString()}`);
  await sleep(Math.max(0, deadline - Date.now()) + 100);
  const overrides = JSON.stringify({ spec: { serviceAccountName: 'checkout' } });
  const refused = await teller.kubectl(
    'run',
    'checkout',
    `--image=${state.unsigned.pinned}`,
    '-n',
    NS,
    `--overrides=${overrides}`,
  );
  assertDenied(refused, 'EXCEPTION_EXPIRED');
  const [result] = await reported(teller, 'checkout', 'fail');
  assert.equal(result.properties['reason'], 'EXCEPTION_EXPIRED');
  const running = await world.kubectl.list<{ status: { phase: string } }>(
    'pods',
    NS,
    'app=checkout',
  );
  assert.ok(running.some((p) => p.status.phase === 'Running'));
  await teller.overview();
}

async function rotate(teller: Teller): Promise<void> {
  const { world, narrator } = teller;
  const before = await podNames(teller, 'app=cart');
  await reported(teller, 'cart', 'pass');
  narrator.say('The old key is taken out of the policy and a new one put in its place.');
  assertAdmitted(
    await teller.apply(policy(POLICY, policySpec(teller, [world.otherKey.publicKey]))),
  );
  await world.enforced(POLICY);
  await reported(teller, 'cart', 'fail');
  assert.deepEqual(await podNames(teller, 'app=cart'), before);
  await teller.overview();
}

async function podNames(teller: Teller, selector: string): Promise<readonly string[]> {
  const pods = await teller.world.kubectl.list('pods', NS, selector);
  return pods.map((p) => p.metadata?.name ?? '').sort();
}

/** Waits until every result of a workload's report is the given one. */
async function reported(
  teller: Teller,
  name: string,
  wanted: string,
): Promise<readonly [ReportResult, ...ReportResult[]]> {
  const { world } = teller;
  const results = await waitFor(
    async () => {
      const found = resultsOf(await reportOf(world, { kind: 'Deployment', name, namespace: NS }));
      return found.length > 0 && found.every((r) => r.result === wanted) ? found : undefined;
    },
    { timeoutMs: 10_000, message: `report of ${name}: ${wanted}` },
  );
  const [first, ...rest] = results;
  assert.ok(first);
  return [first, ...rest];
}

function policySpec(teller: Teller, keys: readonly string[]): Readonly<Record<string, unknown>> {
  const { world } = teller;
  return keyPolicySpec({
    images: [...new Set([world.registry, world.tagRegistry].map(({ host }) => `${host}/shop/**`))],
    keys,
    modeOverrides: [{ namespaceSelector: { matchLabels: { env: 'dev' } }, mode: 'Audit' }],
    exceptions: { allowed: true, maxDuration: '720h' },
    registry: world.registrySpec,
  });
}
