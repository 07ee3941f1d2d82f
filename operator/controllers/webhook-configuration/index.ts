// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

export { CaStore, type CaStoreOptions } from './ca.ts';
export { ObservedTrust } from './observed.ts';
export {
  CONFIGURATIONS,
  WebhookConfigurationReconciler,
  type ConfigurationObserver,
  type WebhookConfigurationOptions,
} from './reconciler.ts';
export { CONFIGURATION_NAME, type WebhookConfiguration } from './configuration.ts';
