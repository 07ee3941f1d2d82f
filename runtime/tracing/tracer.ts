// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { AsyncLocalStorage } from 'node:async_hooks';
import { randomBytes } from 'node:crypto';
import type { Clock } from '../clock.ts';
import {
  parseTraceparent,
  traceparentOf,
  type Attributes,
  type EndedSpan,
  type SpanContext,
} from './span.ts';

/** Which traces that begin here are kept. */
export interface Sampling {
  readonly parentBased: boolean;
  readonly ratio: number;
}

/** A call to somebody else. */
export interface ClientSpan {
  /** What the call is to carry. */
  readonly headers: Readonly<Record<string, string>>;
  /** Ends the span. */
  end(attributes: Attributes, failed: boolean): void;
}

/** Tells what a process does as spans. */
export class Tracer {
  readonly #clock: Clock;
  readonly #sampling: Sampling;
  readonly #onEnd: (span: EndedSpan) => void;
  readonly #current = new AsyncLocalStorage<OpenSpan>();

  constructor(clock: Clock, sampling: Sampling, onEnd: (span: EndedSpan) => void) {
    this.#clock = clock;
    this.#sampling = sampling;
    this.#onEnd = onEnd;
  }

  /** Does work in a span that goes on with what the caller began; what it calls belongs to it. */
  async serve<T>(
    name: string,
    traceparent: string | undefined,
    work: () => Promise<T>,
  ): Promise<T> {
    const caller = parseTraceparent(traceparent);
    const span = this.#begin(name, 'server', caller);
    try {
      return await this.#current.run(span, work);
    } catch (thrown) {
      span.failed = true;
      throw thrown;
    } finally {
      this.#end(span);
    }
  }

  /** Tells more of the span that is being served. */
  annotate(attributes: Attributes, failed = false): void {
    const span = this.#current.getStore();
    if (span === undefined) return;
    Object.assign(span.attributes, attributes);
    span.failed ||= failed;
  }

  /** Begins a call on behalf of what is being served; a trace of its own where nothing is. */
  call(name: string, attributes: Attributes): ClientSpan {
    const span = this.#begin(name, 'client', this.#current.getStore()?.context);
    Object.assign(span.attributes, attributes);
    return {
      headers: { traceparent: traceparentOf(span.context) },
      end: (more, failed) => {
        Object.assign(span.attributes, more);
        span.failed = failed;
        this.#end(span);
      },
    };
  }

  #begin(name: string, kind: EndedSpan['kind'], parent: SpanContext | undefined): OpenSpan {
    const traceId = parent?.traceId ?? randomBytes(16).toString('hex');
    const spanId = randomBytes(8).toString('hex');
    return {
      context: { traceId, spanId, sampled: this.#samples(kind, traceId, parent) },
      parentSpanId: parent?.spanId,
      name,
      kind,
      startMs: this.#clock.now().getTime(),
      started: this.#clock.monotonic(),
      attributes: {},
      failed: false,
    };
  }

  /** A call does as what it belongs to; the ratio counts the last eight bytes of the trace. */
  #samples(kind: EndedSpan['kind'], traceId: string, parent: SpanContext | undefined): boolean {
    const { parentBased, ratio } = this.#sampling;
    if (parent !== undefined && (parentBased || kind === 'client')) return parent.sampled;
    return Number(BigInt(`0x${traceId.slice(16)}`)) < ratio * 2 ** 64;
  }

  #end({ started, ...span }: OpenSpan): void {
    if (!span.context.sampled) return;
    this.#onEnd({ ...span, endMs: span.startMs + this.#clock.monotonic() - started });
  }
}

interface OpenSpan extends Omit<EndedSpan, 'endMs' | 'attributes' | 'failed'> {
  readonly started: number;
  readonly attributes: Record<string, Attributes[string]>;
  failed: boolean;
}
