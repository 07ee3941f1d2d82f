// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { PassThrough } from 'node:stream';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { systemClock } from '../../runtime/clock.ts';
import {
  KubeClient,
  PooledKubeConfig,
  type CallOptions,
  type KubeList,
  type KubeObject,
  type ListOptions,
  type Reflector,
  type StreamOptions,
} from '../../runtime/kube/index.ts';
import { silentLogger } from '../../runtime/log/index.ts';
import type { Reconciler, WorkQueue } from '../../runtime/queue/index.ts';
import { ControllerOperator, type FrameworkOptions } from './controller-operator.ts';

const ONES = { group: 'example.com', version: 'v1', plural: 'ones' };
const TWOS = { group: 'example.com', version: 'v1', plural: 'twos' };
const THREES = { group: 'example.com', version: 'v1', plural: 'threes' };
const PATH_OF_TWOS = '/apis/example.com/v1/twos';

/** A client whose lists hold one object, and whose watches the test speaks for. */
class FakeClient extends KubeClient {
  /** Paths of all calls. */
  readonly calls: string[] = [];
  readonly watches = new Set<PassThrough>();
  /** What a list does before it answers. */
  beforeList: (path: string, signal: AbortSignal) => Promise<void> = () => Promise.resolve();

  constructor() {
    super(new PooledKubeConfig());
  }

  override async list<T extends KubeObject>(
    path: string,
    _list: ListOptions,
    { signal }: CallOptions,
  ): Promise<KubeList<T>> {
    this.calls.push(path);
    assert.ok(signal);
    await this.beforeList(path, signal);
    const item: KubeObject = { metadata: { name: 'first', resourceVersion: '1' } };
    return { metadata: { resourceVersion: '1' }, items: [item as T] };
  }

  override stream(path: string, { signal }: StreamOptions): Promise<AsyncIterable<Uint8Array>> {
    this.calls.push(path);
    const watch = new PassThrough();
    this.watches.add(watch);
    watch.once('close', () => this.watches.delete(watch));
    signal.addEventListener('abort', () => watch.destroy(new Error('aborted')));
    return Promise.resolve(watch);
  }

  /** Tells every watch of something. */
  send(event: object): void {
    for (const watch of this.watches) watch.write(`${JSON.stringify(event)}\n`);
  }
}

interface Plan {
  /** What each controller does; `ones` needs the first mirror, `both` needs both. */
  readonly ones?: Reconciler;
  readonly both?: Reconciler;
  readonly init?: () => Promise<void>;
}

/** An operator of two mirrors and two controllers. */
class TestOperator extends ControllerOperator {
  readonly mirrors: Reflector<KubeObject>[] = [];
  readonly queues: WorkQueue[] = [];
  /** `controller key` of every look. */
  readonly looks: string[] = [];
  inits = 0;
  readonly #plan: Plan;

  constructor(options: FrameworkOptions, plan: Plan) {
    super(options);
    this.#plan = plan;
  }

  get synced(): readonly boolean[] {
    return this.mirrorStatus.map((status) => status.synced);
  }

  get waiting(): ReadonlyMap<string, number> {
    return this.depths;
  }

  watch(): Promise<void> {
    return this.watchResource();
  }

  /** Mirrors a collection while it runs. */
  mirrorLater(): Reflector<KubeObject> {
    return this.mirror({ resource: THREES });
  }

  dropMirror(mirror: object): void {
    this.drop(mirror);
  }

  protected override async init(): Promise<void> {
    this.inits += 1;
    await this.#plan.init?.();
    const one = this.mirror({ resource: ONES });
    const two = this.mirror({ resource: TWOS });
    this.mirrors.push(one, two);
    this.queues.push(
      this.controller(this.#spec('ones', [one], this.#plan.ones)),
      this.controller(this.#spec('both', [one, two], this.#plan.both)),
    );
    for (const queue of this.queues) queue.add('early');
  }

  #spec(name: string, needs: readonly Reflector<KubeObject>[], plan: Reconciler | undefined) {
    const reconcile: Reconciler = async (key, signal) => {
      this.looks.push(`${name} ${key}`);
      return (await plan?.(key, signal)) ?? {};
    };
    return { name, concurrency: 1, reconcile, needs };
  }
}

async function until(holds: () => boolean): Promise<void> {
  for (let turn = 0; turn < 1000 && !holds(); turn += 1)
    await new Promise((resolve) => setTimeout(resolve, 5));
  assert.ok(holds());
}

describe('the base of the operator', () => {
  let client: FakeClient;
  let operator: TestOperator | undefined;
  let observed: string[];
  const exit = process.exit.bind(process);
  let exits: number;

  beforeEach(() => {
    client = new FakeClient();
    observed = [];
    exits = 0;
    process.exit = (() => {
      exits += 1;
    }) as typeof process.exit;
  });

  afterEach(async () => {
    process.exit = exit;
    await operator?.shutDown();
    operator = undefined;
  });

  function create(plan: Plan = {}): TestOperator {
    operator = new TestOperator(
      {
        kubeConfig: new PooledKubeConfig(),
        client,
        clock: systemClock,
        logger: silentLogger,
        observerOf: (controller) => ({
          done: (key, outcome) => observed.push(`${controller} ${key} ${outcome}`),
        }),
      },
      plan,
    );
    return operator;
  }

  it('asks the API server for nothing before it is started', async () => {
    create();
    await new Promise((resolve) => setTimeout(resolve, 20));
    assert.deepEqual(client.calls, []);
  });

  it('calls init once at the start, and then mirrors what that asked for', async () => {
    const started = create();
    await started.start();
    assert.equal(started.inits, 1);
    await until(() => started.synced.every(Boolean));
    assert.deepEqual(started.mirrors[0]?.store.keys(), ['first']);
  });

  it('fails to start, and mirrors nothing, where init fails', async () => {
    const failing = create({ init: () => Promise.reject(new Error('no settings')) });
    await assert.rejects(failing.start(), /no settings/);
    assert.deepEqual(client.calls, []);
  });

  it('lets a controller work when all that it needs is mirrored, and keeps what came before', async () => {
    let held = true;
    client.beforeList = (path) =>
      held && path === PATH_OF_TWOS ? Promise.reject(new Error('not yet')) : Promise.resolve();
    const started = create();
    await started.start();
    await until(() => started.looks.length > 0);
    await new Promise((resolve) => setTimeout(resolve, 50));
    assert.deepEqual(started.looks, ['ones early']);
    assert.deepEqual(
      [...started.waiting],
      [
        ['ones', 0],
        ['both', 1],
      ],
    );
    held = false;
    await until(() => started.looks.length > 1);
    assert.deepEqual(started.looks, ['ones early', 'both early']);
    await until(() => observed.length > 1);
    assert.deepEqual(observed, ['ones early ok', 'both early ok']);
  });

  it('B40: lets no controller wait for another one that hangs or fails', async () => {
    const hang = Promise.withResolvers<Record<string, never>>();
    const started = create({
      ones: () => hang.promise,
      both: (key) => (key === 'bad' ? Promise.reject(new Error('bad')) : Promise.resolve({})),
    });
    await started.start();
    await until(() => started.looks.length > 1);
    started.queues[1]?.add('bad');
    started.queues[1]?.add('next');
    await until(() => observed.includes('both next ok'));
    assert.ok(observed.includes('both bad retry'));
    hang.resolve({});
  });

  it('mirrors on when watches end and the API server fails, and never ends the process', async () => {
    const started = create();
    await started.start();
    await until(() => client.watches.size === 2);
    for (const watch of client.watches) watch.destroy(new Error('reset'));
    await until(() => client.watches.size === 2);
    client.send({ type: 'ERROR', object: { kind: 'Status', code: 500, message: 'broken' } });
    await until(() => client.watches.size === 0);
    await until(() => client.watches.size === 2);
    const late = { metadata: { name: 'late', resourceVersion: '2' } };
    client.send({ type: 'ADDED', object: late });
    await until(() => started.mirrors.every(({ store }) => store.get('late') !== undefined));
    assert.equal(exits, 0);
  });

  it('ends quietly: aborts what is done, takes no more, ends the watches, never ends the process', async () => {
    let aborted = false;
    const started = create({
      ones: async (_key, signal) => {
        await once(signal, 'abort');
        aborted = true;
        return {};
      },
    });
    await started.start();
    await until(() => client.watches.size === 2 && started.looks.length === 2);
    started.stop();
    await started.shutDown();
    assert.ok(aborted);
    started.queues[1]?.add('late');
    await until(() => client.watches.size === 0);
    const { length } = client.calls;
    await new Promise((resolve) => setTimeout(resolve, 50));
    assert.equal(client.calls.length, length);
    assert.deepEqual(started.looks, ['ones early', 'both early']);
    assert.equal(exits, 0);
  });

  it('ends also while nothing is mirrored yet, and then no controller ever works', async () => {
    client.beforeList = async (_path, signal) => {
      await once(signal, 'abort');
      signal.throwIfAborted();
    };
    const started = create();
    await started.start();
    await until(() => client.calls.length === 2);
    await started.shutDown();
    await new Promise((resolve) => setTimeout(resolve, 50));
    assert.deepEqual(started.looks, []);
    assert.deepEqual(started.synced, [false, false]);
  });

  it('mirrors at once what it is asked for while it runs, and lets go of what is dropped', async () => {
    const running = create();
    await running.start();
    const mirror = running.mirrorLater();
    await mirror.synced;
    await until(() => client.watches.size === 3);
    assert.equal(running.synced.length, 3);
    running.dropMirror(mirror);
    running.dropMirror({});
    await until(() => client.watches.size === 2);
    assert.equal(running.synced.length, 2);
    await running.shutDown();
    const { length } = client.calls;
    running.mirrorLater();
    assert.equal(client.calls.length, length);
  });

  it('refuses the watch of its base, which ends the process on an error', async () => {
    await assert.rejects(create().watch(), /replaced by mirror/);
  });
});
