// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { createHash } from 'node:crypto';
import type { Digest } from '../image/index.ts';
import type { Evidence, EvidenceGap, RawSignature } from '../ports.ts';

/** A layer of a cosign image: its bytes, and all else in annotations. */
export interface TestLayer {
  readonly format: 'simple-signing' | 'dsse';
  readonly payload: Buffer;
  readonly annotations: Readonly<Record<string, string>>;
}

/** An image manifest with unique content, and its digest. */
export function testManifest(content: string): {
  readonly bytes: Buffer;
  readonly digest: Digest;
  readonly mediaType: string;
} {
  const mediaType = 'application/vnd.oci.image.manifest.v1+json';
  const bytes = Buffer.from(
    JSON.stringify({ schemaVersion: 2, mediaType, annotations: { content } }),
  );
  return { bytes, digest: sha256(bytes), mediaType };
}

/** A layer of a cosign `.sig` image as evidence. */
export function simpleSigningEvidence(layer: {
  readonly payload: Buffer;
  readonly annotations: Readonly<Record<string, string>>;
}): RawSignature {
  const { payload, annotations } = layer;
  return {
    format: 'simple-signing',
    digest: sha256(payload),
    bytes: payload,
    annotations,
    origin: 'tag',
  };
}

/** A layer of a `.att` image, or of a `.sig` image, as evidence. */
export function layerEvidence(layer: TestLayer): RawSignature {
  return { ...simpleSigningEvidence(layer), format: layer.format };
}

/** A Sigstore bundle as evidence. */
export function bundleEvidence(bytes: Buffer): RawSignature {
  return {
    format: 'bundle',
    digest: sha256(bytes),
    bytes,
    annotations: {},
    origin: 'referrers-api',
  };
}

/** A JSON text with other values at some paths, e.g. `{'dsseEnvelope.signatures.0.sig': 1}`; `undefined` removes. */
export function editJson(bytes: Uint8Array, edits: Readonly<Record<string, unknown>>): Buffer {
  const root = JSON.parse(Buffer.from(bytes).toString('utf8')) as Record<string, unknown>;
  for (const [path, value] of Object.entries(edits)) {
    const keys = path.split('.');
    const last = keys.pop() ?? '';
    let node = root;
    for (const key of keys) node = node[key] as Record<string, unknown>;
    node[last] = value;
  }
  return Buffer.from(JSON.stringify(root));
}

/** Evidence about a manifest. */
export function evidenceOf(
  manifest: { readonly bytes: Buffer; readonly digest: Digest; readonly mediaType: string },
  signatures: readonly RawSignature[],
  gaps: readonly EvidenceGap[] = [],
): Evidence {
  return {
    digest: manifest.digest,
    manifest: { mediaType: manifest.mediaType, bytes: manifest.bytes },
    signatures,
    gaps,
  };
}

function sha256(bytes: Buffer): Digest {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}
