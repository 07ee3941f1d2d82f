// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { descriptorOf, putManifest, request, uploadBlob } from './registry-upload.ts';

/** One signature or attestation of the layout before bundles. */
export interface SignatureLayer {
  readonly mediaType: string;
  readonly bytes: Buffer;
  readonly annotations: Readonly<Record<string, string>>;
}

/** `sig` for signatures, `att` for attestations. */
export type LayerTag = 'sig' | 'att';

const MANIFEST = 'application/vnd.oci.image.manifest.v1+json';
const CONFIG = 'application/vnd.oci.image.config.v1+json';

/** Reads what cosign stored beside an image under a tag of the layout before bundles. */
export async function readLayers(
  pinned: string,
  tag: LayerTag,
): Promise<readonly SignatureLayer[]> {
  const { repository, name } = placeOf(pinned, tag);
  const headers = { accept: MANIFEST };
  const response = await request(`http://${repository}/manifests/${name}`, { headers });
  const { layers } = (await response.json()) as { layers: StoredLayer[] };
  return Promise.all(
    layers.map(async ({ mediaType, digest, annotations = {} }) => {
      const blob = await request(`http://${repository}/blobs/${digest}`);
      return { mediaType, annotations, bytes: Buffer.from(await blob.arrayBuffer()) };
    }),
  );
}

/** Stores layers, whatever is in them, beside an image, in place of what is there. */
export async function attachLayers(
  pinned: string,
  tag: LayerTag,
  layers: readonly SignatureLayer[],
): Promise<void> {
  const { repository, name } = placeOf(pinned, tag);
  const config = {
    mediaType: CONFIG,
    bytes: Buffer.from(
      JSON.stringify({
        architecture: '',
        os: '',
        config: {},
        rootfs: { type: 'layers', diff_ids: layers.map((layer) => descriptorOf(layer).digest) },
      }),
    ),
  };
  for (const blob of [config, ...layers]) await uploadBlob(repository, blob);
  const manifest = {
    schemaVersion: 2,
    mediaType: MANIFEST,
    config: descriptorOf(config),
    layers: layers.map((layer) => ({ ...descriptorOf(layer), annotations: layer.annotations })),
  };
  const bytes = Buffer.from(JSON.stringify(manifest));
  await putManifest(repository, name, { mediaType: MANIFEST, bytes });
}

interface StoredLayer {
  readonly mediaType: string;
  readonly digest: string;
  readonly annotations?: Readonly<Record<string, string>>;
}

function placeOf(pinned: string, tag: LayerTag): { repository: string; name: string } {
  const [image = '', digest = ''] = pinned.split('@');
  return { repository: image.replace('/', '/v2/'), name: `${digest.replace(':', '-')}.${tag}` };
}
