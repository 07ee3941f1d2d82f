// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { readFileSync } from 'node:fs';
import { createServer, connect } from 'node:net';
import { join } from 'node:path';
import {
  ManagedProcess,
  mustRun,
  newDirectory,
  waitFor,
  type Namespace,
} from '../harness/index.ts';

/** Address of the node inside its namespaces; the gateway of its pods. */
export const NODE_ADDRESS = '10.99.0.1';
/** Range of pod addresses: the network of the bridge. */
export const POD_CIDR = '10.99.0.0/24';
/** Range of ClusterIPs inside the namespaces. */
export const SERVICE_CIDR = '10.96.0.0/16';

/** Mount, network and PID namespaces of one node; ending the holder ends everything in them. */
export class NodeNamespace implements Namespace {
  readonly #holder: ManagedProcess;
  readonly #pid: string;
  readonly #address: string;
  /** Certificates that programs inside trust, besides those of the system. */
  #caFile: string | undefined;

  private constructor(holder: ManagedProcess, pid: string, address: string) {
    this.#holder = holder;
    this.#pid = pid;
    this.#address = address;
  }

  /** Makes the namespaces, the bridge of the pods and a link to this machine's namespace. */
  static async create(): Promise<NodeNamespace> {
    const flags = [
      '-m',
      '-n',
      '-p',
      '-f',
      '--kill-child',
      '--mount-proc',
      '--propagation',
      'shared',
    ];
    const holder = ManagedProcess.start({
      name: 'node-holder',
      program: 'unshare',
      args: [...flags, 'sleep', 'infinity'],
      logFile: join(newDirectory('node-holder'), 'holder.log'),
    });
    const pid = await waitFor(() => sleeper(holder.pid ?? 0), {
      timeoutMs: 5_000,
      message: 'namespaces',
    });
    const number = Number(pid) % 60;
    const link = `csn${String(number)}`;
    const [outside, inside] = [`10.98.${String(number)}.1`, `10.98.${String(number)}.2`];
    const namespace = new NodeNamespace(holder, pid, inside);
    await mustRun('ip', [
      'link',
      'add',
      link,
      'type',
      'veth',
      'peer',
      'name',
      'eth0',
      'netns',
      pid,
    ]);
    await mustRun('ip', ['addr', 'add', `${outside}/30`, 'dev', link]);
    await mustRun('ip', ['link', 'set', link, 'up']);
    const script = [
      'ip link set lo up',
      `ip addr add ${inside}/30 dev eth0`,
      'ip link set eth0 up',
      'ip link add cni0 type bridge',
      `ip addr add ${NODE_ADDRESS}/24 dev cni0`,
      'ip link set cni0 up',
      `ip route add ${SERVICE_CIDR} dev cni0`,
      'echo 1 > /proc/sys/net/ipv4/ip_forward',
    ].join(' && ');
    await mustRun('sh', ['-c', script], { runIn: namespace });
    return namespace;
  }

  /** From now on programs inside trust these certificates too. */
  trust(caFile: string): void {
    this.#caFile = caFile;
  }

  wrap(program: string, args: readonly string[]): [string, string[]] {
    const trust = this.#caFile === undefined ? [] : ['env', `SSL_CERT_FILE=${this.#caFile}`];
    return ['nsenter', ['-t', this.#pid, '-m', '-n', '-p', '--', ...trust, program, ...args]];
  }

  /** Makes a port of the namespaces reachable on this machine's loopback; answers the port there. */
  async publish(port: number): Promise<number> {
    const server = createServer((socket) => {
      const inner = connect(port, this.#address);
      socket.on('error', () => inner.destroy());
      inner.on('error', () => socket.destroy());
      socket.pipe(inner);
      inner.pipe(socket);
    });
    server.unref();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    return typeof address === 'object' && address !== null ? address.port : 0;
  }

  /** Ends everything inside. */
  async stop(): Promise<void> {
    await this.#holder.stop(0);
  }
}

/** Process id, as seen from here, of the first process inside. */
function sleeper(holder: number): string | undefined {
  const children = readFileSync(`/proc/${String(holder)}/task/${String(holder)}/children`, 'utf8')
    .trim()
    .split(' ');
  for (const child of children.filter((c) => c !== '')) {
    const name = readFileSync(`/proc/${child}/comm`, 'utf8').trim();
    if (name === 'sleep') return child;
    const below = sleeper(Number(child));
    if (below !== undefined) return below;
  }
  return undefined;
}
