// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { asObject, parseStrictJson } from '../encoding/index.ts';
import { VerificationError } from '../error.ts';
import { DOCKER_LIST, DOCKER_MANIFEST, manifestKind, type ManifestKind } from './media-types.ts';
import { isDigest, type Digest } from './reference.ts';

/** What an index says an image runs on. */
export interface Platform {
  readonly os: string;
  readonly architecture: string;
  readonly variant?: string;
}

/** A reference to content, as a manifest makes it. All of it is hearsay until the bytes are hashed. */
export interface Descriptor {
  readonly mediaType: string;
  readonly digest: Digest;
  /** Bytes. */
  readonly size: number;
  readonly artifactType?: string;
  /** `undefined` where an index does not say it, `malformed` where it does so in a way of its own. */
  readonly platform?: Platform | 'malformed';
  /** Without prototype, so that no name finds anything but what was written. */
  readonly annotations: Readonly<Record<string, string>>;
}

/** A manifest or index that everyone reads alike. */
export interface Manifest {
  readonly digest: Digest;
  readonly mediaType: string;
  readonly kind: ManifestKind;
  readonly bytes: Uint8Array;
  readonly artifactType?: string;
  readonly configType?: string;
  /** Digest of what it refers to. */
  readonly subject?: string;
  /** Of a manifest; entries that are no descriptors are left out. */
  readonly layers: readonly Descriptor[];
  /** Of an index; entries that are no descriptors are left out. */
  readonly manifests: readonly Descriptor[];
}

type Body = Readonly<Record<string, unknown>>;

/** Members that decide what a document is, by what a parser that ignores case would find. */
const DECISIVE = new Set(
  'schemaversion mediatype artifacttype config layers manifests subject fslayers blobs'.split(' '),
);
const EXACT = new Set(
  'schemaVersion mediaType artifactType config layers manifests subject fsLayers blobs'.split(' '),
);

/** Members of Docker's schema 1 and of the OCI artifact manifest. */
const RETIRED = ['fsLayers', 'blobs'];

/** What `parseManifest` is given besides the bytes. */
export interface ManifestSource {
  /** Of the bytes, computed by us. */
  readonly digest: Digest;
  /** What the registry called it, without parameters. */
  readonly contentType: string;
  /** For messages. */
  readonly what: string;
  /** Deepest nesting of the JSON. */
  readonly maxDepth: number;
}

/**
 * Parses a manifest or index. Throws MANIFEST_UNSUPPORTED for any type that is not OCI's or Docker's
 * schema 2, and wherever two parsers could take one document for different things (security D1):
 * header and body disagree, members of both kinds, member names that differ in case.
 */
export function parseManifest(bytes: Uint8Array, source: ManifestSource): Manifest {
  const refuse = (detail: string): VerificationError =>
    new VerificationError('MANIFEST_UNSUPPORTED', `${source.what}: ${detail}`);
  const kind = manifestKind(source.contentType);
  if (kind === undefined) {
    const shown = JSON.stringify(source.contentType.slice(0, 100));
    throw refuse(`media type ${shown} is not supported`);
  }
  const { maxDepth, what } = source;
  const body = asObject(parseStrictJson(bytes, { code: 'MANIFEST_UNSUPPORTED', maxDepth, what }));
  const problem = body === undefined ? 'not an object' : ambiguity(body, kind, source.contentType);
  if (body === undefined || problem !== undefined) throw refuse(problem ?? 'not an object');
  return {
    digest: source.digest,
    mediaType: source.contentType,
    kind,
    bytes,
    ...optional('artifactType', body['artifactType']),
    ...optional('configType', asObject(body['config'])?.['mediaType']),
    ...optional('subject', asObject(body['subject'])?.['digest']),
    layers: descriptors(body['layers']),
    manifests: descriptors(body['manifests']),
  };
}

/** The entries of a list that are descriptors; a broken entry does not spoil the others. */
export function descriptors(list: unknown): readonly Descriptor[] {
  if (!Array.isArray(list)) return [];
  return list.flatMap((entry: unknown) => descriptor(asObject(entry)) ?? []);
}

function ambiguity(body: Body, kind: ManifestKind, contentType: string): string | undefined {
  const odd = Object.keys(body).find((key) => !EXACT.has(key) && DECISIVE.has(fold(key)));
  if (odd !== undefined) return `member ${JSON.stringify(odd.slice(0, 40))} is ambiguous`;
  if (body['schemaVersion'] !== 2) return 'schemaVersion is not 2';
  const declared = body['mediaType'];
  const mayOmit = contentType !== DOCKER_MANIFEST && contentType !== DOCKER_LIST;
  if (declared !== contentType && !(declared === undefined && mayOmit)) {
    return 'the media types of header and body differ';
  }
  return SHAPES[kind](body);
}

const SHAPES = {
  index: (body: Body): string | undefined => {
    if (hasAny(body, ['layers', 'config', ...RETIRED])) return 'it is not only an index';
    return Array.isArray(body['manifests']) ? undefined : 'it has no list of manifests';
  },
  manifest: (body: Body): string | undefined => {
    if (hasAny(body, ['manifests', ...RETIRED])) return 'it is not only an image manifest';
    if (asObject(body['config']) === undefined) return 'it has no config';
    return Array.isArray(body['layers']) ? undefined : 'it has no list of layers';
  },
} as const;

function hasAny(body: Body, names: readonly string[]): boolean {
  return names.some((name) => Object.hasOwn(body, name));
}

/** As Go folds names: by simple case folding, which also knows U+017F and U+212A. */
function fold(key: string): string {
  return key.toUpperCase().toLowerCase();
}

function descriptor(entry: Body | undefined): Descriptor | undefined {
  if (entry === undefined) return undefined;
  const { mediaType, digest, size, artifactType, annotations } = entry;
  if (typeof mediaType !== 'string' || typeof digest !== 'string') return undefined;
  if (!isDigest(digest) || !isSize(size)) return undefined;
  const type = optional('artifactType', artifactType);
  const runsOn = entry['platform'] === undefined ? {} : { platform: platform(entry['platform']) };
  return { mediaType, digest, size, ...type, ...runsOn, annotations: textMap(annotations) };
}

function platform(value: unknown): Platform | 'malformed' {
  const { os, architecture, variant } = asObject(value) ?? {};
  if (typeof os !== 'string' || typeof architecture !== 'string') return 'malformed';
  return { os, architecture, ...optional('variant', variant) };
}

function isSize(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}

function textMap(value: unknown): Readonly<Record<string, string>> {
  const map = Object.create(null) as Record<string, string>;
  for (const [name, text] of Object.entries(asObject(value) ?? {})) {
    if (typeof text === 'string') map[name] = text;
  }
  return map;
}

function optional<Name extends string>(name: Name, value: unknown): Partial<Record<Name, string>> {
  return (typeof value === 'string' ? { [name]: value } : {}) as Partial<Record<Name, string>>;
}
