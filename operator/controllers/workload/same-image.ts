// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { z } from 'zod';
import { manifestKind, type Evidence } from '../../../verification/index.ts';

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

const descriptor = z.object({ digest: z.string() });
const shape = z.object({
  manifests: z.array(descriptor).default([]),
  config: descriptor.optional(),
});

interface ManifestParts {
  readonly children: readonly string[];
  readonly config: string | undefined;
}

function readManifest({ manifest }: Evidence): ManifestParts | undefined {
  const kind = manifestKind(manifest.mediaType);
  if (kind === undefined) return undefined;
  const parsed = shape.safeParse(parse(manifest.bytes));
  if (!parsed.success) return undefined;
  const { manifests, config } = parsed.data;
  return {
    children: kind === 'index' ? manifests.map((child) => child.digest) : [],
    config: kind === 'manifest' ? config?.digest : undefined,
  };
}

function parse(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(bytes).toString('utf8'));
  } catch {
    return undefined;
  }
}
