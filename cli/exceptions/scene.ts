// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import type { SigningException } from '../../crds/index.ts';
import {
  compileException,
  ExceptionIndex,
  type CompiledException,
} from '../../verification/index.ts';
import { exceptionsAt } from '../cluster/addresses.ts';
import type { Cluster } from '../cluster/cluster.ts';
import { readPolicies, type PoliciesInForce } from '../cluster/program.ts';
import { missing } from './read-one.ts';
import { readStillUsed } from './still-used.ts';

/** Exceptions, and what decides how each of them stands. */
export interface Scene {
  /** By namespace and name. */
  readonly objects: readonly SigningException[];
  readonly index: ExceptionIndex;
  readonly policies: PoliciesInForce;
  /** `undefined` where it cannot be read, and so has no effect. */
  compiled(object: SigningException): CompiledException | undefined;
}

/** A scene, and what still runs in it. */
export interface SceneWithUse extends Scene {
  /** How many workloads were reported to run still by what is over, by `namespace/name`. */
  readonly stillUsed: ReadonlyMap<string, number>;
}

/** Where to read a scene. */
export interface SceneQuestion {
  /** All of them where left out. */
  readonly namespace: string | undefined;
  readonly systemNamespace: string;
  readonly warn: (line: string) => void;
}

/** Reads every exception of a namespace, since one may stand in the way of another, and the policies they name. */
export async function readScene(cluster: Cluster, question: SceneQuestion): Promise<Scene> {
  const { namespace, systemNamespace, warn } = question;
  const objects = await listExceptions(cluster, namespace);
  const names = new Set(objects.map(({ spec }) => spec.policyRef.name));
  const policies = await readPolicies(cluster, { systemNamespace, names, warn });
  const scene = sceneOf(objects, policies);
  if (scene.index.dropped > 0)
    warn(`${scene.index.dropped.toString()} exceptions are too many: some have no effect`);
  return scene;
}

/** Adds what the reports tell of what is over at an instant. */
export async function withUse(
  scene: Scene,
  cluster: Cluster,
  { now, warn }: Pick<SceneQuestion, 'warn'> & { readonly now: Date },
): Promise<SceneWithUse> {
  const over = namespacesOf(scene.objects, now.getTime());
  return { ...scene, stillUsed: await readStillUsed(cluster, over, warn) };
}

/** Namespaces of exceptions that are over: their use is in no status any more. */
function namespacesOf(objects: readonly SigningException[], now: number): ReadonlySet<string> {
  const over = objects.filter(
    ({ spec, status }) =>
      Date.parse(spec.expiresAt) <= now || (spec.revoked ?? status?.revoked) !== undefined,
  );
  return new Set(over.map(({ metadata }) => metadata.namespace ?? ''));
}

/** Every exception of a namespace, or of all of them. */
export async function listExceptions(
  cluster: Cluster,
  namespace: string | undefined,
): Promise<readonly SigningException[]> {
  return await cluster.list<SigningException>(exceptionsAt(namespace));
}

/** A scene of what was read. */
export function sceneOf(objects: readonly SigningException[], policies: PoliciesInForce): Scene {
  const compiled = new Map<SigningException, CompiledException>();
  for (const object of objects) {
    try {
      compiled.set(object, compileException(object));
    } catch {
      // What cannot be read stands as Invalid.
    }
  }
  return {
    objects: [...objects].sort(byName),
    index: new ExceptionIndex(compiled.values()),
    policies,
    compiled: (object) => compiled.get(object),
  };
}

/** One exception of a scene. Throws a ClusterError of status 404 where there is none of that name. */
export function findIn({ objects }: Scene, name: string, namespace: string): SigningException {
  const found = objects.find(({ metadata }) => metadata.name === name);
  return found ?? missing(name, namespace);
}

function byName({ metadata: a }: SigningException, { metadata: b }: SigningException): number {
  const [one, other] = [keyOf(a), keyOf(b)];
  if (one === other) return 0;
  return one < other ? -1 : 1;
}

function keyOf(metadata: SigningException['metadata']): string {
  return `${metadata.namespace ?? ''}/${metadata.name}`;
}
