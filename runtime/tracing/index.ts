// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

export { exchangeTracer } from './exchange.ts';
export { openTracing } from './open.ts';
export type { SpanOutcome } from './exporter.ts';
export type { Attributes } from './span.ts';
export type { Tracer } from './tracer.ts';
