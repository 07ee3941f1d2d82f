// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { createHash } from 'node:crypto';
import { VerificationError } from '../../error.ts';
import type { TufRepository } from '../../ports.ts';
import type { Endpoint, HostLists } from '../oci/endpoint.ts';
import type { TufLimits } from './limits.ts';
import { checkMetadata } from './metadata.ts';
import type { TufSeed } from './seed.ts';

/** A repository as it is read. */
export interface Mirror {
  /** Names location and first root, in hex: nothing is shared between repositories that differ in one. */
  readonly key: string;
  /** Where metadata is; targets are below `targets`. Without a slash at the end. */
  readonly url: string;
  readonly endpoint: Endpoint;
  /** Root metadata that trust starts from. */
  readonly root: Buffer;
  /** `trusted_root.json` as shipped with us. */
  readonly seed?: string;
}

/** How a repository is looked up. */
export interface MirrorOptions {
  readonly hosts: HostLists;
  readonly limits: TufLimits;
  readonly seed: TufSeed;
}

/** Throws TRUST_ROOT_INVALID for a location that is not allowed and for a first root that is malformed. */
export function mirrorOf(repository: TufRepository, options: MirrorOptions): Mirror {
  const isSeeded = repository.kind === 'public-good';
  const { mirror, root } = isSeeded ? options.seed : repository;
  const url = locationOf(mirror, options.hosts);
  const bytes = Buffer.from(root, 'utf8');
  if (bytes.length > options.limits.rootBytes) throw invalid('the first root is too large');
  checkMetadata(bytes, 'root', options.limits);
  const location = url.href.replace(/\/+$/, '');
  return {
    key: createHash('sha256').update(`${location}\n`).update(bytes).digest('hex'),
    url: location,
    endpoint: { host: url.host, origin: new URL(url.origin), key: url.origin },
    root: bytes,
    ...(isSeeded ? { seed: options.seed.trustedRoot } : {}),
  };
}

function locationOf(text: string, hosts: HostLists): URL {
  if (/[?#]/.test(text)) throw invalid('the mirror is a URL with a query or a fragment');
  try {
    return hosts.safeUrl(text);
  } catch (thrown) {
    throw invalid('the mirror is not an HTTPS URL without credentials', thrown);
  }
}

function invalid(detail: string, cause?: unknown): VerificationError {
  return new VerificationError('TRUST_ROOT_INVALID', detail, { cause });
}
