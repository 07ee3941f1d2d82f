// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import type { ImageTrustPolicySpecInput, SigningException } from '../../crds/index.ts';
import { imageTrustPolicySpec } from '../../crds/index.ts';
import type { KubeObject, ResourceAddress } from '../../runtime/kube/index.ts';
import {
  blobConfigMap,
  encodeBlob,
  FORMAT_VERSION,
  indexConfigMap,
} from '../../runtime/program/index.ts';
import { ClusterError, type ChangeOptions, type Cluster } from '../cluster/cluster.ts';

/** A change as it was asked for. */
export interface AskedChange extends ChangeOptions {
  readonly path: string;
  readonly body: unknown;
}

/** Where the program of the fake lies. */
const SYSTEM = 'countersign-system';

/** Objects in memory, as an API server without admission and without merging would answer. */
export class FakeCluster implements Cluster {
  readonly namespace = 'checkout';
  readonly changes: AskedChange[] = [];
  readonly created: KubeObject[] = [];
  readonly deleted: string[] = [];
  /** Thrown in place of an answer about a path that begins so. */
  readonly refusals = new Map<string, ClusterError>();
  /** Who calls. */
  user = 'dev@example.com';
  closed = false;
  readonly #objects = new Map<string, KubeObject>();

  /** Puts an object there. */
  put(collection: string, object: KubeObject): void {
    const { namespace, name } = object.metadata;
    const metadata = { uid: `${collection}/${name}`, resourceVersion: '7', ...object.metadata };
    this.#objects.set(pathOf({ plural: collection, namespace, name }), { ...object, metadata });
  }

  /** Puts exceptions there. */
  exceptions(...objects: readonly SigningException[]): void {
    for (const object of objects) this.put('signingexceptions', object);
  }

  /** Publishes a program of these policies, as the operator does. */
  program(policies: Readonly<Record<string, ImageTrustPolicySpecInput>>, cluster?: string): void {
    const blobs = Object.entries(policies).map(([name, spec]) => {
      const blob = encodeBlob(imageTrustPolicySpec.parse(spec));
      this.put('configmaps', blobConfigMap(SYSTEM, blob));
      return [name, blob.name] as const;
    });
    const index = {
      ...{ formatVersion: FORMAT_VERSION, revision: 3, defaultAction: 'Allow' as const },
      ...(cluster === undefined ? {} : { cluster }),
      policies: new Map(blobs),
    };
    this.put('configmaps', indexConfigMap(SYSTEM, index));
  }

  /** Answers what is about a plural with this status. */
  refuse(plural: string, status: number, message = `${plural} is forbidden`): void {
    this.refusals.set(plural, new ClusterError(status, message));
  }

  get<T>(address: ResourceAddress): Promise<T | undefined> {
    return this.#answer(address, () => this.#objects.get(pathOf(address)) as T | undefined);
  }

  list<T extends KubeObject>(address: ResourceAddress, selector = ''): Promise<readonly T[]> {
    const [label = '', value = ''] = selector.split('=');
    return this.#answer(address, () =>
      [...this.#objects.entries()]
        .filter(([path]) => path.startsWith(pathOf(address)) && path.includes(`/${address.plural}/`))
        .map(([, object]) => object as T)
        .filter(({ metadata }) => selector === '' || metadata.labels?.[label] === value),
    );
  }

  create<T>(address: ResourceAddress, body: KubeObject): Promise<T> {
    return this.#answer(address, () => {
      this.created.push(body);
      return body as T;
    });
  }

  patch<T>(address: ResourceAddress, body: unknown, options: ChangeOptions): Promise<T> {
    return this.#answer(address, () => {
      this.changes.push({ path: pathOf(address), body, ...options });
      const { plural, namespace, name } = address;
      return this.#objects.get(pathOf({ plural, namespace, name })) as T;
    });
  }

  delete(address: ResourceAddress): Promise<boolean> {
    return this.#answer(address, () => {
      this.deleted.push(pathOf(address));
      return this.#objects.delete(pathOf(address));
    });
  }

  whoAmI(): Promise<string> {
    return Promise.resolve(this.user);
  }

  close(): Promise<void> {
    this.closed = true;
    return Promise.resolve();
  }

  async #answer<T>({ plural, subresource }: ResourceAddress, answer: () => T): Promise<T> {
    const refusal = this.refusals.get(subresource === undefined ? plural : `${plural}/${subresource}`);
    return refusal === undefined ? await Promise.resolve(answer()) : await Promise.reject(refusal);
  }
}

type Place = Pick<ResourceAddress, 'plural'> & {
  readonly namespace?: string | undefined;
  readonly name?: string | undefined;
  readonly subresource?: string | undefined;
};

/** `/namespace/plural/name`, or the beginning of it for a collection. */
function pathOf({ plural, namespace, name, subresource }: Place): string {
  if (namespace === undefined && name === undefined) return '/';
  const steps = [namespace ?? '', plural, name ?? '', ...(subresource === undefined ? [] : [subresource])];
  return `/${steps.join('/')}`;
}
