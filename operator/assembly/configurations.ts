// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import {
  CaStore,
  CONFIGURATIONS,
  WebhookConfigurationReconciler,
} from '../controllers/webhook-configuration/index.ts';
import type { Host, Parts } from './host.ts';

/** Adds what looks after the webhook configurations. */
export function addConfigurations(host: Host, { mirrors }: Parts): void {
  const { client: api, namespace, clock, logger, metrics } = host.options;
  const { validating, mutating } = mirrors;
  const reconciler = new WebhookConfigurationReconciler({
    api,
    stores: { validating: validating.store, mutating: mutating.store },
    ca: new CaStore({ api, namespace, clock, logger }),
    events: host.events,
    observer: metrics,
    logger,
  });
  const needs = [validating, mutating];
  const reconcile = (key: string) => reconciler.reconcile(key);
  host.add({ name: 'configuration', concurrency: 1, reconcile, needs });
  const enqueueBoth = (): void => host.enqueueAll('configuration', CONFIGURATIONS);
  enqueueBoth();
  for (const mirror of needs) mirror.store.onChange(enqueueBoth);
}
