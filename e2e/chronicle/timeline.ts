// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import type { CosignKey } from '../harness/index.ts';

/** Times in milliseconds since the epoch, both included. */
export interface Span {
  readonly from: number;
  until: number;
}

/** A policy as one edit of it says: whose signatures it accepts for images whose names begin so. */
export interface Rule {
  readonly policy: string;
  readonly prefixes: readonly string[];
  readonly keys: readonly CosignKey[];
}

/** What an exception permits. */
export interface Permit {
  readonly name: string;
  readonly policy: string;
  readonly namespace: string;
  readonly serviceAccounts: readonly string[];
  readonly digests: readonly string[];
  readonly notBefore: Date;
  readonly expiresAt: Date;
}

/** How long an exception that has ended may still be seen to have an effect, in milliseconds. */
const END_BOUND_MS = 1_000;

/**
 * What a test did to policies, keys, exceptions and the webhook configurations, and when: written by the
 * test itself, before it does something, and after it saw the end of what was before. What widens
 * counts from when it is sent; what narrows counts when it is in force by the promise of the product.
 */
export class Timeline {
  readonly #rules: (Rule & Span)[] = [];
  /** With the span in which it was there to be seen. */
  readonly #permits: (Permit & Span)[] = [];
  readonly #wrongClocks: (Span & { readonly offsetMs: number })[] = [];
  readonly #open: Span[] = [];
  readonly #notes: { readonly at: number; readonly text: string }[] = [];
  readonly #now: () => number;

  constructor(now: () => number = Date.now) {
    this.#now = now;
  }

  /** Notes what is being done, for people who read it. */
  note(text: string): void {
    this.#notes.push({ at: this.#now(), text });
  }

  /**
   * An edit of a policy that is about to be sent. Call what it answers when `Ready` was seen for its
   * generation: what the policy said before ends then.
   */
  edits(rule: Rule): () => void {
    const before = this.#rules.filter(
      ({ policy, until }) => policy === rule.policy && until === Infinity,
    );
    this.#rules.push({ ...rule, from: this.#now(), until: Infinity });
    this.note(`policy ${rule.policy} is edited: ${rule.keys.length.toString()} keys`);
    return () => {
      for (const old of before) old.until = this.#now();
      this.note(`policy ${rule.policy} is ready`);
    };
  }

  /**
   * An exception that is about to be sent. Call what it answers when its deletion or revocation was
   * answered, with the milliseconds that this may take to have effect where it is not a second.
   */
  grants(permit: Permit): (boundMs?: number) => void {
    const span = { ...permit, from: this.#now(), until: Infinity };
    this.#permits.push(span);
    this.note(`exception ${permit.name} is granted until ${permit.expiresAt.toISOString()}`);
    return (boundMs = END_BOUND_MS) => {
      span.until = Math.min(span.until, this.#now() + boundMs);
      this.note(`exception ${permit.name} is ended, within ${boundMs.toString()} ms`);
    };
  }

  /**
   * The wall clock of a process that answers requests is about to be so many milliseconds off. Call
   * what it answers when it was seen to be right again.
   */
  steps(offsetMs: number): () => void {
    const span = { offsetMs, from: this.#now(), until: Infinity };
    this.#wrongClocks.push(span);
    return () => {
      span.until = this.#now();
    };
  }

  /** The emergency switch was used at that time. Call what it answers when it was seen to be over. */
  opens(from: number): () => void {
    const span = { from, until: Infinity };
    this.#open.push(span);
    this.note(`the webhook configuration was deleted at ${new Date(from).toISOString()}`);
    return () => {
      span.until = this.#now();
      this.note('the webhook configuration is there again');
    };
  }

  /** What policies said of an image at some moment of a span. */
  rulesFor(image: string, span: Span): readonly Rule[] {
    return this.#rules.filter(
      (rule) => rule.prefixes.some((prefix) => image.startsWith(prefix)) && meet(rule, span),
    );
  }

  /** The exceptions that were in force at some moment of a span, by the clock of some process. */
  permitsIn(span: Span): readonly Permit[] {
    const wrong = this.#wrongClocks.filter((clock) => meet(clock, span));
    const offsets = [0, ...wrong.map(({ offsetMs }) => offsetMs)];
    return this.#permits.filter(
      (permit) => meet(permit, span) && offsets.some((ms) => meet(termOf(permit), later(span, ms))),
    );
  }

  /** Whether anything was let in by intent at some moment of a span. */
  isOpen(span: Span): boolean {
    return this.#open.some((open) => meet(open, span));
  }

  /** As text, a line each. */
  toString(): string {
    return this.#notes.map(({ at, text }) => `${new Date(at).toISOString()} ${text}`).join('\n');
  }
}

function termOf({ notBefore, expiresAt }: Permit): Span {
  return { from: notBefore.getTime(), until: expiresAt.getTime() + END_BOUND_MS };
}

function later({ from, until }: Span, ms: number): Span {
  return { from: from + ms, until: until + ms };
}

function meet(one: Span, other: Span): boolean {
  return one.from <= other.until && other.from <= one.until;
}
