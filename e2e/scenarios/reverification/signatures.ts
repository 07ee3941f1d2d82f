// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import type { PushedImage } from '../../harness/index.ts';

const MANIFEST = 'application/vnd.oci.image.manifest.v1+json';

/** Deletes what refers to an image, by the API of a registry with the referrers API. */
export async function deleteReferrers(image: PushedImage): Promise<void> {
  const { base, digest } = partsOf(image);
  const response = await fetch(`${base}/referrers/${digest}`);
  const { manifests } = (await response.json()) as { manifests: { readonly digest: string }[] };
  assert.ok(manifests.length > 0, 'something to delete');
  for (const manifest of manifests) await deleteManifest(base, manifest.digest);
}

/** Deletes the signature of an image in the layout of before bundles. */
export async function deleteLegacySignature(image: PushedImage): Promise<void> {
  const { base, digest } = partsOf(image);
  const tag = `${digest.replace(':', '-')}.sig`;
  const headers = { accept: MANIFEST };
  const response = await fetch(`${base}/manifests/${tag}`, { method: 'HEAD', headers });
  assert.equal(response.status, 200);
  await deleteManifest(base, response.headers.get('docker-content-digest') ?? '');
}

async function deleteManifest(base: string, digest: string): Promise<void> {
  const { status } = await fetch(`${base}/manifests/${digest}`, { method: 'DELETE' });
  assert.equal(status, 202);
}

function partsOf({ pinned, digest }: PushedImage): {
  readonly base: string;
  readonly digest: string;
} {
  const [host = '', ...path] = pinned.slice(0, pinned.lastIndexOf('@')).split('/');
  return { base: `http://${host}/v2/${path.join('/')}`, digest };
}
