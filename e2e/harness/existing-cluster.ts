// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { randomUUID } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { createSigningRequest } from './certificates.ts';
import type { ControlPlane, UserName } from './control-plane-types.ts';
import { readServer, writeKubeconfig } from './kubeconfig.ts';
import type { Server } from './kubeconfig.ts';
import { Kubectl } from './kubectl.ts';
import { newDirectory } from './run-directory.ts';
import { serviceAccountKubeconfig } from './service-account.ts';
import type { ServiceAccountName } from './service-account.ts';
import { waitFor } from './wait.ts';

/** A cluster somebody else runs: starting and stopping it does nothing. */
export class ExistingCluster implements ControlPlane {
  readonly url: string;
  readonly innerUrl: string;
  readonly kubeconfig: string;
  readonly kubectl: Kubectl;
  readonly caPem: string;
  readonly serviceCidr = '';
  readonly logDir: string;
  readonly #server: Server;

  constructor(kubeconfig: string) {
    this.kubeconfig = kubeconfig;
    this.kubectl = new Kubectl(kubeconfig);
    this.#server = readServer(kubeconfig);
    this.url = this.#server.url;
    this.innerUrl = this.#server.url;
    this.caPem = this.#server.caPem;
    this.logDir = newDirectory('existing-cluster');
  }

  kubeconfigFor(account: ServiceAccountName): Promise<string> {
    const file = join(this.logDir, `${randomUUID()}.kubeconfig`);
    return serviceAccountKubeconfig(this.kubectl, this.#server, account, file);
  }

  /** Lets the cluster itself sign the certificate. */
  async kubeconfigForUser(user: UserName): Promise<string> {
    const name = `e2e-${randomUUID()}`;
    const files = { key: join(this.logDir, `${name}.key`), cert: join(this.logDir, `${name}.crt`) };
    const leaf = { commonName: user.username, organizations: user.groups ?? [] };
    const request = await createSigningRequest(files.key, leaf);
    await this.kubectl.apply({
      apiVersion: 'certificates.k8s.io/v1',
      kind: 'CertificateSigningRequest',
      metadata: { name },
      spec: {
        request: Buffer.from(request).toString('base64'),
        signerName: 'kubernetes.io/kube-apiserver-client',
        usages: ['client auth'],
      },
    });
    await this.kubectl.must(['certificate', 'approve', name]);
    writeFileSync(files.cert, await this.#signed(name));
    const identity = { kind: 'certificate', files } as const;
    return writeKubeconfig(join(this.logDir, `${name}.kubeconfig`), this.#server, identity);
  }

  stopApiServer(): Promise<void> {
    return Promise.reject(new Error('the API server of an existing cluster is not ours to stop'));
  }

  restartApiServer(): Promise<void> {
    return this.stopApiServer();
  }

  compact(): Promise<void> {
    return Promise.reject(new Error('the storage of an existing cluster is not ours to compact'));
  }

  stop(): Promise<void> {
    return Promise.resolve();
  }

  async #signed(name: string): Promise<Buffer> {
    const path = '--output=jsonpath={.status.certificate}';
    const certificate = await waitFor(
      async () => (await this.kubectl.must(['get', 'csr', name, path])) || undefined,
      { timeoutMs: 20_000, message: `the cluster signs ${name}` },
    );
    return Buffer.from(certificate, 'base64');
  }
}
