// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import {
  ConditionType,
  imageTrustPolicySpec,
  type ImageTrustPolicy,
  type ImageTrustPolicySpec,
} from '../../../crds/index.ts';
import {
  materialUses,
  resolveTrustRoots,
  tufUses,
  type TrustRootUse,
  type TufRepository,
} from '../../../verification/index.ts';
import { findCondition } from '../../status/conditions.ts';
import type { TrustRoots, TrustRootState } from '../trust/index.ts';
import type { BlobStore } from './blobs.ts';

/** Why a trust root cannot be had; each is a reason of `Stalled` and of `TrustMaterialFresh`. */
export type TrustProblemReason = 'TrustRootStale' | 'TrustRootInvalid';

/** How the trust roots stand that a policy has through TUF: its condition `TrustMaterialFresh`. */
export type TrustFinding =
  | { readonly fresh: 'True' }
  /** Not read yet since the operator started. */
  | { readonly fresh: 'Unknown'; readonly message: string }
  | { readonly fresh: 'False'; readonly reason: TrustProblemReason; readonly message: string };

/** A policy with its trust roots inline, as far as they are there. */
export interface PolicyTrust {
  /** Repositories that the policy is to be had from. */
  readonly repositories: readonly TufRepository[];
  /** `undefined` where a text is missing; `finding` tells which. */
  readonly spec: ImageTrustPolicySpec | undefined;
  /** `undefined` where the policy has no trust root through TUF. */
  readonly finding: TrustFinding | undefined;
}

/** Texts by the field path of the trust root that they were in force for. */
export type LastTexts = ReadonlyMap<string, string>;

interface Found {
  readonly use: TrustRootUse;
  readonly repository: TufRepository;
  readonly state: TrustRootState | undefined;
  readonly text: string | undefined;
}

/**
 * Puts the trust roots that a policy has through TUF inline. Its material must be inline already. Waits
 * for nothing but the disk: what is not there yet is told, and the policy is looked at again when it is.
 */
export async function resolvePolicyTrust(
  spec: ImageTrustPolicySpec,
  roots: Pick<TrustRoots, 'want' | 'current'>,
  last: LastTexts,
): Promise<PolicyTrust> {
  const found: Found[] = [];
  for (const use of tufUses(spec)) {
    const repository = repositoryOf(use);
    await roots.want(repository);
    const state = roots.current(repository);
    // What is shipped may be older than what was in force before this process began.
    const isRead = state?.text !== undefined && !state.fromSeed;
    const text = isRead ? state.text : (last.get(use.path) ?? state?.text);
    found.push({ use, repository, state, text });
  }
  const texts = new Map(found.map(({ use, text }) => [use.path, text]));
  const isComplete = found.every(({ text }) => text !== undefined);
  return {
    repositories: found.map(({ repository }) => repository),
    spec: isComplete ? resolveTrustRoots(spec, ({ path }) => texts.get(path) ?? '') : undefined,
    finding: worstOf(found),
  };
}

function repositoryOf({ root }: TrustRootUse): TufRepository {
  if (root.tuf === undefined) return { kind: 'public-good' };
  return { kind: 'mirror', mirror: root.tuf.mirror, root: root.tuf.root.inline ?? '' };
}

/**
 * The texts that are in force for this very generation of a policy, out of its blob: the last good ones
 * where the cache is lost and no repository answers. Where material may name another repository by now,
 * there are none.
 */
export function lastTextsOf(
  policy: ImageTrustPolicy,
  spec: ImageTrustPolicySpec,
  blobs: Pick<BlobStore, 'specOf'>,
): LastTexts {
  const { conditions, program } = policy.status ?? {};
  const ready = findCondition(conditions, ConditionType.Ready);
  const isInForce =
    ready?.status === 'True' && ready.observedGeneration === policy.metadata.generation;
  const paths = tufUses(spec)
    .filter(isNamedInPlace)
    .map(({ path }) => `${path}.material`);
  if (!isInForce || program?.blob === undefined || paths.length === 0) return new Map();
  const inForce = imageTrustPolicySpec.safeParse(blobs.specOf(program.blob));
  if (!inForce.success) return new Map();
  const texts = materialUses(inForce.data).flatMap(({ path, material: { inline } }) =>
    inline !== undefined && paths.includes(path)
      ? [[path.slice(0, -'.material'.length), inline] as const]
      : [],
  );
  return new Map(texts);
}

function isNamedInPlace({ root: { tuf } }: TrustRootUse): boolean {
  return tuf === undefined || tuf.root.inline !== undefined;
}

/** The finding that matters most: a missing text before a stale one, a problem before waiting. */
function worstOf(found: readonly Found[]): TrustFinding | undefined {
  if (found.length === 0) return undefined;
  const missing = found.filter(({ text }) => text === undefined);
  const findings = (missing.length > 0 ? missing : found).map(findingOf);
  const open = findings.filter(({ fresh }) => fresh !== 'True');
  return open.find(({ fresh }) => fresh === 'False') ?? open[0] ?? { fresh: 'True' };
}

function findingOf({ use: { path }, state }: Found): TrustFinding {
  if (state?.fresh === true) return { fresh: 'True' };
  const problem = state?.problem;
  if (problem === undefined) {
    return { fresh: 'Unknown', message: `${path}: the trust root has not been read yet` };
  }
  const reason = problem.code === 'TRUST_ROOT_INVALID' ? 'TrustRootInvalid' : 'TrustRootStale';
  return { fresh: 'False', reason, message: `${path}: ${problem.message}` };
}
