// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { KubeError, ObjectStore, type DeleteOptions, type KubeList, type KubeObject } from '../../runtime/kube/index.ts';
import type { KubeApi } from '../state/resources.ts';

/** One write that was made. */
export interface Write {
  readonly verb: 'create' | 'replace' | 'patch' | 'delete';
  readonly path: string;
  readonly body?: unknown;
}

type Stored = KubeObject & Readonly<Record<string, unknown>>;

/** Told of everything in a collection: of what there is, and of what changes. */
export interface MirrorLike {
  readonly put: (object: Stored) => void;
  readonly remove: (key: string) => void;
}

interface JsonOperation {
  readonly op: 'add' | 'replace' | 'test';
  readonly path: string;
  readonly value: unknown;
}

/**
 * An API server in memory: objects by path, versions, conflicts, 404 and 409 as the real one answers
 * them. What is written reaches the mirrors at once.
 */
export class FakeApi implements KubeApi {
  readonly writes: Write[] = [];
  readonly reads: string[] = [];
  /** Group, version and plural of the report types that discovery tells of. */
  served: readonly string[] = [
    'wgpolicyk8s.io/v1alpha2/policyreports',
    'wgpolicyk8s.io/v1alpha2/clusterpolicyreports',
  ];
  /** Answers an error for a call that is to fail. */
  fault: (verb: string, path: string) => KubeError | undefined = () => undefined;
  readonly #objects = new Map<string, Stored>();
  readonly #mirrors = new Map<string, MirrorLike[]>();
  #version = 100;

  /** A mirror of a collection, as a reflector keeps it. */
  mirror<T extends KubeObject>(
    collection: string,
    indexes: Readonly<Record<string, (object: T) => readonly string[]>> = {},
  ): ObjectStore<T> {
    const onFault = (thrown: unknown): void => {
      throw thrown;
    };
    const store = new ObjectStore<T>({ indexes, onFault });
    const entry: MirrorLike = {
      put: (object) => store.put(copyOf(object) as T),
      remove: (key) => store.remove(key),
    };
    this.follow(collection, entry);
    return store;
  }

  /** Tells of a collection from now on, and of all that is in it. Answers how to end that. */
  follow(collection: string, entry: MirrorLike): () => void {
    this.#mirrors.set(collection, [...(this.#mirrors.get(collection) ?? []), entry]);
    for (const [path, object] of this.#objects) if (isIn(path, collection)) entry.put(object);
    return () => {
      const others = this.#mirrors.get(collection)?.filter((other) => other !== entry) ?? [];
      this.#mirrors.set(collection, others);
    };
  }

  /** Puts an object there, as somebody else would. */
  seed(path: string, object: KubeObject): void {
    this.#put(path, { ...object, metadata: { uid: `uid-of-${path}`, ...object.metadata } });
  }

  /** Takes an object away, as somebody else would; `silently` keeps it in the mirrors. */
  remove(path: string, options: { readonly silently?: boolean } = {}): void {
    const object = this.#objects.get(path);
    this.#objects.delete(path);
    if (object === undefined || options.silently === true) return;
    for (const store of this.#storesOf(path)) store.remove(keyOf(object));
  }

  /** The object at a path; `otherwise` where there is none. */
  at<T>(path: string, otherwise?: T): T | undefined {
    return (this.#objects.get(path) as T | undefined) ?? otherwise;
  }

  /** Writes that touched a path beginning with the prefix. */
  writesTo(prefix: string): readonly Write[] {
    return this.writes.filter((write) => write.path.startsWith(prefix));
  }

  async get<T>(path: string): Promise<T | undefined> {
    await Promise.resolve();
    this.reads.push(path);
    this.#failFor('get', path);
    if (/^\/apis\/[^/]+\/[^/]+$/.test(path)) return this.#discovered(path.slice('/apis/'.length)) as T;
    return structuredClone(this.#objects.get(path)) as T | undefined;
  }

  async list<T extends KubeObject>(path: string): Promise<KubeList<T>> {
    await Promise.resolve();
    this.#failFor('list', path);
    const items = [...this.#objects].filter(([at]) => isIn(at, path)).map(([, object]) => object);
    return { metadata: {}, items: items.map((item) => copyOf(item) as T) };
  }

  async create<T>(path: string, body: unknown): Promise<T> {
    await Promise.resolve();
    this.#failFor('create', path);
    const object = body as Stored;
    const at = `${path}/${object.metadata.name}`;
    if (this.#objects.has(at)) throw new KubeError(409, 'exists', { reason: 'AlreadyExists', objectName: object.metadata.name });
    this.writes.push({ verb: 'create', path: at, body });
    return this.#put(at, { ...object, metadata: { uid: `uid-of-${at}`, ...object.metadata } }) as T;
  }

  async replace<T>(path: string, body: unknown): Promise<T> {
    await Promise.resolve();
    this.#failFor('replace', path);
    const before = this.#existing(path);
    const object = body as Stored;
    this.#assertVersion(before, object.metadata.resourceVersion);
    this.writes.push({ verb: 'replace', path, body });
    return this.#put(path, { ...object, metadata: { ...object.metadata, uid: before.metadata.uid ?? '' } }) as T;
  }

  async patch<T>(path: string, body: unknown): Promise<T> {
    await Promise.resolve();
    this.#failFor('patch', path);
    const at = path.replace(/\/status$/, '');
    const before = this.#existing(at);
    const next = Array.isArray(body) ? jsonPatched(before, body as JsonOperation[]) : merged(before, body as Stored);
    if (!Array.isArray(body)) this.#assertVersion(before, (body as Stored).metadata.resourceVersion);
    this.writes.push({ verb: 'patch', path, body });
    return this.#put(at, next) as T;
  }

  async delete(path: string, options: DeleteOptions = {}): Promise<boolean> {
    await Promise.resolve();
    this.#failFor('delete', path);
    const object = this.#objects.get(path);
    if (object === undefined) return false;
    const { preconditions } = options;
    if (preconditions?.uid !== undefined && preconditions.uid !== object.metadata.uid)
      throw new KubeError(409, 'another object', { reason: 'Conflict', objectName: object.metadata.name });
    this.#assertVersion(object, preconditions?.resourceVersion);
    this.writes.push({ verb: 'delete', path, ...(preconditions === undefined ? {} : { body: { preconditions } }) });
    this.remove(path);
    return true;
  }

  /** As the API server answers for a group and version. */
  #discovered(groupVersion: string): object {
    const names = this.served.filter((type) => type.startsWith(`${groupVersion}/`));
    if (names.length === 0) throw new KubeError(404, '404 page not found');
    return { kind: 'APIResourceList', resources: names.map((type) => ({ name: type.split('/').at(-1) })) };
  }

  #put(path: string, object: Stored): Stored {
    this.#version += 1;
    const resourceVersion = this.#version.toString();
    const stored = structuredClone({ ...object, metadata: { ...object.metadata, resourceVersion } }) as Stored;
    this.#objects.set(path, stored);
    for (const store of this.#storesOf(path)) store.put(stored);
    return stored;
  }

  #existing(path: string): Stored {
    const object = this.#objects.get(path);
    if (object !== undefined) return object;
    throw new KubeError(404, 'not found', { reason: 'NotFound', objectName: path.split('/').at(-1) ?? '' });
  }

  #assertVersion(before: Stored, version: string | undefined): void {
    if (version === undefined || version === before.metadata.resourceVersion) return;
    throw new KubeError(409, 'conflict', { reason: 'Conflict', objectName: before.metadata.name });
  }

  #failFor(verb: string, path: string): void {
    const error = this.fault(verb, path);
    if (error !== undefined) throw error;
  }

  #storesOf(path: string): readonly MirrorLike[] {
    return [...this.#mirrors].filter(([collection]) => isIn(path, collection)).flatMap(([, stores]) => stores);
  }
}

/** What JSON makes of it: of any type, as what comes from an API server. */
function copyOf(object: Stored): unknown {
  return JSON.parse(JSON.stringify(object));
}

/** A path in the collection itself, or in the collection of one namespace of it. */
function isIn(path: string, collection: string): boolean {
  const withoutNamespace = path.replace(/\/namespaces\/[^/]+(?=\/)/, '');
  return [path, withoutNamespace].some((p) => p.slice(0, p.lastIndexOf('/')) === collection);
}

function keyOf({ metadata }: KubeObject): string {
  return metadata.namespace === undefined ? metadata.name : `${metadata.namespace}/${metadata.name}`;
}

function merged(before: Stored, patch: Stored): Stored {
  const next: Record<string, unknown> = { ...before };
  for (const [key, value] of Object.entries(patch)) {
    const old = next[key];
    const nested = typeof value === 'object' && value !== null && !Array.isArray(value);
    if (value === null) Reflect.deleteProperty(next, key);
    else if (nested && typeof old === 'object' && old !== null) next[key] = merged(old as Stored, value as Stored);
    else next[key] = value;
  }
  return next as Stored;
}

function jsonPatched(before: Stored, operations: readonly JsonOperation[]): Stored {
  const next = structuredClone(before);
  for (const { op, path, value } of operations) {
    const segments = path.split('/').slice(1);
    const last = segments.pop() ?? '';
    let node = next as Record<string, unknown>;
    for (const segment of segments) node = node[segment] as Record<string, unknown>;
    if (op === 'test' && node[last] !== value) throw new KubeError(422, 'test failed', { reason: 'Invalid' });
    if (op !== 'test') node[last] = value;
  }
  return next;
}
