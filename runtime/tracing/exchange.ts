// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import type { Tracer } from './tracer.ts';

/** What a registry client tells of one exchange, as `verification/sources/oci` demands it. */
type ExchangeTracer = (exchange: {
  readonly method: string;
  readonly host: string;
  readonly registry: string;
}) => {
  readonly headers: Readonly<Record<string, string>>;
  end(outcome: string, status: number | undefined): void;
};

/** What a registry did not do as it should. */
const FAILED: ReadonlySet<string> = new Set(['failed', 'unreachable', 'refused', 'aborted']);

/** Tells every exchange with a registry as a span; `undefined` without a tracer. */
export function exchangeTracer(tracer: Tracer | undefined): ExchangeTracer | undefined {
  if (tracer === undefined) return undefined;
  return ({ method, host, registry }) => {
    const span = tracer.call(method, {
      'http.request.method': method,
      'server.address': host,
      'countersign.registry': registry,
    });
    return {
      headers: span.headers,
      end: (outcome, status) => {
        const code = status === undefined ? {} : { 'http.response.status_code': status };
        span.end({ ...code, 'countersign.outcome': outcome }, FAILED.has(outcome));
      },
    };
  };
}
