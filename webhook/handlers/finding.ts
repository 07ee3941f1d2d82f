// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import type { ImageJudgement, LastVerified, PolicyJudgement } from '../../runtime/judge/index.ts';
import type { PolicySnapshot } from '../../runtime/program/index.ts';
import type { ImageField } from '../../runtime/workload/index.ts';
import type {
  CompiledPolicy,
  Digest,
  ReasonCode,
  VerificationError,
} from '../../verification/index.ts';
import { defaultEffect, effectOf, strictestOf, unreadableEffect, type Place } from './effect.ts';

/** One thing that is wrong with one image, and what it leads to. Made only where the effect is not `none`. */
export interface Finding {
  readonly field: ImageField;
  readonly effect: 'warn' | 'deny';
  readonly code: ReasonCode;
  readonly message: string;
  /** `policy/requirement`, or the policy alone; absent for the cluster default. */
  readonly rule?: string;
  readonly digest?: Digest;
  /**
   * Present where the image satisfies the policy by evidence that was kept: when it was read, RFC 3339.
   * Such a finding only warns, and takes nothing from the verdict.
   */
  readonly evidenceFrom?: string;
}

/** What findings are made of: the program and the place. */
export interface Ground {
  readonly snapshot: PolicySnapshot;
  readonly place: Place;
}

const NONE: readonly Finding[] = [];

/** The reference cannot be read. */
export function unreadable(
  field: ImageField,
  error: VerificationError,
  { snapshot, place }: Ground,
): readonly Finding[] {
  const { effect, policy } = unreadableEffect(snapshot, place);
  if (effect === 'none') return NONE;
  return [
    {
      field,
      effect,
      code: error.code,
      message: 'the image reference cannot be read',
      ...ruleOf(policy),
    },
  ];
}

/** No policy matches: the cluster default decides. */
export function unmatched(field: ImageField, { snapshot, place }: Ground): readonly Finding[] {
  const effect = defaultEffect(snapshot, place);
  return effect === 'none'
    ? NONE
    : [{ field, effect, code: 'NO_POLICY', message: 'no policy matches the image' }];
}

/** The image of a pod has no digest although policies match: validation never resolves a tag. */
export function undigested(
  field: ImageField,
  policies: readonly CompiledPolicy[],
  { place }: Ground,
): readonly Finding[] {
  const { effect, policy } = strictestOf(policies, place);
  if (effect === 'none' || policy === undefined) return NONE;
  const message =
    policy.spec.tags === 'Deny' ? 'the policy allows no tags' : 'the image has no digest';
  return [{ field, effect, code: 'DIGEST_REQUIRED', message, rule: policy.name }];
}

/** The tag of a template could not be resolved: nothing is known about the image. */
export function unresolved(
  field: ImageField,
  error: VerificationError,
  policies: readonly CompiledPolicy[],
  { place }: Ground,
): readonly Finding[] {
  const { effect, policy } = strictestOf(policies, place);
  return effect === 'none'
    ? NONE
    : [{ field, effect, code: error.code, message: error.message, ...ruleOf(policy) }];
}

/** What the policies say of an image by digest. */
export function judged(
  field: ImageField,
  judgement: ImageJudgement,
  ground: Ground,
): readonly Finding[] {
  if (judgement.policies.length === 0) return unmatched(field, ground);
  let findings: Finding[] | undefined;
  for (const said of judgement.policies) {
    const { outcome } = said.verdict;
    const passes = outcome === 'verified' || outcome === 'exempt';
    if (passes && said.lastVerified === undefined) continue;
    const effect = effectOf(said.policy, ground.place);
    if (effect === 'none') continue;
    findings ??= [];
    findings.push({ field, digest: judgement.use.image.digest, ...worth(said, effect) });
  }
  return findings ?? NONE;
}

function worth(
  { policy, verdict, lastVerified }: PolicyJudgement,
  effect: Finding['effect'],
): Omit<Finding, 'field'> {
  switch (verdict.outcome) {
    case 'rejected':
    case 'inconclusive': {
      const { code, message, requirement } = verdict.first;
      return { effect, code, message, rule: `${policy.name}/${requirement}` };
    }
    case 'verified':
    case 'exempt':
      if (lastVerified === undefined) throw new Error('there is nothing to tell of a pass');
      return { rule: policy.name, ...bridged(lastVerified) };
  }
}

/** The image satisfies the policy by evidence that may be out of date. */
function bridged({
  collectedAt,
  code,
  message,
}: LastVerified): Pick<Finding, 'effect' | 'code' | 'message' | 'evidenceFrom'> {
  const evidenceFrom = collectedAt.toISOString();
  const told = `judged by evidence of ${evidenceFrom}, as ${message}`;
  return { effect: 'warn', code, message: told, evidenceFrom };
}

function ruleOf(policy: CompiledPolicy | undefined): { readonly rule?: string } {
  return policy === undefined ? {} : { rule: policy.name };
}
