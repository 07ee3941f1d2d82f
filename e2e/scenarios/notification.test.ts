// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { realpathSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { after, before, describe, it } from 'mocha';
import { parseAllDocuments } from 'yaml';
import { newDirectory, waitFor, type PushedImage } from '../harness/index.ts';
import {
  assertAdmitted,
  exception,
  keyPolicySpec,
  namespace,
  pod,
  policy,
  startWorld,
  type ExceptionOptions,
  type World,
} from '../world/index.ts';
import { Receiver, REFUSALS, type Delivery } from './notification/receiver.ts';

const NS = 'notification';
const HOUR = 3_600_000;
const KEY = 'a key of sixteen bytes and more';
const TOKEN = 'token-of-the-receiver';
const CONFIG = join(import.meta.dirname, '../../config');
const COMPONENT = 'components/notifications';
const LEAD = 'lead@example.com';

interface Deployment {
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly spec: {
    readonly template: {
      readonly spec: {
        readonly containers: readonly [
          {
            readonly env: readonly { readonly name: string }[];
            readonly volumeMounts: readonly { readonly name: string; readonly mountPath: string }[];
          },
        ];
        readonly volumes: readonly { readonly secret?: { readonly secretName: string } }[];
      };
    };
  };
}

interface ExceptionObject {
  readonly spec: { readonly expiresAt: string };
  readonly status?: {
    readonly specHash?: string;
    readonly conditions?: readonly { readonly type: string; readonly reason: string }[];
  };
}

describe('notifications about exceptions, on a real API server', function () {
  this.timeout(120_000);
  let world: World;
  let receiver: Receiver;
  let short: PushedImage;
  let me: string;

  before(async () => {
    const directory = newDirectory('notification');
    receiver = await Receiver.start(directory, KEY);
    const secretFile = join(directory, 'key');
    writeFileSync(secretFile, `${KEY}\n`);
    world = await startWorld({
      nodes: 0,
      env: {
        COUNTERSIGN_CLUSTER_NAME: 'prod',
        COUNTERSIGN_PRIVATE_REGISTRY_HOSTS: receiver.host,
        COUNTERSIGN_NOTIFICATION_URL: `https://${receiver.host}/hook/${TOKEN}?token=${TOKEN}`,
        COUNTERSIGN_NOTIFICATION_SECRET_FILE: secretFile,
        COUNTERSIGN_NOTIFICATION_CA_FILE: receiver.caFile,
      },
    });
    me = await world.kubectl.whoAmI();
    await world.kubectl.apply(namespace(NS));
    const images = [`${world.registry.host}/notification/**`];
    const exceptions = { allowed: true, incident: { allowed: true, maxDuration: '4h' } };
    const keys = [world.key.publicKey];
    await world.kubectl.apply(policy('notified', keyPolicySpec({ images, keys, exceptions })));
    await world.enforced('notified');
    // Both end by themselves while other things are tried.
    const expiresAt = new Date(Date.now() + 15_000);
    [short] = await Promise.all([
      request({ name: 'short', expiresAt, ticket: 'SEC-1' }),
      request({ name: 'night', class: 'Incident', expiresAt }),
    ]);
  });
  after(async () => {
    await world.stop();
    await receiver.stop();
  });

  /** Asks for an exception for an image of its own, so that nothing runs by another one. */
  const request = async (
    options: Partial<ExceptionOptions> & { readonly name: string },
  ): Promise<PushedImage> => {
    const image = await world.push(world.registry, `notification/${options.name}`, '1.0');
    const defaults = {
      namespace: NS,
      policy: 'notified',
      digests: [image.digest],
      requestedBy: me,
      notBefore: new Date(Date.now() - HOUR),
      expiresAt: new Date(Date.now() + HOUR),
    };
    await world.kubectl.apply(exception({ ...defaults, ...options }));
    return image;
  };
  const get = (name: string): Promise<ExceptionObject> =>
    world.kubectl.get<ExceptionObject>('signingexception', name, NS);
  const approve = async (name: string): Promise<void> => {
    const hashed = async (): Promise<boolean> => (await get(name)).status?.specHash !== undefined;
    await waitFor(hashed, { timeoutMs: 10_000, message: `${name} has a specHash` });
    const { spec, status } = await get(name);
    const approval = {
      approver: LEAD,
      approvedAt: new Date().toISOString(),
      specHash: status?.specHash,
      latestExpiresAt: spec.expiresAt,
    };
    const patch = JSON.stringify({ status: { approvals: [approval] } });
    const target = ['signingexception', name, '--subresource=status', '--type=merge', '-p', patch];
    const as = [`--as=${LEAD}`, '--as-group=system:masters'];
    await world.kubectl.must(['patch', ...target, ...as], { namespace: NS });
  };
  const edit = async (name: string, spec: Record<string, unknown>): Promise<void> =>
    assertAdmitted(
      await world.kubectl.patch({ kind: 'signingexception', name, namespace: NS }, { spec }),
    );
  /** Waits until exactly these events of an exception have come, in whatever order. */
  const told = async (name: string, events: readonly string[]): Promise<void> => {
    const wanted = events.toSorted();
    await waitFor(() => receiver.eventsOf(name).length >= wanted.length, {
      timeoutMs: 20_000,
      message: `${name}: ${wanted.join(' ')}`,
    }).catch((error: unknown) => {
      const seen = receiver.eventsOf(name).join(' ');
      throw new Error(`${name}: ${seen}\n${world.operator.logTail(15)}`, { cause: error });
    });
    assert.deepEqual(receiver.eventsOf(name).toSorted(), wanted);
  };
  const reasonOf = async (name: string): Promise<string | undefined> =>
    (await get(name)).status?.conditions?.find(({ type }) => type === 'Active')?.reason;

  const counts = async (): Promise<Readonly<Record<string, number>>> => {
    const { body } = await world.operator.probe('/metrics');
    const samples = body.matchAll(/^countersign_notifications_total\{outcome="(\w+)"\} (\d+)$/gm);
    const entries = [...samples].map(
      ([, outcome = '', count]) => [outcome, Number(count)] as const,
    );
    return Object.fromEntries(entries);
  };

  it('tells of approval, activation, first use and end, once each, though the receiver was busy first', async () => {
    await approve('short');
    await told('short', ['ExceptionApproved', 'ExceptionActivated']);
    const object = { name: 'user', namespace: NS, image: short.pinned };
    assertAdmitted(await world.kubectl.create(pod(object)));
    const all = ['ExceptionApproved', 'ExceptionActivated', 'ExceptionFirstUsed'];
    await told('short', all);
    await told('short', [...all, 'ExceptionExpired']);
    assert.equal((await counts())['retried'], REFUSALS);
    await world.kubectl.delete('pod', 'user', NS);
    const isEnd = ({ event, exception: { name } }: Delivery): boolean =>
      event === 'ExceptionExpired' && name === 'short';
    const end = receiver.taken.find(isEnd);
    assert.ok(end !== undefined);
    const { spec } = await get('short');
    assert.equal(end.cluster, 'prod');
    assert.equal(end.message, `ended at ${spec.expiresAt}`);
    const { namespace: within, policy: by, digests, requestedBy, ticket } = end.exception;
    assert.deepEqual(
      [within, by, digests, requestedBy, ticket],
      [NS, 'notified', [short.digest], me, 'SEC-1'],
    );
  });

  it('tells of revocation', async () => {
    await request({ name: 'revoked' });
    await approve('revoked');
    await told('revoked', ['ExceptionApproved', 'ExceptionActivated']);
    const revoked = { at: new Date().toISOString(), by: me, reason: 'the key leaked' };
    await edit('revoked', { revoked });
    await told('revoked', ['ExceptionApproved', 'ExceptionActivated', 'ExceptionRevoked']);
    const { message = '' } = receiver.taken.find(({ event }) => event === 'ExceptionRevoked') ?? {};
    assert.equal(message, `revoked by ${me}: the key leaked`);
  });

  it('tells of an incident that has effect before anybody approved it, and that is overdue then', async () => {
    const active = ['ExceptionActivated', 'ExceptionIncidentUnapproved'];
    const all = [...active, 'ExceptionExpired', 'ExceptionApprovalOverdue'];
    await told('night', all);
    assert.deepEqual(receiver.eventsOf('night').slice(0, 2).toSorted(), active);
  });

  it('repeats nothing after a restart, and tells of an end that was due meanwhile', async () => {
    const expiresAt = new Date(Date.now() + 15_000);
    await Promise.all([request({ name: 'lasting' }), request({ name: 'due', expiresAt })]);
    await Promise.all([approve('lasting'), approve('due')]);
    const active = ['ExceptionApproved', 'ExceptionActivated'];
    await Promise.all([told('lasting', active), told('due', active)]);
    const before = receiver.taken.length;
    await world.operator.stop();
    await waitFor(() => Date.now() > expiresAt.getTime(), { timeoutMs: 16_000, message: 'T' });
    assert.equal(await reasonOf('due'), 'InEffect');
    await world.operator.start();
    await world.operator.ready();
    await told('due', [...active, 'ExceptionExpired']);
    // What is new comes after all that a restart could repeat.
    await request({ name: 'new' });
    await approve('new');
    await told('new', active);
    assert.equal(receiver.taken.length, before + 1 + active.length);
    assert.equal(receiver.repeated, 0);
    assert.deepEqual(receiver.refused, []);
  });

  it('is configured by the component, from one Secret', async () => {
    const overlay = newDirectory('overlay');
    const at = (path: string): string => relative(realpathSync(overlay), join(CONFIG, path));
    const kustomization = { resources: [at('manager')], components: [at(COMPONENT)] };
    writeFileSync(join(overlay, 'kustomization.yaml'), JSON.stringify(kustomization));
    const text = await world.kubectl.must(['kustomize', overlay]);
    const [operator, webhook] = ['operator', 'webhook'].map((name) =>
      parseAllDocuments(text)
        .map((document) => document.toJS() as Deployment)
        .find((o) => o.kind === 'Deployment' && o.metadata.name === `countersign-${name}`),
    );
    assert.ok(operator !== undefined && webhook !== undefined);
    const { containers, volumes } = operator.spec.template.spec;
    const { env, volumeMounts } = containers[0];
    const set = new Map(env.map(({ name, ...value }) => [name, value]));
    const secretKeyRef = { name: 'countersign-notifications', key: 'url' };
    assert.deepEqual(set.get('COUNTERSIGN_NOTIFICATION_URL'), { valueFrom: { secretKeyRef } });
    const file = '/etc/countersign/notifications/key';
    assert.deepEqual(set.get('COUNTERSIGN_NOTIFICATION_SECRET_FILE'), { value: file });
    assert.equal(
      volumeMounts.find((m) => file.startsWith(`${m.mountPath}/`))?.name,
      'notifications',
    );
    assert.ok(volumes.some((v) => v.secret?.secretName === secretKeyRef.name));
    assert.doesNotMatch(JSON.stringify(webhook), /notification/i);
    const rendered = join(overlay, 'operator.json');
    writeFileSync(rendered, JSON.stringify(operator));
    await world.kubectl.must(['apply', '--dry-run=server', '--validate=strict', '-f', rendered]);
  });

  it('counts what it sent, and writes no secret into its log', async () => {
    assert.deepEqual(await counts(), { delivered: 3, retried: 0, dropped: 0, failed: 0 });
    const log = world.operator.logTail(10_000);
    assert.ok(log.length > 0);
    for (const secret of [TOKEN, KEY]) assert.ok(!log.includes(secret));
  });
});
