// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { beforeEach, describe, it } from 'mocha';
import { fixedClock, type FixedClock } from '../runtime/clock-testing.ts';
import { KubeError, type KubeObject } from '../runtime/kube/index.ts';
import { createLogger } from '../runtime/log/index.ts';
import { ReplicaLease } from './lease.ts';

const LEASES = '/apis/coordination.k8s.io/v1/namespaces/countersign-system/leases';
const OWN = `${LEASES}/countersign-webhook-pod-1`;

interface Lease extends KubeObject {
  readonly spec: Readonly<Record<string, unknown>>;
}

/** One Lease, as an API server keeps it: versions, conflicts, and faults on demand. */
class FakeLeases {
  readonly calls: string[] = [];
  stored: Lease | undefined;
  fault: Error | undefined;
  #version = 10;

  async get<T>(path: string): Promise<T | undefined> {
    await this.#enter('get', path);
    return this.stored as T | undefined;
  }

  async create<T>(path: string, body: unknown): Promise<T> {
    await this.#enter('create', path);
    if (this.stored !== undefined) throw status(409, 'AlreadyExists');
    return this.write(body as Lease) as T;
  }

  async replace<T>(path: string, body: unknown): Promise<T> {
    await this.#enter('replace', path);
    const lease = body as Lease;
    if (this.stored === undefined) throw status(404, 'NotFound');
    if (lease.metadata.resourceVersion !== this.stored.metadata.resourceVersion)
      throw status(409, 'Conflict');
    return this.write(lease) as T;
  }

  async delete(path: string): Promise<boolean> {
    await this.#enter('delete', path);
    const existed = this.stored !== undefined;
    this.stored = undefined;
    return existed;
  }

  write(lease: Lease): Lease {
    this.#version += 1;
    const resourceVersion = this.#version.toString();
    this.stored = { ...lease, metadata: { ...lease.metadata, resourceVersion } };
    return this.stored;
  }

  async #enter(verb: string, path: string): Promise<void> {
    this.calls.push(`${verb} ${path}`);
    await Promise.resolve();
    if (this.fault !== undefined) throw this.fault;
  }
}

function status(code: number, reason: string): KubeError {
  return new KubeError(code, reason, { reason });
}

describe('the lease of a replica', () => {
  let clock: FixedClock;
  let leases: FakeLeases;
  let revision: number | undefined;
  let servingCa: string | undefined;
  let log: string[];
  let lease: ReplicaLease;

  const make = (more: { podUid?: string } = { podUid: 'uid-of-pod' }): ReplicaLease =>
    new ReplicaLease({
      client: leases,
      clock,
      logger: createLogger({ level: 'debug', format: 'json', sink: (line) => log.push(line) }),
      namespace: 'countersign-system',
      podName: 'pod-1',
      revision: () => revision,
      servingCa: () => servingCa,
      ...more,
    });
  const acknowledged = (): string | undefined =>
    leases.stored?.metadata.annotations?.['countersign.dev/program-revision'];

  beforeEach(() => {
    clock = fixedClock('2026-11-20T12:00:00.123Z');
    leases = new FakeLeases();
    revision = undefined;
    servingCa = undefined;
    log = [];
    lease = make();
  });

  it('is created with owner, label and time, and acknowledges nothing before there is a program', async () => {
    assert.equal(await lease.renew(), true);
    assert.deepEqual(leases.stored, {
      apiVersion: 'coordination.k8s.io/v1',
      kind: 'Lease',
      metadata: {
        name: 'countersign-webhook-pod-1',
        namespace: 'countersign-system',
        labels: { 'countersign.dev/component': 'webhook' },
        annotations: {},
        ownerReferences: [{ apiVersion: 'v1', kind: 'Pod', name: 'pod-1', uid: 'uid-of-pod' }],
        resourceVersion: '11',
      },
      spec: {
        holderIdentity: 'pod-1',
        leaseDurationSeconds: 30,
        renewTime: '2026-11-20T12:00:00.123000Z',
      },
    });
    assert.deepEqual(leases.calls, [`get ${OWN}`, `create ${LEASES}`]);
  });

  it('tells which CA signed what is served, for a rotation waits for that', async () => {
    revision = 1;
    servingCa = 'ab12';
    await lease.renew();
    assert.deepEqual(leases.stored?.metadata.annotations, {
      'countersign.dev/program-revision': '1',
      'countersign.dev/serving-ca': 'ab12',
    });
  });

  it('is owned by nobody outside a cluster', async () => {
    lease = make({});
    await lease.renew();
    assert.equal(leases.stored?.metadata.ownerReferences, undefined);
  });

  it('is renewed without reading it again', async () => {
    await lease.renew();
    leases.calls.length = 0;
    await lease.renew();
    assert.deepEqual(leases.calls, [`replace ${OWN}`]);
  });

  it('takes over one that was there before, with what it enforces itself', async () => {
    const metadata = { name: 'countersign-webhook-pod-1', annotations: { x: 'y' } };
    leases.write({ metadata, spec: {} });
    revision = 4;
    assert.equal(await lease.renew(), true);
    assert.deepEqual(leases.stored?.metadata.annotations, {
      'countersign.dev/program-revision': '4',
    });
  });

  for (const [what, disturb] of [
    [
      'wrote',
      () => {
        if (leases.stored !== undefined) leases.write(leases.stored);
      },
    ],
    ['deleted', () => (leases.stored = undefined)],
  ] as const) {
    it(`that somebody else ${what} is read anew at the next attempt`, async () => {
      await lease.renew();
      disturb();
      assert.equal(await lease.renew(), false);
      assert.equal(await lease.renew(), true);
      assert.equal(log.filter((line) => line.includes('"level":"warn"')).length, 1);
    });
  }

  it('is renewed every ten seconds, and every second while that fails', async () => {
    const stop = new AbortController();
    const running = lease.run(stop.signal);
    await clock.advance(25_000);
    assert.equal(leases.calls.filter((call) => call.startsWith('replace')).length, 2);
    leases.fault = new Error('away');
    leases.calls.length = 0;
    await clock.advance(8_500);
    assert.equal(leases.calls.length, 4);
    leases.fault = undefined;
    await clock.advance(1_000);
    stop.abort();
    await running;
    leases.calls.length = 0;
    await clock.advance(60_000);
    assert.deepEqual(leases.calls, []);
  });

  it('acknowledges a revision at once, also one that comes while it is written', async () => {
    const stop = new AbortController();
    const running = lease.run(stop.signal);
    await clock.advance(1);
    revision = 7;
    lease.poke();
    await clock.advance(1);
    assert.equal(acknowledged(), '7');
    revision = 8;
    lease.poke();
    revision = 9;
    lease.poke();
    await clock.advance(1);
    assert.equal(acknowledged(), '9');
    stop.abort();
    await running;
  });

  it('goes when the replica goes, and failing to do so throws nothing', async () => {
    await lease.renew();
    await lease.release();
    assert.equal(leases.stored, undefined);
    leases.fault = new Error('away');
    await lease.release();
    assert.match(log.join(''), /cannot delete the lease/);
  });
});
