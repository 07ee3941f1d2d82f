// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { VerificationError } from '../../error.ts';
import {
  digestOf,
  DOCKER_LIST,
  DOCKER_MANIFEST,
  essence,
  isDigest,
  matchesDigest,
  OCI_INDEX,
  OCI_MANIFEST,
  parseManifest,
  type Descriptor,
  type Digest,
  type Manifest,
} from '../../image/index.ts';
import { headerOf } from './reply.ts';
import type { RepositoryReader, Resource } from './repository.ts';

/** Some registries answer 404 to wildcards, and schema 1 to clients that name nothing. */
const ACCEPT = [OCI_MANIFEST, OCI_INDEX, DOCKER_MANIFEST, DOCKER_LIST].join(', ');

/**
 * The manifest with this digest, or `undefined` where there is none. Rejects with DIGEST_MISMATCH
 * where the bytes hash to anything else, whatever the headers say (X39), and with LIMIT_EXCEEDED
 * beyond `maxBytes`.
 */
export async function readManifest(
  reader: RepositoryReader,
  digest: Digest,
  maxBytes: number = reader.limits.manifestBytes,
): Promise<Manifest | undefined> {
  const what = `manifest ${digest}`;
  const reply = await reader.get({ ...manifestResource(reader, digest, what), maxBytes });
  if (reply === undefined) return undefined;
  if (!matchesDigest(digest, reply.body)) throw mismatch(reader, what);
  const contentType = essence(headerOf(reply, 'content-type') ?? '');
  const source = { digest, contentType, what, maxDepth: reader.limits.jsonDepth };
  return parseManifest(reply.body, source);
}

/**
 * The manifest that a tag names now, with the digest of the bytes; `undefined` where there is none.
 * `Docker-Content-Digest` is not believed, but must not contradict.
 */
export async function readTag(
  reader: RepositoryReader,
  tag: string,
): Promise<Manifest | undefined> {
  const what = `tag ${tag}`;
  const reply = await reader.get(manifestResource(reader, tag, what));
  if (reply === undefined) return undefined;
  const claimed = headerOf(reply, 'docker-content-digest') ?? '';
  if (isDigest(claimed) && !matchesDigest(claimed, reply.body)) throw mismatch(reader, what);
  const contentType = essence(headerOf(reply, 'content-type') ?? '');
  const digest = digestOf(reply.body);
  return parseManifest(reply.body, {
    digest,
    contentType,
    what,
    maxDepth: reader.limits.jsonDepth,
  });
}

/**
 * The bytes of a blob that is small enough to be evidence. Rejects with DIGEST_MISMATCH,
 * LIMIT_EXCEEDED where it is longer than its descriptor says, REGISTRY_UNAVAILABLE where it is gone.
 */
export async function readBlob(reader: RepositoryReader, descriptor: Descriptor): Promise<Buffer> {
  const what = `blob ${descriptor.digest}`;
  const at = `blobs/${descriptor.digest}`;
  const reply = await reader.get({ at, what, maxBytes: descriptor.size, expected: descriptor });
  if (reply === undefined) {
    const detail = `${what} of ${reader.name} is not there`;
    throw new VerificationError('REGISTRY_UNAVAILABLE', detail, { isAbsence: true });
  }
  if (reply.isExpected !== true) throw mismatch(reader, what);
  return reply.body;
}

function manifestResource(reader: RepositoryReader, reference: string, what: string): Resource {
  const maxBytes = reader.limits.manifestBytes;
  return { at: `manifests/${reference}`, what, accept: ACCEPT, maxBytes };
}

function mismatch(reader: RepositoryReader, what: string): VerificationError {
  const detail = `${reader.name} served bytes for ${what} that do not hash to its digest`;
  return new VerificationError('DIGEST_MISMATCH', detail);
}
