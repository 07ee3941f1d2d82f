// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { join } from 'node:path';
import { parseAllDocuments } from 'yaml';
import type { Kubectl, KubernetesObject } from '../harness/index.ts';

const CONFIG: string = join(import.meta.dirname, '..', '..', 'config');

/** Renders a folder of `config/` with the real kustomize. */
export async function render(
  kubectl: Kubectl,
  folder: string,
): Promise<readonly KubernetesObject[]> {
  const text = await kubectl.must(['kustomize', join(CONFIG, folder)]);
  return parseAllDocuments(text).map((document) => document.toJS() as KubernetesObject);
}

/**
 * Installs `config/default` for processes outside the cluster: everything but the Deployments, whose
 * place the processes take, under the same service accounts. CRDs first, and established.
 */
export async function installForProcesses(kubectl: Kubectl): Promise<void> {
  const objects = (await render(kubectl, 'default')).filter(
    (o) => o.kind !== 'Deployment' && o.kind !== 'PodDisruptionBudget',
  );
  const first = objects.filter(
    (o) => o.kind === 'CustomResourceDefinition' || o.kind === 'Namespace',
  );
  await kubectl.apply(first, { serverSide: true });
  await kubectl.must(['wait', '--for=condition=Established', '--timeout=30s', 'crd', '--all']);
  await kubectl.apply(
    objects.filter((o) => !first.includes(o)),
    { serverSide: true },
  );
}

/** Installs `config/admission`; `port` where the Service listens on another one than 443. */
export async function installAdmission(kubectl: Kubectl, port = 443): Promise<void> {
  const objects = await render(kubectl, 'admission');
  await kubectl.apply(port === 443 ? objects : objects.map((o) => withPort(o, port)), {
    serverSide: true,
  });
}

function withPort(object: KubernetesObject, port: number): KubernetesObject {
  const webhooks = (object['webhooks'] ?? []) as { clientConfig: { service: object } }[];
  return {
    ...object,
    webhooks: webhooks.map((w) => ({
      ...w,
      clientConfig: { ...w.clientConfig, service: { ...w.clientConfig.service, port } },
    })),
  };
}
