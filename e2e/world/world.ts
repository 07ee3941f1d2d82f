// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  freePort,
  generateKey,
  newDirectory,
  pushImage,
  signBundle,
  signLegacy,
  startControlPlane,
  startKwok,
  startRegistry,
  waitFor,
  type ControlPlane,
  type ControlPlaneOptions,
  type CosignKey,
  type Kubectl,
  type Kwok,
  type PushedImage,
  type Registry,
} from '../harness/index.ts';
import { ProcessComponent, type Component, type ComponentOptions } from './component.ts';
import { installAdmission, installForProcesses } from './manifests.ts';
import { pod } from './objects.ts';

/** What a world consists of besides the control plane and the two registries. */
export interface WorldOptions {
  /** Nodes that kwok plays; 0 leaves it out. */
  readonly nodes?: number;
  /** Extra settings of both processes. */
  readonly env?: Readonly<Record<string, string>>;
  /** Hosts besides the two registries that may be spoken to without TLS. */
  readonly plainHttpHosts?: readonly string[];
  /** Told of each step; for the demo. */
  readonly onStep?: (step: string) => void;
  /** How the control plane is started. */
  readonly plane?: ControlPlaneOptions;
  /** Runs `dist/` instead of the sources. */
  readonly built?: boolean;
  /** Port of the webhook's Service; 443 where that may be bound, 9443 otherwise. */
  readonly servicePort?: number;
  /** Who applies the shipped manifests; kubectl, those that processes need, unless told. */
  readonly installer?: Installer;
  /** How components are run; as processes of this machine unless told. */
  readonly component?: (options: ComponentOptions) => Component;
}

/** Applies the shipped manifests; `port` is that of the webhook's Service. */
export interface Installer {
  /** Everything but the webhook configurations: kinds, rights, service accounts, the Service. */
  base(plane: ControlPlane, port: number): Promise<void>;
  /** The webhook configurations, when operator and webhook are ready. */
  admission(plane: ControlPlane, port: number): Promise<void>;
}

const BY_KUBECTL: Installer = {
  base: ({ kubectl }) => installForProcesses(kubectl),
  admission: ({ kubectl }, port) => installAdmission(kubectl, port),
};

const NAMESPACE = 'countersign-system';
/** The name of the cluster that every world is: what signed approvals are for. */
export const CLUSTER: string = 'e2e';

/**
 * A cluster that runs Countersign: real API server, two real registries (one with the referrers API,
 * one without), real cosign keys, operator and webhook as processes under their service accounts,
 * reached through the shipped manifests.
 */
export class World {
  readonly plane: ControlPlane;
  readonly kubectl: Kubectl;
  /** Has the referrers API. */
  readonly registry: Registry;
  /** Has no referrers API. */
  readonly tagRegistry: Registry;
  /** The key that policies of tests trust. */
  readonly key: CosignKey;
  /** A key that nobody trusts. */
  readonly otherKey: CosignKey;
  readonly kwok: Kwok | undefined;
  /** Where a scenario may start a registry behind TLS: loopback is only spoken to where it is listed. */
  readonly tlsHost: string;
  /** Where a scenario may serve a TUF repository, without TLS. */
  readonly mirrorHost: string;
  /** Where a scenario may put something before a registry, without TLS. */
  readonly proxyHost: string;
  readonly operator: Component;
  readonly webhook: Component;

  /** Use {@link startWorld}. */
  constructor(parts: WorldParts) {
    this.plane = parts.plane;
    this.kubectl = parts.plane.kubectl;
    this.registry = parts.registry;
    this.tagRegistry = parts.tagRegistry;
    this.key = parts.key;
    this.otherKey = parts.otherKey;
    this.kwok = parts.kwok;
    this.tlsHost = parts.tlsHost;
    this.mirrorHost = parts.mirrorHost;
    this.proxyHost = parts.proxyHost;
    this.operator = parts.operator;
    this.webhook = parts.webhook;
  }

  /** `spec.registry` of policies: nothing is needed for registries without TLS. */
  readonly registrySpec: Readonly<Record<string, unknown>> = {};

  /** Pushes an image with content of its own; moves the tag where it exists. */
  push(registry: { readonly host: string }, repository: string, tag: string): Promise<PushedImage> {
    return pushImage(registry, repository, tag);
  }

  /** Signs with cosign: a v3 bundle or a legacy signature. */
  sign(format: 'bundle' | 'legacy', key: CosignKey, pinned: string): Promise<void> {
    return format === 'bundle' ? signBundle(key, pinned) : signLegacy(key, pinned);
  }

  /** Waits until a policy is enforced by every replica in its current generation. */
  async enforced(policyName: string, timeoutMs = 20_000): Promise<void> {
    const args = [
      'wait',
      `--timeout=${Math.ceil(timeoutMs / 1000).toString()}s`,
      '--for=condition=Ready',
      'imagetrustpolicy',
      policyName,
    ];
    await waitFor(
      async () => {
        const object = await this.kubectl.get<PolicyStatusLike>('imagetrustpolicy', policyName);
        const ready = object.status?.conditions?.find((c) => c.type === 'Ready');
        return ready?.status === 'True' && ready.observedGeneration === object.metadata.generation;
      },
      { timeoutMs, message: `${args.join(' ')}\n${this.operator.logTail(15)}` },
    );
  }

  /** Ends everything. */
  async stop(): Promise<void> {
    await Promise.all([this.operator.stop(), this.webhook.stop(), this.kwok?.stop()]);
    await Promise.all([this.plane.stop(), this.registry.stop(), this.tagRegistry.stop()]);
  }
}

interface WorldParts {
  readonly plane: ControlPlane;
  readonly registry: Registry;
  readonly tagRegistry: Registry;
  readonly key: CosignKey;
  readonly otherKey: CosignKey;
  readonly kwok: Kwok | undefined;
  readonly tlsHost: string;
  readonly mirrorHost: string;
  readonly proxyHost: string;
  readonly operator: Component;
  readonly webhook: Component;
}

interface PolicyStatusLike {
  readonly metadata: { readonly generation: number };
  readonly status?: {
    readonly conditions?: readonly { type: string; status: string; observedGeneration?: number }[];
  };
}

/** Starts a world and waits until an admission request is answered by the webhook. */
export async function startWorld(options: WorldOptions = {}): Promise<World> {
  const step = options.onStep ?? ((): void => undefined);
  step('starting etcd, kube-apiserver, controller-manager, scheduler and two registries');
  const [plane, registry, tagRegistry, key, otherKey] = await Promise.all([
    startControlPlane(options.plane),
    startRegistry({ kind: 'olareg' }),
    startRegistry({ kind: 'distribution' }),
    generateKey(),
    generateKey(),
  ]);
  const { installer = BY_KUBECTL } = options;
  const port = options.servicePort ?? (process.getuid?.() === 0 ? 443 : 9443);
  step('installing config/default');
  await installer.base(plane, port);
  const kwok =
    options.nodes === 0 ? undefined : await startKwok(plane, { nodes: options.nodes ?? 1 });
  step('starting operator and webhook under their service accounts');
  const tlsHost = `127.0.0.1:${(await freePort()).toString()}`;
  const mirrorHost = `127.0.0.1:${(await freePort()).toString()}`;
  const proxyHost = `127.0.0.1:${(await freePort()).toString()}`;
  const more = options.plainHttpHosts ?? [];
  const hosts = [registry.host, tagRegistry.host, mirrorHost, proxyHost, ...more];
  const env = {
    COUNTERSIGN_PRIVATE_REGISTRY_HOSTS: tlsHost,
    ...options.env,
  };
  const { operator, webhook } = await startComponents(plane, hosts, { ...options, env }, port);
  await Promise.all([operator.ready(), webhook.ready()]);
  step('installing config/admission');
  await installer.admission(plane, port);
  const common = { plane, registry, tagRegistry, key, otherKey, kwok };
  const world = new World({ ...common, tlsHost, mirrorHost, proxyHost, operator, webhook });
  await admissionAnswers(world);
  return world;
}

async function startComponents(
  plane: ControlPlane,
  hosts: readonly string[],
  options: WorldOptions,
  port: number,
): Promise<{ operator: Component; webhook: Component }> {
  const address = await serviceAddress(plane.kubectl, port);
  const make = async (
    name: ComponentOptions['name'],
    env: Readonly<Record<string, string>>,
  ): Promise<Component> => {
    const healthPort = await freePort();
    const common = {
      COUNTERSIGN_NAMESPACE: NAMESPACE,
      COUNTERSIGN_PLAIN_HTTP_HOSTS: hosts.join(','),
      COUNTERSIGN_LOG_FORMAT: 'text',
      COUNTERSIGN_CACHE_DIRECTORY: newDirectory(`${name}-cache`),
      COUNTERSIGN_HEALTH_HOST: '127.0.0.1',
      COUNTERSIGN_HEALTH_PORT: healthPort.toString(),
    };
    const kubeconfig = await plane.kubeconfigFor({
      namespace: NAMESPACE,
      serviceAccount: `countersign-${name}`,
    });
    const component = options.component ?? ((o: ComponentOptions) => new ProcessComponent(o));
    return component({
      name,
      healthPort,
      kubeconfig,
      built: options.built ?? false,
      env: { ...common, ...env, ...options.env },
    });
  };
  const operator = await make('operator', { COUNTERSIGN_CLUSTER_NAME: CLUSTER });
  const webhook = await make('webhook', {
    COUNTERSIGN_WEBHOOK_HOST: address,
    COUNTERSIGN_WEBHOOK_PORT: port.toString(),
    COUNTERSIGN_POD_NAME: 'webhook-process-0',
  });
  await Promise.all([operator.start(), webhook.start()]);
  return { operator, webhook };
}

/** ClusterIP of the webhook's Service: an address of this machine's loopback; its port made ours. */
async function serviceAddress(kubectl: Kubectl, port: number): Promise<string> {
  if (port !== 443) {
    const target = { kind: 'service', name: 'countersign-webhook', namespace: NAMESPACE };
    await kubectl.patch(target, [{ op: 'replace', path: '/spec/ports/0/port', value: port }], {
      type: 'json',
    });
  }
  const service = await kubectl.get<{ spec: { clusterIP: string } }>(
    'service',
    'countersign-webhook',
    NAMESPACE,
  );
  return service.spec.clusterIP;
}

/** Until `caBundle` is set, calls fail closed; then a dry run is answered. */
async function admissionAnswers(world: World): Promise<void> {
  const probe = pod({
    name: 'probe',
    namespace: 'default',
    image: `${world.registry.host}/probe@sha256:${'0'.repeat(64)}`,
  });
  const file = join(newDirectory('probe'), 'pod.json');
  writeFileSync(file, JSON.stringify(probe));
  let last = '';
  await waitFor(
    async () => {
      const { code, stderr } = await world.kubectl.run(['create', '--dry-run=server', '-f', file]);
      last = stderr;
      return code === 0 || !stderr.includes('failed calling webhook');
    },
    { timeoutMs: 20_000, message: 'admission answers' },
  ).catch((error: unknown) => {
    throw new Error(
      `admission does not answer: ${last}\n${world.webhook.logTail()}\n${world.operator.logTail()}`,
      { cause: error },
    );
  });
}
