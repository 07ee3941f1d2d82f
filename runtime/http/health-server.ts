// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import type { LifecycleContext } from '../lifecycle/index.ts';
import type { Logger } from '../log/index.ts';
import { HttpError } from './body.ts';
import { healthRoutes, type HealthOptions } from './health.ts';
import { WebServer } from './server.ts';

/** What serving health needs. */
export interface HealthServerOptions extends HealthOptions {
  readonly host: string;
  readonly port: number;
  readonly onError: (error: unknown) => void;
}

const CLOSE_MS = 1_000;

/** Serves health, readiness and metrics without TLS until the process ends. */
export async function serveHealth(
  options: HealthServerOptions,
  context: LifecycleContext,
): Promise<void> {
  const { host, port, onError } = options;
  const server = new WebServer({ routes: healthRoutes(options), onError });
  await server.listen({ host, port });
  context.onStop('health server', () => server.close(CLOSE_MS));
}

/** What to do with what a server throws: a request that was refused is told quietly, a fault of ours is counted. */
export function serverFaults(logger: Logger, onFault: () => void): (error: unknown) => void {
  return (error) => {
    if (error instanceof HttpError) {
      logger.debug('a request was refused', { error });
      return;
    }
    onFault();
    logger.warn('a request failed', { error });
  };
}
