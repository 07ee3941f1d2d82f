// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { createHash } from 'node:crypto';
import type { RequestOptions } from 'node:https';
import { KubeConfig, type RequestContext } from '@kubernetes/client-node';
import { Agent, ProxyAgent, type Dispatcher } from 'undici';

/** What a raw call needs to reach the API server as us. */
export interface CallAuthority {
  /** Authorization, and impersonation where the kubeconfig asks for it. */
  readonly headers: Readonly<Record<string, string>>;
  readonly dispatcher: Dispatcher;
}

/** A way to the API server: what a KubeClient works with. */
export interface KubeConnection {
  /** Base URL without a trailing slash. */
  readonly server: string;
  /** Headers and dispatcher for the next call; a token that comes from a file is read again. */
  authorize(): Promise<CallAuthority>;
}

/** Connections to the API server; every watch holds one. */
const CONNECTIONS = 64;
const CONNECT_MS = 5000;
const IDLE_MS = 30_000;

/**
 * A kubeconfig whose calls share connections. client-node 2.0 makes a new undici Agent, and so a new
 * TLS connection, for every call (measured); here one serves them all as long as the TLS material
 * stays the same. HTTP/1.1 only, so that a dead connection takes one watch with it and not all.
 */
export class PooledKubeConfig extends KubeConfig implements KubeConnection {
  #pool: { readonly id: string; readonly dispatcher: Dispatcher } | undefined;

  /** Base URL without a trailing slash. Throws where there is no current context. */
  get server(): string {
    const cluster = this.getCurrentCluster();
    if (cluster === null) throw new Error('kubeconfig: no current cluster');
    return cluster.server.replace(/\/+$/u, '');
  }

  /** Namespace of the current context; `undefined` where it names none. */
  get namespace(): string | undefined {
    return this.getContextObject(this.getCurrentContext())?.namespace;
  }

  /** Headers and shared dispatcher. Throws where the kubeconfig cannot be used. */
  async authorize(): Promise<CallAuthority> {
    const options: RequestOptions = {};
    await this.applyToHTTPSOptions(options);
    const headers: Record<string, string> = {};
    for (const [name, value] of Object.entries(options.headers ?? {}))
      headers[name] = String(value);
    if (typeof options.auth === 'string') {
      headers['Authorization'] = `Basic ${Buffer.from(options.auth).toString('base64')}`;
    }
    return { headers, dispatcher: this.#dispatcherFor(options) };
  }

  /** What client-node's own clients call: gives them the shared dispatcher. */
  override async applySecurityAuthentication(context: RequestContext): Promise<void> {
    const { headers, dispatcher } = await this.authorize();
    for (const [name, value] of Object.entries(headers)) context.setHeaderParam(name, value);
    context.setDispatcher(dispatcher);
  }

  /** Ends all connections, with what is in flight on them. */
  async close(): Promise<void> {
    const pool = this.#pool;
    this.#pool = undefined;
    await pool?.dispatcher.destroy();
  }

  #dispatcherFor(options: RequestOptions): Dispatcher {
    const tls = tlsOf(options);
    const proxy = this.getCurrentCluster()?.proxyUrl;
    const id = identify({ ...tls, proxy });
    if (this.#pool?.id === id) return this.#pool.dispatcher;
    const old = this.#pool?.dispatcher;
    this.#pool = { id, dispatcher: dispatcherOf(tls, proxy) };
    // Calls in flight and watches end by themselves on the old material.
    old?.close().catch(() => undefined);
    return this.#pool.dispatcher;
  }
}

/** How to find the API server, and as whom to call it. */
export interface LoadOptions {
  /** A kubeconfig file; else KUBECONFIG, the default file, or what a pod is given, in this order. */
  readonly kubeconfigPath?: string;
  /** A context in place of the current one. */
  readonly context?: string;
  /** A user to act as, where the API server lets the own one. */
  readonly impersonate?: string;
}

/** Loads a kubeconfig. Throws where the named file cannot be read or parsed, or has no such context. */
export function loadKubeConfig(options: LoadOptions = {}): PooledKubeConfig {
  const config = new PooledKubeConfig();
  if (options.kubeconfigPath === undefined) config.loadFromDefault();
  else config.loadFromFile(options.kubeconfigPath);
  const { context, impersonate } = options;
  if (context !== undefined) {
    if (config.getContextObject(context) === null)
      throw new Error(`kubeconfig: there is no context ${JSON.stringify(context)}`);
    config.setCurrentContext(context);
  }
  if (impersonate !== undefined) {
    const current = config.getCurrentUser()?.name;
    config.users = config.users.map((user) =>
      user.name === current ? { ...user, impersonateUser: impersonate } : user,
    );
  }
  return config;
}

type TlsMaterial = Readonly<Record<string, string | Buffer | boolean>>;

function tlsOf(options: RequestOptions): TlsMaterial {
  const material: Record<string, string | Buffer | boolean> = {};
  for (const name of [
    'ca',
    'cert',
    'key',
    'passphrase',
    'servername',
    'rejectUnauthorized',
  ] as const) {
    const value = options[name];
    if (typeof value === 'string' || typeof value === 'boolean' || Buffer.isBuffer(value))
      material[name] = value;
  }
  return material;
}

function identify(parts: Readonly<Record<string, string | Buffer | boolean | undefined>>): string {
  const hash = createHash('sha256');
  for (const [name, value] of Object.entries(parts)) {
    hash
      .update(`${name}\0`)
      .update(Buffer.isBuffer(value) ? value : String(value))
      .update('\0');
  }
  return hash.digest('hex');
}

function dispatcherOf(tls: TlsMaterial, proxy: string | undefined): Dispatcher {
  const pool = { allowH2: false, connections: CONNECTIONS, keepAliveTimeout: IDLE_MS };
  if (proxy === undefined) {
    const connect = {
      ...tls,
      timeout: CONNECT_MS,
      keepAlive: true,
      keepAliveInitialDelay: IDLE_MS,
    };
    return new Agent({ ...pool, connect });
  }
  if (!/^https?:/u.test(proxy))
    throw new Error('kubeconfig: only http and https proxies can be used');
  return new ProxyAgent({ ...pool, uri: proxy, requestTls: tls });
}
