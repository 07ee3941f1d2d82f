// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { readFileSync, writeFileSync } from 'node:fs';

import { parse } from 'yaml';

import type { CertificateFiles } from './certificates.ts';

/** How a client proves who it is: by a certificate or by a token. */
export type Identity =
  | { readonly kind: 'certificate'; readonly files: CertificateFiles }
  | { readonly kind: 'token'; readonly token: string };

/** Where the API server is, and which authority its certificate comes from. */
export interface Server {
  readonly url: string;
  readonly caPem: string;
}

/** Writes a self-contained kubeconfig, readable by its owner alone; returns its path. */
export function writeKubeconfig(file: string, server: Server, identity: Identity): string {
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [
      {
        name: 'e2e',
        cluster: { server: server.url, 'certificate-authority-data': base64(server.caPem) },
      },
    ],
    users: [{ name: 'e2e', user: userOf(identity) }],
    contexts: [{ name: 'e2e', context: { cluster: 'e2e', user: 'e2e' } }],
    'current-context': 'e2e',
  };
  writeFileSync(file, JSON.stringify(config, null, 2), { mode: 0o600 });
  return file;
}

/** Reads the server of the current context of a kubeconfig. */
export function readServer(file: string): Server {
  const config = parse(readFileSync(file, 'utf8')) as KubeconfigFile;
  const context = config.contexts.find(({ name }) => name === config['current-context']);
  const cluster = config.clusters.find(({ name }) => name === context?.context.cluster)?.cluster;
  if (cluster === undefined) {
    throw new Error(`${file} has no cluster for its current context`);
  }
  return { url: cluster.server, caPem: caOf(cluster) };
}

interface ClusterEntry {
  readonly server: string;
  readonly 'certificate-authority'?: string;
  readonly 'certificate-authority-data'?: string;
}

interface KubeconfigFile {
  readonly 'current-context': string;
  readonly contexts: readonly { readonly name: string; readonly context: { cluster: string } }[];
  readonly clusters: readonly { readonly name: string; readonly cluster: ClusterEntry }[];
}

function caOf(cluster: ClusterEntry): string {
  const data = cluster['certificate-authority-data'];
  if (data !== undefined) {
    return Buffer.from(data, 'base64').toString('utf8');
  }
  const file = cluster['certificate-authority'];
  return file === undefined ? '' : readFileSync(file, 'utf8');
}

function userOf(identity: Identity): Readonly<Record<string, string>> {
  switch (identity.kind) {
    case 'token':
      return { token: identity.token };
    case 'certificate':
      return {
        'client-certificate-data': base64(readFileSync(identity.files.cert)),
        'client-key-data': base64(readFileSync(identity.files.key)),
      };
  }
}

function base64(content: string | Buffer): string {
  return Buffer.from(content).toString('base64');
}
