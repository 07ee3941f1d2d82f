// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import type { MetricDefinition } from './definition.ts';
import type { BoundCounter, CounterFamily, GaugeFamily, LabelValues, Metrics } from './metrics.ts';

/** Stands in every open label of the series that all have in common who have none of their own. */
export const OTHER = '_other';

/** A counter with open labels: the first ones that come have series of their own, up to a bound. */
export class CappedCounter<L extends string> {
  readonly #family: CounterFamily<L>;
  readonly #definition: MetricDefinition<L>;
  readonly #seen = new Set<string>();
  readonly #most: number;

  constructor(metrics: Metrics, definition: MetricDefinition<L>) {
    this.#family = metrics.counter(definition);
    this.#definition = definition;
    this.#most = boundOf(definition);
  }

  /** The counter of these labels, or the one of all others. */
  with(labels: LabelValues<L>): BoundCounter {
    const key = keyOf(this.#definition, labels);
    if (!this.#seen.has(key)) {
      if (this.#seen.size >= this.#most)
        return this.#family.with(withOthers(this.#definition, labels));
      this.#seen.add(key);
    }
    return this.#family.with(labels);
  }
}

/** A gauge with open labels that shows a whole list at a time, up to a bound. */
export class CappedGauge<L extends string> {
  readonly #family: GaugeFamily<L>;
  readonly #definition: MetricDefinition<L>;
  readonly #most: number;
  #shown = new Map<string, LabelValues<L>>();

  constructor(metrics: Metrics, definition: MetricDefinition<L>) {
    this.#family = metrics.gauge(definition);
    this.#definition = definition;
    this.#most = boundOf(definition);
  }

  /** Shows these and no others: of too many the first ones. Answers how many are left out. */
  show(series: readonly { readonly labels: LabelValues<L>; readonly value: number }[]): number {
    const next = new Map<string, LabelValues<L>>();
    for (const { labels, value } of series.slice(0, this.#most)) {
      this.#family.set(labels, value);
      next.set(keyOf(this.#definition, labels), labels);
    }
    for (const [key, labels] of this.#shown) if (!next.has(key)) this.#family.remove(labels);
    this.#shown = next;
    return Math.max(series.length - this.#most, 0);
  }
}

function boundOf<L extends string>({ labels, domains, name }: MetricDefinition<L>): number {
  const bounds = labels.flatMap((label) => {
    const domain = domains[label];
    return 'open' in domain ? [domain.most] : [];
  });
  if (bounds.length === 0) throw new RangeError(`${name}: has no open label`);
  return Math.min(...bounds);
}

function keyOf<L extends string>({ labels }: MetricDefinition<L>, values: LabelValues<L>): string {
  return labels.map((label) => values[label]).join('\n');
}

function withOthers<L extends string>(
  { labels, domains }: MetricDefinition<L>,
  values: LabelValues<L>,
): LabelValues<L> {
  const entries = labels.map((label) => [label, 'open' in domains[label] ? OTHER : values[label]]);
  return Object.fromEntries(entries) as LabelValues<L>;
}
