// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import type { LabelValues, MetricSpec } from './metrics.ts';

/** The values that a label has: all of them, or what they name and how many there are at most. */
export type LabelDomain = readonly string[] | OpenDomain;

/** Values that are not known beforehand; `most` series have their own, the rest shares one. */
export interface OpenDomain {
  readonly open: string;
  readonly most: number;
}

/** A metric as the documentation tells of it; hand it to `Metrics` to have it. */
export interface MetricDefinition<L extends string = string> extends MetricSpec<L> {
  readonly type: 'counter' | 'gauge' | 'histogram';
  readonly labels: readonly L[];
  readonly domains: Readonly<Record<L, LabelDomain>>;
  /** The series that are there from the start, at 0. */
  readonly initial: readonly LabelValues<L>[];
  /** Bounds of a histogram, in the unit of its name. */
  readonly buckets: readonly number[];
}

/** What a definition is made of besides its type. */
export interface DefinitionParts<L extends string> {
  readonly name: string;
  readonly help: string;
  readonly labels?: Readonly<Record<L, LabelDomain>>;
  /** `all`, where every combination of values begins at 0; a part of them where one is named by `where`. */
  readonly initial?: 'all' | { readonly where: Readonly<Partial<Record<L, readonly string[]>>> };
  readonly buckets?: readonly number[];
}

/** Defines a metric. */
export function define<L extends string = never>(
  type: MetricDefinition['type'],
  parts: DefinitionParts<L>,
): MetricDefinition<L> {
  const domains = parts.labels ?? ({} as Readonly<Record<L, LabelDomain>>);
  const labels = Object.keys(domains) as L[];
  const { name, help, initial, buckets = [] } = parts;
  const series = initial === undefined ? [] : combinations(labels, domains, initial);
  return { type, name, help, labels, domains, initial: series, buckets };
}

function combinations<L extends string>(
  labels: readonly L[],
  domains: Readonly<Record<L, LabelDomain>>,
  initial: NonNullable<DefinitionParts<L>['initial']>,
): readonly LabelValues<L>[] {
  let series: readonly Partial<Record<L, string>>[] = [{}];
  for (const label of labels) {
    const domain = (initial === 'all' ? undefined : initial.where[label]) ?? domains[label];
    if ('open' in domain) return [];
    series = series.flatMap((one) => domain.map((value) => ({ ...one, [label]: value })));
  }
  return series as readonly LabelValues<L>[];
}
