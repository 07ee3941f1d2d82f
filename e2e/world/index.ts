// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

export { assertAdmitted, assertDenied, assertWarned } from './answers.ts';
export {
  probeHealth,
  ProcessComponent,
  type Component,
  type ComponentOptions,
} from './component.ts';
export { installAdmission, installForProcesses, render } from './manifests.ts';
export { startInjector, type Injector } from './injector.ts';
export {
  deployment,
  exception,
  keyPolicySpec,
  namespace,
  pod,
  policy,
  type ExceptionOptions,
  type PodOptions,
} from './objects.ts';
export { endSharedWorld, sharedWorld } from './shared.ts';
export { startWorld, World, type WorldOptions } from './world.ts';
