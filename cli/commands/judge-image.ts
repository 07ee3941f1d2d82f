// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import type { Judge, PolicyJudgement } from '../../runtime/judge/index.ts';
import type { PolicySnapshot } from '../../runtime/program/index.ts';
import {
  isInconclusive,
  toVerificationError,
  withDigest,
  type CompiledPolicy,
  type Digest,
  type EvidenceSource,
  type ExceptionIndex,
  type ImageReference,
  type Keychain,
  type RegistryOptions,
  type VerificationError,
} from '../../verification/index.ts';
import { decisionOf, type ImageReport, type Place, type PolicyReport } from '../report.ts';

/** What images are judged with. */
export interface Bench {
  readonly snapshot: PolicySnapshot;
  readonly exceptions: ExceptionIndex;
  readonly keychain: Keychain;
  readonly judge: Judge;
  readonly source: EvidenceSource;
  readonly place: Place;
  /** Makes the signal that bounds one step. */
  readonly deadline: () => AbortSignal;
}

type PinnedImage = ImageReference & { readonly digest: Digest };

/**
 * Judges one image as admission would: a tag is resolved first, as the pinning webhook does, unless a
 * matching policy denies tags. Never rejects for what a registry does.
 */
export async function judgeImage(image: ImageReference, bench: Bench): Promise<ImageReport> {
  const { snapshot, place } = bench;
  const policies = snapshot.matching({ image, ...place });
  const base = { image: image.written, resolved: false };
  if (policies.length === 0) {
    const isDenied = snapshot.defaultAction === 'Deny';
    return isDenied
      ? { ...base, decision: 'rejected', code: 'NO_POLICY', policies: [] }
      : { ...base, decision: 'allowed', policies: [] };
  }
  if (hasDigest(image)) return await judgePinned(image, base, bench);
  if (policies.some((policy) => policy.spec.tags === 'Deny')) {
    return reportOf(
      base,
      policies.map((policy) => undigested(policy, place)),
    );
  }
  try {
    const options = {
      keychain: bench.keychain,
      registry: registryOf(policies),
      signal: bench.deadline(),
    };
    const digest = await bench.source.resolveTag(image, options);
    return await judgePinned(withDigest(image, digest), { ...base, resolved: true }, bench);
  } catch (thrown) {
    const error = toVerificationError(thrown);
    return reportOf(
      base,
      policies.map((policy) => unresolved(policy, error, place)),
    );
  }
}

type Base = Pick<ImageReport, 'image' | 'resolved'>;

async function judgePinned(image: PinnedImage, base: Base, bench: Bench): Promise<ImageReport> {
  const { snapshot, exceptions, keychain, place, judge } = bench;
  const { policies } = await judge.judge(
    { snapshot, exceptions, keychain, use: { image, ...place } },
    bench.deadline(),
  );
  return { ...reportOf(base, policies.map(judged)), digest: image.digest };
}

function reportOf(base: Base, policies: readonly PolicyReport[]): ImageReport {
  return { ...base, decision: decisionOf(policies), policies };
}

function judged({ policy, mode, verdict }: PolicyJudgement): PolicyReport {
  const { outcome, results: requirements } = verdict;
  const base = { policy: policy.name, mode, outcome, requirements };
  if (verdict.outcome !== 'rejected' && verdict.outcome !== 'inconclusive') return base;
  const { code, message } = verdict.first;
  return { ...base, code, message };
}

/** Where one policy denies tags, the tag stays, and then every policy misses the digest. */
function undigested(policy: CompiledPolicy, place: Place): PolicyReport {
  const message =
    policy.spec.tags === 'Deny' ? 'the policy allows no tags' : 'the image has no digest';
  return { ...unjudged(policy, place), outcome: 'rejected', code: 'DIGEST_REQUIRED', message };
}

function unresolved(
  policy: CompiledPolicy,
  { code, message }: VerificationError,
  place: Place,
): PolicyReport {
  return {
    ...unjudged(policy, place),
    outcome: isInconclusive(code) ? 'inconclusive' : 'rejected',
    code,
    message,
  };
}

function unjudged(
  policy: CompiledPolicy,
  place: Place,
): Pick<PolicyReport, 'policy' | 'mode' | 'requirements'> {
  return { policy: policy.name, mode: policy.modeIn(place.namespaceLabels), requirements: [] };
}

/** How the registry is reached for a tag: as the first policy says that names a CA. */
function registryOf(policies: readonly CompiledPolicy[]): RegistryOptions {
  const ca = policies.find((policy) => policy.registry.ca !== undefined)?.registry.ca;
  return ca === undefined ? {} : { ca };
}

function hasDigest(image: ImageReference): image is PinnedImage {
  return image.digest !== undefined;
}
