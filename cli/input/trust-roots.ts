// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import type { Clock } from '../../runtime/clock.ts';
import {
  parseTrustedRoot,
  toVerificationError,
  VerificationError,
  type TrustedRootText,
  type TrustRootUse,
  type TufRepository,
} from '../../verification/index.ts';
import type { OpenTrustRoots } from '../ports.ts';
import { UsageError } from '../usage-error.ts';
import { readText } from './file.ts';

/** Where trusted roots come from that policies have through TUF. */
export interface TrustRootOptions {
  readonly clock: Clock;
  /** Called once, when the first repository is needed. */
  readonly open: () => OpenTrustRoots;
  /** Told what a person should know although the run goes on. */
  readonly warn: (message: string) => void;
  /** A `trusted_root.json` that stands in for all of them. */
  readonly file?: string | undefined;
}

/** A refresh is a handful of small files from one host. */
const READ_MS = 60_000;

/**
 * The trusted roots that policies have through TUF, each read once. A run that asks for none opens
 * nothing and reads nothing; with a file nothing is opened either.
 */
export class LocalTrustRoots {
  readonly #options: TrustRootOptions;
  readonly #texts = new Map<string, Promise<string>>();
  #source: OpenTrustRoots | undefined;

  constructor(options: TrustRootOptions) {
    this.#options = options;
  }

  /**
   * The text for one place in a policy. Rejects with TRUST_ROOT_STALE or TRUST_ROOT_INVALID where there
   * is none, with UsageError where the file that was given is no trusted root.
   */
  async textOf(use: TrustRootUse): Promise<string> {
    const { file } = this.#options;
    const repository = repositoryOf(use);
    const key = JSON.stringify(file ?? repository);
    const known = this.#texts.get(key);
    if (known !== undefined) return await known;
    const text = file === undefined ? this.#read(repository) : readRoot(file);
    this.#texts.set(key, text);
    return await text;
  }

  /** Ends the connections, where there are any. */
  async close(): Promise<void> {
    await this.#source?.close();
  }

  async #read(repository: TufRepository): Promise<string> {
    const { clock, open } = this.#options;
    this.#source ??= open();
    const source = this.#source;
    try {
      const published = await source.trustedRoot(repository, clock.deadline(READ_MS));
      parseTrustedRoot(published.text);
      return published.text;
    } catch (thrown) {
      const problem = toVerificationError(thrown);
      const last = await lastGood(source, repository);
      if (last === undefined || !isAboutTrust(problem)) throw atRepository(repository, problem);
      this.#warn(repository, problem, last);
      return last.text;
    }
  }

  /** As in a cluster, the last good text counts until a newer one is had; there a condition tells it. */
  #warn(
    repository: TufRepository,
    { code, message }: VerificationError,
    last: TrustedRootText,
  ): void {
    const used = last.fromSeed
      ? 'the trusted root that was shipped with this program is used'
      : `the trusted root that was read before is used (its metadata expires at ${last.expires ?? 'an unknown time'})`;
    this.#options.warn(`${code}: ${nameOf(repository)}: ${message}; ${used}`);
  }
}

function repositoryOf({ root: { tuf } }: TrustRootUse): TufRepository {
  if (tuf === undefined) return { kind: 'public-good' };
  return { kind: 'mirror', mirror: tuf.mirror, root: tuf.root.inline ?? '' };
}

async function lastGood(
  source: OpenTrustRoots,
  repository: TufRepository,
): Promise<TrustedRootText | undefined> {
  try {
    const last = await source.knownTrustedRoot(repository);
    if (last !== undefined) parseTrustedRoot(last.text);
    return last;
  } catch {
    // Why nothing could be read is what is told.
    return undefined;
  }
}

async function readRoot(file: string): Promise<string> {
  const text = await readText(file);
  try {
    parseTrustedRoot(text);
    return text;
  } catch (thrown) {
    throw new UsageError(`${file}: ${toVerificationError(thrown).message}`, { cause: thrown });
  }
}

/** A disk that fails says nothing of the repository, and is to be told. */
function isAboutTrust({ code }: VerificationError): boolean {
  return code === 'TRUST_ROOT_STALE' || code === 'TRUST_ROOT_INVALID';
}

function atRepository(repository: TufRepository, problem: VerificationError): VerificationError {
  const message = `${nameOf(repository)}: ${problem.message}`;
  return new VerificationError(problem.code, message, { cause: problem });
}

function nameOf(repository: TufRepository): string {
  return repository.kind === 'mirror' ? repository.mirror : 'the public-good instance of Sigstore';
}
