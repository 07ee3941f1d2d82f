// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import type { ImageTrustPolicySpecInput } from '../../crds/index.ts';
import {
  compilePolicy,
  evaluate,
  ExceptionIndex,
  FactCache,
  limits,
  parseImageReference,
  toVerificationError,
  withDigest,
  type CompiledPolicy,
  type Evidence,
  type EvidenceState,
  type Subject,
} from '../../verification/index.ts';
import { dockerConfigKeychain } from '../../verification/sources/keychain/index.ts';
import { createOciSource, type OciSource } from '../../verification/sources/oci/index.ts';

/** What we say. */
export interface OurVerdict {
  readonly allowed: boolean;
  /** Reason code where it is refused. */
  readonly code: string;
  readonly message: string;
}

const COLLECTION_MS = 30_000;

/**
 * Judges as every part of Countersign does: evidence from the registry, facts, verdict. One memory of
 * facts serves all, so that a fact which is kept under too short a name shows as a wrong verdict.
 */
export class OurJudge {
  readonly #source: OciSource;
  readonly #facts = new FactCache();
  readonly #keychain = dockerConfigKeychain({ auths: {} }, 'anonymous');

  constructor(hosts: readonly string[]) {
    const now = (): number => Date.now();
    this.#source = createOciSource({ limits: limits(), plainHttpHosts: hosts, now });
  }

  /** Reads what the registry holds about an image. */
  async collect(pinned: string): Promise<Evidence> {
    const { image, digest } = subjectOf(pinned);
    return this.#source.collect(withDigest(image, digest), {
      keychain: this.#keychain,
      registry: {},
      signal: AbortSignal.timeout(COLLECTION_MS),
      attestations: true,
      index: false,
    });
  }

  /** Judges an image by what the registry holds. */
  async judge(pinned: string, spec: ImageTrustPolicySpecInput): Promise<OurVerdict> {
    return this.#judge(pinned, spec, await this.#stateOf(pinned));
  }

  /** Judges an image by evidence at hand. */
  judgeBy(pinned: string, spec: ImageTrustPolicySpecInput, evidence: Evidence): OurVerdict {
    return this.#judge(pinned, spec, { state: 'collected', evidence });
  }

  async close(): Promise<void> {
    await this.#source.close();
  }

  #judge(pinned: string, spec: ImageTrustPolicySpecInput, evidence: EvidenceState): OurVerdict {
    const { image, digest } = subjectOf(pinned);
    let policy: CompiledPolicy;
    try {
      policy = compilePolicy('differential', spec);
    } catch (thrown) {
      const { code, message } = toVerificationError(thrown);
      return { allowed: false, code, message };
    }
    const verdict = evaluate({
      policy,
      subject: { image, digest, namespace: 'default', serviceAccount: 'default' },
      evidence,
      exceptions: new ExceptionIndex([]),
      now: new Date(),
      facts: this.#facts,
    });
    if (verdict.outcome === 'verified') return { allowed: true, code: '', message: '' };
    if (verdict.outcome === 'exempt') throw new Error('exempt without an exception');
    const { code, message } = verdict.first;
    return { allowed: false, code, message };
  }

  async #stateOf(pinned: string): Promise<EvidenceState> {
    try {
      return { state: 'collected', evidence: await this.collect(pinned) };
    } catch (thrown) {
      return { state: 'failed', error: toVerificationError(thrown) };
    }
  }
}

type Pinned = Pick<Subject, 'image' | 'digest'>;

function subjectOf(pinned: string): Pinned {
  const image = parseImageReference(pinned);
  const { digest } = image;
  if (digest === undefined) throw new Error(`${pinned} has no digest`);
  return { image, digest };
}
