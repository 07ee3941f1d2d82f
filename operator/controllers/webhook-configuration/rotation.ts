// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { LEAF_LIFE_MS } from '../../../runtime/tls/index.ts';
import { previousOf, type Authority, type CaState } from './ca-state.ts';

/** What happens to the CA next. */
export type Step =
  /** Nothing; another look after `waitMs` where that is sooner than usual. */
  | { readonly kind: 'none'; readonly waitMs?: number }
  /** No CA can sign: a new one does, at once. */
  | { readonly kind: 'replace'; readonly why: string }
  /** A new CA is published beside the one that signs. */
  | { readonly kind: 'prepare'; readonly why: string }
  /** The published one signs; the one that signed stays published. */
  | { readonly kind: 'promote'; readonly why: string }
  /** When the present CA began to sign was lost: it counts from now. */
  | { readonly kind: 'stamp'; readonly why: string }
  /** Nobody serves a leaf of the earlier ones any more: they go. */
  | { readonly kind: 'forget'; readonly why: string };

/** What is known of the cluster. Times in milliseconds. */
export interface Circumstances {
  readonly now: Date;
  /** How long a step waits, so that every API server and replica follows. */
  readonly stepMs: number;
  /** For how long every configuration that exists has trusted the next CA; 0 where one does not. */
  readonly publishedMs: number;
  /** For how long every replica has been known to serve a leaf of the CA that signs; 0 where one is not. */
  readonly followedMs: number;
}

/** A CA is renewed when this part of its life has passed. */
const RENEWAL = 2 / 3;
/** While so many that signed before are published, no further rotation begins. */
const MOST_OVERLAP = 3;
/** What two clocks may differ in. */
const SKEW_MS = 3_600_000;

/** The next step of the CA: a function of what the Secret says and what was seen. */
export function nextStep(state: CaState, circumstances: Circumstances): Step {
  const { signing, problem = '' } = state;
  if (signing === undefined)
    return { kind: state.next === undefined ? 'replace' : 'promote', why: problem };
  if (state.next !== undefined) return publishing(circumstances);
  const leaving = leavingOf(state, circumstances);
  if (leaving.kind !== 'none') return leaving;
  const why = reasonToRotate(state, signing, circumstances.now);
  if (why === undefined || state.previous.length >= MOST_OVERLAP) return leaving;
  return { kind: 'prepare', why };
}

/** Whether a step needs a CA that does not exist yet. */
export function needsNewCa({ kind }: Step): boolean {
  return kind === 'replace' || kind === 'prepare';
}

/** The state after a step; `made` is the new CA, for the steps that need one. */
export function after(
  { kind }: Step,
  state: CaState,
  { now, made }: { readonly now: Date; readonly made: Authority | undefined },
): CaState {
  const { signing, next, previous } = state;
  switch (kind) {
    case 'none':
      return state;
    case 'replace':
      return { ...withAuthorities(made, undefined), previous, since: now, asked: false };
    case 'prepare':
      return { ...state, ...withAuthorities(signing, made), asked: false };
    case 'promote': {
      const old = previousOf([signing?.certPem ?? '', ...previous], now);
      return { ...withAuthorities(next, undefined), previous: old, since: now, asked: state.asked };
    }
    case 'stamp':
      return { ...state, since: now };
    case 'forget':
      return { ...state, previous: [] };
  }
}

function withAuthorities(
  signing: Authority | undefined,
  next: Authority | undefined,
): Pick<CaState, 'signing' | 'next'> {
  return {
    ...(signing === undefined ? {} : { signing }),
    ...(next === undefined ? {} : { next }),
  };
}

/** The next CA signs when every API server must have seen it. */
function publishing({ publishedMs, stepMs }: Circumstances): Step {
  if (publishedMs >= stepMs) return { kind: 'promote', why: 'it is trusted everywhere' };
  return { kind: 'none', waitMs: stepMs - publishedMs };
}

/** Earlier CAs go when all replicas follow, or when no leaf of theirs can be valid any more. */
function leavingOf(state: CaState, { now, stepMs, followedMs }: Circumstances): Step {
  if (state.previous.length === 0) return { kind: 'none' };
  if (state.since === undefined)
    return { kind: 'stamp', why: 'it is not known since when it signs' };
  if (followedMs >= stepMs) return { kind: 'forget', why: 'every replica serves the new one' };
  const over = now.getTime() - state.since.getTime() > LEAF_LIFE_MS + SKEW_MS;
  if (over) return { kind: 'forget', why: 'all of its leaves have ended' };
  return { kind: 'none', waitMs: stepMs - followedMs };
}

function reasonToRotate({ asked }: CaState, signing: Authority, now: Date): string | undefined {
  if (asked) return 'an administrator asks for it';
  const [from, to] = [signing.notBefore.getTime(), signing.notAfter.getTime()];
  return now.getTime() >= from + (to - from) * RENEWAL
    ? 'two thirds of its life have passed'
    : undefined;
}
