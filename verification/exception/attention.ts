// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import type { ExceptionReview, ExceptionUsage } from '../../crds/index.ts';
import type { CompiledException } from './exception.ts';

const DAY = 86_400_000;
/** An exception that ends within this time, in milliseconds, ends soon. */
const EXPIRING_SOON_MS = 7 * DAY;
/** An exception that nothing runs by for this time, in milliseconds, is unused. */
const UNUSED_MS = 7 * DAY;
/** How often an exception is to be reviewed where nothing else is said, in milliseconds. */
const REVIEW_MS = 7 * DAY;

/** What decides whether somebody should look at an exception that is in effect. */
export interface AttentionCase {
  readonly exception: Pick<CompiledException, 'notBefore' | 'expiresAt' | 'createdAt'>;
  /** What its status says of its use and its reviews. */
  readonly status: {
    readonly usage?: ExceptionUsage | undefined;
    readonly reviews?: readonly ExceptionReview[] | undefined;
  };
  /** Milliseconds since the epoch. */
  readonly now: number;
  /** Milliseconds; how often it is to be reviewed, seven days unless told. */
  readonly reviewMs?: number;
}

/** Why somebody should look at an exception. Instants are milliseconds since the epoch. */
export interface Attention {
  readonly expiringSoon: boolean;
  /** Since when it has been unused; `undefined` where it is not. */
  readonly unused:
    { readonly reason: 'NeverUsed' | 'NotUsedLately'; readonly since: number } | undefined;
  /** Since when nobody has reviewed it; `undefined` where no review is due. */
  readonly unreviewedSince: number | undefined;
  /** Instants at which the answer may change by itself, in order. */
  readonly boundaries: readonly number[];
}

/** Why somebody should look at an exception that is in effect; of others nothing is asked. */
export function attentionOf(asked: AttentionCase): Attention {
  const { now, reviewMs = REVIEW_MS } = asked;
  const soonFrom = asked.exception.expiresAt - EXPIRING_SOON_MS;
  const idle = idleOf(asked);
  const reviewed = reviewedAt(asked);
  const boundaries = [
    soonFrom,
    reviewed.at + reviewMs,
    ...reviewed.later,
    ...(idle === undefined ? [] : [idle.since + UNUSED_MS]),
  ];
  return {
    expiringSoon: now >= soonFrom,
    unused: idle !== undefined && now >= idle.since + UNUSED_MS ? idle : undefined,
    unreviewedSince: now >= reviewed.at + reviewMs ? reviewed.at : undefined,
    boundaries: boundaries.sort((a, b) => a - b),
  };
}

/** When it began, as far as is known: one that is written later than its `notBefore` begins when it is written. */
function beginOf({ notBefore, createdAt }: AttentionCase['exception']): number {
  return Number.isFinite(createdAt) ? Math.max(notBefore, createdAt) : notBefore;
}

/** Since when nothing was seen to run by it; `undefined` while something does. */
function idleOf({ exception, status }: AttentionCase): Attention['unused'] {
  const begin = beginOf(exception);
  const { usage } = status;
  if (usage === undefined) return { reason: 'NeverUsed', since: begin };
  if (usage.workloads > 0) return undefined;
  // It was seen at some time of that day.
  const end = Date.parse(`${usage.lastSeen}T00:00:00Z`) + DAY;
  return { reason: 'NotUsedLately', since: Number.isNaN(end) ? begin : Math.max(begin, end) };
}

interface Reviewed {
  readonly at: number;
  /** Reviews that say they will be: they count from then on. */
  readonly later: readonly number[];
}

function reviewedAt({ exception, status, now }: AttentionCase): Reviewed {
  const reviews = (status.reviews ?? []).map(({ at }) => Date.parse(at)).filter(Number.isFinite);
  return {
    at: Math.max(beginOf(exception), ...reviews.filter((at) => at <= now)),
    later: reviews.filter((at) => at > now),
  };
}
