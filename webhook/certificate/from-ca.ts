// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { resourcePath, type KubeClient, type KubeObject } from '../../runtime/kube/index.ts';
import {
  issueLeaf,
  leafIsDue,
  WEBHOOK_CA_SECRET,
  type CertifiedKey,
  type Leaf,
} from '../../runtime/tls/index.ts';
import type { LeafSource } from './source.ts';

/** What minting leaves needs. */
export interface CaLeafSourceOptions {
  readonly client: Pick<KubeClient, 'get'>;
  readonly namespace: string;
  readonly dnsNames: readonly string[];
}

interface Secret extends KubeObject {
  readonly data?: Readonly<Record<string, string>>;
}

const READ_MS = 5_000;

/** Mints leaves in memory from the CA that the operator keeps: when one is due, and when the CA changes. */
export class CaLeafSource implements LeafSource {
  readonly checkMs = 5_000;
  readonly #options: CaLeafSourceOptions;
  #ca: CertifiedKey | undefined;

  constructor(options: CaLeafSourceOptions) {
    this.#options = options;
  }

  async renewed(newest: Leaf | undefined, now: Date): Promise<Leaf | undefined> {
    const ca = await this.#read();
    const changed = ca.certPem !== this.#ca?.certPem || ca.keyPem !== this.#ca.keyPem;
    if (!changed && newest !== undefined && !leafIsDue(newest, now)) return undefined;
    const leaf = await issueLeaf(ca, { dnsNames: this.#options.dnsNames, now });
    this.#ca = ca;
    return leaf;
  }

  async #read(): Promise<CertifiedKey> {
    const { client, namespace } = this.#options;
    const secret = await client.get<Secret>(
      resourcePath({
        group: '',
        version: 'v1',
        plural: 'secrets',
        namespace,
        name: WEBHOOK_CA_SECRET,
      }),
      { timeoutMs: READ_MS },
    );
    const { 'tls.crt': cert, 'tls.key': key } = secret?.data ?? {};
    if (cert === undefined || key === undefined)
      throw new Error(`secret ${WEBHOOK_CA_SECRET} is missing or holds no tls.crt and tls.key`);
    return { certPem: decode(cert), keyPem: decode(key) };
  }
}

function decode(base64: string): string {
  return Buffer.from(base64, 'base64').toString('utf8');
}
