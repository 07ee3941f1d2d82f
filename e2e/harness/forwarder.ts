// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { connect, createServer } from 'node:net';
import type { Server, Socket } from 'node:net';

/** A TCP address. */
export interface TcpAddress {
  readonly host: string;
  readonly port: number;
}

/** What a forwarder is started with. */
export interface ForwardOptions {
  /** Where to listen; a port of 0 picks a free one. */
  readonly listen: TcpAddress;
  readonly to: TcpAddress;
}

/** A listening forwarder. */
export interface Forwarder extends TcpAddress {
  stop(): Promise<void>;
}

/**
 * Passes TCP connections on, bytes unchanged. So a process that listens anywhere answers at a
 * ClusterIP: the addresses of the control plane's Services are loopback ones and can be bound.
 *
 * @example await forward({ listen: { host: clusterIp, port: 443 }, to: { host: '127.0.0.1', port } });
 */
export async function forward(options: ForwardOptions): Promise<Forwarder> {
  const { listen, to } = options;
  const open = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true }, (client) => {
    const upstream = connect({ ...to, allowHalfOpen: true });
    open.add(client).add(upstream);
    join(client, upstream);
    const closed = (): void => {
      open.delete(client);
      open.delete(upstream);
    };
    client.once('close', closed);
    upstream.once('close', closed);
  });
  const port = await listening(server, listen);
  return {
    host: listen.host,
    port,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        open.forEach((socket) => socket.destroy());
      }),
  };
}

/** Connects two sockets with each other; the end of one way ends that way alone. */
function join(one: Socket, other: Socket): void {
  one.pipe(other);
  other.pipe(one);
  one.once('error', () => other.destroy());
  other.once('error', () => one.destroy());
  one.once('close', (failed) => failed && other.destroy());
  other.once('close', (failed) => failed && one.destroy());
}

function listening(server: Server, at: TcpAddress): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ ...at, exclusive: true }, () => {
      const address = server.address();
      resolve(typeof address === 'object' && address !== null ? address.port : at.port);
    });
  });
}
