// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import type { Clock } from '../clock.ts';
import type { LifecycleContext } from '../lifecycle/index.ts';
import type { Logger } from '../log/index.ts';
import type { TracingSettings } from '../settings/index.ts';
import type { SpanOutcome } from './exporter.ts';
import type { Tracer } from './tracer.ts';

/** What opening needs. */
export interface OpenTracingOptions {
  readonly settings: TracingSettings | undefined;
  /** What the process calls itself where the settings do not say. */
  readonly serviceName: string;
  /** Name of the pod. */
  readonly instance: string;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly onSpans: (outcome: SpanOutcome, count: number) => void;
}

/** Milliseconds for what waits at the end of the process. */
const CLOSE_MS = 3_000;

/** The tracer of a process, ended with it; `undefined`, and nothing loaded, where no endpoint is set. */
export async function openTracing(
  { settings, serviceName, instance, clock, logger, onSpans }: OpenTracingOptions,
  context: Pick<LifecycleContext, 'onStop'>,
): Promise<Tracer | undefined> {
  if (settings === undefined) return undefined;
  const [{ Tracer: Made }, { SpanExporter }] = await Promise.all([
    import('./tracer.ts'),
    import('./exporter.ts'),
  ]);
  const { endpoint, headers, timeoutMs, sampler } = settings;
  const resource = {
    'service.instance.id': instance,
    ...settings.resource,
    'service.name': settings.serviceName ?? settings.resource['service.name'] ?? serviceName,
  };
  const options = { endpoint, headers, timeoutMs, resource, clock, logger, onSpans };
  const exporter = new SpanExporter(options);
  context.onStop('spans', () => exporter.close(CLOSE_MS));
  return new Made(clock, sampler, (span) => exporter.take(span));
}
