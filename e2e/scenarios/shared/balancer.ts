// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';

/** Where a replica takes connections, and whether it may have some. */
export interface Endpoint {
  readonly port: number;
  isReady(): Promise<boolean>;
}

const PROBE_MS = 200;

/**
 * What a Service is in a cluster: passes each new connection to the next replica that is ready. Replicas
 * are asked as kubelets do it; a connection that is open stays where it is.
 */
export class Balancer {
  readonly #server: Server;
  readonly #open = new Set<Socket>();
  readonly #endpoints = new Set<Endpoint>();
  readonly #probes: NodeJS.Timeout;
  #ready: readonly Endpoint[] = [];
  #turn = 0;

  private constructor() {
    this.#server = createServer({ allowHalfOpen: true }, (client) => this.#pass(client));
    this.#probes = setInterval(() => void this.#probe(), PROBE_MS);
  }

  /** Listens at the address of a Service. */
  static async start(address: { readonly host: string; readonly port: number }): Promise<Balancer> {
    const balancer = new Balancer();
    balancer.#server.listen({ ...address, exclusive: true });
    await once(balancer.#server, 'listening');
    return balancer;
  }

  /** From now on a replica gets connections while it is ready. */
  add(endpoint: Endpoint): void {
    this.#endpoints.add(endpoint);
  }

  /** From now on a replica gets none; open ones are left to it. */
  remove(endpoint: Endpoint): void {
    this.#endpoints.delete(endpoint);
    this.#ready = this.#ready.filter((ready) => ready !== endpoint);
  }

  async stop(): Promise<void> {
    clearInterval(this.#probes);
    const closed = once(this.#server, 'close');
    this.#server.close();
    for (const socket of this.#open) socket.destroy();
    await closed;
  }

  async #probe(): Promise<void> {
    const endpoints = [...this.#endpoints];
    const ready = await Promise.all(endpoints.map((endpoint) => endpoint.isReady()));
    this.#ready = endpoints.filter(
      (endpoint, index) => ready[index] === true && this.#endpoints.has(endpoint),
    );
  }

  #pass(client: Socket): void {
    this.#turn += 1;
    const endpoint = this.#ready[this.#turn % Math.max(this.#ready.length, 1)];
    if (endpoint === undefined) {
      client.destroy();
      return;
    }
    const upstream = connect({ host: '127.0.0.1', port: endpoint.port, allowHalfOpen: true });
    for (const [one, other] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      this.#open.add(one);
      one.pipe(other);
      one.once('error', () => other.destroy());
      one.once('close', () => {
        this.#open.delete(one);
        other.destroy();
      });
    }
  }
}
