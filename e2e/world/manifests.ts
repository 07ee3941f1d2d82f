// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { readFileSync } from 'node:fs';
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
  return objectsOf(text);
}

interface Deployment extends KubernetesObject {
  readonly spec: {
    readonly template: { readonly spec: { readonly containers: readonly Container[] } };
  };
}

interface Container {
  readonly env: readonly { readonly name: string; readonly value?: string }[];
}

/** What the Deployment of one of our programs sets for what lies below it: all but our own settings. */
export function deployedEnv(name: 'operator' | 'webhook'): Readonly<Record<string, string>> {
  const objects = objectsOf(readFileSync(join(CONFIG, 'manager', `${name}.yaml`), 'utf8'));
  const found = objects.find(({ kind }) => kind === 'Deployment') as Deployment | undefined;
  if (found === undefined) throw new Error(`no Deployment of ${name}`);
  const env = found.spec.template.spec.containers.flatMap((container) => container.env);
  const set = env.flatMap((one) =>
    one.value === undefined ? [] : [[one.name, one.value] as const],
  );
  return Object.fromEntries(set.filter(([variable]) => !variable.startsWith('COUNTERSIGN_')));
}

function objectsOf(text: string): readonly KubernetesObject[] {
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
