// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Fetcher } from 'tuf-js';
// The updater tells "no newer root" by this very class, which the front door does not export.
import { DownloadHTTPError } from 'tuf-js/dist/error.js';
import { VerificationError } from '../../error.ts';
import type { Endpoint } from '../oci/endpoint.ts';
import type { Transport } from '../oci/transport.ts';
import type { TufLimits } from './limits.ts';
import { checkMetadata, type TufRole } from './metadata.ts';

/** What one refresh reads with. */
export interface FetcherOptions {
  readonly transport: Transport;
  readonly endpoint: Endpoint;
  /** Directory for the file that a target is downloaded to. */
  readonly directory: string;
  readonly limits: TufLimits;
  /** Redirects that one request may follow. */
  readonly redirects: number;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  readonly signal: AbortSignal;
}

const ROLE = /^(?:\d{1,16}\.)?(root|timestamp|snapshot|targets)\.json$/;
const ABSENT = new Set([403, 404]);

/**
 * Reads the files of a TUF repository for the library, through the registry client's transport: the
 * same bounds, the same rules for redirects and addresses, and never a credential (security B13).
 * Metadata is looked at before the library sees it.
 */
export class BoundedFetcher implements Fetcher {
  readonly #options: FetcherOptions;
  #failure: VerificationError | undefined;

  constructor(options: FetcherOptions) {
    this.#options = options;
  }

  /** Why reading failed: the library wraps and words errors anew, so the first one is kept here. */
  get failure(): VerificationError | undefined {
    return this.#failure;
  }

  /** Metadata, by the role that the last part of the URL names. */
  async downloadBytes(url: string, maxLength: number): Promise<Buffer> {
    return this.#noting(async () => {
      const role = ROLE.exec(fileOf(url))?.[1] as TufRole | undefined;
      if (role === undefined)
        throw new VerificationError('TRUST_ROOT_INVALID', 'delegated targets are not read');
      const bytes = await this.#read(url, Math.min(maxLength, this.#bound(role)), role === 'root');
      const { expires } = checkMetadata(bytes, role, this.#options.limits);
      // An old root only leads to the next one; whether the last one has expired is seen at the end.
      if (role !== 'root' && Date.parse(expires) <= this.#options.now())
        throw new VerificationError('TRUST_ROOT_STALE', `${role}.json expired at ${expires}`);
      return bytes;
    });
  }

  /** The target, as a file that is gone when the directory is. */
  async downloadFile<T>(
    url: string,
    maxLength: number,
    handler: (file: string) => Promise<T>,
  ): Promise<T> {
    const bound = Math.min(maxLength, this.#options.limits.targetBytes);
    const bytes = await this.#noting(async () => this.#read(url, bound, false));
    const file = join(this.#options.directory, 'download');
    await writeFile(file, bytes);
    return handler(file);
  }

  async #read(url: string, maxBytes: number, mayBeAbsent: boolean): Promise<Buffer> {
    const { transport, endpoint, signal, redirects } = this.#options;
    const what = `${fileOf(url)} of ${endpoint.host}`;
    const call = { endpoint, url: new URL(url), what, maxBytes, signal, redirects };
    const { status, body } = await transport.send(call);
    if (status === 200) return body;
    if (mayBeAbsent && ABSENT.has(status)) throw new DownloadHTTPError('absent', status);
    const detail = `${what} was not served (${status.toString()})`;
    throw new VerificationError('TRUST_ROOT_STALE', detail);
  }

  #bound(role: TufRole): number {
    const { rootBytes, timestampBytes, metadataBytes } = this.#options.limits;
    const bounds = { root: rootBytes, timestamp: timestampBytes };
    return role === 'root' || role === 'timestamp' ? bounds[role] : metadataBytes;
  }

  async #noting<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (thrown) {
      if (thrown instanceof VerificationError) this.#failure ??= asTrustFailure(thrown);
      throw thrown;
    }
  }
}

function fileOf(url: string): string {
  return new URL(url).pathname.split('/').at(-1) ?? '';
}

/** The transport's reasons, told as those of a trust root. */
function asTrustFailure(error: VerificationError): VerificationError {
  switch (error.code) {
    case 'TRUST_ROOT_INVALID':
    case 'TRUST_ROOT_STALE':
      return error;
    case 'LIMIT_EXCEEDED':
    case 'REGISTRY_UNSAFE':
      return new VerificationError('TRUST_ROOT_INVALID', error.message, { cause: error });
    case 'DEADLINE_EXCEEDED':
      return new VerificationError('TRUST_ROOT_STALE', 'the mirror was not read in time', {
        cause: error,
      });
    default:
      return new VerificationError('TRUST_ROOT_STALE', error.message, { cause: error });
  }
}
