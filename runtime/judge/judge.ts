// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import type { Mode } from '../../crds/index.ts';
import {
  evaluate,
  evidenceNeeded,
  ExceptionIndex,
  OpenQuestions,
  type Answers,
  type CompiledPolicy,
  type Digest,
  type Evidence,
  type EvidenceState,
  type FactCache,
  type FactQuestion,
  type ImageReference,
  type ImageUse,
  type Keychain,
  type Subject,
  type Verdict,
} from '../../verification/index.ts';
import { orWhenAborted } from '../abort.ts';
import type { Clock } from '../clock.ts';
import type { DefaultAction, PolicySnapshot } from '../program/index.ts';
import type { KeptEvidence } from '../verified-evidence/index.ts';
import { gapsOf, type EvidenceCache, type EvidenceRequest } from './evidence-cache.ts';
import {
  isOutage,
  LastVerifiedEvidence,
  type Collected,
  type LastVerified,
  type LastVerifiedOptions,
  type Said,
  type StandIn,
} from './last-verified.ts';

/** An image by digest and where it is used. */
export interface PinnedUse extends ImageUse {
  readonly image: ImageReference & { readonly digest: Digest };
}

/** The verdict of one policy and the mode in which it counts. */
export interface PolicyJudgement {
  readonly policy: CompiledPolicy;
  readonly mode: Mode;
  readonly verdict: Verdict;
  /** Present where the verdict rests on kept evidence, as the registry could not be read. */
  readonly lastVerified?: LastVerified;
}

/** What all matching policies say of one use of an image. */
export interface ImageJudgement {
  readonly use: PinnedUse;
  /** Empty where no policy matches: then `defaultAction` decides. */
  readonly policies: readonly PolicyJudgement[];
  readonly defaultAction: DefaultAction;
}

/** Establishes what the cache of facts leaves open because it takes long. Never rejects. */
export interface Establisher {
  /** An answer to each question, by `FactCache.keyOf`. */
  establish(
    asked: readonly { readonly policy: CompiledPolicy; readonly question: FactQuestion }[],
  ): Promise<Answers>;
}

/** What a judge works with. */
export interface JudgeOptions {
  readonly evidence: EvidenceCache;
  readonly facts: FactCache;
  readonly clock: Clock;
  /** Needed where `facts` leave anything open. */
  readonly establisher?: Establisher;
  /** Where evidence is kept for outages; without it no outage is bridged. */
  readonly lastVerified?: LastVerifiedOptions;
}

/** What one judgement is made of. */
export interface JudgeInput {
  readonly snapshot: PolicySnapshot;
  readonly use: PinnedUse;
  /** Asked again after every wait: a getter makes a judgement see what changed meanwhile. */
  readonly exceptions: ExceptionIndex;
  readonly keychain: Keychain;
  /** Whether complete evidence is used however old it is, see {@link EvidenceRequest}; false where absent. */
  readonly asKept?: boolean;
}

/**
 * Joins matching, evidence and `evaluate`: the one way to a verdict for admission, re-verification
 * and CLI. The instant of the verdict is read after the evidence is there.
 */
export class Judge {
  readonly #options: JudgeOptions;
  readonly #lastVerified: LastVerifiedEvidence | undefined;

  constructor(options: JudgeOptions) {
    this.#options = options;
    const { lastVerified, clock } = options;
    this.#lastVerified = lastVerified && new LastVerifiedEvidence(lastVerified, clock);
  }

  /**
   * The judgement from what is known now, without I/O; `undefined` where evidence must be read first, or
   * facts be established that take long.
   */
  judgeCached(input: JudgeInput): ImageJudgement | undefined {
    const now = this.#options.clock.now();
    const cases: PolicyCase[] = [];
    const peek = this.#peeker(input);
    for (const policy of input.snapshot.matching(input.use)) {
      const evidence = needsEvidence(policy, input, now) ? peek(policy) : NOT_NEEDED;
      if (evidence === undefined) return undefined;
      cases.push({ policy, evidence });
    }
    const { judgement, open } = this.#weigh(input, cases, { now, answers: NO_ANSWERS });
    return open.length > 0 || this.#mayBridge(cases, judgement) ? undefined : judgement;
  }

  /** The judgement, reading evidence where needed. Never rejects for what a registry does. */
  async judge(input: JudgeInput, signal: AbortSignal): Promise<ImageJudgement> {
    const before = this.#options.clock.now();
    const cases = await Promise.all(
      input.snapshot.matching(input.use).map(async (policy): Promise<PolicyCase> => {
        const known = this.#known(policy, input, before);
        return {
          policy,
          evidence: known ?? (await this.#options.evidence.get(requestOf(policy, input), signal)),
        };
      }),
    );
    return await this.#settle(input, cases, signal);
  }

  /**
   * Reads the evidence of every matching policy again; for the clock of re-verification. False where
   * some could not be read: what is kept stays, and reading is to be tried again.
   */
  async refresh(input: JudgeInput, signal: AbortSignal): Promise<boolean> {
    const needing = input.snapshot.matching(input.use).filter((policy) => policy.needsEvidence);
    const states = await Promise.all(
      needing.map((policy) => this.#options.evidence.refresh(requestOf(policy, input), signal)),
    );
    return states.every(({ state }) => state === 'collected');
  }

  /** Forgets the evidence for every matching policy: it is read before it counts again. */
  forget(input: JudgeInput): void {
    for (const policy of input.snapshot.matching(input.use))
      this.#options.evidence.forget(requestOf(policy, input));
  }

  /** The evidence by which the image last satisfied a policy, where it is kept. Never rejects. */
  async lastVerified(policy: CompiledPolicy, input: JudgeInput): Promise<KeptEvidence | undefined> {
    return await this.#lastVerified?.find(policy, requestOf(policy, input));
  }

  /**
   * What a policy says of the image by given evidence alone, at an instant: exceptions have no say, and
   * no registry is read. Never rejects.
   */
  async judgeBy(
    { policy, evidence, at }: GivenEvidence,
    input: JudgeInput,
    signal: AbortSignal,
  ): Promise<Verdict | undefined> {
    const plain = { ...input, exceptions: NO_EXCEPTIONS };
    const cases = [{ policy, evidence: { state: 'collected', evidence } as const }];
    const judgement = await this.#establish(plain, cases, signal, at);
    return judgement?.policies[0]?.verdict;
  }

  /** Whether all evidence that a policy asks for is known, and nothing of it was left unread. */
  isReadWhole(policy: CompiledPolicy, input: JudgeInput): boolean {
    if (!policy.needsEvidence) return true;
    const evidence = this.#options.evidence.peek(requestOf(policy, input));
    return evidence !== undefined && gapsOf(evidence).length === 0;
  }

  /** Judges what was read, and by kept evidence where an outage is all that stands against it. */
  async #settle(
    input: JudgeInput,
    cases: readonly PolicyCase[],
    signal: AbortSignal,
  ): Promise<ImageJudgement> {
    const judgement = await this.#establish(input, cases, signal);
    if (judgement === undefined) return await this.judge(input, signal);
    if (!this.#mayBridge(cases, judgement)) return judgement;
    const standIns = await this.#standIns(input, cases, judgement, signal);
    if (standIns.every((standIn) => standIn === undefined)) return judgement;
    const bridged = cases.map((c, i) => ({ ...c, ...evidenceOf(standIns[i]) }));
    const again = await this.#establish(input, bridged, signal);
    if (again === undefined) return await this.judge(input, signal);
    const policies = judgement.policies.map((first, i) =>
      this.#bridged(first, again.policies[i], standIns[i]),
    );
    return { ...judgement, policies };
  }

  /**
   * Judges what was read; facts that take long are established, and waited for. `undefined` where
   * evidence is needed by now that was not when reading began.
   */
  async #establish(
    input: JudgeInput,
    cases: readonly PolicyCase[],
    signal: AbortSignal,
    at?: Date,
  ): Promise<ImageJudgement | undefined> {
    let answers = NO_ANSWERS;
    for (let round = 1; ; round += 1) {
      const now = at ?? this.#options.clock.now();
      // An exception may have ended meanwhile: then evidence that was not needed is needed after all.
      const late = cases.some(
        (c) => c.evidence.state === 'not-needed' && needsEvidence(c.policy, input, now),
      );
      if (late) return undefined;
      const { judgement, open } = this.#weigh(input, cases, { now, answers });
      const { establisher } = this.#options;
      if (open.length === 0 || establisher === undefined || signal.aborted || round > MAX_ROUNDS)
        return judgement;
      answers = await orWhenAborted(establisher.establish(open), signal, () => NO_ANSWERS);
    }
  }

  /** Whether kept evidence could make a difference. */
  #mayBridge(cases: readonly PolicyCase[], { policies }: ImageJudgement): boolean {
    return (
      this.#lastVerified !== undefined &&
      policies.some(({ policy, verdict }, i) => {
        const evidence = cases[i]?.evidence ?? NOT_NEEDED;
        return verdict.outcome === 'inconclusive' && isOutage({ policy, evidence, verdict });
      })
    );
  }

  async #standIns(
    input: JudgeInput,
    cases: readonly PolicyCase[],
    { policies }: ImageJudgement,
    signal: AbortSignal,
  ): Promise<readonly (StandIn | undefined)[]> {
    const finding = policies.map(async ({ policy, verdict }, i) => {
      const evidence = cases[i]?.evidence ?? NOT_NEEDED;
      const said = { policy, evidence, verdict };
      return await this.#lastVerified?.standInFor(said, requestOf(policy, input));
    });
    return await orWhenAborted(Promise.all(finding), signal, () => []);
  }

  /** The judgement by kept evidence counts where it is a pass, now as before; else nothing can be told. */
  #bridged(
    first: PolicyJudgement,
    again: PolicyJudgement | undefined,
    standIn: StandIn | undefined,
  ): PolicyJudgement {
    if (again === undefined || standIn === undefined) return again ?? first;
    const { policy, verdict } = again;
    const passes = verdict.outcome === 'verified' || verdict.outcome === 'exempt';
    const { lastVerified } = standIn;
    if (!passes || this.#lastVerified?.mayCount(policy, lastVerified) !== true) return first;
    return { ...again, lastVerified };
  }

  /** Most policies read a registry in the same way: one look-up then serves them all. */
  #peeker(input: JudgeInput): (policy: CompiledPolicy) => EvidenceState | undefined {
    let last: { readonly policy: CompiledPolicy; readonly evidence: EvidenceState } | undefined;
    return (policy) => {
      if (last !== undefined && readsAlike(last.policy, policy)) return last.evidence;
      const evidence = this.#options.evidence.peek(requestOf(policy, input));
      if (evidence === undefined) return undefined;
      last = { policy, evidence: { state: 'collected', evidence } };
      return last.evidence;
    };
  }

  #known(policy: CompiledPolicy, input: JudgeInput, now: Date): EvidenceState | undefined {
    if (!needsEvidence(policy, input, now)) return NOT_NEEDED;
    const evidence = this.#options.evidence.peek(requestOf(policy, input));
    return evidence === undefined ? undefined : { state: 'collected', evidence };
  }

  /** The judgement, and what was left open where that made a difference. */
  #weigh(
    input: JudgeInput,
    cases: readonly PolicyCase[],
    { now, answers }: { readonly now: Date; readonly answers: Answers },
  ): Weighed {
    const subject = subjectOf(input.use);
    const { exceptions, use } = input;
    const { cluster } = input.snapshot;
    const open: OpenQuestion[] = [];
    const facts = new OpenQuestions(this.#options.facts, answers);
    const policies = cases.map(({ policy, evidence }): PolicyJudgement => {
      const verdict = evaluate({ policy, subject, evidence, exceptions, now, facts, cluster });
      const asked = facts.takeOpen();
      if (asked.length > 0 && verdict.results.some((r) => r.outcome === 'inconclusive'))
        open.push(...asked.map((question) => ({ policy, question })));
      if (evidence.state === 'collected' && this.#lastVerified?.isKeptFor(policy) === true)
        this.#note({ policy, evidence, verdict }, input);
      return { policy, mode: policy.modeIn(use.namespaceLabels), verdict };
    });
    return { judgement: { use, policies, defaultAction: input.snapshot.defaultAction }, open };
  }

  /** Nothing but look-ups where the same was noted of the same reading before. */
  #note(said: Said & { readonly evidence: Collected }, input: JudgeInput): void {
    const collection = this.#options.evidence.collectionOf(said.evidence.evidence);
    if (collection === undefined || this.#lastVerified?.isNews(said, collection) !== true) return;
    this.#lastVerified.note(said, collection, requestOf(said.policy, input));
  }
}

/** Evidence that is given, and the policy to judge by it. */
export interface GivenEvidence {
  readonly policy: CompiledPolicy;
  readonly evidence: Evidence;
  /** The instant to judge at; now unless told. */
  readonly at?: Date;
}

type OpenQuestion = Parameters<Establisher['establish']>[0][number];

interface Weighed {
  readonly judgement: ImageJudgement;
  readonly open: readonly OpenQuestion[];
}

interface PolicyCase {
  readonly policy: CompiledPolicy;
  readonly evidence: EvidenceState;
}

/** What is asked changes with the minute, as conditions see the time: waits for facts end all the same. */
const MAX_ROUNDS = 3;
const NO_ANSWERS: Answers = new Map();
const NO_EXCEPTIONS = new ExceptionIndex();
const NOT_NEEDED: EvidenceState = { state: 'not-needed' };

function evidenceOf(standIn: StandIn | undefined): Partial<Pick<PolicyCase, 'evidence'>> {
  return standIn === undefined ? {} : { evidence: standIn.evidence };
}

function needsEvidence(policy: CompiledPolicy, input: JudgeInput, now: Date): boolean {
  return evidenceNeeded({
    policy,
    subject: subjectOf(input.use),
    exceptions: input.exceptions,
    now,
    cluster: input.snapshot.cluster,
  });
}

function readsAlike(a: CompiledPolicy, b: CompiledPolicy): boolean {
  return (
    a.registry.signatureRepository === b.registry.signatureRepository &&
    a.registry.ca === b.registry.ca &&
    a.needsAttestations === b.needsAttestations &&
    a.acceptsIndex === b.acceptsIndex
  );
}

function subjectOf(use: PinnedUse): Subject {
  return {
    image: use.image,
    digest: use.image.digest,
    namespace: use.namespace,
    serviceAccount: use.serviceAccount,
  };
}

function requestOf(policy: CompiledPolicy, input: JudgeInput): EvidenceRequest {
  return {
    image: input.use.image,
    keychain: input.keychain,
    registry: policy.registry,
    attestations: policy.needsAttestations,
    index: policy.acceptsIndex,
    asKept: input.asKept ?? false,
  };
}
