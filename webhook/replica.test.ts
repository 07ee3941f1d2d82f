// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { setTimeout as wait } from 'node:timers/promises';
import { afterEach, before, beforeEach, describe, it } from 'mocha';
import { fixedClock, type FixedClock } from '../runtime/clock-testing.ts';
import type { KubeClient, KubeList, KubeObject, StreamOptions } from '../runtime/kube/index.ts';
import { silentLogger } from '../runtime/log/index.ts';
import { FORMAT_VERSION, indexConfigMap, type ProgramConfigMap } from '../runtime/program/index.ts';
import { createCa, type CertifiedKey, type Leaf } from '../runtime/tls/index.ts';
import { silence } from './__fixtures__/silence.ts';
import { Replica } from './replica.ts';

/** Milliseconds, and turns, that a start may take. */
const MOST_TURNS = 8_000;
const START = '2026-11-20T12:00:00Z';
const NAMESPACE = 'countersign-system';
const CONFIGMAPS = `/api/v1/namespaces/${NAMESPACE}/configmaps`;
const ADMISSION = '/apis/admissionregistration.k8s.io/v1';
const LEASE = `/apis/coordination.k8s.io/v1/namespaces/${NAMESPACE}/leases/countersign-webhook-pod-1`;
const base64 = (text: string): string => Buffer.from(text).toString('base64');

type Client = Pick<KubeClient, 'get' | 'list' | 'stream' | 'create' | 'replace' | 'delete'>;

/** A cluster that stands still: lists and objects by path, watches that say nothing. */
class StillCluster implements Client {
  readonly lists = new Map<string, readonly KubeObject[]>();
  readonly objects = new Map<string, unknown>();

  get<T>(path: string): Promise<T | undefined> {
    return Promise.resolve(this.objects.get(path) as T | undefined);
  }

  list<T extends KubeObject>(path: string): Promise<KubeList<T>> {
    const items = (this.lists.get(path) ?? []) as readonly T[];
    return Promise.resolve({ metadata: { resourceVersion: '1' }, items });
  }

  stream(_path: string, { signal }: StreamOptions): Promise<AsyncIterable<Uint8Array>> {
    return Promise.resolve(silence(signal));
  }

  create<T>(path: string, body: unknown): Promise<T> {
    const { name } = (body as KubeObject).metadata;
    return this.replace(`${path}/${name}`, body);
  }

  replace<T>(path: string, body: unknown): Promise<T> {
    this.objects.set(path, body);
    return Promise.resolve(body as T);
  }

  delete(path: string): Promise<boolean> {
    return Promise.resolve(this.objects.delete(path));
  }
}

describe('a webhook replica', () => {
  let ca: CertifiedKey;
  let other: CertifiedKey;
  let clock: FixedClock;
  let cluster: StillCluster;
  let leaves: Leaf[];
  let replica: Replica;
  let stop: AbortController;
  let running: Promise<unknown>[];

  before(async () => {
    ca = await createCa(new Date(START));
    other = await createCa(new Date(START));
  });

  beforeEach(() => {
    clock = fixedClock(START);
    cluster = new StillCluster();
    leaves = [];
    stop = new AbortController();
    running = [];
    replica = new Replica({
      client: cluster,
      clock,
      logger: silentLogger,
      namespace: NAMESPACE,
      service: 'countersign-webhook',
      pod: { name: 'pod-1', uid: undefined },
      onLeaf: (leaf) => leaves.push(leaf),
    });
  });
  afterEach(async () => {
    stop.abort();
    await Promise.all(running);
    await replica.stop();
  });

  const withProgram = (): void => {
    const index = {
      formatVersion: FORMAT_VERSION,
      revision: 3,
      defaultAction: 'Deny',
      policies: new Map<string, string>(),
    } as const;
    const object: ProgramConfigMap = indexConfigMap(NAMESPACE, index);
    cluster.lists.set(CONFIGMAPS, [object]);
  };
  const withConfiguration = (trusted: CertifiedKey): void => {
    const webhooks = [
      { name: 'pods.countersign.dev', clientConfig: { caBundle: base64(trusted.certPem) } },
    ];
    const object: object = { metadata: { name: 'countersign' }, webhooks };
    cluster.lists.set(`${ADMISSION}/validatingwebhookconfigurations`, [object as KubeObject]);
  };
  const withCa = (): void => {
    cluster.objects.set(`/api/v1/namespaces/${NAMESPACE}/secrets/countersign-webhook-ca`, {
      data: { 'tls.crt': base64(ca.certPem), 'tls.key': base64(ca.keyPem) },
    });
  };
  /** Starts it, and waits until nothing happens any more. */
  const started = async (): Promise<void> => {
    replica.start();
    running.push(replica.runCertificate(stop.signal));
    const wanted = cluster.objects.size > 0 ? 1 : 0;
    // A key takes as long as the machine is busy with other things.
    for (let i = 0; i < MOST_TURNS && (i < 5 || leaves.length < wanted); i += 1) {
      if (i < 1000) await clock.advance(1);
      await wait(1);
    }
  };

  it('is not ready before it knows anything, and says what it lacks', async () => {
    assert.deepEqual(replica.readiness().reasons, [
      'no program of policies yet',
      'exceptions are not read yet',
      'namespaces are not read yet',
      'validating webhooks are not read yet',
      'mutating webhooks are not read yet',
      'no serving certificate yet',
    ]);
    assert.equal(replica.readiness().ok, false);
    await started();
    assert.deepEqual(replica.readiness().reasons, [
      'no program of policies yet',
      'no serving certificate yet',
    ]);
    assert.equal(replica.program.snapshot, undefined);
  });

  it('is ready with a program, its mirrors and a certificate that is accepted', async () => {
    withProgram();
    withCa();
    withConfiguration(ca);
    await started();
    assert.deepEqual(replica.readiness(), { ok: true, reasons: [] });
    assert.equal(replica.program.snapshot?.defaultAction, 'Deny');
    const { revision, ready, refusing, leafNotAfter, programProblem } = replica.state();
    assert.deepEqual([revision, ready, refusing, programProblem], [3, true, 0, false]);
    assert.equal(leafNotAfter, leaves[0]?.notAfter);
  });

  it('is ready without any configuration: one may come', async () => {
    withProgram();
    withCa();
    await started();
    assert.equal(replica.readiness().ok, true);
  });

  it('is not ready where the API server would refuse its certificate', async () => {
    withProgram();
    withCa();
    withConfiguration(other);
    await started();
    assert.deepEqual(replica.readiness().reasons, [
      'the caBundle of pods.countersign.dev does not accept the serving certificate',
    ]);
    assert.equal(replica.state().refusing, 1);
  });

  it('says which revision it enforces and whose certificate it serves, until it goes', async () => {
    withProgram();
    withCa();
    await started();
    const lease = replica.runLease(stop.signal);
    await clock.advance(1);
    const written = cluster.objects.get(LEASE) as KubeObject;
    assert.deepEqual(written.metadata.annotations, {
      'countersign.dev/program-revision': '3',
      'countersign.dev/serving-ca': leaves[0]?.issuer,
    });
    replica.retire();
    assert.deepEqual(replica.readiness(), { ok: false, reasons: ['stopping'] });
    stop.abort();
    await lease;
    assert.equal(cluster.objects.has(LEASE), false);
  });
});
