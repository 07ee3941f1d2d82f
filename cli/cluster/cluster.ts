// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import type { Clock } from '../../runtime/clock.ts';
import type { KubeObject, PatchType, ResourceAddress } from '../../runtime/kube/index.ts';

/** How a cluster is reached, as the options of a command say it. */
export interface ClusterOptions {
  /** A kubeconfig file; else KUBECONFIG, the default file, or what a pod is given, in this order. */
  readonly kubeconfig?: string;
  /** A context of it in place of the current one. */
  readonly context?: string;
  /** A user to act as. */
  readonly as?: string;
  /** Milliseconds that each answer may take. */
  readonly timeoutMs: number;
  readonly clock: Clock;
}

/** How an object is changed. */
export interface ChangeOptions {
  /** `apply` is server-side apply and needs a field manager. */
  readonly type: PatchType;
  readonly fieldManager?: string;
  /** Takes fields from other managers (`apply` only). */
  readonly force?: boolean;
  /** Asks whether it would be let in, and changes nothing. */
  readonly dryRun?: boolean;
}

/** An API server, as commands use it. Whatever is not a success is thrown as a {@link ClusterError}. */
export interface Cluster {
  /** Namespace of the context; `default` where it names none. */
  readonly namespace: string;
  /** `undefined` where the object does not exist. */
  get<T>(address: ResourceAddress): Promise<T | undefined>;
  /** All objects of a collection, in pages; refused where there are more than 50,000. */
  list<T extends KubeObject>(address: ResourceAddress, selector?: string): Promise<readonly T[]>;
  create<T>(address: ResourceAddress, body: KubeObject): Promise<T>;
  patch<T>(address: ResourceAddress, body: unknown, options: ChangeOptions): Promise<T>;
  /** Deletes just this object, as it was read. False where it had gone before. */
  delete(address: ResourceAddress, object: KubeObject): Promise<boolean>;
  /** User name of the caller, as the API server knows it. */
  whoAmI(): Promise<string>;
  close(): Promise<void>;
}

/** Opens what the options name. Throws UsageError where the kubeconfig cannot be used. */
export type OpenCluster = (options: ClusterOptions) => Promise<Cluster>;

/** The API server refused something, or could not be reached. The message is one line for people. */
export class ClusterError extends Error {
  /** HTTP status; 0 where there was no usable answer. */
  readonly status: number;

  constructor(status: number, message: string, options?: { readonly cause?: unknown }) {
    super(message, options);
    this.name = 'ClusterError';
    this.status = status;
  }

  /** Whether nothing can be told because the API server did not answer, or not in good order. */
  get isUnreachable(): boolean {
    return this.status === 0 || this.status === 429 || this.status >= 500;
  }
}

/** True where the caller has no right to it. */
export function isForbidden(thrown: unknown): boolean {
  return thrown instanceof ClusterError && thrown.status === 403;
}
