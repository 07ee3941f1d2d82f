// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { LRUCache } from 'lru-cache';
import {
  compilePolicy,
  repositoryName,
  type CompiledPolicy,
  type ImageReference,
  type ImageUse,
} from '../../verification/index.ts';
import { decodeBlob, ProgramError, type DefaultAction, type ProgramIndex } from './codec.ts';

const MATCHES_KEPT = 10_000;

/** What a replica enforces: immutable, complete, compiled. */
export class PolicySnapshot {
  readonly revision: number;
  readonly defaultAction: DefaultAction;
  readonly policies: readonly CompiledPolicy[];
  /** Name of the cluster or fleet that signed approvals of exceptions are for. */
  readonly cluster: string | undefined;
  readonly #byRepository = new LRUCache<string, readonly CompiledPolicy[]>({ max: MATCHES_KEPT });

  constructor(
    revision: number,
    defaultAction: DefaultAction,
    policies: readonly CompiledPolicy[],
    cluster?: string,
  ) {
    this.cluster = cluster;
    this.revision = revision;
    this.defaultAction = defaultAction;
    this.policies = policies;
  }

  /** The policies whose images cover the repository, whatever the namespace. */
  coveringImage(image: ImageReference): readonly CompiledPolicy[] {
    const name = repositoryName(image);
    const known = this.#byRepository.get(name);
    if (known !== undefined) return known;
    const covering = this.policies.filter((policy) => policy.coversImage(image));
    this.#byRepository.set(name, covering);
    return covering;
  }

  /** The policies that apply to a use of an image: all of them must be satisfied. */
  matching(use: ImageUse): readonly CompiledPolicy[] {
    return this.coveringImage(use.image).filter((policy) => policy.coversUse(use));
  }
}

/**
 * Builds a snapshot from an index and its blobs. `blobBytes` answers `undefined` for a blob that is
 * not there (yet). A policy that an earlier snapshot holds under the same blob is taken over as it is.
 * Throws ProgramError where the index is not complete or something does not compile: all or nothing.
 */
export function buildSnapshot(
  index: ProgramIndex,
  blobBytes: (name: string) => Uint8Array | undefined,
  earlier: ReadonlyMap<string, CompiledPolicy> = new Map(),
): { readonly snapshot: PolicySnapshot; readonly compiled: ReadonlyMap<string, CompiledPolicy> } {
  const compiled = new Map<string, CompiledPolicy>();
  for (const [policy, blob] of index.policies) {
    const key = `${policy}/${blob}`;
    compiled.set(key, earlier.get(key) ?? compileBlob(policy, blob, blobBytes(blob)));
  }
  const { revision, defaultAction, cluster } = index;
  const snapshot = new PolicySnapshot(revision, defaultAction, [...compiled.values()], cluster);
  return { snapshot, compiled };
}

function compileBlob(policy: string, blob: string, bytes: Uint8Array | undefined): CompiledPolicy {
  if (bytes === undefined)
    throw new ProgramError(`index is not complete: ${blob} of policy ${policy} is missing`);
  const spec = decodeBlob(blob, bytes);
  try {
    return compilePolicy(policy, spec);
  } catch (thrown) {
    const detail = thrown instanceof Error ? thrown.message : String(thrown);
    throw new ProgramError(`policy ${policy} does not compile: ${detail}`, { cause: thrown });
  }
}
