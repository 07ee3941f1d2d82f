// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import type { ServerResponse } from 'node:http';
import type { RouteHandler } from './server.ts';

/** Whether a process may be sent work, and why not. */
export interface Readiness {
  readonly ok: boolean;
  /** One line each; empty where it is ready. */
  readonly reasons: readonly string[];
  /** What a process that is ready says of itself, in a word; `ok` unless told. */
  readonly standing?: string;
}

/** What health routes ask. */
export interface HealthOptions {
  readonly ready: () => Readiness;
  readonly metrics: () => Promise<{ readonly contentType: string; readonly body: string }>;
}

/** `/healthz` (the event loop turns), `/readyz` (with its reasons) and `/metrics`. */
export function healthRoutes(options: HealthOptions): Readonly<Record<string, RouteHandler>> {
  return {
    'GET /healthz': (_request, response) => {
      text(response, 200, 'ok\n');
    },
    'GET /readyz': (_request, response) => {
      const { ok, reasons, standing = 'ok' } = options.ready();
      text(response, ok ? 200 : 503, `${ok ? standing : reasons.join('\n')}\n`);
    },
    'GET /metrics': async (_request, response) => {
      const { contentType, body } = await options.metrics();
      response.writeHead(200, { 'content-type': contentType });
      response.end(body);
    },
  };
}

function text(response: ServerResponse, status: number, body: string): void {
  response.writeHead(status, { 'content-type': 'text/plain; charset=utf-8' });
  response.end(body);
}
