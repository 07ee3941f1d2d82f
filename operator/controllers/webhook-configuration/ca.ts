// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { createPrivateKey, X509Certificate } from 'node:crypto';
import type { Clock } from '../../../runtime/clock.ts';
import { isStatus, type KubeObject } from '../../../runtime/kube/index.ts';
import type { Logger } from '../../../runtime/log/index.ts';
import { createCa, type CertifiedKey } from '../../../runtime/tls/index.ts';
import { pathOf, RESOURCES, type KubeApi } from '../../state/resources.ts';

/** Name of the Secret that holds the CA; keys `tls.crt` and `tls.key`. */
const CA_SECRET = 'countersign-webhook-ca';

/** What keeping the CA needs. */
export interface CaStoreOptions {
  readonly api: Pick<KubeApi, 'get' | 'create' | 'replace'>;
  readonly namespace: string;
  readonly clock: Clock;
  readonly logger: Logger;
}

interface Secret extends KubeObject {
  readonly type?: string;
  readonly data?: Readonly<Record<string, string>>;
}

/** The CA that signs the certificates of webhook replicas, in a Secret of our namespace. */
export class CaStore {
  readonly #options: CaStoreOptions;

  constructor(options: CaStoreOptions) {
    this.#options = options;
  }

  /**
   * The certificates of the CA, PEM. Makes the Secret where there is none, and makes it anew where what
   * it holds is no CA that is valid now. Throws what the API server refuses.
   */
  async certificates(): Promise<string> {
    const { api, namespace, logger } = this.#options;
    const path = pathOf(RESOURCES.secrets, { namespace, name: CA_SECRET });
    const existing = await api.get<Secret>(path);
    const problem = existing === undefined ? 'there is none' : this.#problemOf(existing);
    if (existing !== undefined && problem === undefined) return certificateOf(existing);
    const ca = await createCa(this.#options.clock.now());
    logger.info('made a CA for the webhook', { secret: CA_SECRET, problem });
    if (existing === undefined) return await this.#create(ca, path);
    const { metadata, type = 'Opaque' } = existing;
    await api.replace(path, { apiVersion: 'v1', kind: 'Secret', metadata, type, data: dataOf(ca) });
    return ca.certPem;
  }

  async #create(ca: CertifiedKey, path: string): Promise<string> {
    const { api, namespace } = this.#options;
    const metadata = {
      name: CA_SECRET,
      namespace,
      labels: { 'app.kubernetes.io/name': 'countersign' },
    };
    try {
      const body = { apiVersion: 'v1', kind: 'Secret', metadata, type: 'Opaque', data: dataOf(ca) };
      await api.create(pathOf(RESOURCES.secrets, { namespace }), body);
      return ca.certPem;
    } catch (thrown) {
      if (!isStatus(thrown, 409)) throw thrown;
    }
    const faster = await api.get<Secret>(path);
    if (faster === undefined) throw new Error(`the Secret ${CA_SECRET} comes and goes`);
    return certificateOf(faster);
  }

  #problemOf(secret: Secret): string | undefined {
    const key = secret.data?.['tls.key'];
    if (key === undefined) return 'it holds no key';
    try {
      const certificate = new X509Certificate(certificateOf(secret));
      if (!certificate.ca) return 'it holds no CA';
      const signer = createPrivateKey(Buffer.from(key, 'base64'));
      if (!certificate.checkPrivateKey(signer)) return 'its key is not of its certificate';
      const ended = certificate.validToDate.getTime() <= this.#options.clock.now().getTime();
      return ended ? 'it has expired' : undefined;
    } catch {
      return 'it cannot be read';
    }
  }
}

function certificateOf({ data }: Secret): string {
  return Buffer.from(data?.['tls.crt'] ?? '', 'base64').toString('utf8');
}

function dataOf({ certPem, keyPem }: CertifiedKey): Readonly<Record<string, string>> {
  const base64 = (text: string): string => Buffer.from(text).toString('base64');
  return { 'tls.crt': base64(certPem), 'tls.key': base64(keyPem) };
}
