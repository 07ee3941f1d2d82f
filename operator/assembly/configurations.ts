// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import type { KubeObject } from '../../runtime/kube/index.ts';
import {
  CaStore,
  CONFIGURATIONS,
  ObservedTrust,
  WebhookConfigurationReconciler,
} from '../controllers/webhook-configuration/index.ts';
import type { Host, Parts } from './host.ts';

/** The Deployment of the operator: Events about what is gone are recorded on it. */
const DEPLOYMENT = 'countersign-operator';

/** Adds what looks after the webhook configurations. */
export function addConfigurations(host: Host, parts: Parts): void {
  const { client: api, logger, metrics, ownCertificates } = host.options;
  const { validating, mutating, leases } = parts.mirrors;
  const reconciler = new WebhookConfigurationReconciler({
    api,
    stores: { validating: validating.store, mutating: mutating.store },
    ...(ownCertificates ? { ca: createCaStore(host, parts) } : {}),
    ourselves: () => ourselves(host, parts),
    events: host.events,
    observer: metrics,
    logger,
  });
  const needs = [validating, mutating, leases];
  const reconcile = (key: string) => reconciler.reconcile(key);
  host.add({ name: 'configuration', concurrency: 1, reconcile, needs });
  const enqueueBoth = (): void => host.enqueueAll('configuration', CONFIGURATIONS);
  enqueueBoth();
  for (const { store } of [validating, mutating]) store.onChange(enqueueBoth);
}

function createCaStore(host: Host, { mirrors }: Parts): CaStore {
  const { client: api, namespace, clock, logger, caStepMs: stepMs } = host.options;
  const observed = new ObservedTrust({
    configurations: [mirrors.validating.store, mirrors.mutating.store],
    leases: mirrors.leases.store,
    clock,
  });
  return new CaStore({ api, namespace, clock, logger, observed, stepMs });
}

/** Our Deployment, or our namespace where we do not run as that. */
function ourselves(host: Host, { mirrors }: Parts): KubeObject | undefined {
  const { namespace } = host.options;
  const deployment = mirrors.workloads.Deployment.store.get(`${namespace}/${DEPLOYMENT}`);
  if (deployment !== undefined)
    return { apiVersion: 'apps/v1', kind: 'Deployment', metadata: deployment.metadata };
  const own = mirrors.namespaces.store.get(namespace);
  return own === undefined
    ? undefined
    : { apiVersion: 'v1', kind: 'Namespace', metadata: own.metadata };
}
