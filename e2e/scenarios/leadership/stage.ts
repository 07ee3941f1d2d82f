// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { freePort, newDirectory, waitFor } from '../../harness/index.ts';
import {
  ApiProxy,
  ProcessComponent,
  startWorld,
  type Component,
  type ComponentOptions,
  type World,
} from '../../world/index.ts';
import { Balancer, type Endpoint } from '../shared/balancer.ts';

/** An operator or a webhook replica behind a proxy of its own before the API server. */
export interface Member extends Endpoint {
  readonly name: string;
  readonly component: Component;
  readonly api: ApiProxy;
}

type Kind = ComponentOptions['name'];

/** A world with several operators, and several webhook replicas behind one Service. */
export class LeadershipStage {
  readonly world: World;
  readonly operators: readonly Member[];
  readonly webhooks: readonly Member[];
  readonly #balancer: Balancer;

  private constructor(world: World, members: readonly Member[], balancer: Balancer) {
    this.world = world;
    this.operators = members.filter(({ name }) => name.startsWith('operator'));
    this.webhooks = members.filter(({ name }) => name.startsWith('webhook'));
    this.#balancer = balancer;
  }

  /** Starts it, with further settings of all processes; what the first ones are started with is what all are. */
  static async start(
    counts: Readonly<Record<Kind, number>>,
    env: Readonly<Record<string, string>> = {},
  ): Promise<LeadershipStage> {
    const made = new Map<Kind, ComponentOptions>();
    const firsts: Member[] = [];
    // Components are made without waiting, so their ports are known before.
    const ports = { operator: await membersPorts(), webhook: await membersPorts() };
    let service: Promise<Balancer> | undefined;
    const component = (options: ComponentOptions): Component => {
      made.set(options.name, options);
      const member = memberOf(`${options.name}-0`, options, ports[options.name]);
      firsts.push(member);
      const { COUNTERSIGN_WEBHOOK_HOST: host, COUNTERSIGN_WEBHOOK_PORT: port } = options.env;
      if (host !== undefined) service = Balancer.start({ host, port: Number(port) });
      void service?.then((balancer) => balancer.add(member));
      return member.component;
    };
    const world = await startWorld({ nodes: 0, env, component });
    const members = [...firsts];
    for (const [kind, options] of made)
      for (let n = 1; n < counts[kind]; n += 1)
        members.push(memberOf(`${kind}-${n.toString()}`, options, await membersPorts()));
    if (service === undefined) throw new Error('there is no webhook');
    const stage = new LeadershipStage(world, members, await service);
    const more = members.filter((member) => !firsts.includes(member));
    await Promise.all(more.map(({ component: one }) => one.start()));
    await Promise.all(more.map(({ component: one }) => one.ready()));
    for (const webhook of stage.webhooks) stage.#balancer.add(webhook);
    return stage;
  }

  /** Waits until exactly one of these operators says that it leads, and answers it. */
  async leader(among: readonly Member[], timeoutMs: number): Promise<Member> {
    return await waitFor(
      async () => {
        const leaders = await this.leaders(among);
        return leaders.length === 1 ? leaders[0] : undefined;
      },
      { timeoutMs, message: `a leader\n${among.map((m) => m.component.logTail(8)).join('\n')}` },
    );
  }

  /** The operators that say they lead. */
  async leaders(among: readonly Member[]): Promise<readonly Member[]> {
    const metrics = await Promise.all(
      among.map(({ component }) => component.probe('/metrics').then(({ body }) => body)),
    );
    return among.filter((_, index) => /^countersign_leader 1$/mu.test(metrics[index] ?? ''));
  }

  /** The other operator. */
  other(than: Member): Member {
    const other = this.operators.find((operator) => operator !== than);
    if (other === undefined) throw new Error('there is one operator only');
    return other;
  }

  /** The Service passes no connection to this replica any more. */
  withdraw(webhook: Member): void {
    this.#balancer.remove(webhook);
  }

  /** The Service passes connections to it again. */
  restore(webhook: Member): void {
    this.#balancer.add(webhook);
  }

  async stop(): Promise<void> {
    const members = [...this.operators, ...this.webhooks];
    await Promise.all(members.map(({ component }) => component.stop()));
    await this.#balancer.stop();
    await this.world.stop();
    await Promise.all(members.map(({ api }) => api.stop()));
  }
}

interface Ports {
  readonly serving: number;
  readonly health: number;
  readonly api: number;
}

async function membersPorts(): Promise<Ports> {
  return { serving: await freePort(), health: await freePort(), api: await freePort() };
}

function memberOf(name: string, options: ComponentOptions, ports: Ports): Member {
  const api = new ApiProxy(options.kubeconfig, ports.api);
  const serving = {
    COUNTERSIGN_WEBHOOK_HOST: '127.0.0.1',
    COUNTERSIGN_WEBHOOK_PORT: ports.serving.toString(),
  };
  const env = {
    ...options.env,
    ...serving,
    COUNTERSIGN_HEALTH_PORT: ports.health.toString(),
    COUNTERSIGN_POD_NAME: name,
    COUNTERSIGN_CACHE_DIRECTORY: newDirectory(`${name}-cache`),
  };
  const { kubeconfig } = api;
  const component = new ProcessComponent({ ...options, env, kubeconfig, healthPort: ports.health });
  const isReady = (): Promise<boolean> => component.isReady();
  return { name, component, api, port: ports.serving, isReady };
}
