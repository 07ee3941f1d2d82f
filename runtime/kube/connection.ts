// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { createHash } from 'node:crypto';
import type { RequestOptions } from 'node:https';
import { KubeConfig, type RequestContext } from '@kubernetes/client-node';
import { Agent, type Dispatcher } from 'undici';

/** TLS material and headers of one call. */
interface CallAuth {
  readonly headers: Readonly<Record<string, string>>;
  readonly dispatcher: Dispatcher;
}

/** Connections kept open to the API server; watches hold one each. */
const CONNECTIONS = 32;

/**
 * A kubeconfig whose calls share connections. client-node 2.0 opens a new TLS connection for every
 * call; here one undici Agent serves all calls as long as the TLS material stays the same.
 */
export class PooledKubeConfig extends KubeConfig {
  #agent: { readonly key: string; readonly agent: Agent } | undefined;

  /** Headers and dispatcher for a raw call: the token is read again where it comes from a file. */
  async authorize(): Promise<CallAuth> {
    const options: RequestOptions = {};
    await this.applyToHTTPSOptions(options);
    const headers: Record<string, string> = {};
    for (const [name, value] of Object.entries(options.headers ?? {})) headers[name] = String(value);
    return { headers, dispatcher: this.#agentFor(options) };
  }

  /** What client-node's own clients call; gives them the shared dispatcher. */
  override async applySecurityAuthentication(context: RequestContext): Promise<void> {
    const { headers, dispatcher } = await this.authorize();
    for (const [name, value] of Object.entries(headers)) context.setHeaderParam(name, value);
    context.setDispatcher(dispatcher);
  }

  /** Base URL of the API server, without a trailing slash. */
  get server(): string {
    const cluster = this.getCurrentCluster();
    if (cluster === null) throw new Error('kubeconfig: no current cluster');
    return cluster.server.replace(/\/+$/, '');
  }

  /** Ends the connections. */
  async close(): Promise<void> {
    await this.#agent?.agent.destroy();
    this.#agent = undefined;
  }

  #agentFor(options: RequestOptions): Agent {
    const { ca, cert, key, servername, rejectUnauthorized } = options;
    const tls = {
      ...(ca === undefined ? {} : { ca: ca as Buffer }),
      ...(cert === undefined ? {} : { cert: cert as Buffer }),
      ...(key === undefined ? {} : { key: key as Buffer }),
      ...(servername === undefined ? {} : { servername }),
      ...(rejectUnauthorized === undefined ? {} : { rejectUnauthorized }),
    };
    const hash = createHash('sha256');
    for (const part of Object.entries(tls)) hash.update(String(part[0])).update(String(part[1]));
    const id = hash.digest('hex');
    if (this.#agent?.key === id) return this.#agent.agent;
    const old = this.#agent?.agent;
    const agent = new Agent({ connect: { ...tls, timeout: 5_000 }, connections: CONNECTIONS, keepAliveTimeout: 30_000 });
    this.#agent = { key: id, agent };
    // Calls in flight and watches end by themselves on the old material.
    void old?.close();
    return agent;
  }
}

/** Loads a kubeconfig file, or what the environment gives: in-cluster, KUBECONFIG, the default file. */
export function loadKubeConfig(options: { readonly kubeconfigPath?: string } = {}): PooledKubeConfig {
  const config = new PooledKubeConfig();
  if (options.kubeconfigPath === undefined) config.loadFromDefault();
  else config.loadFromFile(options.kubeconfigPath);
  return config;
}
