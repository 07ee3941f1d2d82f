// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import type { Clock } from '../../runtime/clock.ts';
import type { Logger } from '../../runtime/log/index.ts';
import type { Leaf } from '../../runtime/tls/index.ts';
import type { LeafSource } from './source.ts';

/** What the certificate needs. */
export interface ServingCertificateOptions {
  readonly source: LeafSource;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Whether the API server accepts a leaf, as far as is known. */
  readonly accepts: (leafPem: string) => boolean;
  /** Told of every leaf that is to be served from now on. */
  readonly onLeaf: (leaf: Leaf) => void;
}

const SEARCH_MS = 1_000;
/** What a mirror of ours shows, every API server knows after this time. */
const SETTLE_MS = 3_000;

/**
 * The certificate of this replica, renewed as its source tells. A new leaf is served once every
 * configuration has accepted it for a moment; until then the old one is, as long as it is accepted itself,
 * so that the two sides never disagree for longer than needed.
 */
export class ServingCertificate {
  readonly #options: ServingCertificateOptions;
  #leaf: Leaf | undefined;
  /** Not served yet; since when it has been accepted, by the monotonic clock. */
  #next: { readonly leaf: Leaf; acceptedAt: number | undefined } | undefined;
  #problem: string | undefined = 'no certificate was read yet';

  constructor(options: ServingCertificateOptions) {
    this.#options = options;
  }

  /** The leaf that is served. */
  get leaf(): Leaf | undefined {
    return this.#leaf;
  }

  /** Why the source gave none when it was last asked. */
  get problem(): string | undefined {
    return this.#problem;
  }

  /** Keeps the certificate fresh until the signal aborts. Never rejects. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, source } = this.#options;
    while (!signal.aborted) {
      await this.refresh();
      const pending = this.#leaf === undefined || this.#next !== undefined;
      await clock.sleep(pending ? SEARCH_MS : source.checkMs, signal).catch(() => undefined);
    }
  }

  /** Asks the source and renews where that is due. Never rejects; what is served stays on failure. */
  async refresh(): Promise<void> {
    const { clock, logger, source } = this.#options;
    const now = clock.now();
    try {
      const leaf = await source.renewed(this.#next?.leaf ?? this.#leaf, now);
      if (leaf !== undefined) this.#next = { leaf, acceptedAt: undefined };
      this.#problem = undefined;
    } catch (thrown) {
      const problem = thrown instanceof Error ? thrown.message : String(thrown);
      if (problem !== this.#problem)
        logger.warn('no new serving certificate; what is served stays', { error: thrown });
      this.#problem = problem;
    }
    if (this.#next !== undefined && this.#mayServe(this.#next, now)) this.#serve(this.#next.leaf);
  }

  #mayServe(next: { readonly leaf: Leaf; acceptedAt: number | undefined }, now: Date): boolean {
    const { accepts, clock } = this.#options;
    const current = this.#leaf;
    const accepted = accepts(next.leaf.certPem);
    next.acceptedAt = accepted ? (next.acceptedAt ?? clock.monotonic()) : undefined;
    if (current === undefined || current.notAfter <= now.getTime()) return true;
    if (!accepts(current.certPem)) return true;
    return next.acceptedAt !== undefined && clock.monotonic() - next.acceptedAt >= SETTLE_MS;
  }

  #serve(leaf: Leaf): void {
    const { logger, onLeaf } = this.#options;
    this.#leaf = leaf;
    this.#next = undefined;
    logger.info('serving with a new certificate', {
      notAfter: new Date(leaf.notAfter),
      ca: leaf.issuer,
    });
    onLeaf(leaf);
  }
}
