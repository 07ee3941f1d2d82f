// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { VerificationError } from '../error.ts';
import { DEFAULT_LIMITS } from '../limits.ts';
import { parseHost, splitPort } from './host.ts';
import { expandHubPath, isHostPart, isPathComponent, type ImageReference } from './reference.ts';

const ANY_SEGMENTS = '**';
const HOST_ALPHABET = /^[a-z0-9.*-]+$/;
const PATH_ALPHABET = /^[a-z0-9._*-]+$/;

/** Decides whether a pattern covers the repository of an image; tag and digest have no say. */
export type ImageMatcher = (reference: Pick<ImageReference, 'host' | 'repository'>) => boolean;

/**
 * Compiles a pattern over repositories (design §3). The whole name must match:
 *
 * - `*` stands for any characters, also none, inside one path segment or one DNS label;
 * - `**` as a whole path segment stands for one or more segments, so `team/**` is not `team`;
 * - neither crosses the host, `:` or `@`; a lone `**` is every image;
 * - a pattern without a host is read like a reference: `nginx` is `docker.io/library/nginx`.
 *
 * Matching takes time in proportion to pattern times name. Throws POLICY_INVALID for a pattern that
 * is not of this grammar, also for a tag or digest in it: a rule by tag is evaded by the digest.
 */
export function compileImageGlob(pattern: string): ImageMatcher {
  if (pattern === ANY_SEGMENTS) return () => true;
  refuseForeignSyntax(pattern);
  const { host, segments } = compileParts(pattern);
  return (reference) =>
    host(reference.host) && matchSegments(segments, reference.repository.split('/'));
}

function compileParts(pattern: string): {
  readonly host: (host: string) => boolean;
  readonly segments: readonly string[];
} {
  const [first = '', ...rest] = pattern.split('/');
  const hosted = rest.length > 0 && isHostPart(first);
  const host = hosted ? compileHost(pattern, first) : exactly('docker.io');
  const written = hosted ? rest : [first, ...rest];
  for (const segment of written) checkSegment(pattern, segment);
  // `docker.io/**` is all of Docker Hub, not all of its library.
  if (written[0] === ANY_SEGMENTS || (hosted && first.includes('*'))) {
    return { host, segments: written };
  }
  return { host, segments: host('docker.io') ? expandHubPath('docker.io', written) : written };
}

function refuseForeignSyntax(pattern: string): void {
  if (pattern.length > DEFAULT_LIMITS.patternChars)
    throw invalid(pattern, 'longer than 1,024 characters');
  if (pattern.includes('@')) throw invalid(pattern, 'patterns name repositories, without a digest');
  const afterHost = pattern.slice(pattern.indexOf('/') + 1);
  if (afterHost.includes(':')) throw invalid(pattern, 'patterns name repositories, without a tag');
  if (pattern === '*')
    throw invalid(pattern, 'write "**" for every image, or "docker.io/library/*"');
  if (/^\*+\//.test(pattern))
    throw invalid(
      pattern,
      'the first segment is not a host; write the host, or "**" for every image',
    );
}

function exactly(host: string): (host: string) => boolean {
  return (actual) => actual === host;
}

function compileHost(pattern: string, written: string): (host: string) => boolean {
  if (!written.includes('*')) return exactly(canonicalHost(pattern, written));
  const { name } = splitPort(written.toLowerCase());
  if (!HOST_ALPHABET.test(name) || name.includes(ANY_SEGMENTS)) throw invalid(pattern, 'the host');
  // With its stars replaced it must be a host: this finds empty labels and bad ports.
  const { port } = splitPort(canonicalHost(pattern, written.replaceAll('*', 'x')));
  const labels = name.split('.');
  return (host) => {
    if (host.startsWith('[')) return false;
    const actual = splitPort(host);
    if (actual.port !== port) return false;
    const actualLabels = actual.name.split('.');
    return (
      labels.length === actualLabels.length &&
      labels.every((l, i) => matchStars(l, actualLabels[i] ?? ''))
    );
  };
}

function canonicalHost(pattern: string, written: string): string {
  try {
    return parseHost(written).canonical;
  } catch (thrown) {
    throw invalid(pattern, 'the host', thrown);
  }
}

function checkSegment(pattern: string, segment: string): void {
  if (segment === ANY_SEGMENTS) return;
  const shown = JSON.stringify(segment.slice(0, 64));
  if (segment.includes(ANY_SEGMENTS))
    throw invalid(pattern, `"**" must be a whole segment, not part of ${shown}`);
  const fits = segment.includes('*') ? PATH_ALPHABET.test(segment) : isPathComponent(segment);
  if (!fits) throw invalid(pattern, `the segment ${shown} can match no repository`);
}

/** Greedy with one restart point: the last `**` seen. Earlier ones never need to be tried again. */
function matchSegments(pattern: readonly string[], name: readonly string[]): boolean {
  let p = 0;
  let n = 0;
  let restart: { p: number; n: number } | undefined;
  while (n < name.length) {
    const wanted = pattern[p];
    if (wanted === ANY_SEGMENTS) {
      // It takes one segment at least.
      p += 1;
      n += 1;
      restart = { p, n };
    } else if (wanted !== undefined && matchStars(wanted, name[n] ?? '')) {
      p += 1;
      n += 1;
    } else if (restart !== undefined) {
      restart = { p: restart.p, n: restart.n + 1 };
      ({ p, n } = restart);
    } else return false;
  }
  return p === pattern.length;
}

/** `*` for any characters, the same way with the last `*` as restart point. */
function matchStars(pattern: string, text: string): boolean {
  let p = 0;
  let t = 0;
  let restart: { p: number; t: number } | undefined;
  while (t < text.length) {
    if (pattern[p] === '*') {
      p += 1;
      restart = { p, t };
    } else if (p < pattern.length && pattern[p] === text[t]) {
      p += 1;
      t += 1;
    } else if (restart !== undefined) {
      restart = { p: restart.p, t: restart.t + 1 };
      ({ p, t } = restart);
    } else return false;
  }
  while (pattern[p] === '*') p += 1;
  return p === pattern.length;
}

function invalid(pattern: string, detail: string, cause?: unknown): VerificationError {
  const shown = JSON.stringify(pattern.length > 256 ? `${pattern.slice(0, 256)}…` : pattern);
  return new VerificationError('POLICY_INVALID', `image pattern ${shown} is not valid: ${detail}`, {
    cause,
  });
}
