// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { z } from 'zod';

const MAX_ATTRIBUTES = 64;

const url = z.url({ protocol: /^https?$/, error: 'must be a URL with http or https' });
const pairs = z.string().transform((text, context) => {
  const entries = text
    .split(',')
    .filter((item) => item.trim() !== '')
    .map((item) => pairOf(item));
  const good = entries.filter((entry) => entry !== undefined);
  if (good.length === entries.length && good.length <= MAX_ATTRIBUTES)
    return Object.fromEntries(good);
  context.addIssue({ code: 'custom', message: 'must be key=value pairs separated by commas' });
  return z.NEVER;
});
const SAMPLERS = [
  'always_on',
  'always_off',
  'traceidratio',
  'parentbased_always_on',
  'parentbased_always_off',
  'parentbased_traceidratio',
] as const;

/** The variables of OpenTelemetry that are understood, under their standard names. */
const schema = z.object({
  OTEL_EXPORTER_OTLP_ENDPOINT: url.optional(),
  OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: url.optional(),
  OTEL_EXPORTER_OTLP_PROTOCOL: z.literal('http/json').optional(),
  OTEL_EXPORTER_OTLP_TRACES_PROTOCOL: z.literal('http/json').optional(),
  OTEL_EXPORTER_OTLP_HEADERS: pairs.optional(),
  OTEL_EXPORTER_OTLP_TRACES_HEADERS: pairs.optional(),
  OTEL_EXPORTER_OTLP_TIMEOUT: z.coerce.number().int().min(1).max(60_000).default(10_000),
  OTEL_SERVICE_NAME: z.string().optional(),
  OTEL_RESOURCE_ATTRIBUTES: pairs.optional(),
  OTEL_TRACES_SAMPLER: z.enum(SAMPLERS).default('parentbased_always_on'),
  OTEL_TRACES_SAMPLER_ARG: z.coerce.number().min(0).max(1).default(1),
  OTEL_SDK_DISABLED: z.string().optional(),
});

/** Where spans go, and which. */
export interface TracingSettings {
  /** Takes OTLP as JSON over HTTP. */
  readonly endpoint: string;
  /** May hold credentials: never logged. */
  readonly headers: Readonly<Record<string, string>>;
  readonly timeoutMs: number;
  /** `undefined` where the process is to name itself. */
  readonly serviceName: string | undefined;
  readonly resource: Readonly<Record<string, string>>;
  readonly sampler: {
    /** Whether a caller's decision counts. */
    readonly parentBased: boolean;
    /** The part of the traces that begin here, 0 to 1. */
    readonly ratio: number;
  };
}

/** A variable of OpenTelemetry is wrong: its name, and why. */
export interface TracingFault {
  readonly variable: string;
  readonly message: string;
}

/** Reads the variables of OpenTelemetry; `undefined` where no endpoint is named or tracing is disabled. */
export function tracingSettings(
  environment: Readonly<Record<string, string | undefined>>,
): TracingSettings | TracingFault | undefined {
  const given = Object.keys(schema.shape).flatMap((name) => {
    const value = environment[name];
    return value === undefined || value === '' ? [] : [[name, value] as const];
  });
  const result = schema.safeParse(Object.fromEntries(given));
  if (!result.success) {
    const issue = result.error.issues[0];
    return { variable: String(issue?.path[0]), message: issue?.message ?? 'malformed' };
  }
  return settingsOf(result.data);
}

function settingsOf(data: z.infer<typeof schema>): TracingSettings | undefined {
  const endpoint =
    data.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT ?? tracesOf(data.OTEL_EXPORTER_OTLP_ENDPOINT);
  if (endpoint === undefined || data.OTEL_SDK_DISABLED?.toLowerCase() === 'true') return undefined;
  return {
    endpoint,
    headers: data.OTEL_EXPORTER_OTLP_TRACES_HEADERS ?? data.OTEL_EXPORTER_OTLP_HEADERS ?? {},
    timeoutMs: data.OTEL_EXPORTER_OTLP_TIMEOUT,
    serviceName: data.OTEL_SERVICE_NAME,
    resource: data.OTEL_RESOURCE_ATTRIBUTES ?? {},
    sampler: samplerOf(data.OTEL_TRACES_SAMPLER, data.OTEL_TRACES_SAMPLER_ARG),
  };
}

function pairOf(item: string): readonly [string, string] | undefined {
  const at = item.indexOf('=');
  const key = item.slice(0, at).trim();
  if (at < 1 || !/^[\w.-]{1,128}$/.test(key) || key === '__proto__') return undefined;
  try {
    return [key, decodeURIComponent(item.slice(at + 1).trim())];
  } catch {
    return undefined;
  }
}

function tracesOf(base: string | undefined): string | undefined {
  return base === undefined ? undefined : `${base.replace(/\/+$/, '')}/v1/traces`;
}

function samplerOf(name: (typeof SAMPLERS)[number], argument: number): TracingSettings['sampler'] {
  const parentBased = name.startsWith('parentbased_');
  if (name.endsWith('always_off')) return { parentBased, ratio: 0 };
  return { parentBased, ratio: name.endsWith('always_on') ? 1 : argument };
}
