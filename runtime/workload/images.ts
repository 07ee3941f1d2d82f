// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

/** One place of an object that names an image. */
export interface ImageField {
  /** Path from the root of the object, e.g. `spec.template.spec.containers[0].image`. */
  readonly path: string;
  /** JSON pointer to the same place, for patches. */
  readonly pointer: string;
  /** Which list it is in. */
  readonly list: 'containers' | 'initContainers' | 'ephemeralContainers' | 'volumes';
  /** Name of the container or volume: unique in its list. */
  readonly name: string;
  /** The image as written; empty where the field is absent. */
  readonly image: string;
}

/** Thrown where an object is not shaped as its kind demands. */
export class WorkloadError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'WorkloadError';
  }
}

type JsonObject = Readonly<Record<string, unknown>>;

/** Where the pod spec lies in each kind that carries one. */
const POD_SPEC_PATHS: Readonly<Record<string, readonly string[]>> = {
  Pod: ['spec'],
  PodTemplate: ['template', 'spec'],
  Deployment: ['spec', 'template', 'spec'],
  StatefulSet: ['spec', 'template', 'spec'],
  DaemonSet: ['spec', 'template', 'spec'],
  ReplicaSet: ['spec', 'template', 'spec'],
  ReplicationController: ['spec', 'template', 'spec'],
  Job: ['spec', 'template', 'spec'],
  CronJob: ['spec', 'jobTemplate', 'spec', 'template', 'spec'],
};

/** Kinds that carry a pod spec. */
export const WORKLOAD_KINDS: readonly string[] = Object.keys(POD_SPEC_PATHS);

const CONTAINER_LISTS = ['initContainers', 'containers', 'ephemeralContainers'] as const;

/** The pod spec of an object of a kind; WorkloadError where the kind or the shape is not known. */
export function podSpecOf(
  kind: string,
  object: unknown,
): { readonly spec: JsonObject; readonly path: readonly string[] } {
  const path = Object.hasOwn(POD_SPEC_PATHS, kind) ? POD_SPEC_PATHS[kind] : undefined;
  if (path === undefined) throw new WorkloadError(`${kind}: not a kind that carries a pod spec`);
  let node = object;
  for (const key of path) node = objectAt(node, key);
  return { spec: asObject(node, path.join('.')), path };
}

/**
 * Every image-bearing field of an object: containers, init containers (sidecars too), ephemeral
 * containers and image volumes. Throws WorkloadError where a list or an entry has the wrong type, so
 * that nothing is skipped by being malformed.
 */
export function imageFields(kind: string, object: unknown): readonly ImageField[] {
  const { spec, path } = podSpecOf(kind, object);
  const containers = CONTAINER_LISTS.flatMap((list) =>
    entriesOf(spec, list).map((entry) => containerField(entry, list, path)),
  );
  const volumes = entriesOf(spec, 'volumes').flatMap((entry) => volumeField(entry, path));
  return [...containers, ...volumes];
}

/** The fields of `current` whose image differs from the one of the same list and name in `old`. */
export function changedImages(
  current: readonly ImageField[],
  old: readonly ImageField[],
): readonly ImageField[] {
  const before = new Map(old.map((field) => [`${field.list}/${field.name}`, field.image]));
  return current.filter((field) => before.get(`${field.list}/${field.name}`) !== field.image);
}

/**
 * The service account that a pod spec runs as: like the API server, the old name counts where the new
 * one is absent or empty. Throws WorkloadError where a name is not a string.
 */
export function serviceAccountOf(spec: JsonObject): string {
  for (const key of ['serviceAccountName', 'serviceAccount']) {
    const name = spec[key] ?? '';
    if (typeof name !== 'string') throw new WorkloadError(`${key}: not a string`);
    if (name !== '') return name;
  }
  return 'default';
}

/** Names of the pull secrets of a pod spec. */
export function pullSecretsOf(spec: JsonObject): readonly string[] {
  const secrets = spec['imagePullSecrets'];
  if (!Array.isArray(secrets)) return [];
  return secrets.flatMap((secret: unknown) => {
    const name =
      typeof secret === 'object' && secret !== null ? (secret as JsonObject)['name'] : undefined;
    return typeof name === 'string' && name !== '' ? [name] : [];
  });
}

interface Entry {
  readonly value: JsonObject;
  readonly index: number;
}

function entriesOf(spec: JsonObject, list: string): readonly Entry[] {
  const value = spec[list];
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value)) throw new WorkloadError(`${list}: not a list`);
  return value.map((entry: unknown, index) => ({
    value: asObject(entry, `${list}[${index.toString()}]`),
    index,
  }));
}

function containerField(
  entry: Entry,
  list: ImageField['list'],
  path: readonly string[],
): ImageField {
  return field({ list, path, entry, keys: ['image'], image: entry.value['image'] });
}

function volumeField(entry: Entry, path: readonly string[]): readonly ImageField[] {
  const { image } = entry.value as { readonly image?: unknown };
  if (image === undefined || image === null) return [];
  const reference = asObject(image, `volumes[${entry.index.toString()}].image`)['reference'];
  return [field({ list: 'volumes', path, entry, keys: ['image', 'reference'], image: reference })];
}

interface FieldParts {
  readonly list: ImageField['list'];
  readonly path: readonly string[];
  readonly entry: Entry;
  readonly keys: readonly string[];
  readonly image: unknown;
}

function field({ list, path, entry, keys, image }: FieldParts): ImageField {
  const index = entry.index.toString();
  const where = [...path, `${list}[${index}]`, ...keys].join('.');
  if (image !== undefined && image !== null && typeof image !== 'string')
    throw new WorkloadError(`${where}: not a string`);
  const { name } = entry.value as { readonly name?: unknown };
  if (typeof name !== 'string')
    throw new WorkloadError(`${[...path, list].join('.')}[${index}].name: not a string`);
  return {
    path: where,
    pointer: '/' + [...path, list, index, ...keys].join('/'),
    list,
    name,
    image: image ?? '',
  };
}

function objectAt(node: unknown, key: string): unknown {
  return asObject(node, key)[key];
}

function asObject(value: unknown, what: string): JsonObject {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new WorkloadError(`${what}: not an object`);
  return value as JsonObject;
}
