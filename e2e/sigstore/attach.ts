// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import {
  descriptorOf,
  putManifest,
  request,
  uploadBlob,
  type Descriptor,
} from './registry-upload.ts';

/** What a referrer is described with. */
export interface AttachOptions {
  /** `dev.sigstore.bundle.predicateType`; a signature of cosign v3 unless told. */
  readonly predicateType?: string;
}

const BUNDLE = 'application/vnd.dev.sigstore.bundle.v0.3+json';
const MANIFEST = 'application/vnd.oci.image.manifest.v1+json';
const INDEX = 'application/vnd.oci.image.index.v1+json';
const EMPTY = { mediaType: 'application/vnd.oci.empty.v1+json', bytes: Buffer.from('{}') };
const ANY_IMAGE = [
  MANIFEST,
  INDEX,
  'application/vnd.docker.distribution.manifest.v2+json',
  'application/vnd.docker.distribution.manifest.list.v2+json',
].join(', ');
const SIGNATURE = 'https://sigstore.dev/cosign/sign/v1';

/**
 * Stores a bundle, whatever is in it, as a referrer of the image, as cosign v3 would: through the
 * referrers API, or under the fallback tag where the registry has none. Returns its digest. The
 * registry must be one on loopback without TLS and credentials.
 */
export async function attachBundle(
  pinned: string,
  bundle: string,
  options: AttachOptions = {},
): Promise<string> {
  const [name = '', digest = ''] = pinned.split('@');
  const repository = name.replace('/', '/v2/');
  const subject = await describe(`http://${repository}/manifests/${digest}`);
  const layer = { mediaType: BUNDLE, bytes: Buffer.from(bundle) };
  for (const blob of [layer, EMPTY]) await uploadBlob(repository, blob);
  const manifest = {
    schemaVersion: 2,
    mediaType: MANIFEST,
    artifactType: BUNDLE,
    config: descriptorOf(EMPTY),
    layers: [descriptorOf(layer)],
    subject,
    annotations: {
      'org.opencontainers.image.created': new Date().toISOString().replace(/\.\d+/, ''),
      'dev.sigstore.bundle.content': 'dsse-envelope',
      'dev.sigstore.bundle.predicateType': options.predicateType ?? SIGNATURE,
    },
  };
  const blob = { mediaType: MANIFEST, bytes: Buffer.from(JSON.stringify(manifest)) };
  const referrer = descriptorOf(blob);
  const known = await putManifest(repository, referrer.digest, blob);
  if (!known) await appendToFallback(repository, digest, { ...referrer, artifactType: BUNDLE });
  return referrer.digest;
}

async function describe(url: string): Promise<Descriptor> {
  const response = await request(url, { headers: { accept: ANY_IMAGE } });
  const bytes = Buffer.from(await response.arrayBuffer());
  return descriptorOf({ mediaType: response.headers.get('content-type') ?? MANIFEST, bytes });
}

async function appendToFallback(
  repository: string,
  digest: string,
  referrer: Descriptor & { readonly artifactType: string },
): Promise<void> {
  const tag = digest.replace(':', '-');
  const response = await fetch(`http://${repository}/manifests/${tag}`, {
    headers: { accept: INDEX },
  });
  const before = response.ok ? ((await response.json()) as { manifests: unknown[] }).manifests : [];
  const index = { schemaVersion: 2, mediaType: INDEX, manifests: [...before, referrer] };
  const bytes = Buffer.from(JSON.stringify(index));
  await putManifest(repository, tag, { mediaType: INDEX, bytes });
}
