// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { createHash } from 'node:crypto';
import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { dirname, join } from 'node:path';
import { FLUX_NAMESPACE, mustRun, newDirectory, type Kubectl } from '../../harness/index.ts';

/** What a revision holds: texts by path, and folders of this project under their own names. */
export interface Content {
  readonly files?: Readonly<Record<string, string>>;
  readonly folders?: readonly string[];
}

const ROOT: string = join(import.meta.dirname, '..', '..', '..');

/**
 * A GitRepository whose artefacts this process serves: the part of source-controller that
 * kustomize-controller sees.
 */
export class Source {
  readonly #kubectl: Kubectl;
  readonly #name: string;
  readonly #server: Server;
  readonly #artefacts = new Map<string, Buffer>();

  private constructor(kubectl: Kubectl, name: string) {
    this.#kubectl = kubectl;
    this.#name = name;
    this.#server = createServer((request, response) => {
      const body = this.#artefacts.get(request.url ?? '');
      response.writeHead(body === undefined ? 404 : 200).end(body);
    });
  }

  /** Serves the artefacts of the GitRepository of this name, which has none yet. */
  static async start(kubectl: Kubectl, name: string): Promise<Source> {
    const source = new Source(kubectl, name);
    await new Promise<void>((resolve) => source.#server.listen(0, '127.0.0.1', resolve));
    source.#server.unref();
    return source;
  }

  /** Makes the content the newest revision, and returns the name of the revision. */
  async publish(content: Content): Promise<string> {
    const body = await archive(content);
    const hash = createHash('sha256').update(body).digest('hex');
    const path = `/${hash}.tar.gz`;
    this.#artefacts.set(path, body);
    const revision = `main@sha1:${hash.slice(0, 40)}`;
    const { generation = 1 } =
      (await this.#kubectl.get('gitrepository', this.#name, FLUX_NAMESPACE)).metadata ?? {};
    const now = new Date().toISOString();
    const ready = { type: 'Ready', status: 'True', reason: 'Succeeded', message: revision };
    const status = {
      observedGeneration: generation,
      conditions: [{ ...ready, observedGeneration: generation, lastTransitionTime: now }],
      artifact: {
        digest: `sha256:${hash}`,
        lastUpdateTime: now,
        path: path.slice(1),
        revision,
        size: body.byteLength,
        url: `http://${this.#host()}${path}`,
      },
    };
    const target = { kind: 'gitrepository', name: this.#name, namespace: FLUX_NAMESPACE };
    const answer = await this.#kubectl.patch(target, { status }, { subresource: 'status' });
    if (answer.code !== 0) throw new Error(answer.stderr);
    return revision;
  }

  /** Ends the server. */
  async stop(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#server.close(() => resolve());
      this.#server.closeAllConnections();
    });
  }

  #host(): string {
    const address = this.#server.address();
    if (address === null || typeof address === 'string') throw new Error('no server');
    return `127.0.0.1:${address.port.toString()}`;
  }
}

async function archive({ files = {}, folders = [] }: Content): Promise<Buffer> {
  const directory = newDirectory('source');
  const tree = join(directory, 'tree');
  mkdirSync(tree);
  for (const folder of folders) cpSync(join(ROOT, folder), join(tree, folder), { recursive: true });
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(tree, path)), { recursive: true });
    writeFileSync(join(tree, path), text);
  }
  const file = join(directory, 'tree.tar.gz');
  await mustRun('tar', ['-czf', file, '-C', tree, '.']);
  return readFileSync(file);
}
