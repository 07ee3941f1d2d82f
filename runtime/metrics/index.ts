// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

export { CappedCounter, CappedGauge } from './capped.ts';
export { type LabelDomain, type MetricDefinition } from './definition.ts';
export {
  Metrics,
  type BoundCounter,
  type BoundHistogram,
  type CounterFamily,
  type GaugeFamily,
  type HistogramFamily,
  type LabelValues,
  type MetricSpec,
} from './metrics.ts';
export { WEBHOOK_METRICS } from './webhook-catalog.ts';
export {
  EXCEPTION_CONCERNS,
  EXCEPTION_STATES,
  EXCEPTION_USES,
  OPERATOR_METRICS,
} from './operator-catalog.ts';
