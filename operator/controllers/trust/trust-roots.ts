// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import type { Clock } from '../../../runtime/clock.ts';
import type { Logger } from '../../../runtime/log/index.ts';
import type {
  TrustRootSource,
  TufRepository,
  VerificationError,
} from '../../../verification/index.ts';
import { FollowedRoot, type TrustRootState } from './followed-root.ts';
import { DEFAULT_TRUST_SCHEDULE, type TrustSchedule } from './schedule.ts';

/** How one read of a trust root ended; a closed set, fit for a metric label. */
export type TrustReadOutcome = 'read' | 'stale' | 'invalid' | 'internal';

/** What the metrics are told of trust roots. */
export interface TrustRootObserver {
  /** A read ended. */
  trustRootRead(outcome: TrustReadOutcome): void;
}

/** What keeping trust roots needs. */
export interface TrustRootsOptions {
  readonly source: TrustRootSource;
  /** Throws a VerificationError for a text that is no trusted root: the last good one stays. */
  readonly check: (text: string) => unknown;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly random: () => number;
  readonly observer: TrustRootObserver;
  /** Told where the text of a repository, or how it stands, is another one. Must not throw. */
  readonly onChange: (repository: TufRepository) => void;
  readonly schedule?: TrustSchedule;
}

/**
 * The trust roots that policies have from TUF repositories: the last good text of each, read again in
 * the background. A repository is followed from when it is first wanted until it is wanted no more;
 * where none is wanted, nothing is ever asked for.
 */
export class TrustRoots {
  readonly #options: TrustRootsOptions;
  readonly #followed = new Map<string, FollowedRoot>();

  constructor(options: TrustRootsOptions) {
    this.#options = options;
  }

  /**
   * Follows a repository. Resolves when what is at hand without the network was looked at; the first
   * read goes on in the background.
   */
  async want(repository: TufRepository): Promise<void> {
    const key = keyOf(repository);
    const followed = this.#followed.get(key) ?? this.#follow(key, repository);
    await followed.loaded;
  }

  /** Drops every repository that is not among these. */
  keepOnly(repositories: readonly TufRepository[]): void {
    const kept = new Set(repositories.map(keyOf));
    for (const [key, followed] of this.#followed) {
      if (kept.has(key)) continue;
      followed.drop();
      this.#followed.delete(key);
    }
  }

  /** How a repository stands; `undefined` where it is not followed. */
  current(repository: TufRepository): TrustRootState | undefined {
    return this.#followed.get(keyOf(repository))?.state;
  }

  /** How many repositories there are by how they stand. */
  counts(): Readonly<Record<'fresh' | 'stale' | 'pending', number>> {
    const counts = { fresh: 0, stale: 0, pending: 0 };
    for (const { state } of this.#followed.values()) {
      if (state.fresh) counts.fresh += 1;
      else if (state.problem === undefined) counts.pending += 1;
      else counts.stale += 1;
    }
    return counts;
  }

  /** The earliest end of what vouches for the texts, milliseconds since the epoch; `undefined` without any. */
  get expiry(): number | undefined {
    const ends = [...this.#followed.values()].flatMap(({ expires }) =>
      expires === undefined ? [] : [Date.parse(expires)],
    );
    return ends.length === 0 ? undefined : Math.min(...ends);
  }

  /** Drops everything. */
  close(): void {
    this.keepOnly([]);
  }

  #follow(key: string, repository: TufRepository): FollowedRoot {
    const { source, check, clock, random, onChange, schedule } = this.#options;
    const followed = new FollowedRoot(repository, {
      source,
      check,
      clock,
      random,
      schedule: schedule ?? DEFAULT_TRUST_SCHEDULE,
      onRead: (problem, nextMs) => this.#read(repository, problem, nextMs),
      onChange: () => onChange(repository),
    });
    this.#followed.set(key, followed);
    return followed;
  }

  #read(repository: TufRepository, problem: VerificationError | undefined, nextMs: number): void {
    const { logger, observer } = this.#options;
    const fields = { mirror: nameOf(repository), nextSeconds: Math.round(nextMs / 1000) };
    observer.trustRootRead(outcomeOf(problem));
    if (problem === undefined) logger.debug('read a trust root', fields);
    else {
      const { code, message } = problem;
      logger.warn('a trust root could not be read', { ...fields, code, problem: message });
    }
  }
}

function outcomeOf(problem: VerificationError | undefined): TrustReadOutcome {
  if (problem === undefined) return 'read';
  if (problem.code === 'TRUST_ROOT_STALE') return 'stale';
  return problem.code === 'TRUST_ROOT_INVALID' ? 'invalid' : 'internal';
}

function keyOf(repository: TufRepository): string {
  return repository.kind === 'public-good'
    ? repository.kind
    : JSON.stringify([repository.mirror, repository.root]);
}

/** For people: without what a URL may carry besides host and path. */
function nameOf(repository: TufRepository): string {
  if (repository.kind === 'public-good') return repository.kind;
  if (!URL.canParse(repository.mirror)) return 'malformed';
  const { host, pathname } = new URL(repository.mirror);
  return `${host}${pathname}`;
}
