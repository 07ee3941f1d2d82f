// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import pLimit from 'p-limit';
import {
  blobBytes,
  decodeBlob,
  decodeIndex,
  INDEX_NAME,
  indexText,
  ProgramError,
  type ProgramConfigMap,
  type ProgramIndex,
} from '../../runtime/program/index.ts';
import { compilePolicy, type CompiledPolicy } from '../../verification/index.ts';
import { configMapAt, policyAt } from './addresses.ts';
import { ClusterError, isForbidden, type Cluster } from './cluster.ts';

/** What is known of a policy. */
export type PolicyState =
  | { readonly state: 'in-force'; readonly policy: CompiledPolicy }
  | { readonly state: 'absent'; readonly exists: boolean }
  /** What the cluster enforces may not be read, or not be understood. */
  | { readonly state: 'unknown' };

/** The policies that a cluster enforces. */
export interface PoliciesInForce {
  /** Name of the cluster or fleet; `undefined` where it has none, or nothing is known. */
  readonly cluster: string | undefined;
  /** Those in force, of those that were asked for. */
  readonly policies: readonly CompiledPolicy[];
  /** False where the program could not be read at all. */
  readonly isKnown: boolean;
  of(name: string): PolicyState;
}

/** Which policies to read, and where. */
export interface PoliciesQuestion {
  /** Where the program lies. */
  readonly systemNamespace: string;
  /** All of the program where left out. */
  readonly names?: ReadonlySet<string>;
  /** Told in one line what could not be had. */
  readonly warn: (line: string) => void;
}

const READERS = 8;
const UNKNOWN: PolicyState = { state: 'unknown' };
const NOTHING: PoliciesInForce = {
  cluster: undefined,
  policies: [],
  isKnown: false,
  of: () => UNKNOWN,
};

/**
 * Reads policies out of the program, as every webhook replica does. What may not be read, or is not of
 * a form that this program knows, is warned of and unknown; an API server that does not answer is thrown.
 */
export async function readPolicies(
  cluster: Cluster,
  question: PoliciesQuestion,
): Promise<PoliciesInForce> {
  const index = await readIndex(cluster, question);
  if (index === undefined) return NOTHING;
  const { names = new Set(index.policies.keys()) } = question;
  const limit = pLimit(READERS);
  const states = new Map<string, PolicyState>();
  await Promise.all(
    [...names].map((name) =>
      limit(async () => {
        states.set(name, await stateOf(name, index, { cluster, ...question }));
      }),
    ),
  );
  return {
    cluster: index.cluster,
    isKnown: true,
    policies: [...states.values()].flatMap((s) => (s.state === 'in-force' ? [s.policy] : [])),
    of: (name) => states.get(name) ?? UNKNOWN,
  };
}

async function readIndex(
  cluster: Cluster,
  { systemNamespace, warn }: PoliciesQuestion,
): Promise<ProgramIndex | undefined> {
  const where = `the program in the namespace ${systemNamespace}`;
  try {
    const object = await cluster.get<ProgramConfigMap>(configMapAt(systemNamespace, INDEX_NAME));
    const text = indexText(object);
    if (text !== undefined) return decodeIndex(text);
    warn(`${where} is not there: what follows is what the operator wrote into status`);
  } catch (thrown) {
    if (isForbidden(thrown))
      warn(`${where} may not be read: what follows is what the operator wrote into status`);
    else if (thrown instanceof ProgramError)
      warn(`${where} cannot be understood: ${thrown.message}`);
    else throw thrown;
  }
  return undefined;
}

async function stateOf(
  name: string,
  index: ProgramIndex,
  from: PoliciesQuestion & { readonly cluster: Cluster },
): Promise<PolicyState> {
  const { cluster, systemNamespace, warn } = from;
  const blob = index.policies.get(name);
  if (blob === undefined) return { state: 'absent', exists: await policyExists(name, cluster) };
  try {
    const at = configMapAt(systemNamespace, blob);
    const bytes = blobBytes(await cluster.get<ProgramConfigMap>(at));
    if (bytes === undefined) throw new ProgramError(`${blob} is gone: try again`);
    return { state: 'in-force', policy: compilePolicy(name, decodeBlob(blob, bytes)) };
  } catch (thrown) {
    if (thrown instanceof ClusterError && !isForbidden(thrown)) throw thrown;
    const message = thrown instanceof Error ? thrown.message : String(thrown);
    warn(`the policy ${name} cannot be read out of the program: ${message}`);
    return UNKNOWN;
  }
}

/** One that may not be asked for is not in force either way. */
async function policyExists(name: string, cluster: Cluster): Promise<boolean> {
  try {
    return (await cluster.get(policyAt(name))) !== undefined;
  } catch (thrown) {
    if (isForbidden(thrown)) return true;
    throw thrown;
  }
}
