// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

export { HttpError, readBody } from './body.ts';
export type { HealthOptions, Readiness } from './health.ts';
export { serveHealth, serverFaults, type HealthServerOptions } from './health-server.ts';
export {
  WebServer,
  type RouteHandler,
  type ServerLimits,
  type ServerOptions,
  type TlsMaterial,
} from './server.ts';
