// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { connect } from 'node:tls';
import { KubeClient, loadKubeConfig, type KubeObject } from '../../../runtime/kube/index.ts';
import { certificatesOf, fingerprintOf } from '../../../runtime/tls/index.ts';
import { freePort, waitFor } from '../../harness/index.ts';
import {
  ProcessComponent,
  startWorld,
  type Component,
  type ComponentOptions,
  type World,
} from '../../world/index.ts';
import { Balancer, type Endpoint } from '../shared/balancer.ts';

/** The name that the API server asks replicas for. */
export const SERVICE = 'countersign-webhook.countersign-system.svc';
export const SYSTEM = 'countersign-system';
export const VALIDATING = 'validatingwebhookconfiguration';
export const MUTATING = 'mutatingwebhookconfiguration';
export const CA_SECRET = 'countersign-webhook-ca';

type Environment = Readonly<Record<string, string>>;

/** One webhook process behind the Service. */
export interface StageReplica extends Endpoint {
  readonly component: Component;
}

interface ConfigurationLike extends KubeObject {
  readonly webhooks: readonly {
    readonly name: string;
    readonly clientConfig: { readonly caBundle?: string };
  }[];
}

/** A world whose Service leads to as many webhook replicas as a test starts. */
export class Stage {
  readonly world: World;
  /** The replica that is there from the beginning. */
  readonly first: StageReplica;
  /** The administrator, without the cost of a process for each call. */
  readonly client: KubeClient;
  readonly #connection: ReturnType<typeof loadKubeConfig>;
  readonly #balancer: Balancer;
  readonly #made: ReadonlyMap<string, ComponentOptions>;
  readonly #added: StageReplica[] = [];
  readonly #operators: Component[] = [];

  private constructor(world: World, first: StageReplica, more: StageInside) {
    this.world = world;
    this.first = first;
    this.#connection = loadKubeConfig({ kubeconfigPath: world.plane.kubeconfig });
    this.client = new KubeClient(this.#connection);
    this.#balancer = more.balancer;
    this.#made = more.made;
  }

  /** Starts it with further settings of both processes. */
  static async start(env: Environment): Promise<Stage> {
    const port = await freePort();
    const made = new Map<string, ComponentOptions>();
    let listening: Promise<Balancer> | undefined;
    let replica: StageReplica | undefined;
    const component = (options: ComponentOptions): Component => {
      made.set(options.name, options);
      if (options.name === 'operator') return new ProcessComponent(options);
      const { COUNTERSIGN_WEBHOOK_HOST: host = '', COUNTERSIGN_WEBHOOK_PORT: service } =
        options.env;
      const process = new ProcessComponent(behind(options, port));
      const first = { port, component: process, isReady: () => process.isReady() };
      replica = first;
      listening = Balancer.start({ host, port: Number(service) });
      void listening.then((balancer) => balancer.add(first));
      return process;
    };
    const world = await startWorld({ nodes: 0, env, component }).catch(async (error: unknown) => {
      await (await listening)?.stop();
      throw error;
    });
    if (replica === undefined || listening === undefined) throw new Error('there is no webhook');
    return new Stage(world, replica, { balancer: await listening, made });
  }

  /** Starts another replica; it gets connections as soon as it is ready. */
  async addReplica(name: string, env: Environment = {}): Promise<StageReplica> {
    const [port, healthPort] = [await freePort(), await freePort()];
    const options = this.#optionsOf('webhook', { ...env, COUNTERSIGN_POD_NAME: name }, healthPort);
    const component = new ProcessComponent(behind(options, port));
    const replica = { port, component, isReady: () => component.isReady() };
    this.#added.push(replica);
    await component.start();
    this.#balancer.add(replica);
    return replica;
  }

  /** Starts another operator with further settings; the first one has to be stopped. */
  async addOperator(env: Environment): Promise<Component> {
    const component = new ProcessComponent(this.#optionsOf('operator', env, await freePort()));
    this.#operators.push(component);
    await component.start();
    return component;
  }

  /** Ends all replicas as their Pods would: no new connections, then the processes. */
  async removeAll(): Promise<void> {
    const replicas = [this.first, ...this.#added];
    for (const replica of replicas) this.#balancer.remove(replica);
    await Promise.all(replicas.map(({ component }) => component.stop()));
  }

  /** Fingerprints of what each of our webhooks trusts, by webhook; of the configurations that exist. */
  async bundles(): Promise<ReadonlyMap<string, readonly string[]>> {
    const found = await Promise.all(
      [VALIDATING, MUTATING].map((kind) => this.client.get<ConfigurationLike>(pathOf(kind))),
    );
    const webhooks = found.flatMap((configuration) => configuration?.webhooks ?? []);
    return new Map(
      webhooks.map(({ name, clientConfig }) => [
        name,
        printsOf(Buffer.from(clientConfig.caBundle ?? '', 'base64').toString('utf8')),
      ]),
    );
  }

  /** Waits until all four webhooks trust exactly so many CAs, and answers their fingerprints. */
  async trusted(count: number, timeoutMs: number): Promise<readonly string[]> {
    return await waitFor(
      async () => {
        const bundles = [...(await this.bundles()).values()];
        const [first = []] = bundles;
        const same = bundles.every((bundle) => bundle.join() === first.join());
        return same && bundles.length === 4 && first.length === count ? first : undefined;
      },
      { timeoutMs, message: `all webhooks trust ${count.toString()} CAs\n${this.#log()}` },
    );
  }

  /** A key of the Secret of the CA; empty where there is none. */
  async secret(key: string): Promise<string> {
    const secret = await this.client.get<{ data?: Readonly<Record<string, string>> }>(
      `/api/v1/namespaces/${SYSTEM}/secrets/${CA_SECRET}`,
    );
    return Buffer.from(secret?.data?.[key] ?? '', 'base64').toString('utf8');
  }

  /** A metric of a process; NaN where it has no such sample. */
  async metric(component: Component, sample: string): Promise<number> {
    const { body } = await component.probe('/metrics');
    const line = body.split('\n').find((text) => text.startsWith(`countersign_${sample} `));
    return Number(line?.slice(line.lastIndexOf(' ')) ?? Number.NaN);
  }

  async stop(): Promise<void> {
    const started = [...this.#added.map(({ component }) => component), ...this.#operators];
    await Promise.all(started.map((component) => component.stop()));
    await this.#balancer.stop();
    await this.#connection.close();
    await this.world.stop();
  }

  #optionsOf(name: 'operator' | 'webhook', env: Environment, healthPort: number): ComponentOptions {
    const options = this.#made.get(name);
    if (options === undefined) throw new Error(`there is no ${name}`);
    const health = { COUNTERSIGN_HEALTH_PORT: healthPort.toString() };
    return { ...options, healthPort, env: { ...options.env, ...health, ...env } };
  }

  #log(): string {
    return this.world.operator.logTail(10);
  }
}

interface StageInside {
  readonly balancer: Balancer;
  readonly made: ReadonlyMap<string, ComponentOptions>;
}

/** Path of one of the two configurations. */
export function pathOf(kind: string): string {
  return `/apis/admissionregistration.k8s.io/v1/${kind}s/countersign`;
}

/** Fingerprints of the certificates in a PEM text. */
export function printsOf(pem: string): readonly string[] {
  return certificatesOf(pem).map(fingerprintOf);
}

/** What a replica shows a client that trusts this PEM: the serial number of its leaf, or what is wrong. */
export function shownBy(port: number, ca: string): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port, ca, servername: SERVICE });
    socket.once('error', ({ message }) => {
      resolve(`refused: ${message}`);
    });
    socket.once('secureConnect', () => {
      resolve(socket.getPeerX509Certificate()?.serialNumber ?? '');
      socket.destroy();
    });
  });
}

function behind(options: ComponentOptions, port: number): ComponentOptions {
  const address = {
    COUNTERSIGN_WEBHOOK_HOST: '127.0.0.1',
    COUNTERSIGN_WEBHOOK_PORT: port.toString(),
  };
  return { ...options, env: { ...options.env, ...address } };
}
