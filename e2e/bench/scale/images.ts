// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { createHash } from 'node:crypto';
import { offlineFiles, mustRun, tool, type CosignKey } from '../../harness/index.ts';
import { inParallel } from './parallel.ts';
import { DIGESTS, signedBy } from './table.ts';

/** Repositories that hold the images. */
const REPOSITORIES = 20;
const PUSHES = 8;
/** cosign signs what one call names one after the other. */
const SIGNERS = 2;
const SIGNED_A_CALL = 25;

/** An image of the scale row. */
export interface ScaleImage {
  readonly digest: string;
  /** `repository@digest`, without the host. */
  readonly pinned: string;
}

const CONFIG_TYPE = 'application/vnd.oci.image.config.v1+json';
const LAYER_TYPE = 'application/vnd.oci.image.layer.v1.tar';
const MANIFEST_TYPE = 'application/vnd.oci.image.manifest.v1+json';

/** Pushes all images through the API of a registry, each with a configuration of its own. */
export async function pushScaleImages(host: string): Promise<readonly ScaleImage[]> {
  const numbers = Array.from({ length: DIGESTS }, (_, n) => n);
  return await inParallel(numbers, PUSHES, (n) => pushOne(host, n));
}

/** Signs the images that the table names, by the real cosign. */
export async function signScaleImages(
  host: string,
  images: readonly ScaleImage[],
  keys: { readonly first: CosignKey; readonly second: CosignKey },
): Promise<void> {
  for (const name of ['first', 'second'] as const) {
    const signed = images.filter((_, n) => [name, 'both'].includes(signedBy(n)));
    const references = signed.map(({ pinned }) => `${host}/${pinned}`);
    const calls = Array.from({ length: Math.ceil(references.length / SIGNED_A_CALL) }, (_, n) =>
      references.slice(n * SIGNED_A_CALL, (n + 1) * SIGNED_A_CALL),
    );
    await inParallel(calls, SIGNERS, (call) => sign(keys[name], call));
  }
}

async function sign(key: CosignKey, references: readonly string[]): Promise<void> {
  const { signingConfig, trustedRoot } = await offlineFiles();
  const services = ['--signing-config', signingConfig, '--trusted-root', trustedRoot];
  const args = ['sign', '--yes', '--key', key.privateKey, ...services, ...references];
  await mustRun(tool('cosign'), args, { env: { COSIGN_PASSWORD: '' }, timeoutMs: 300_000 });
}

async function pushOne(host: string, n: number): Promise<ScaleImage> {
  const repository = `scale/app-${(n % REPOSITORIES).toString()}`;
  const layer = Buffer.from('layer of the scale row');
  const config = Buffer.from(JSON.stringify(configOf(n, digestOf(layer))));
  const manifest = Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: MANIFEST_TYPE,
      config: { mediaType: CONFIG_TYPE, digest: digestOf(config), size: config.byteLength },
      layers: [{ mediaType: LAYER_TYPE, digest: digestOf(layer), size: layer.byteLength }],
    }),
  );
  for (const blob of [layer, config]) await pushBlob(host, repository, blob);
  const digest = digestOf(manifest);
  await put(`http://${host}/v2/${repository}/manifests/v${n.toString()}`, manifest, MANIFEST_TYPE);
  return { digest, pinned: `${repository}@${digest}` };
}

function configOf(n: number, layer: string): object {
  return {
    architecture: 'amd64',
    os: 'linux',
    config: { Labels: { number: n.toString() } },
    rootfs: { type: 'layers', diff_ids: [layer] },
  };
}

async function pushBlob(host: string, repository: string, blob: Buffer): Promise<void> {
  const begun = await fetch(`http://${host}/v2/${repository}/blobs/uploads/`, { method: 'POST' });
  await begun.arrayBuffer();
  const place = new URL(begun.headers.get('location') ?? '', `http://${host}`);
  place.searchParams.set('digest', digestOf(blob));
  await put(place.href, blob, 'application/octet-stream');
}

async function put(url: string, body: Buffer, type: string): Promise<void> {
  const headers = { 'content-type': type };
  const answer = await fetch(url, { method: 'PUT', headers, body: new Uint8Array(body) });
  const text = await answer.text();
  if (answer.status !== 201) throw new Error(`${url}: ${answer.status.toString()} ${text}`);
}

function digestOf(bytes: Buffer): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}
