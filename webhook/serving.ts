// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import type { TlsMaterial, WebServer } from '../runtime/http/index.ts';
import type { Leaf } from '../runtime/tls/index.ts';

/** Hands certificates to the server: the first one opens it, every later one is loaded hot. */
export class ServingSwitch {
  readonly #first = Promise.withResolvers<Leaf>();
  #latest: Leaf | undefined;
  #server: Pick<WebServer, 'reloadTls'> | undefined;

  /** The first certificate. */
  get firstLeaf(): Promise<Leaf> {
    return this.#first.promise;
  }

  /** Serves a certificate from now on. */
  take(leaf: Leaf): void {
    this.#latest = leaf;
    this.#first.resolve(leaf);
    this.#server?.reloadTls(tlsOf(leaf));
  }

  /** Gives every certificate from now on to this server, and the latest at once. */
  attach(server: Pick<WebServer, 'reloadTls'>): void {
    this.#server = server;
    if (this.#latest !== undefined) server.reloadTls(tlsOf(this.#latest));
  }
}

/** A certificate as the server takes it. */
export function tlsOf(leaf: Leaf): TlsMaterial {
  return { cert: leaf.certPem, key: leaf.keyPem };
}
