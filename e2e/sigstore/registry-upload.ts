// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { createHash } from 'node:crypto';

/** Something to store, and what it is called. */
export interface Blob {
  readonly mediaType: string;
  readonly bytes: Buffer;
}

/** How a manifest names a blob. */
export interface Descriptor {
  readonly mediaType: string;
  readonly size: number;
  readonly digest: string;
}

/** Stores a blob. `repository` is `<host>/v2/<name>`, of a registry without TLS and credentials. */
export async function uploadBlob(repository: string, blob: Blob): Promise<void> {
  const begin = `http://${repository}/blobs/uploads/`;
  const session = await request(begin, { method: 'POST' });
  const target = new URL(session.headers.get('location') ?? '', begin);
  target.searchParams.set('digest', descriptorOf(blob).digest);
  const headers = { 'content-type': 'application/octet-stream' };
  await request(target.href, { method: 'PUT', headers, body: new Uint8Array(blob.bytes) });
}

/** Stores a manifest under a tag or its digest; answers whether the registry has taken note of the subject. */
export async function putManifest(repository: string, name: string, blob: Blob): Promise<boolean> {
  const response = await request(`http://${repository}/manifests/${name}`, {
    method: 'PUT',
    headers: { 'content-type': blob.mediaType },
    body: new Uint8Array(blob.bytes),
  });
  return response.headers.has('oci-subject');
}

/** How a manifest would name it. */
export function descriptorOf({ mediaType, bytes }: Blob): Descriptor {
  const digest = `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
  return { mediaType, size: bytes.length, digest };
}

/** As `fetch`, but throws for an answer that is none of success. */
export async function request(url: string, options: RequestInit = {}): Promise<Response> {
  const response = await fetch(url, options);
  if (!response.ok) {
    const text = await response.text();
    throw new Error(`${options.method ?? 'GET'} ${url}: ${response.status} ${text}`);
  }
  return response;
}
