// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { orWhenAborted } from '../abort.ts';
import type { Clock } from '../clock.ts';
import { isStatus, resourcePath, type CallOptions, type KubeClient } from '../kube/index.ts';
import { heldLease, holderOf, releasedLease, type Lease } from './lease.ts';

/** Which Lease, and for whom. */
export interface LeaseStoreOptions {
  readonly client: Pick<KubeClient, 'get' | 'create' | 'replace'>;
  readonly clock: Clock;
  readonly namespace: string;
  readonly name: string;
  /** Who we are: like nobody else, not even this pod before it was restarted. */
  readonly identity: string;
}

/** Milliseconds and a signal that bound a call. */
export interface Bounds {
  readonly ms: number;
  readonly stop: AbortSignal;
}

/** Reads and writes the one Lease. What it throws is what the API server refused or did not answer. */
export class LeaseStore {
  readonly #options: LeaseStoreOptions;

  constructor(options: LeaseStoreOptions) {
    this.#options = options;
  }

  /** The Lease; `undefined` where there is none. */
  async read(bounds: Bounds): Promise<Lease | undefined> {
    const { client } = this.#options;
    return await this.#bounded(bounds, (call) => client.get<Lease>(this.#path(true), call));
  }

  /** Writes us into the Lease that was read. `undefined` where somebody else was faster. */
  async hold(before: Lease | undefined, bounds: Bounds): Promise<Lease | undefined> {
    const { clock, identity, namespace, name } = this.#options;
    const none = {
      apiVersion: 'coordination.k8s.io/v1',
      kind: 'Lease',
      metadata: { name, namespace },
    };
    const next = heldLease(before ?? none, identity, clock.now());
    return await this.#write(before === undefined, next, bounds);
  }

  /** Takes us out of the Lease where we are in it. False where somebody wrote meanwhile: try again. */
  async release(bounds: Bounds): Promise<boolean> {
    const { clock, identity } = this.#options;
    const lease = await this.read(bounds);
    if (lease === undefined || holderOf(lease) !== identity) return true;
    const released = await this.#write(false, releasedLease(lease, clock.now()), bounds);
    return released !== undefined;
  }

  async #write(isNew: boolean, lease: Lease, bounds: Bounds): Promise<Lease | undefined> {
    const { client } = this.#options;
    try {
      return await this.#bounded(bounds, (call) =>
        isNew
          ? client.create<Lease>(this.#path(false), lease, call)
          : client.replace<Lease>(this.#path(true), lease, call),
      );
    } catch (thrown) {
      if (isStatus(thrown, 409) || isStatus(thrown, 404)) return undefined;
      throw thrown;
    }
  }

  /** A call that ends in time, and that is not begun after a pause of the process that was longer. */
  async #bounded<T>({ ms, stop }: Bounds, call: (options: CallOptions) => Promise<T>): Promise<T> {
    const { clock } = this.#options;
    const until = clock.monotonic() + ms;
    const signal = AbortSignal.any([stop, clock.deadline(ms)]);
    const late = (): never => {
      throw new Error('the API server did not answer in time');
    };
    const beforeSend = (): void => {
      if (clock.monotonic() >= until) late();
    };
    return await orWhenAborted(call({ signal, timeoutMs: ms, beforeSend }), signal, late);
  }

  #path(ofObject: boolean): string {
    const { namespace, name } = this.#options;
    const collection = {
      group: 'coordination.k8s.io',
      version: 'v1',
      plural: 'leases',
      namespace,
    };
    return resourcePath(ofObject ? { ...collection, name } : collection);
  }
}
