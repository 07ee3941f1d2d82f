// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { LRUCache } from 'lru-cache';
import type { Clock } from '../clock.ts';
import { isStatus, resourcePath, type KubeClient, type KubeObject } from '../kube/index.ts';
import type { Logger } from '../log/index.ts';
import { hashOf, type DockerConfigParser, type NamedLookup } from './process-config.ts';

/** What reading pull secrets needs. */
export interface PullSecretsOptions {
  readonly client: Pick<KubeClient, 'get'>;
  readonly parse: DockerConfigParser;
  readonly clock: Clock;
  readonly logger: Logger;
}

interface Secret extends KubeObject {
  readonly data?: Readonly<Record<string, string>>;
}

interface ServiceAccount extends KubeObject {
  readonly imagePullSecrets?: readonly { readonly name?: string }[];
}

interface Kept<T> {
  readonly value: T;
  readonly deadAt: number;
}

const LIFE_MS = 60_000;
/** One that was missing is looked for again sooner: it may be created next. */
const MISSING_MS = 5_000;
const READ_MS = 1000;
const KEPT = 2000;
const MAX_SECRETS = 8;

/**
 * Pull secrets by name, and those of service accounts; each read at most once a minute. One that is
 * missing, forbidden or malformed is skipped: then the registry says what it thinks of us.
 */
export class PullSecrets {
  readonly #options: PullSecretsOptions;
  readonly #secrets: Memo<NamedLookup | undefined>;
  readonly #accounts: Memo<readonly string[] | undefined>;

  constructor(options: PullSecretsOptions) {
    this.#options = options;
    this.#secrets = new Memo(options.clock);
    this.#accounts = new Memo(options.clock);
  }

  /** Those of the names that are usable; `undefined` where one of them must be read first. */
  known(namespace: string, names: readonly string[]): readonly NamedLookup[] | undefined {
    const found: NamedLookup[] = [];
    for (const name of names.slice(0, MAX_SECRETS)) {
      const kept = this.#secrets.known(`${namespace}/${name}`);
      if (kept === undefined) return undefined;
      if (kept.value !== undefined) found.push(kept.value);
    }
    return found;
  }

  /** Those of the names that are usable, read where needed. Never rejects; takes at most a second. */
  async read(namespace: string, names: readonly string[]): Promise<readonly NamedLookup[]> {
    const wanted = names.slice(0, MAX_SECRETS);
    const found = await Promise.all(
      wanted.map((name) =>
        this.#secrets.get(`${namespace}/${name}`, () => this.#readSecret(namespace, name)),
      ),
    );
    return found.filter((secret) => secret !== undefined);
  }

  /** Names of the pull secrets of a service account, where they are known. */
  knownOfAccount(namespace: string, name: string): readonly string[] | undefined {
    const kept = this.#accounts.known(`${namespace}/${name}`);
    return kept === undefined ? undefined : (kept.value ?? []);
  }

  /** Names of the pull secrets of a service account; none where it cannot be read. Never rejects. */
  async ofAccount(namespace: string, name: string): Promise<readonly string[]> {
    const read = (): Promise<readonly string[] | undefined> => this.#readAccount(namespace, name);
    return (await this.#accounts.get(`${namespace}/${name}`, read)) ?? [];
  }

  async #readSecret(namespace: string, name: string): Promise<NamedLookup | undefined> {
    const secret = await this.#object<Secret>({ plural: 'secrets', namespace, name });
    const text = secret === undefined ? undefined : configOf(secret);
    if (secret === undefined || text === undefined) return undefined;
    const { uid = '', resourceVersion } = secret.metadata;
    try {
      return {
        identity: `${namespace}/${name}/${uid}@${resourceVersion ?? hashOf(text)}`,
        find: this.#options.parse(text),
      };
    } catch (thrown) {
      this.#options.logger.warn('cannot read a pull secret; it is skipped', {
        namespace,
        name,
        code: thrown instanceof Error ? thrown.name : 'Error',
      });
      return undefined;
    }
  }

  async #readAccount(namespace: string, name: string): Promise<readonly string[] | undefined> {
    const account = await this.#object<ServiceAccount>({
      plural: 'serviceaccounts',
      namespace,
      name,
    });
    if (account === undefined) return undefined;
    return (account.imagePullSecrets ?? []).flatMap((secret) => secret.name ?? []);
  }

  async #object<T extends KubeObject>(where: {
    plural: string;
    namespace: string;
    name: string;
  }): Promise<T | undefined> {
    const { client, logger } = this.#options;
    try {
      return await client.get<T>(resourcePath({ group: '', version: 'v1', ...where }), {
        timeoutMs: READ_MS,
      });
    } catch (thrown) {
      const level = isStatus(thrown, 403) ? 'debug' : 'warn';
      logger[level]('cannot read for registry credentials; skipped', { ...where, error: thrown });
      return undefined;
    }
  }
}

/** Answers by key for a minute, each read once however many ask. */
class Memo<T> {
  readonly #clock: Clock;
  readonly #kept = new LRUCache<string, Kept<T>>({ max: KEPT });
  readonly #flights = new Map<string, Promise<T>>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  known(key: string): Kept<T> | undefined {
    const kept = this.#kept.get(key);
    return kept !== undefined && this.#clock.monotonic() < kept.deadAt ? kept : undefined;
  }

  async get(key: string, read: () => Promise<T>): Promise<T> {
    const kept = this.known(key);
    if (kept !== undefined) return kept.value;
    const running = this.#flights.get(key);
    if (running !== undefined) return await running;
    const flight = read().finally(() => this.#flights.delete(key));
    this.#flights.set(key, flight);
    const value = await flight;
    this.#kept.set(key, {
      value,
      deadAt: this.#clock.monotonic() + (value === undefined ? MISSING_MS : LIFE_MS),
    });
    return value;
  }
}

/** The docker config in a secret, in the new form; `undefined` where there is none. */
function configOf(secret: Secret): string | undefined {
  const modern = secret.data?.['.dockerconfigjson'];
  if (modern !== undefined) return Buffer.from(modern, 'base64').toString('utf8');
  const legacy = secret.data?.['.dockercfg'];
  return legacy === undefined
    ? undefined
    : `{"auths":${Buffer.from(legacy, 'base64').toString('utf8')}}`;
}
