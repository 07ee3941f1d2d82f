// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { before, describe, it } from 'mocha';
import { pushImage, waitFor, type PushedImage } from '../harness/index.ts';
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
  type ExceptionOptions,
  type World,
} from '../world/index.ts';

const NS = 'approvals-in-cluster';
const HOUR = 3_600_000;

interface ExceptionObject {
  readonly spec: { readonly expiresAt: string };
  readonly status?: {
    readonly specHash?: string;
    readonly conditions?: readonly { type: string; status: string; reason: string }[];
  };
}

describe('approvals in the cluster and incidents, on a real API server', function () {
  this.timeout(120_000);
  let world: World;
  let me: string;
  let sequence = 0;

  const push = (name: string): Promise<PushedImage> =>
    pushImage(world.registry, `approvals-in-cluster/${name}`, '1.0');
  const create = (image: PushedImage) => {
    sequence += 1;
    const name = `pod-${sequence.toString()}`;
    return world.kubectl.create(pod({ name, namespace: NS, image: image.pinned }));
  };
  const eventually = async (code: string, image: PushedImage): Promise<void> => {
    await waitFor(
      async () => {
        const answer = await create(image);
        if (code === 'admitted') assertAdmitted(answer);
        else assertDenied(answer, code);
        return true;
      },
      { timeoutMs: 8_000, message: `answer ${code}` },
    );
  };
  const request = async (
    image: PushedImage,
    options: Partial<ExceptionOptions> & { name: string },
  ): Promise<void> => {
    const defaults = {
      namespace: NS,
      policy: 'approved',
      digests: [image.digest],
      requestedBy: me,
      notBefore: new Date(Date.now() - HOUR),
      expiresAt: new Date(Date.now() + HOUR),
    };
    await world.kubectl.apply(exception({ ...defaults, ...options }));
  };
  const get = (name: string): Promise<ExceptionObject> =>
    world.kubectl.get<ExceptionObject>('signingexception', name, NS);
  const told = async (name: string, type: string): Promise<string> => {
    const { status } = await get(name);
    const condition = status?.conditions?.find((c) => c.type === type);
    return `${condition?.status ?? ''}/${condition?.reason ?? ''}`;
  };
  const tells = async (name: string, type: string, wanted: string): Promise<void> => {
    await waitFor(async () => (await told(name, type)) === wanted, {
      timeoutMs: 8_000,
      message: `${name}: ${type}=${wanted}`,
    });
  };
  /** What the approver saw is what is approved: the hash that the operator tells of. */
  const approve = async (name: string, edits: Record<string, unknown> = {}): Promise<void> => {
    await waitFor(async () => (await get(name)).status?.specHash !== undefined, {
      timeoutMs: 8_000,
      message: `${name} has a specHash`,
    });
    const { spec, status } = await get(name);
    const approval = {
      approver: 'lead@example.com',
      approvedAt: new Date().toISOString(),
      specHash: status?.specHash,
      latestExpiresAt: spec.expiresAt,
      ...edits,
    };
    const patch = JSON.stringify({ status: { approvals: [approval] } });
    const target = ['signingexception', name, '--subresource=status', '--type=merge', '-p', patch];
    const as = ['--as=lead@example.com', '--as-group=system:masters'];
    await world.kubectl.must(['patch', ...target, ...as], { namespace: NS });
  };
  const edit = (name: string, spec: Record<string, unknown>) =>
    world.kubectl.patch({ kind: 'signingexception', name, namespace: NS }, { spec });
  const revoke = async (name: string, reason: string): Promise<void> => {
    const revoked = { at: new Date().toISOString(), by: me, reason };
    assertAdmitted(await edit(name, { revoked }));
  };

  before(async () => {
    world = await sharedWorld();
    me = await world.kubectl.whoAmI();
    await world.kubectl.apply(namespace(NS));
    const images = [`${world.registry.host}/approvals-in-cluster/**`];
    const keys = [world.key.publicKey];
    const incident = { allowed: true, maxDuration: '4h' };
    const exceptions = { allowed: true, incident };
    await world.kubectl.apply(policy('approved', keyPolicySpec({ images, keys, exceptions })));
    await world.enforced('approved');
  });

  it('X26: nothing runs by an exception that nobody approved, and Git need not wait for it', async () => {
    const image = await push('unapproved');
    await world.kubectl.apply(
      deployment({ name: 'unapproved', namespace: NS, image: image.pinned, replicas: 0 }),
    );
    await request(image, { name: 'unapproved' });
    await eventually('EXCEPTION_UNAPPROVED', image);
    await tells('unapproved', 'Active', 'False/AwaitingApproval');
    await tells('unapproved', 'Approved', 'False/AwaitingApproval');
    assert.equal(await told('unapproved', 'Ready'), 'True/Accepted');
    await waitFor(
      async () => {
        const report = await reportOf(world, {
          kind: 'Deployment',
          name: 'unapproved',
          namespace: NS,
        });
        const [result] = resultsOf(report);
        return (
          result?.result === 'fail' &&
          result.properties['reason'] === 'EXCEPTION_UNAPPROVED' &&
          result.properties['exception'] === `${NS}/unapproved`
        );
      },
      { timeoutMs: 8_000, message: 'the report names the exception' },
    );
    await approve('unapproved');
    await eventually('admitted', image);
    await tells('unapproved', 'Approved', 'True/Approved');
    await tells('unapproved', 'Active', 'True/InEffect');
  });

  it('X26: an edit that widens voids the approval, one that shortens does not', async () => {
    const [image, other] = await Promise.all([push('edited'), push('edited-too')]);
    await request(image, { name: 'edited' });
    await approve('edited');
    await eventually('admitted', image);
    const sooner = new Date(Date.now() + HOUR / 2).toISOString();
    assertAdmitted(await edit('edited', { expiresAt: sooner }));
    await tells('edited', 'Approved', 'True/Approved');
    assertAdmitted(await create(image));
    assertAdmitted(await edit('edited', { digests: [image.digest, other.digest] }));
    await eventually('EXCEPTION_UNAPPROVED', image);
    assertDenied(await create(other), 'EXCEPTION_UNAPPROVED');
    await approve('edited');
    await eventually('admitted', other);
    const later = new Date(Date.now() + 2 * HOUR).toISOString();
    assertAdmitted(await edit('edited', { expiresAt: later }));
    await eventually('EXCEPTION_UNAPPROVED', other);
  });

  it('an approval that expires is none from then on, and the report says so', async () => {
    const image = await push('brief');
    await world.kubectl.apply(
      deployment({ name: 'brief', namespace: NS, image: image.pinned, replicas: 0 }),
    );
    await request(image, { name: 'brief' });
    const end = Date.now() + 6_000;
    await approve('brief', { expiresAt: new Date(end).toISOString() });
    await eventually('admitted', image);
    await waitFor(() => Promise.resolve(Date.now() > end), {
      timeoutMs: 8_000,
      message: 'the end',
    });
    assertDenied(await create(image), 'EXCEPTION_UNAPPROVED');
    await tells('brief', 'Approved', 'False/AwaitingApproval');
    await waitFor(
      async () => {
        const where = { kind: 'Deployment', name: 'brief', namespace: NS };
        return resultsOf(await reportOf(world, where))[0]?.result === 'fail';
      },
      { timeoutMs: 8_000, message: 'the report flips' },
    );
  });

  it('X26: who asked cannot approve, even where the guard is gone', async () => {
    const image = await push('own');
    await request(image, { name: 'own', requestedBy: me });
    await approve('own');
    await eventually('admitted', image);
    // The approver of the trial asks for it from now on: the hash is another one, and so is the person.
    const asLead = ['--as=lead@example.com', '--as-group=system:masters'];
    const patch = JSON.stringify({ spec: { requestedBy: 'lead@example.com' } });
    const target = ['signingexception', 'own', '--type=merge', '-p', patch];
    await world.kubectl.must(['patch', ...target, ...asLead], { namespace: NS });
    await eventually('EXCEPTION_UNAPPROVED', image);
  });

  it('an incident runs before it is approved, and a second one does not', async () => {
    const image = await push('incident');
    await request(image, { name: 'first', class: 'Incident' });
    await eventually('admitted', image);
    await tells('first', 'Active', 'True/InEffect');
    await tells('first', 'Approved', 'False/AwaitingApproval');
    // It is over for this image from here on: its digest is taken out, and the next one is tried.
    await revoke('first', 'done with');
    await eventually('EXCEPTION_EXPIRED', image);
    await request(image, { name: 'second', class: 'Incident' });
    await tells('second', 'Active', 'False/EarlierIncident');
    const answer = await create(image);
    assertDenied(answer, 'EXCEPTION_EXPIRED');
    assert.match(answer.stderr, /first was revoked/);
    await approve('first');
    await tells('second', 'Active', 'True/InEffect');
    await eventually('admitted', image);
  });

  it('an incident that nobody approved is overdue once it has ended', async () => {
    const image = await push('overdue');
    const expiresAt = new Date(Date.now() + 5_000);
    await request(image, { name: 'overdue', class: 'Incident', expiresAt });
    await eventually('admitted', image);
    await tells('overdue', 'Approved', 'False/ApprovalOverdue');
    assertDenied(await create(image), 'EXCEPTION_EXPIRED');
    await approve('overdue');
    await tells('overdue', 'Approved', 'True/Approved');
  });

  it('an incident may last no longer than the policy lets it, nor than a day', async () => {
    const image = await push('long');
    const expiresAt = new Date(Date.now() + 4 * HOUR);
    await request(image, { name: 'long', class: 'Incident', expiresAt });
    await eventually('EXCEPTION_INVALID', image);
    await tells('long', 'Ready', 'False/TooLong');
    const tomorrow = new Date(Date.now() + 25 * HOUR);
    await assert.rejects(
      request(image, { name: 'longer', class: 'Incident', expiresAt: tomorrow }),
      /one of the class Incident at most 24h/,
    );
  });

  it('an incident has no effect where the policy does not allow it', async () => {
    const image = await pushImage(world.registry, 'approvals-planned/app', '1.0');
    const images = [`${world.registry.host}/approvals-planned/**`];
    const keys = [world.key.publicKey];
    const exceptions = { allowed: true };
    await world.kubectl.apply(policy('planned', keyPolicySpec({ images, keys, exceptions })));
    await world.enforced('planned');
    await request(image, { name: 'unallowed', class: 'Incident', policy: 'planned' });
    await eventually('EXCEPTION_INVALID', image);
    await tells('unallowed', 'Ready', 'False/IncidentNotAllowed');
  });

  it('what was revoked stays revoked', async () => {
    const image = await push('final');
    await request(image, { name: 'final' });
    await approve('final');
    await eventually('admitted', image);
    await revoke('final', 'bad image');
    await eventually('EXCEPTION_EXPIRED', image);
    const { code, stderr } = await edit('final', { revoked: null });
    assert.notEqual(code, 0);
    assert.match(stderr, /revoked cannot be taken back/);
  });
});
