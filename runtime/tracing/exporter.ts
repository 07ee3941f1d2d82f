// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { orWhenAborted } from '../abort.ts';
import type { Clock } from '../clock.ts';
import type { Logger } from '../log/index.ts';
import { encodeTraces } from './otlp.ts';
import type { Attributes, EndedSpan } from './span.ts';

/** What became of a span. */
export type SpanOutcome = 'exported' | 'dropped';

/** What sending spans needs. */
export interface ExporterOptions {
  readonly endpoint: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly timeoutMs: number;
  readonly resource: Attributes;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Told of every span, once. */
  readonly onSpans: (outcome: SpanOutcome, count: number) => void;
}

const MAX_WAITING = 2048;
const BATCH = 512;
const PAUSE_MS = 2_000;
/** Answers after which OTLP over HTTP is sent again (OTLP specification, "Failures"). */
const RETRYABLE: ReadonlySet<number> = new Set([429, 502, 503, 504]);

/**
 * Sends spans to a collector in batches, in the background. A batch that cannot be taken now, by a
 * broken connection or a busy collector, is sent once more; then it is dropped, as is one that is refused
 * and what comes while too many wait: nothing is held up for a trace.
 */
export class SpanExporter {
  readonly #options: ExporterOptions;
  readonly #stop = new AbortController();
  #waiting: EndedSpan[] = [];
  #failing = false;
  #running: Promise<void> | undefined;

  constructor(options: ExporterOptions) {
    this.#options = options;
  }

  /** Takes a span; never throws, never waits. */
  take(span: EndedSpan): void {
    if (this.#waiting.length >= MAX_WAITING) {
      this.#options.onSpans('dropped', 1);
      return;
    }
    this.#waiting.push(span);
    this.#running ??= this.#drain();
  }

  /** Sends what waits, for at most `ms` milliseconds. */
  async close(ms: number): Promise<void> {
    this.#stop.abort();
    const late = (): void => undefined;
    await orWhenAborted(this.#running ?? Promise.resolve(), this.#options.clock.deadline(ms), late);
  }

  async #drain(): Promise<void> {
    while (this.#waiting.length > 0) {
      if (this.#waiting.length < BATCH) await this.#pause();
      const batch = this.#waiting.slice(0, BATCH);
      this.#waiting = this.#waiting.slice(BATCH);
      let answer = await this.#send(batch);
      if (answer === 'later') {
        await this.#pause();
        answer = await this.#send(batch);
      }
      this.#options.onSpans(answer === 'taken' ? 'exported' : 'dropped', batch.length);
    }
    this.#running = undefined;
  }

  /** At the end of the process nothing is waited for. */
  async #pause(): Promise<void> {
    const { clock } = this.#options;
    await clock.sleep(PAUSE_MS, this.#stop.signal).catch(() => undefined);
  }

  async #send(batch: readonly EndedSpan[]): Promise<'taken' | 'later' | 'refused'> {
    const { endpoint, headers, timeoutMs, resource, clock, logger } = this.#options;
    let status: number | undefined;
    try {
      const response = await fetch(endpoint, {
        method: 'POST',
        headers: { ...headers, 'content-type': 'application/json' },
        body: encodeTraces(batch, resource),
        redirect: 'error',
        signal: clock.deadline(timeoutMs),
      });
      ({ status } = response);
      await response.body?.cancel();
      if (!response.ok) throw new Error(`the collector answers ${response.status.toString()}`);
      this.#failing = false;
      return 'taken';
    } catch (error) {
      if (!this.#failing) logger.warn('spans cannot be sent', { error });
      this.#failing = true;
      return status === undefined || RETRYABLE.has(status) ? 'later' : 'refused';
    }
  }
}
