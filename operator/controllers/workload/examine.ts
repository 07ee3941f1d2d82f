// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import type { Mode } from '../../../crds/index.ts';
import type {
  EvidenceCache,
  Judge,
  JudgeInput,
  PolicyJudgement,
} from '../../../runtime/judge/index.ts';
import type { PolicySnapshot } from '../../../runtime/program/index.ts';
import type { KeychainProvider, TagDigests } from '../../../runtime/registry/index.ts';
import {
  parseImageReference,
  toVerificationError,
  VerificationError,
  withDigest,
  type CompiledPolicy,
  type Digest,
  type ExceptionIndex,
  type ImageReference,
  type Keychain,
  type Labels,
} from '../../../verification/index.ts';
import type { ObservedImage } from './observed.ts';
import type { Refreshes } from './refreshes.ts';
import { isSameImage } from './same-image.ts';

/** Where the images of a workload are used, and by what they are judged. */
export interface Ground {
  readonly snapshot: PolicySnapshot;
  readonly exceptions: ExceptionIndex;
  readonly namespace: string;
  readonly namespaceLabels: Labels;
  /**
   * Whether the workload is as it was at the last look: then only the interval lets a registry be asked
   * again, also for what had no signature.
   */
  readonly isUnchanged?: boolean;
}

/** What policies say of an image that was judged by digest. */
export interface Judged {
  readonly observed: ObservedImage;
  /** The reference that was judged, as far as it was written. */
  readonly image: string;
  readonly digest: Digest;
  /** Never empty. */
  readonly policies: readonly PolicyJudgement[];
  /** Milliseconds until its evidence is to be read again; 0 or less where it could not be read. */
  readonly dueInMs: number;
}

/** An image that was judged, without what was found of it. */
export type ImageAt = Pick<Judged, 'observed' | 'image' | 'digest'>;

/** An image that could not be judged by digest, or that no policy matches where one must. */
export interface Unjudged {
  readonly observed: ObservedImage;
  readonly error: VerificationError;
  /** The policies that would have judged it; empty for the cluster default. */
  readonly policies: readonly CompiledPolicy[];
  /** How the cluster default counts; Enforce unless told. */
  readonly defaultMode?: Mode;
}

/** What was found of one image. */
export type Finding = Judged | Unjudged;

/** What examining needs. */
export interface ExaminerOptions {
  readonly judge: Judge;
  readonly evidence: Pick<EvidenceCache, 'get'>;
  readonly tags: TagDigests;
  readonly keychains: KeychainProvider;
  readonly refreshes: Refreshes;
}

/** An image with its policies, on its way to a verdict. */
interface Case {
  readonly observed: ObservedImage;
  readonly image: ImageReference;
  readonly ground: Ground;
  readonly keychain: Keychain;
}

/**
 * Judges the images of a workload by the same evidence and `evaluate` as admission does (design §2).
 * What a node reports counts only where the spec names no digest, or names another one.
 */
export class WorkloadExaminer {
  readonly #options: ExaminerOptions;

  constructor(options: ExaminerOptions) {
    this.#options = options;
  }

  /** What policies say of each image. Never rejects for what a registry does. */
  async examine(
    images: readonly ObservedImage[],
    ground: Ground,
    signal: AbortSignal,
  ): Promise<readonly Finding[]> {
    const found = await Promise.all(images.map((image) => this.#one(image, ground, signal)));
    return found.flat();
  }

  /** What judging an image again takes, as things are now and by the evidence that is known. */
  async inputOf({ observed, image, digest }: ImageAt, ground: Ground): Promise<JudgeInput> {
    const { snapshot, exceptions, namespace } = ground;
    const keychain = await this.#keychainOf(observed, namespace);
    const use = useOf(observed, withDigest(parseImageReference(image), digest), ground);
    return { snapshot, use, exceptions, keychain, asKept: true };
  }

  async #one(
    observed: ObservedImage,
    ground: Ground,
    signal: AbortSignal,
  ): Promise<readonly Finding[]> {
    const image = readReference(observed.written);
    if (image instanceof VerificationError) return unreadable(observed, image, ground);
    const { snapshot } = ground;
    const policies = snapshot.matching(useOf(observed, image, ground));
    if (policies.length === 0) return unmatched(observed, ground);
    const keychain = await this.#keychainOf(observed, ground.namespace);
    const subject: Case = { observed, image, ground, keychain };
    if (image.digest === undefined) return await this.#byTag(subject, policies, signal);
    return await this.#byDigest(subject, image.digest, signal);
  }

  async #byDigest(subject: Case, digest: Digest, signal: AbortSignal): Promise<readonly Finding[]> {
    const { observed, image } = subject;
    const named = await this.#judge(subject, withDigest(image, digest), signal);
    const reported = observed.imageId === undefined ? undefined : readReference(observed.imageId);
    if (reported === undefined || reported instanceof VerificationError) return [named];
    if (reported.digest === undefined || reported.digest === digest) return [named];
    if (await this.#isSame(subject, digest, reported, signal)) return [named];
    const { ground } = subject;
    if (ground.snapshot.matching(useOf(observed, reported, ground)).length === 0) return [named];
    const other = await this.#judge(subject, withDigest(reported, reported.digest), signal);
    return [named, other];
  }

  async #byTag(
    subject: Case,
    policies: readonly CompiledPolicy[],
    signal: AbortSignal,
  ): Promise<readonly Finding[]> {
    const { observed, image } = subject;
    const denying = policies.filter((policy) => policy.spec.tags === 'Deny');
    const pinning = policies.filter((policy) => policy.spec.tags === 'Pin');
    const refused = denying.length === 0 ? [] : [withoutDigest(observed, denying)];
    // What a pod that is starting runs will be told by its node: nothing can be said before.
    if (pinning.length === 0 || observed.starting === true) return refused;
    const digest = await this.#digestOf(subject, pinning, signal);
    if (digest instanceof VerificationError) {
      return [...refused, { observed, error: digest, policies: pinning }];
    }
    const judged = await this.#judge(subject, withDigest(image, digest), signal);
    const names = new Set(pinning.map((policy) => policy.name));
    const said = judged.policies.filter(({ policy }) => names.has(policy.name));
    return [...refused, { ...judged, policies: said }];
  }

  /** Of a template the digest of the tag now; of a pod what its node reports. */
  async #digestOf(
    { observed, image, keychain }: Case,
    policies: readonly CompiledPolicy[],
    signal: AbortSignal,
  ): Promise<Digest | VerificationError> {
    if (observed.process === 'background') {
      const reported = observed.imageId === undefined ? undefined : readReference(observed.imageId);
      const digest = reported instanceof VerificationError ? undefined : reported?.digest;
      return digest ?? withoutDigest(observed, policies).error;
    }
    const ca = policies.find((policy) => policy.registry.ca !== undefined)?.registry.ca;
    const registry = ca === undefined ? {} : { ca };
    try {
      return await this.#options.tags.resolve({ image, keychain, registry }, signal);
    } catch (thrown) {
      return toVerificationError(thrown);
    }
  }

  async #judge(
    { observed, ground, keychain }: Case,
    image: ImageReference & { readonly digest: Digest },
    signal: AbortSignal,
  ): Promise<Judged> {
    const { judge, refreshes } = this.#options;
    const { snapshot, exceptions, isUnchanged: asKept = false } = ground;
    const use = useOf(observed, image, ground);
    const input: JudgeInput = { snapshot, use, exceptions, keychain, asKept };
    const intervals = snapshot.matching(use).map((policy) => policy.intervalMs);
    const intervalMs = Math.min(...intervals);
    const left = refreshes.msUntilDue(input, intervalMs);
    const due = left <= 0;
    // How old evidence may be is said by such a policy: what cannot be renewed counts as kept from now on.
    const isKept = snapshot.matching(use).some((p) => p.lastVerifiedMaxAgeMs !== undefined);
    if (due && isKept) judge.forget(input);
    else if (due && (await judge.refresh(input, signal))) refreshes.wasRead(input);
    // A whole interval late: what the registry has now cannot be told any more.
    else if (left <= -intervalMs) judge.forget(input);
    const { policies } = await judge.judge(input, signal);
    if (due && isKept && judge.judgeCached(input) !== undefined) refreshes.wasRead(input);
    const dueInMs = refreshes.msUntilDue(input, intervalMs);
    return { observed, image: image.written, digest: image.digest, policies, dueInMs };
  }

  async #isSame(
    { image, ground, observed, keychain }: Case,
    digest: Digest,
    reported: ImageReference,
    signal: AbortSignal,
  ): Promise<boolean> {
    const { evidence } = this.#options;
    const [policy] = ground.snapshot.matching(useOf(observed, image, ground));
    if (policy === undefined || reported.digest === undefined) return false;
    const { registry } = policy;
    const asKept = ground.isUnchanged ?? false;
    const [named, running] = await Promise.all(
      [withDigest(image, digest), withDigest(reported, reported.digest)].map((reference) =>
        evidence.get({ image: reference, keychain, registry, asKept }, signal),
      ),
    );
    if (named?.state !== 'collected' || running?.state !== 'collected') return false;
    return isSameImage(named.evidence, running.evidence);
  }

  async #keychainOf(observed: ObservedImage, namespace: string): Promise<Keychain> {
    const { process, pullSecrets, serviceAccount } = observed;
    // The API server has copied the pull secrets of the service account into a pod, not into a template.
    const fromAccount = process === 'template' && pullSecrets.length === 0;
    const request = { namespace, pullSecrets, ...(fromAccount ? { serviceAccount } : {}) };
    return await this.#options.keychains.keychainFor(request);
  }
}

function useOf<I extends ImageReference>(
  { serviceAccount }: ObservedImage,
  image: I,
  { namespace, namespaceLabels }: Ground,
): { image: I; namespace: string; namespaceLabels: Labels; serviceAccount: string } {
  return { image, namespace, namespaceLabels, serviceAccount };
}

function readReference(written: string): ImageReference | VerificationError {
  try {
    return parseImageReference(written);
  } catch (thrown) {
    return toVerificationError(thrown);
  }
}

/**
 * It could be any image: every policy for the namespace and account speaks, and the cluster default. As
 * at admission it is at least worth a warning.
 */
function unreadable(
  observed: ObservedImage,
  error: VerificationError,
  ground: Ground,
): readonly Finding[] {
  const { snapshot } = ground;
  const use = useOf(observed, { written: '', host: '', repository: '' }, ground);
  const policies = snapshot.policies.filter((policy) => policy.coversUse(use));
  const speaking = policies.length === 0 ? [] : [{ observed, error, policies }];
  if (snapshot.defaultAction === 'Deny') return [...speaking, { observed, error, policies: [] }];
  if (policies.length > 0) return speaking;
  return [{ observed, error, policies, defaultMode: 'Audit' }];
}

function unmatched(observed: ObservedImage, { snapshot }: Ground): readonly Finding[] {
  if (snapshot.defaultAction === 'Allow') return [];
  const error = new VerificationError('NO_POLICY', 'no policy matches the image');
  return [{ observed, error, policies: [] }];
}

function withoutDigest(observed: ObservedImage, policies: readonly CompiledPolicy[]): Unjudged {
  const denied = policies.some((policy) => policy.spec.tags === 'Deny');
  const message = denied ? 'the policy allows no tags' : 'the image has no digest';
  return { observed, error: new VerificationError('DIGEST_REQUIRED', message), policies };
}
