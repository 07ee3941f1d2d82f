// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { digestOf, OCI_MANIFEST, SIMPLE_SIGNING, type Digest } from '../../verification/index.ts';
import type { KeyIssuer } from '../../verification/testing/index.ts';

const EMPTY = { mediaType: 'application/vnd.oci.empty.v1+json', digest: `sha256:${'0'.repeat(64)}`, size: 2 };

/** A registry of this process, on loopback, over plain HTTP. Signatures are real, and kept as cosign keeps them. */
export class LocalRegistry {
  /** Paths that were asked for. */
  readonly seen: string[] = [];
  /** Answers instead of the registry while set. */
  fault: ((response: ServerResponse) => void) | undefined;
  /** `user:password` that is demanded while set. */
  credentials: string | undefined;
  readonly #content = new Map<string, { readonly bytes: Buffer; readonly mediaType: string }>();
  readonly #server = createServer((request, response) => {
    this.#serve(request, response);
  });

  async start(): Promise<this> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    return this;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }

  get host(): string {
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port.toString()}`;
  }

  /** Pushes an image `repository:tag` that the issuers have signed; answers its name without tag, and its digest. */
  push(reference: string, issuers: readonly KeyIssuer[] = []): { readonly name: string; readonly digest: Digest } {
    const [repository = '', tag = 'latest'] = reference.split(':');
    const manifest = { config: EMPTY, layers: [], annotations: { content: `${reference} ${this.#content.size.toString()}` } };
    const digest = this.#manifest(repository, manifest, tag);
    if (issuers.length > 0) {
      const layers = issuers.map((issuer) => this.#signature(repository, issuer.simpleSigning(digest)));
      this.#manifest(repository, { config: EMPTY, layers }, `${digest.replace(':', '-')}.sig`);
    }
    return { name: `${this.host}/${repository}`, digest };
  }

  #signature(repository: string, { payload, annotations }: ReturnType<KeyIssuer['simpleSigning']>): object {
    const digest = digestOf(payload);
    this.#content.set(`/v2/${repository}/blobs/${digest}`, { bytes: payload, mediaType: 'application/octet-stream' });
    return { mediaType: SIMPLE_SIGNING, digest, size: payload.length, annotations };
  }

  #manifest(repository: string, content: object, tag: string): Digest {
    const bytes = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: OCI_MANIFEST, ...content }));
    const digest = digestOf(bytes);
    for (const reference of [digest, tag]) {
      this.#content.set(`/v2/${repository}/manifests/${reference}`, { bytes, mediaType: OCI_MANIFEST });
    }
    return digest;
  }

  #serve({ url = '', headers }: IncomingMessage, response: ServerResponse): void {
    this.seen.push(url);
    if (this.fault !== undefined) {
      this.fault(response);
      return;
    }
    const expected = this.credentials && `Basic ${Buffer.from(this.credentials).toString('base64')}`;
    if (expected !== undefined && headers.authorization !== expected) {
      response.writeHead(401, { 'www-authenticate': 'Basic realm="local"' }).end();
      return;
    }
    const found = this.#content.get(url);
    if (found === undefined) response.writeHead(404).end();
    else response.writeHead(200, { 'content-type': found.mediaType }).end(found.bytes);
  }
}
