// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import {
  VerificationError,
  type TrustedRootText,
  type TrustRootSource,
  type TufRepository,
} from '../../verification/index.ts';

/** The failure of a mirror that does not answer. */
export function staleMirror(message = 'the mirror did not answer'): VerificationError {
  return new VerificationError('TRUST_ROOT_STALE', message);
}

/** A source of trust roots that answers what a test says. */
export class FakeTrustSource implements TrustRootSource {
  readonly reads: TufRepository[] = [];
  /** What is at hand without the network. */
  known: TrustedRootText | undefined;
  /** What a read answers, throws, or waits for. */
  answer: TrustedRootText | Error | Promise<TrustedRootText> = staleMirror();
  /** Of the last read. */
  signal: AbortSignal | undefined;

  async trustedRoot(repository: TufRepository, signal: AbortSignal): Promise<TrustedRootText> {
    this.reads.push(repository);
    this.signal = signal;
    const answer = await this.answer;
    if (answer instanceof Error) throw answer;
    return answer;
  }

  async knownTrustedRoot(): Promise<TrustedRootText | undefined> {
    return Promise.resolve(this.known);
  }
}
