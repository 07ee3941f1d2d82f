// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { manifestKind, type Digest, type Evidence } from '../../../verification/index.ts';

/**
 * Whether what a node reports to run is the image that the spec names, proven by manifests that were
 * hashed: the index of the spec lists the reported manifest, or both have the same configuration (and
 * so the same layers). A node may report another repository or a child of an index.
 */
export function isSameImage(named: Evidence, reported: Evidence): boolean {
  if (named.digest === reported.digest) return true;
  const one = readManifest(named);
  const other = readManifest(reported);
  if (one === undefined || other === undefined) return false;
  if (one.children.includes(reported.digest)) return true;
  return one.config !== undefined && one.config === other.config;
}

interface ManifestParts {
  readonly children: readonly string[];
  readonly config: Digest | string | undefined;
}

function readManifest({ manifest }: Evidence): ManifestParts | undefined {
  const kind = manifestKind(manifest.mediaType);
  if (kind === undefined) return undefined;
  const json = JSON.parse(Buffer.from(manifest.bytes).toString('utf8')) as {
    readonly manifests?: readonly { readonly digest?: unknown }[];
    readonly config?: { readonly digest?: unknown };
  };
  const children = Array.isArray(json.manifests) ? json.manifests : [];
  const config = json.config?.digest;
  return {
    children: kind === 'index' ? children.map((child) => String(child.digest)) : [],
    config: kind === 'manifest' && typeof config === 'string' ? config : undefined,
  };
}
