// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import k8sOperator from '@dot-i/k8s-operator';
import type { Clock } from '../../runtime/clock.ts';
import {
  allSynced,
  Reflector,
  type KubeClient,
  type KubeObject,
  type PooledKubeConfig,
  type ReflectorOptions,
  type ReflectorStatus,
} from '../../runtime/kube/index.ts';
import type { Logger } from '../../runtime/log/index.ts';
import {
  WorkQueue,
  type QueueObserver,
  type QueueOptions,
  type Reconciler,
} from '../../runtime/queue/index.ts';

/** What an operator runs on. */
export interface FrameworkOptions {
  readonly kubeConfig: PooledKubeConfig;
  readonly client: Pick<KubeClient, 'list' | 'stream'>;
  readonly clock: Clock;
  readonly logger: Logger;
  /** What is told of the work of a controller. */
  readonly observerOf: (controller: string) => QueueObserver;
}

/** What is mirrored of the cluster. */
export type MirrorSpec<T extends KubeObject> = Omit<
  ReflectorOptions<T>,
  'client' | 'clock' | 'logger'
>;

/** A controller: a queue of keys and what is done for each. */
export interface ControllerSpec {
  readonly name: string;
  readonly concurrency: number;
  /** Keys that wait for somebody slow do not count to that, see {@link QueueOptions}. */
  readonly slow?: QueueOptions['slow'];
  readonly reconcile: Reconciler;
  /** Work begins when these hold a whole list; what was enqueued before waits. */
  readonly needs: readonly Pick<Reflector<KubeObject>, 'synced'>[];
}

interface Controller {
  readonly name: string;
  readonly queue: WorkQueue;
  readonly needs: ControllerSpec['needs'];
}

type AnyMirror = Pick<Reflector<KubeObject>, 'start' | 'stop' | 'status'>;

/**
 * The base of the operator, on `@dot-i/k8s-operator`. Of that it takes the life cycle (`start` calls
 * `init`); its watches end the process on any error and its one queue lets a slow reconcile block all
 * kinds, so both are replaced: supervised reflectors, and a keyed queue for every controller.
 */
export abstract class ControllerOperator extends k8sOperator.default {
  readonly #options: FrameworkOptions;
  readonly #mirrors: AnyMirror[] = [];
  readonly #controllers: Controller[] = [];
  readonly #stopping = new AbortController();
  #started = false;

  constructor(options: FrameworkOptions) {
    const { logger } = options;
    super({
      debug: (message) => logger.debug(message),
      info: (message) => logger.info(message),
      warn: (message) => logger.warn(message),
      error: (message) => logger.error(message),
    });
    this.#options = options;
    this.kubeConfig = options.kubeConfig;
  }

  /** Calls `init`, then mirrors, and lets every controller work as soon as it knows what it needs. */
  override async start(): Promise<void> {
    await super.start();
    this.#started = true;
    for (const mirror of this.#mirrors) mirror.start();
    for (const { name, queue, needs } of this.#controllers) {
      allSynced(needs, this.#stopping.signal)
        .then(() => {
          queue.start();
          this.#options.logger.info('controller works', { controller: name });
        })
        .catch(() => undefined);
    }
  }

  /** Asks for the end. Never ends the process, as the method that it replaces does. */
  override stop(): void {
    void this.shutDown();
  }

  /** Aborts what is being done, ends mirroring, and resolves when all is quiet. */
  async shutDown(): Promise<void> {
    this.#stopping.abort();
    await Promise.all(this.#controllers.map(({ queue }) => queue.stop()));
    await Promise.all(this.#mirrors.map((mirror) => mirror.stop()));
  }

  /** How the mirrors are doing, and how many keys wait. */
  protected get mirrorStatus(): readonly ReflectorStatus[] {
    return this.#mirrors.map((mirror) => mirror.status());
  }

  /** Keys that wait, by controller. */
  protected get depths(): ReadonlyMap<string, number> {
    return new Map(this.#controllers.map(({ name, queue }) => [name, queue.depth]));
  }

  /** Mirrors a collection from `start` on, or at once where that was before. */
  protected mirror<T extends KubeObject>(spec: MirrorSpec<T>): Reflector<T> {
    const { client, clock, logger } = this.#options;
    const reflector = new Reflector<T>({ ...spec, client, clock, logger });
    this.#mirrors.push(reflector);
    if (this.#started && !this.#stopping.signal.aborted) reflector.start();
    return reflector;
  }

  /** Ends a mirror; what is in it stays. */
  protected drop(mirror: object): void {
    const index = this.#mirrors.findIndex((one) => one === mirror);
    const [dropped] = index < 0 ? [] : this.#mirrors.splice(index, 1);
    void dropped?.stop();
  }

  /** Adds a controller; answers its queue, for the handlers that enqueue keys. To be called from `init`. */
  protected controller(spec: ControllerSpec): WorkQueue {
    const { name, concurrency, slow, reconcile, needs } = spec;
    const { clock, observerOf } = this.#options;
    const observer = observerOf(name);
    const more = slow === undefined ? {} : { slow };
    const queue = new WorkQueue({ reconcile, clock, concurrency, observer, ...more });
    this.#controllers.push({ name, queue, needs });
    return queue;
  }

  /** Not to be used: it ends the process on any error of the watch. `mirror` takes its place. */
  protected override watchResource(): Promise<void> {
    return Promise.reject(new Error('watchResource is replaced by mirror'));
  }
}
