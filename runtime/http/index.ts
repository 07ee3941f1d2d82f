// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

export { HttpError, readBody } from './body.ts';
export { healthRoutes, type HealthOptions, type Readiness } from './health.ts';
export {
  WebServer,
  type RouteHandler,
  type ServerLimits,
  type ServerOptions,
  type TlsMaterial,
} from './server.ts';
