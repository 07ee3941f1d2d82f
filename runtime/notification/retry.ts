// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

/** What a receiver says to a notification. */
export interface Answer {
  readonly status: number;
  /** The header Retry-After, as it came. */
  readonly retryAfter?: string;
}

/** What an answer means. */
export type Meaning =
  | { readonly kind: 'taken' }
  | { readonly kind: 'refused' }
  /** `patienceMs`: for how long the receiver wants to be left alone, at most {@link MAX_PATIENCE_MS}. */
  | { readonly kind: 'later'; readonly patienceMs: number };

const FIRST_WAIT_MS = 1000;
const LONGEST_WAIT_MS = 300_000;
/** Longer than this no receiver is left alone, whatever it asks for. */
export const MAX_PATIENCE_MS = 900_000;
/** Beyond this a power of two is longer than the longest wait. */
const MAX_DOUBLINGS = 10;

/** What an answer means: 2xx is success; 408, 429 and 5xx may change; all else, redirects too, will not. */
export function meaningOf({ status, retryAfter }: Answer, now: Date): Meaning {
  if (status >= 200 && status < 300) return { kind: 'taken' };
  if (status !== 408 && status !== 429 && status < 500) return { kind: 'refused' };
  return { kind: 'later', patienceMs: patienceOf(retryAfter, now) };
}

/** Milliseconds before the next attempt after so many failed ones; `random` is between 0 and 1. */
export function waitAfter(attempts: number, random: number): number {
  const doublings = Math.min(Math.max(attempts - 1, 0), MAX_DOUBLINGS);
  return Math.min(FIRST_WAIT_MS * 2 ** doublings, LONGEST_WAIT_MS) * (0.5 + random / 2);
}

/** RFC 9110, 10.2.3: seconds, or a date. What is neither asks for nothing. */
function patienceOf(header: string | undefined, now: Date): number {
  const text = header?.trim() ?? '';
  const asked = /^\d{1,10}$/.test(text) ? Number(text) * 1000 : Date.parse(text) - now.getTime();
  return Number.isNaN(asked) ? 0 : Math.min(Math.max(asked, 0), MAX_PATIENCE_MS);
}
