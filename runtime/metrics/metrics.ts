// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';

/** Name and help of a metric; the prefix is added. */
export interface MetricSpec<L extends string> {
  readonly name: string;
  readonly help: string;
  /** Labels whose values are a closed set: never images, digests, users. */
  readonly labels?: readonly L[];
  /** The series that are there from the start, at 0. */
  readonly initial?: readonly LabelValues<L>[];
}

/** Values of all labels of a metric. */
export type LabelValues<L extends string> = Readonly<Record<L, string>>;

/** A counter bound to its labels: cheap enough for the hot path. */
export interface BoundCounter {
  inc(by?: number): void;
}
/** A histogram bound to its labels. */
export interface BoundHistogram {
  observe(value: number): void;
}

/** A counter by labels. Children are made once a label set. */
export interface CounterFamily<L extends string> {
  with(labels: LabelValues<L>): BoundCounter;
}
/** A gauge by labels. */
export interface GaugeFamily<L extends string> {
  set(labels: LabelValues<L>, value: number): void;
  remove(labels: LabelValues<L>): void;
}
/** A histogram by labels. Children are made once a label set. */
export interface HistogramFamily<L extends string> {
  with(labels: LabelValues<L>): BoundHistogram;
}

/** The metrics of a process, in a registry of its own. */
export class Metrics {
  readonly #registry = new Registry();
  readonly #forget: (() => void)[] = [];
  readonly #prefix: string;

  constructor(prefix = 'countersign_') {
    this.#prefix = prefix;
    collectDefaultMetrics({ register: this.#registry });
  }

  /** A counter; its name ends in `_total`. */
  counter<L extends string = never>(spec: MetricSpec<L>): CounterFamily<L> {
    const counter = new Counter({ ...this.#options(spec) });
    const children = new Map<string, BoundCounter>();
    for (const labels of spec.initial ?? []) counter.labels({ ...labels }).inc(0);
    return { with: (labels) => child(children, labels, () => counter.labels({ ...labels })) };
  }

  /** A gauge. */
  gauge<L extends string = never>(spec: MetricSpec<L>): GaugeFamily<L> {
    const gauge = new Gauge({ ...this.#options(spec) });
    const begin = (): void => {
      for (const labels of spec.initial ?? []) gauge.set({ ...labels }, 0);
    };
    begin();
    this.#forget.push(() => {
      gauge.reset();
      // Without labels there would be a 0 that nobody measured.
      if (spec.labels === undefined || spec.labels.length === 0) gauge.remove();
      begin();
    });
    return {
      set: (labels, value) => {
        gauge.set({ ...labels }, value);
      },
      remove: (labels) => {
        gauge.remove({ ...labels });
      },
    };
  }

  /** A histogram; `buckets` in the base unit of its name. */
  histogram<L extends string = never>(
    spec: MetricSpec<L> & { readonly buckets: readonly number[] },
  ): HistogramFamily<L> {
    const histogram = new Histogram({ ...this.#options(spec), buckets: [...spec.buckets] });
    const children = new Map<string, BoundHistogram>();
    for (const labels of spec.initial ?? []) histogram.zero({ ...labels });
    return { with: (labels) => child(children, labels, () => histogram.labels({ ...labels })) };
  }

  /**
   * Forgets what gauges show, because nobody looks after it any more: what begins at 0 is 0 again, all
   * else is absent until it is set. Counters and histograms stay as they are.
   */
  forgetGauges(): void {
    for (const forget of this.#forget) forget();
  }

  /** The exposition, as Prometheus reads it. */
  async render(): Promise<{ readonly contentType: string; readonly body: string }> {
    return { contentType: this.#registry.contentType, body: await this.#registry.metrics() };
  }

  #options<L extends string>(
    spec: MetricSpec<L>,
  ): { name: string; help: string; labelNames: string[]; registers: Registry[] } {
    return {
      name: this.#prefix + spec.name,
      help: spec.help,
      labelNames: [...(spec.labels ?? [])],
      registers: [this.#registry],
    };
  }
}

function child<T>(
  children: Map<string, T>,
  labels: Readonly<Record<string, string>>,
  make: () => T,
): T {
  const key = Object.values(labels).join('\n');
  const known = children.get(key);
  if (known !== undefined) return known;
  const made = make();
  children.set(key, made);
  return made;
}
