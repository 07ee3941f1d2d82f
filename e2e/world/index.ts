// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

export { assertAdmitted, assertDenied, assertWarned } from './answers.ts';
export { ApiProxy, type ApiCall, type ApiFault } from './api-proxy.ts';
export {
  probeHealth,
  ProcessComponent,
  type Component,
  type ComponentOptions,
} from './component.ts';
export { startInjector, type Injector } from './injector.ts';
export {
  deployment,
  exception,
  keyInConfigMap,
  keyPolicySpec,
  namespace,
  pod,
  policy,
  type ExceptionOptions,
  type PodOptions,
} from './objects.ts';
export { sharedWorld } from './shared.ts';
export { CLUSTER, startWorld, World, type Installer, type WorldOptions } from './world.ts';
