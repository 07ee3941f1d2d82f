// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import type { KubernetesObject } from '../harness/index.ts';

/** A container of a test pod: a name and an image. */
export interface TestContainer {
  readonly name: string;
  readonly image: string;
}

/** What a test pod consists of; one container named `app` where only `image` is given. */
export interface PodOptions {
  readonly name: string;
  readonly namespace: string;
  readonly image?: string;
  readonly containers?: readonly TestContainer[];
  readonly initContainers?: readonly TestContainer[];
  readonly volumes?: readonly unknown[];
  readonly serviceAccount?: string;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly labels?: Readonly<Record<string, string>>;
}

/** A bare Pod. */
export function pod(options: PodOptions): KubernetesObject {
  const { name, namespace, labels = {}, annotations = {} } = options;
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace, labels, annotations },
    spec: podSpec(options),
  };
}

/** A Deployment of one replica with the pod as its template. */
export function deployment(options: PodOptions & { readonly replicas?: number }): KubernetesObject {
  const { name, namespace, replicas = 1 } = options;
  const labels = { app: name };
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name, namespace },
    spec: {
      replicas,
      selector: { matchLabels: labels },
      template: { metadata: { labels }, spec: podSpec(options) },
    },
  };
}

/** A namespace with labels. */
export function namespace(
  name: string,
  labels: Readonly<Record<string, string>> = {},
): KubernetesObject {
  return { apiVersion: 'v1', kind: 'Namespace', metadata: { name, labels } };
}

/** An ImageTrustPolicy. */
export function policy(name: string, spec: Readonly<Record<string, unknown>>): KubernetesObject {
  return {
    apiVersion: 'countersign.dev/v1alpha1',
    kind: 'ImageTrustPolicy',
    metadata: { name },
    spec,
  };
}

/** The spec of a policy that demands a signature by one set of keys. */
export function keyPolicySpec(options: {
  readonly images: readonly string[];
  readonly keys: readonly string[];
  readonly [field: string]: unknown;
}): Readonly<Record<string, unknown>> {
  const { images, keys, ...rest } = options;
  return {
    mode: 'Enforce',
    match: { images },
    authorities: [{ name: 'release-key', key: { material: { inline: keys.join('\n') } } }],
    requirements: [{ name: 'signed', signature: { anyOf: ['release-key'] } }],
    ...rest,
  };
}

/** A ConfigMap in the namespace of the operator, and the authority whose key it holds under `key`. */
export function keyInConfigMap(
  name: string,
  key: string,
): { readonly configMap: KubernetesObject; readonly authority: Readonly<Record<string, unknown>> } {
  return {
    configMap: {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name, namespace: 'countersign-system' },
      data: { key },
    },
    authority: {
      name: 'release-key',
      key: { material: { configMapRef: { name, key: 'key' } } },
    },
  };
}

/** What an exception of a test says; the rest is filled in. */
export interface ExceptionOptions {
  readonly name: string;
  readonly namespace: string;
  readonly policy: string;
  readonly digests: readonly string[];
  readonly serviceAccounts?: readonly string[];
  readonly requirements?: readonly string[];
  /** When it ends. */
  readonly expiresAt: Date;
  readonly notBefore?: Date;
  readonly requestedBy?: string;
  readonly [field: string]: unknown;
}

/** A SigningException. Requested by the administrator of the test cluster unless told. */
export function exception(options: ExceptionOptions): KubernetesObject {
  const {
    name,
    namespace: inNamespace,
    policy: policyName,
    expiresAt,
    notBefore,
    ...rest
  } = options;
  return {
    apiVersion: 'countersign.dev/v1alpha1',
    kind: 'SigningException',
    metadata: { name, namespace: inNamespace },
    spec: {
      policyRef: { name: policyName },
      requirements: ['signed'],
      serviceAccounts: ['default'],
      notBefore: (notBefore ?? new Date(expiresAt.getTime() - 3_600_000)).toISOString(),
      expiresAt: expiresAt.toISOString(),
      reason: 'the vendor signs from the next release on',
      owner: 'team-checkout@example.com',
      requestedBy: 'admin',
      ...rest,
    },
  };
}

function podSpec(options: PodOptions): Readonly<Record<string, unknown>> {
  const { image, containers, initContainers, volumes, serviceAccount } = options;
  return {
    containers: containers ?? [{ name: 'app', image }],
    ...(initContainers === undefined ? {} : { initContainers }),
    ...(volumes === undefined ? {} : { volumes }),
    ...(serviceAccount === undefined ? {} : { serviceAccountName: serviceAccount }),
    terminationGracePeriodSeconds: 0,
  };
}
