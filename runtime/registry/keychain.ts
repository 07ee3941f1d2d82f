// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { LRUCache } from 'lru-cache';
import type { Keychain } from '../../verification/index.ts';
import type { ProcessConfig, NamedLookup } from './process-config.ts';
import { hashOf } from './process-config.ts';
import type { PullSecrets } from './pull-secrets.ts';

/** Whose images are to be read. */
export interface KeychainRequest {
  /** Pull secrets are read from this namespace and no other. */
  readonly namespace: string;
  readonly pullSecrets: readonly string[];
  /** Present where the pull secrets of this service account count too: for templates without any. */
  readonly serviceAccount?: string;
}

/** Gives the credentials for the images of a workload. */
export interface KeychainProvider {
  /** The keychain where it is known without reading anything. */
  keychainNow(request: KeychainRequest): Keychain | undefined;
  /** The keychain, read where needed. Never rejects: what cannot be read is left out. */
  keychainFor(request: KeychainRequest): Promise<Keychain>;
}

const KEPT = 500;

/**
 * Joins the pull secrets of a workload, in their order, and the registry configuration of the process.
 * `secrets` is left out where this process may not read any. Equal sets of secrets at equal versions
 * give the same keychain, of the same identity.
 */
export class RegistryKeychains implements KeychainProvider {
  readonly #process: ProcessConfig;
  readonly #secrets: PullSecrets | undefined;
  readonly #joined = new LRUCache<string, Keychain>({ max: KEPT });

  constructor(process: ProcessConfig, secrets?: PullSecrets) {
    this.#process = process;
    this.#secrets = secrets;
  }

  keychainNow(request: KeychainRequest): Keychain | undefined {
    const secrets = this.#secrets;
    if (secrets === undefined) return this.#join([]);
    const names =
      request.serviceAccount === undefined
        ? []
        : secrets.knownOfAccount(request.namespace, request.serviceAccount);
    if (names === undefined) return undefined;
    const wanted = request.pullSecrets.length > 0 ? request.pullSecrets : names;
    if (wanted.length === 0) return this.#join([]);
    const known = secrets.known(request.namespace, wanted);
    return known === undefined ? undefined : this.#join(known);
  }

  async keychainFor(request: KeychainRequest): Promise<Keychain> {
    const { namespace, pullSecrets, serviceAccount } = request;
    const secrets = this.#secrets;
    if (secrets === undefined) return this.#join([]);
    const own = pullSecrets.length > 0 || serviceAccount === undefined;
    const names = own ? pullSecrets : await secrets.ofAccount(namespace, serviceAccount);
    return this.#join(await secrets.read(namespace, names));
  }

  #join(secrets: readonly NamedLookup[]): Keychain {
    const process = this.#process.current;
    const sources = secrets.length === 0 ? [process] : [...secrets, process];
    const key =
      secrets.length === 0 ? process.identity : sources.map((source) => source.identity).join('\n');
    const known = this.#joined.get(key);
    if (known !== undefined) return known;
    const keychain: Keychain = {
      identity: key === '' ? 'anonymous' : hashOf(key),
      credentialFor: (host, repository) => firstOf(sources, host, repository),
    };
    this.#joined.set(key, keychain);
    return keychain;
  }
}

function firstOf(
  sources: readonly NamedLookup[],
  host: string,
  repository: string,
): ReturnType<Keychain['credentialFor']> {
  for (const source of sources) {
    const credential = source.find(host, repository);
    if (credential !== undefined) return credential;
  }
  return undefined;
}
