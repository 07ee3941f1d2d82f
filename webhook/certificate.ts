// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import type { Clock } from '../runtime/clock.ts';
import { resourcePath, type KubeClient, type KubeObject } from '../runtime/kube/index.ts';
import type { Logger } from '../runtime/log/index.ts';
import { issueLeaf, leafExpiresSoon, type CertifiedKey, type Leaf } from '../runtime/tls/index.ts';

/** Name of the Secret that holds the CA; keys `tls.crt` and `tls.key`. */
export const CA_SECRET = 'countersign-webhook-ca';

/** What the certificate needs. */
export interface ServingCertificateOptions {
  readonly client: Pick<KubeClient, 'get'>;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly namespace: string;
  /** Name of the Service that the API server calls. */
  readonly service: string;
  /** Whether the API server accepts a leaf, as far as is known. */
  readonly accepts: (leafPem: string) => boolean;
  /** Told of every leaf that is to be served from now on. */
  readonly onLeaf: (leaf: Leaf) => void;
}

interface Secret extends KubeObject {
  readonly data?: Readonly<Record<string, string>>;
}

const SEARCH_MS = 1_000;
const CHECK_MS = 30_000;
const READ_MS = 5_000;

/**
 * The certificate of this replica: minted in memory from the CA of the operator, renewed before it
 * ends and when the CA changes. After a change the old leaf is served as long as only that one is
 * accepted by the configurations, so that the two sides never disagree for longer than needed.
 */
export class ServingCertificate {
  readonly #options: ServingCertificateOptions;
  #ca: CertifiedKey | undefined;
  #leaf: Leaf | undefined;
  /** Minted, not served yet. */
  #next: Leaf | undefined;
  #problem: string | undefined = 'the CA was not read yet';

  constructor(options: ServingCertificateOptions) {
    this.#options = options;
  }

  /** The leaf that is served. */
  get leaf(): Leaf | undefined {
    return this.#leaf;
  }

  /** Why the CA could not be used when it was last looked at. */
  get problem(): string | undefined {
    return this.#problem;
  }

  /** DNS names of the Service that the API server calls. */
  get dnsNames(): readonly string[] {
    const { service, namespace } = this.#options;
    const host = `${service}.${namespace}.svc`;
    return [host, `${host}.cluster.local`];
  }

  /** Keeps the certificate fresh until the signal aborts. Never rejects. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.refresh();
      const pending = this.#leaf === undefined || this.#next !== undefined;
      await this.#options.clock
        .sleep(pending ? SEARCH_MS : CHECK_MS, signal)
        .catch(() => undefined);
    }
  }

  /** Looks at the CA and renews where that is due. Never rejects; what is served stays on failure. */
  async refresh(): Promise<void> {
    const { clock, logger } = this.#options;
    try {
      await this.#mint(clock.now());
      if (this.#problem !== undefined)
        logger.info('serving certificate is ready', {
          notAfter: new Date(this.#leaf?.notAfter ?? 0),
        });
      this.#problem = undefined;
    } catch (thrown) {
      const problem = thrown instanceof Error ? thrown.message : String(thrown);
      if (problem !== this.#problem)
        logger.warn('no serving certificate from the CA; what is served stays', { error: thrown });
      this.#problem = problem;
    }
  }

  async #mint(now: Date): Promise<void> {
    const ca = await this.#readCa();
    const changed = ca.certPem !== this.#ca?.certPem || ca.keyPem !== this.#ca.keyPem;
    const newest = this.#next ?? this.#leaf;
    if (changed || newest === undefined || leafExpiresSoon(newest, now)) {
      this.#next = await issueLeaf(ca, { dnsNames: this.dnsNames, now });
      this.#ca = ca;
    }
    if (this.#next !== undefined && this.#mayServe(this.#next, now)) this.#serve(this.#next);
  }

  #mayServe(next: Leaf, now: Date): boolean {
    const { accepts } = this.#options;
    const current = this.#leaf;
    return (
      current === undefined ||
      current.notAfter <= now.getTime() ||
      accepts(next.certPem) ||
      !accepts(current.certPem)
    );
  }

  #serve(leaf: Leaf): void {
    this.#leaf = leaf;
    this.#next = undefined;
    this.#options.onLeaf(leaf);
  }

  async #readCa(): Promise<CertifiedKey> {
    const { client, namespace } = this.#options;
    const path = resourcePath({
      group: '',
      version: 'v1',
      plural: 'secrets',
      namespace,
      name: CA_SECRET,
    });
    const secret = await client.get<Secret>(path, { timeoutMs: READ_MS });
    const cert = secret?.data?.['tls.crt'];
    const key = secret?.data?.['tls.key'];
    if (cert === undefined || key === undefined)
      throw new Error(`secret ${CA_SECRET} is missing or holds no tls.crt and tls.key`);
    return { certPem: decode(cert), keyPem: decode(key) };
  }
}

function decode(base64: string): string {
  return Buffer.from(base64, 'base64').toString('utf8');
}
