// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { VerificationError } from '../error.ts';
import { parseHost } from './host.ts';

/** A content digest: lower-case hexadecimal of full length. No other algorithm is accepted. */
export type Digest = `sha256:${string}` | `sha512:${string}`;

/** An image reference, parsed and normalised. Two references to one repository have equal `host` and `repository`. */
export interface ImageReference {
  /** The string as it was written. */
  readonly written: string;
  /** Canonical `host[:port]`, lower case; Docker Hub is `docker.io`, IPv6 is in brackets. */
  readonly host: string;
  /** Path below the host, e.g. `library/nginx`. */
  readonly repository: string;
  /** A hint wherever a digest is present: the digest decides. */
  readonly tag?: string;
  readonly digest?: Digest;
}

const DIGEST = /^(?:sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128})$/;
const ALPHABET = /^[A-Za-z0-9._:/@[\]-]+$/;
const COMPONENT = /^[a-z0-9]+(?:(?:\.|__?|-+)[a-z0-9]+)*$/;
const TAG = /^\w[\w.-]{0,127}$/;
const IDENTIFIER = /^[0-9a-f]{64}$/;
const MAX_WRITTEN = 4096;
const MAX_REPOSITORY = 255;
const DOCKER_HUB = 'docker.io';

/** True where the text is a digest that we can compute: sha256 or sha512, full length, lower case. */
export function isDigest(text: string): text is Digest {
  return DIGEST.test(text);
}

/** The text as a digest; throws REF_INVALID for any other algorithm, length or case. */
export function parseDigest(text: string): Digest {
  if (!isDigest(text))
    throw invalid(text, 'the digest is not sha256 or sha512 in lower-case hexadecimal');
  return text;
}

/**
 * Parses an image reference by the grammar of distribution/reference, and normalises it: Docker Hub
 * and `library/` are filled in, hosts are lower case, `:443` is removed. No tag is filled in.
 *
 * Throws a VerificationError REF_INVALID, also for what some parsers accept and others do not
 * (trailing dots, `%`, userinfo, punycode, IPv4 spellings), so that nobody reads another host than
 * the policy did (security X5, X6).
 */
export function parseImageReference(written: string): ImageReference {
  if (written.length > MAX_WRITTEN) throw invalid(written, 'longer than 4,096 characters');
  if (!ALPHABET.test(written))
    throw invalid(written, 'empty, or holds a character that no reference has');
  const [named, digest] = splitAt(written, written.indexOf('@'));
  const [name, tag] = splitAt(named, tagColon(named));
  if (tag !== undefined && !TAG.test(tag)) throw invalid(written, 'the tag');
  return {
    written,
    ...parseName(written, name),
    ...(tag === undefined ? {} : { tag }),
    ...(digest === undefined ? {} : { digest: parseDigest(digest) }),
  };
}

/** What is before and after the character at the index; a negative index finds nothing after. */
function splitAt(text: string, index: number): readonly [string, string | undefined] {
  return index < 0 ? [text, undefined] : [text.slice(0, index), text.slice(index + 1)];
}

/** A colon before the last slash belongs to a port, one inside brackets to an IPv6 address. */
function tagColon(named: string): number {
  const colon = named.lastIndexOf(':');
  return colon > named.lastIndexOf('/') && !named.endsWith(']') ? colon : -1;
}

/** The normalised name without tag and digest: `host/path`. */
export function repositoryName(reference: Pick<ImageReference, 'host' | 'repository'>): string {
  return `${reference.host}/${reference.repository}`;
}

/** The same reference with this digest instead of its own; the tag stays, as written. */
export function withDigest(
  reference: ImageReference,
  digest: Digest,
): ImageReference & { readonly digest: Digest } {
  const at = reference.written.indexOf('@');
  const named = at < 0 ? reference.written : reference.written.slice(0, at);
  return { ...reference, written: `${named}@${digest}`, digest };
}

/** Whether the first part of a name is a host, by Docker's rule; upper case alone does not make one. */
export function isHostPart(first: string): boolean {
  return /[.:[]/.test(first) || first.toLowerCase() === 'localhost';
}

/** Whether the text can be one part of a repository path. */
export function isPathComponent(text: string): boolean {
  return COMPONENT.test(text);
}

/** Fills in what Docker Hub leaves out: `nginx` is `library/nginx` there, and nowhere else. */
export function expandHubPath(host: string, parts: readonly string[]): readonly string[] {
  return host === DOCKER_HUB && parts.length === 1 ? ['library', ...parts] : parts;
}

function parseName(
  written: string,
  name: string,
): { readonly host: string; readonly repository: string } {
  const [first = '', ...rest] = name.split('/');
  const hosted = rest.length > 0 && isHostPart(first);
  if (!hosted && IDENTIFIER.test(name))
    throw invalid(written, 'a bare image ID names no repository');
  const host = hosted ? hostOf(written, first) : DOCKER_HUB;
  const parts = hosted ? rest : [first, ...rest];
  for (const part of parts) {
    if (!COMPONENT.test(part))
      throw invalid(written, `the repository part ${JSON.stringify(part.slice(0, 64))}`);
  }
  const repository = expandHubPath(host, parts).join('/');
  if (repository.length > MAX_REPOSITORY)
    throw invalid(written, 'the repository is longer than 255 characters');
  return { host, repository };
}

function hostOf(written: string, text: string): string {
  try {
    return parseHost(text).canonical;
  } catch (thrown) {
    throw invalid(written, 'the host', thrown);
  }
}

function invalid(written: string, detail: string, cause?: unknown): VerificationError {
  const shown = JSON.stringify(written.length > 256 ? `${written.slice(0, 256)}…` : written);
  return new VerificationError('REF_INVALID', `image reference ${shown} is not valid: ${detail}`, {
    cause,
  });
}
