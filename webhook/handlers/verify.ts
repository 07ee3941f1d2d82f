// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import type { ImageJudgement, Judge, JudgeInput } from '../../runtime/judge/index.ts';
import type { PolicySnapshot } from '../../runtime/program/index.ts';
import type { KeychainProvider, TagDigests } from '../../runtime/registry/index.ts';
import type { ImageField } from '../../runtime/workload/index.ts';
import {
  printable,
  toVerificationError,
  VerificationError,
  withDigest,
  type Digest,
  type ExceptionIndex,
  type ImageReference,
  type Keychain,
} from '../../verification/index.ts';
import type { AdmissionRequest } from '../admission/decode.ts';
import { allowed, denied } from '../admission/respond.ts';
import type { Deadline } from '../deadline.ts';
import { useOf, effectOf } from './effect.ts';
import {
  judged,
  undigested,
  unmatched,
  unreadable,
  unresolved,
  type Finding,
  type Ground,
} from './finding.ts';
import { fold, type Folded } from './fold.ts';
import { hasDigest, keychainOf, placeOf, tagRegistryOf, type NamespaceLabels } from './place.ts';
import { isReference, type ReferenceReader } from './references.ts';
import { targetOf, type Target } from './target.ts';

/** What the handler tells about each image; implemented by the metrics. */
export interface VerifyObserver {
  /** One judgement; `source` tells whether the registry was needed. */
  judged(judgement: ImageJudgement, source: 'cache' | 'registry'): void;
  /** An image that no policy matches. */
  unmatched(): void;
  /** A static pod that would have been denied if that meant anything. */
  mirror(): void;
}

/** What the handler works with. */
export interface VerifyOptions {
  readonly program: { readonly snapshot: PolicySnapshot | undefined };
  readonly exceptions: { readonly index: ExceptionIndex };
  readonly namespaces: NamespaceLabels;
  readonly keychains: KeychainProvider;
  readonly judge: Judge;
  readonly tags: TagDigests;
  readonly references: ReferenceReader;
  readonly observer: VerifyObserver;
  /** Whether answers carry what they rest on, for the audit record; false where absent. */
  readonly keepsBasis?: boolean;
}

/** Tags of one template that are resolved; the rest is told to be too many. */
const MAX_TEMPLATE_TAGS = 32;
/** Images of one request that are read from registries; the rest is told to be too many. */
const MAX_READS = 64;

/** One request on its way: what does not change, and what has been found so far. */
interface Job extends Ground {
  readonly target: Target;
  readonly keychain: Keychain;
  readonly deadline: Deadline;
  /** By index of the changed field, so that answers keep the order of the object. */
  readonly findings: (readonly Finding[])[];
  readonly judgements: ImageJudgement[];
  /** Tags that were resolved so far. */
  tags: number;
}

/** A field that needs the registry before it can be judged. */
interface Open {
  readonly index: number;
  readonly field: ImageField;
  readonly image: ImageReference;
}

/**
 * Judges every new image of a request (design §2). Verification of a pod never resolves a tag: an
 * image without digest that a policy matches is DIGEST_REQUIRED. Where all evidence is at hand, the
 * answer is made without waiting. Rejects only for faults of ours.
 */
export class VerifyHandler {
  readonly #options: VerifyOptions;

  constructor(options: VerifyOptions) {
    this.#options = options;
  }

  /** The answer to one request. */
  async handle(request: AdmissionRequest, deadline: Deadline): Promise<Folded> {
    const reading = targetOf(request);
    if (reading.state === 'no-images') return { response: allowed(request.uid) };
    if (reading.state === 'malformed') return malformed(request.uid, reading.detail);
    const { target } = reading;
    if (target.changed.length === 0) return { response: allowed(request.uid) };
    const { snapshot } = this.#options.program;
    if (snapshot === undefined) return notProgrammed(request.uid, target);
    if (target.derived && !snapshot.policies.some((p) => p.spec.templates === 'Deny'))
      return { response: allowed(request.uid) };
    const job = await this.#jobOf(target, snapshot, deadline);
    await this.#judgeAll(job);
    return this.#answer(request.uid, job);
  }

  async #jobOf(target: Target, snapshot: PolicySnapshot, deadline: Deadline): Promise<Job> {
    const { namespaces, keychains } = this.#options;
    const ready = placeOf(target, namespaces, deadline);
    const place = ready instanceof Promise ? await ready : ready;
    const credentials = keychainOf(target, keychains);
    const keychain = credentials instanceof Promise ? await credentials : credentials;
    return {
      target,
      snapshot,
      place,
      keychain,
      deadline,
      findings: [],
      judgements: [],
      tags: 0,
    };
  }

  async #judgeAll(job: Job): Promise<void> {
    const { changed } = job.target;
    let open: Open[] | undefined;
    for (let index = 0; index < changed.length; index += 1) {
      const field = changed[index];
      const waiting = field === undefined ? undefined : this.#judgeNow(job, field, index);
      if (waiting !== undefined) (open ??= []).push(waiting);
    }
    if (open !== undefined)
      await Promise.all(withinLimit(job, open).map((waiting) => this.#judgeLater(job, waiting)));
  }

  /** Judges from what is known; answers the field where the registry is needed. */
  #judgeNow(job: Job, field: ImageField, index: number): Open | undefined {
    const image = this.#options.references.read(field.image);
    if (!isReference(image)) {
      job.findings[index] = unreadable(field, image, job);
      return undefined;
    }
    if (job.target.subject === 'template' && isIgnored(job, image)) {
      job.findings[index] = [];
      return undefined;
    }
    if (image.digest === undefined) return this.#withoutDigest(job, { index, field, image });
    const judgement = this.#options.judge.judgeCached(this.#inputOf(job, image, image.digest));
    if (judgement === undefined) return { index, field, image };
    this.#take(job, { index, field, image }, judgement, 'cache');
    return undefined;
  }

  #withoutDigest(job: Job, open: Open): Open | undefined {
    const policies = job.snapshot.matching(useOf(open.image, job.place));
    if (policies.length === 0) {
      this.#options.observer.unmatched();
      job.findings[open.index] = unmatched(open.field, job);
      return undefined;
    }
    if (job.target.subject === 'template') return open;
    job.findings[open.index] = undigested(open.field, policies, job);
    return undefined;
  }

  async #judgeLater(job: Job, open: Open): Promise<void> {
    const { image } = open;
    const digest = image.digest ?? (await this.#resolve(job, open));
    if (digest === undefined) return;
    const judgement = await this.#options.judge.judge(
      this.#inputOf(job, image, digest),
      job.deadline.signal,
    );
    this.#take(job, open, judgement, 'registry');
  }

  /** The digest of a template's tag; `undefined` where there is none, which is then a finding. */
  async #resolve(job: Job, { index, field, image }: Open): Promise<Digest | undefined> {
    const policies = job.snapshot.matching(useOf(image, job.place));
    const pinning = policies.filter((policy) => policy.spec.tags === 'Pin');
    const denying = undigested(
      field,
      policies.filter((policy) => policy.spec.tags === 'Deny'),
      job,
    );
    job.findings[index] = denying;
    if (pinning.length === 0) return undefined;
    try {
      if ((job.tags += 1) > MAX_TEMPLATE_TAGS)
        throw new VerificationError(
          'LIMIT_EXCEEDED',
          'the template names too many tags to resolve',
        );
      return await this.#options.tags.resolve(
        { image, keychain: job.keychain, registry: tagRegistryOf(pinning) },
        job.deadline.signal,
      );
    } catch (thrown) {
      job.findings[index] = [
        ...denying,
        ...unresolved(field, toVerificationError(thrown), pinning, job),
      ];
      return undefined;
    }
  }

  #inputOf(job: Job, image: ImageReference, digest: Digest): JudgeInput {
    const pinned = hasDigest(image) ? image : withDigest(image, digest);
    return new LiveInput(job, useOf(pinned, job.place), this.#options.exceptions);
  }

  #take(
    job: Job,
    { index, field }: Open,
    judgement: ImageJudgement,
    source: 'cache' | 'registry',
  ): void {
    const { observer } = this.#options;
    if (judgement.policies.length === 0) observer.unmatched();
    else observer.judged(judgement, source);
    job.judgements.push(judgement);
    const found = judged(field, judgement, job);
    const earlier = job.findings[index];
    job.findings[index] = earlier === undefined ? found : [...earlier, ...found];
  }

  #answer(uid: string, job: Job): Folded {
    assertJudged(job);
    const findings = job.findings.flat();
    if (job.target.mirror && findings.some((f) => f.effect === 'deny'))
      this.#options.observer.mirror();
    const folded = fold(uid, job.target, findings, job.judgements);
    return this.#options.keepsBasis === true ? { ...folded, basis: job } : folded;
  }
}

/**
 * A judgement that sees the exceptions as they are at its instant: one may be revoked while evidence is
 * read. A class, since a getter in a literal makes each object one of a kind, which is slow.
 */
class LiveInput implements JudgeInput {
  readonly snapshot: PolicySnapshot;
  readonly use: JudgeInput['use'];
  readonly keychain: Keychain;
  readonly #exceptions: VerifyOptions['exceptions'];

  constructor(
    { snapshot, keychain }: Job,
    use: JudgeInput['use'],
    exceptions: VerifyOptions['exceptions'],
  ) {
    this.snapshot = snapshot;
    this.keychain = keychain;
    this.use = use;
    this.#exceptions = exceptions;
  }

  get exceptions(): ExceptionIndex {
    return this.#exceptions.index;
  }
}

/** Nothing is admitted because something passed it over. */
function assertJudged({ target, findings }: Job): void {
  for (let index = 0; index < target.changed.length; index += 1) {
    if (findings[index] === undefined) throw new Error('an image was not judged');
  }
}

/** The answer to a request that has a UID and nothing else that can be relied on. */
export function malformed(uid: string, detail: string): Folded {
  const message = `REQUEST_MALFORMED: ${printable(detail)}`;
  return {
    response: denied(uid, message, [{ reason: 'REQUEST_MALFORMED', message }]),
    code: 'REQUEST_MALFORMED',
  };
}

function notProgrammed(uid: string, target: Target): Folded {
  const findings = target.changed.map((field): Finding => ({
    field,
    effect: 'deny',
    code: 'NOT_PROGRAMMED',
    message: 'no program of policies yet',
  }));
  return fold(uid, target, findings, []);
}

/** The fields that are judged although the registry is needed; for all others there is a finding then. */
function withinLimit(job: Job, open: readonly Open[]): readonly Open[] {
  if (open.length <= MAX_READS) return open;
  const images = new Set<string>();
  return open.filter(({ index, field, image }) => {
    if (images.has(image.written)) return true;
    if (images.size < MAX_READS) return images.add(image.written);
    const policies = job.snapshot.matching(useOf(image, job.place));
    const error = new VerificationError('LIMIT_EXCEEDED', 'the object names too many new images');
    job.findings[index] = unresolved(field, error, policies, job);
    return false;
  });
}

/** Whether policies match the image of a template and every one of them ignores templates. */
function isIgnored({ snapshot, place }: Job, image: ImageReference): boolean {
  const policies = snapshot.matching(useOf(image, place));
  return policies.length > 0 && policies.every((policy) => effectOf(policy, place) === 'none');
}
