// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { asObject, parseStrictJson } from '../../encoding/index.ts';
import { VerificationError } from '../../error.ts';
import {
  descriptors,
  essence,
  OCI_INDEX,
  type Descriptor,
  type Digest,
  type Manifest,
} from '../../image/index.ts';
import type { GapRecorder } from './gaps.ts';
import { readManifest, readTag } from './manifests.ts';
import { headerOf, type Reply } from './reply.ts';
import type { RepositoryReader } from './repository.ts';

/** Where a referrer was listed. */
export type ReferrerOrigin = 'referrers-api' | 'referrers-tag';

/** What a list of referrers names. */
export interface Listed {
  readonly origin: ReferrerOrigin;
  readonly descriptor: Descriptor;
}

/**
 * What the referrers API lists, over all pages. Empty where the registry has no such API. What goes
 * wrong after the first page is a gap: what was read before it counts.
 */
export async function listByApi(
  reader: RepositoryReader,
  digest: Digest,
  gaps: GapRecorder,
): Promise<readonly Listed[]> {
  const what = `referrers of ${digest}`;
  const { referrers: max, referrerPages } = reader.limits;
  const found: Descriptor[] = [];
  await gaps.attempt(what, async () => {
    let next: URL | undefined = reader.url(`referrers/${digest}`);
    for (let page = 0; next !== undefined && found.length <= max; page += 1) {
      if (page >= referrerPages)
        throw exceeded(`${what}: more than ${referrerPages.toString()} pages`);
      const reply = await readPage(reader, next, what);
      if (reply === undefined) return;
      found.push(...parsePage(reply, what, reader.limits.jsonDepth));
      next = nextPage(reply, next, what);
    }
    if (found.length > max) throw exceeded(`${what}: more than ${max.toString()}`);
  });
  return found.slice(0, max).map((descriptor) => ({ origin: 'referrers-api', descriptor }));
}

/** What the fallback tag lists (OCI distribution specification, "Referrers Tag Schema"). */
export async function listByTag(
  reader: RepositoryReader,
  digest: Digest,
  gaps: GapRecorder,
): Promise<readonly Listed[]> {
  const tag = referrersTag(digest);
  const index = await gaps.attempt(`referrers tag ${tag}`, async () => readTag(reader, tag));
  const max = reader.limits.referrers;
  const all = index?.manifests ?? [];
  if (all.length > max) {
    gaps.note('LIMIT_EXCEEDED', `referrers tag ${tag}`, `more than ${max.toString()} referrers`);
  }
  return all.slice(0, max).map((descriptor) => ({ origin: 'referrers-tag', descriptor }));
}

/** The tag that lists referrers where there is no API: 64 characters of the digest at most. */
export function referrersTag(digest: Digest): string {
  const [algorithm = '', hex = ''] = digest.split(':');
  return `${algorithm}-${hex.slice(0, 64)}`;
}

/**
 * The manifest of a listed referrer; `undefined` where it is gone, is an index, or says itself that
 * it refers to something else. The list's own words about its type are not asked.
 */
export async function readReferrer(
  reader: RepositoryReader,
  listed: Listed,
  subject: Digest,
): Promise<Manifest | undefined> {
  const { digest, size } = listed.descriptor;
  if (size > reader.limits.manifestBytes)
    throw exceeded(`manifest ${digest}: ${size.toString()} bytes`);
  // The size is hearsay, but what was counted by it is not to be exceeded.
  const manifest = await readManifest(reader, digest, size);
  if (manifest?.kind !== 'manifest') return undefined;
  return manifest.subject === undefined || manifest.subject === subject ? manifest : undefined;
}

/** `undefined` where the answer says that there is no such API. */
async function readPage(
  reader: RepositoryReader,
  at: URL,
  what: string,
): Promise<Reply | undefined> {
  const resource = { at, what, accept: OCI_INDEX, maxBytes: reader.limits.manifestBytes };
  const reply = await reader.read(resource);
  // Registries without the API answer in many ways; those that mean "try again" are not among them.
  const isClientError = reply.status >= 400 && reply.status < 500;
  const isOther = ![401, 403, 408, 429].includes(reply.status);
  if ((isClientError && isOther) || reply.status === 501) return undefined;
  reader.demand(reply, resource);
  const type = essence(headerOf(reply, 'content-type') ?? '');
  return type === OCI_INDEX || type === 'application/json' ? reply : undefined;
}

function parsePage(reply: Reply, what: string, maxDepth: number): readonly Descriptor[] {
  const options = { code: 'MANIFEST_UNSUPPORTED', maxDepth, what } as const;
  return descriptors(asObject(parseStrictJson(reply.body, options))?.['manifests']);
}

/** The `next` link (RFC 8288); it must stay at the registry, as our credentials do (D5). */
function nextPage(reply: Reply, current: URL, what: string): URL | undefined {
  const header = (headerOf(reply, 'link') ?? '').slice(0, 8192);
  const links = [...header.matchAll(/<([^<>]*)>([^<]*)/g)];
  const isNext = /;\s*rel\s*=\s*(?:"next"|next)\s*(?:[;,]|$)/i;
  const target = links.find(([, , parameters = '']) => isNext.test(parameters))?.[1];
  if (target === undefined) return undefined;
  if (!URL.canParse(target, current.href) || new URL(target, current).origin !== current.origin) {
    throw new VerificationError('REGISTRY_UNSAFE', `${what}: the next page is at another host`);
  }
  return new URL(target, current);
}

function exceeded(detail: string): VerificationError {
  return new VerificationError('LIMIT_EXCEEDED', detail);
}
