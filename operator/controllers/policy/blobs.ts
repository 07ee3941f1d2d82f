// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import type { Clock } from '../../../runtime/clock.ts';
import {
  isStatus,
  type DeleteOptions,
  type KubeObject,
  type ObjectView,
} from '../../../runtime/kube/index.ts';
import type { Logger } from '../../../runtime/log/index.ts';
import {
  BLOB_PREFIX,
  blobBytes,
  blobConfigMap,
  decodeBlob,
  ProgramError,
  type EncodedBlob,
  type ProgramConfigMap,
} from '../../../runtime/program/index.ts';
import { pathOf, RESOURCES, type KubeApi } from '../../state/resources.ts';

/** How long a blob that nobody names is kept: replicas may be behind. */
export const BLOB_GRACE_MS = 600_000;
/** How long the mirror may be behind. */
const MIRROR_LAG_MS = 5_000;

/** What writing blobs needs. */
export interface BlobStoreOptions {
  readonly api: Pick<KubeApi, 'get' | 'create' | 'delete'>;
  /** The ConfigMaps of the own namespace, by `namespace/name`. */
  readonly configMaps: Pick<ObjectView<ProgramConfigMap>, 'get' | 'list'>;
  readonly namespace: string;
  readonly clock: Clock;
  readonly logger: Logger;
}

/**
 * The blobs of the program as ConfigMaps. A name is the hash of the content, so a blob is written once
 * and checked wherever it is met; one that was damaged or deleted is written again from memory.
 */
export class BlobStore {
  readonly #options: BlobStoreOptions;
  /** Bytes of blobs that the index may name: what a deleted one is written again from. */
  readonly #kept = new Map<string, Buffer>();
  /** Versions of ConfigMaps whose content was found right. */
  readonly #checked = new Map<string, string>();
  /** When a blob was last written or seen live: the mirror may not know it yet. */
  readonly #seenAt = new Map<string, number>();
  /** Since when nobody names a blob. */
  readonly #unnamed = new Map<string, number>();

  constructor(options: BlobStoreOptions) {
    this.#options = options;
  }

  /** Does not rely on having seen the blob: it was deleted or changed. */
  forget(name: string): void {
    this.#seenAt.delete(name);
  }

  /** Makes sure that the blob is stored as its name says. */
  async write(blob: EncodedBlob): Promise<void> {
    this.#kept.set(blob.name, blob.bytes);
    if (this.#isStored(blob.name)) return;
    await this.#create(blob);
  }

  /**
   * Makes sure that a blob of which only the name is known is still stored. False where it is lost: not
   * in the cluster, and not in memory either.
   */
  async restore(name: string): Promise<boolean> {
    if (this.#isStored(name)) return true;
    const kept = this.#kept.get(name);
    if (kept !== undefined) {
      await this.#create({ name, bytes: kept });
      return true;
    }
    const { api, namespace } = this.#options;
    const path = pathOf(RESOURCES.configMaps, { namespace, name });
    const right = this.#isRight(name, await api.get<ProgramConfigMap>(path));
    if (right) this.#seen(name);
    return right;
  }

  /** The spec that a stored blob holds, not validated; `undefined` where it is lost or damaged. */
  specOf(name: string): unknown {
    const { configMaps, namespace } = this.#options;
    const bytes = this.#kept.get(name) ?? blobBytes(configMaps.get(`${namespace}/${name}`));
    if (bytes === undefined) return undefined;
    try {
      return decodeBlob(name, bytes);
    } catch (thrown) {
      if (thrown instanceof ProgramError) return undefined;
      throw thrown;
    }
  }

  /** Deletes blobs that none of the names is of, ten minutes after that was first seen. */
  async collectGarbage(named: ReadonlySet<string>): Promise<void> {
    const now = this.#options.clock.monotonic();
    const present = this.#present();
    for (const name of [...this.#unnamed.keys(), ...this.#kept.keys()]) {
      if (named.has(name) || !present.has(name)) this.#unnamed.delete(name);
      if (!named.has(name)) this.#kept.delete(name);
    }
    for (const name of present) {
      if (named.has(name)) continue;
      const since = this.#unnamed.get(name);
      if (since === undefined) this.#unnamed.set(name, now);
      else if (now - since >= BLOB_GRACE_MS) await this.#delete(name);
    }
  }

  #present(): ReadonlySet<string> {
    const names = this.#options.configMaps.list().map(({ metadata }) => metadata.name);
    return new Set(names.filter((name) => name.startsWith(BLOB_PREFIX)));
  }

  async #create(blob: EncodedBlob): Promise<void> {
    const { api, namespace } = this.#options;
    const body = blobConfigMap(namespace, blob);
    const collection = pathOf(RESOURCES.configMaps, { namespace });
    try {
      await api.create(collection, body);
      this.#seen(blob.name);
      return;
    } catch (thrown) {
      if (!isStatus(thrown, 409)) throw thrown;
    }
    const path = pathOf(RESOURCES.configMaps, { namespace, name: blob.name });
    const existing = await api.get<ProgramConfigMap>(path);
    if (this.#isRight(blob.name, existing)) {
      this.#seen(blob.name);
      return;
    }
    // Immutable: what is wrong can only be replaced by another object.
    this.#options.logger.warn('a program blob was damaged; it is written again', {
      blob: blob.name,
    });
    if (existing !== undefined) await api.delete(path, { preconditions: only(existing) });
    await api.create(collection, body);
    this.#seen(blob.name);
  }

  #seen(name: string): void {
    this.#seenAt.set(name, this.#options.clock.monotonic());
  }

  async #delete(name: string): Promise<void> {
    const { api, configMaps, namespace, logger } = this.#options;
    const object = configMaps.get(`${namespace}/${name}`);
    if (object === undefined) return;
    const preconditions = only(object);
    await api.delete(pathOf(RESOURCES.configMaps, { namespace, name }), { preconditions });
    for (const known of [this.#unnamed, this.#checked, this.#seenAt]) known.delete(name);
    logger.info('deleted a program blob that no index names', { blob: name });
  }

  #isStored(name: string): boolean {
    const { configMaps, namespace, clock } = this.#options;
    const seenAt = this.#seenAt.get(name);
    if (seenAt !== undefined && clock.monotonic() - seenAt < MIRROR_LAG_MS) return true;
    return this.#isRight(name, configMaps.get(`${namespace}/${name}`));
  }

  #isRight(name: string, object: ProgramConfigMap | undefined): boolean {
    const bytes = blobBytes(object);
    if (object === undefined || bytes === undefined) return false;
    const version = object.metadata.resourceVersion;
    if (version !== undefined && this.#checked.get(name) === version) return true;
    try {
      decodeBlob(name, bytes);
    } catch (thrown) {
      if (thrown instanceof ProgramError) return false;
      throw thrown;
    }
    if (version !== undefined) this.#checked.set(name, version);
    this.#kept.set(name, bytes);
    return true;
  }
}

/** Preconditions by which nothing but this object, as it was read, is deleted. */
function only({ metadata }: KubeObject): NonNullable<DeleteOptions['preconditions']> {
  const { uid, resourceVersion } = metadata;
  return {
    ...(uid === undefined ? {} : { uid }),
    ...(resourceVersion === undefined ? {} : { resourceVersion }),
  };
}
