// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { apiGet } from './api-request.ts';
import { prepareControlPlane } from './control-plane-files.ts';
import type { PreparedControlPlane } from './control-plane-files.ts';
import type { ControlPlane, ControlPlaneOptions, UserName } from './control-plane-types.ts';
import { ExistingCluster } from './existing-cluster.ts';
import { writeKubeconfig } from './kubeconfig.ts';
import type { Server } from './kubeconfig.ts';
import { Kubectl } from './kubectl.ts';
import {
  apiServerFlags,
  controllerManagerFlags,
  etcdFlags,
  schedulerFlags,
} from './kubernetes-flags.ts';
import type { ControlPlaneLayout } from './kubernetes-flags.ts';
import { ManagedProcess } from './process.ts';
import { serviceAccountKubeconfig } from './service-account.ts';
import type { ServiceAccountName } from './service-account.ts';
import { harnessSettings } from './settings.ts';
import { tool } from './tools.ts';
import { waitFor } from './wait.ts';

/**
 * Starts etcd and kube-apiserver, and unless told otherwise kube-controller-manager and
 * kube-scheduler, all on loopback; returns when a default service account exists.
 * With `E2E_KUBECONFIG` set it starts nothing and hands out that cluster.
 */
export async function startControlPlane(options: ControlPlaneOptions = {}): Promise<ControlPlane> {
  const existing = harnessSettings().existingKubeconfig;
  if (existing !== undefined) {
    return new ExistingCluster(existing);
  }
  const prepared = await prepareControlPlane(options);
  const programs = new Programs(options, prepared);
  try {
    const server = await programs.startApiServer();
    const controlPlane = new LocalControlPlane(prepared, programs, server);
    await programs.startControllers();
    return controlPlane;
  } catch (error) {
    await programs.stop();
    throw error;
  }
}

type ControllerName = 'kube-controller-manager' | 'kube-scheduler';
type ProgramName = 'etcd' | 'kube-apiserver' | ControllerName;

/** The processes, in the order they need each other. */
class Programs {
  readonly #options: ControlPlaneOptions;
  readonly #prepared: PreparedControlPlane;
  readonly #layout: ControlPlaneLayout;
  readonly #running = new Map<ProgramName, ManagedProcess>();
  readonly #caPem: string;
  #server: Server | undefined;

  constructor(options: ControlPlaneOptions, prepared: PreparedControlPlane) {
    this.#options = options;
    this.#prepared = prepared;
    this.#layout = prepared.layout;
    this.#caPem = readFileSync(prepared.layout.ca.cert, 'utf8');
  }

  /** Starts etcd and the API server; returns where this process reaches it. */
  async startApiServer(): Promise<Server> {
    this.#run('etcd', etcdFlags(this.#layout));
    this.#run('kube-apiserver', apiServerFlags(this.#layout));
    const { apiPort } = this.#layout;
    const port = (await this.#options.publish?.(apiPort)) ?? apiPort;
    this.#server = { url: `https://127.0.0.1:${String(port)}`, caPem: this.#caPem };
    await this.#waitForAnswer('/readyz');
    return this.#server;
  }

  async startControllers(): Promise<void> {
    if (this.#options.scheduler !== false) {
      this.#run('kube-scheduler', schedulerFlags(await this.#kubeconfig('kube-scheduler')));
    }
    if (this.#options.controllerManager !== false) {
      const kubeconfig = await this.#kubeconfig('kube-controller-manager');
      this.#run('kube-controller-manager', controllerManagerFlags(this.#layout, kubeconfig));
      await this.#waitForAnswer('/api/v1/namespaces/default/serviceaccounts/default');
    }
  }

  async stopApiServer(): Promise<void> {
    await this.#running.get('kube-apiserver')?.stop();
    this.#running.delete('kube-apiserver');
  }

  async restartApiServer(): Promise<void> {
    await this.stopApiServer();
    this.#run('kube-apiserver', apiServerFlags(this.#layout));
    await this.#waitForAnswer('/readyz');
  }

  /** By the JSON gateway of etcd. */
  async compact(): Promise<void> {
    const ask = async (path: string, body: object): Promise<string> => {
      const url = `http://127.0.0.1:${String(this.#layout.etcdPort)}/v3/kv/${path}`;
      const response = await fetch(url, { method: 'POST', body: JSON.stringify(body) });
      const text = await response.text();
      if (!response.ok) throw new Error(`etcd: ${path}: ${text}`);
      return text;
    };
    const anyKey = { key: Buffer.from('/registry').toString('base64') };
    const { header } = JSON.parse(await ask('range', anyKey)) as { header: { revision: string } };
    await ask('compaction', { revision: header.revision, physical: true });
  }

  async stop(): Promise<void> {
    await Promise.all([...this.#running.values()].map((program) => program.stop(0)));
    this.#prepared.range?.release();
  }

  #run(name: ProgramName, args: readonly string[]): void {
    const logFile = join(this.#prepared.directory, `${name}.log`);
    const { runIn } = this.#options;
    const program = ManagedProcess.start({ name, program: tool(name), args, logFile, runIn });
    this.#running.set(name, program);
  }

  /** Controllers run beside the API server and reach it at its own port. */
  async #kubeconfig(name: ControllerName): Promise<string> {
    const files = await this.#prepared.ca.issue(name, { commonName: `system:${name}` });
    const url = `https://127.0.0.1:${String(this.#layout.apiPort)}`;
    const file = join(this.#prepared.directory, `${name}.kubeconfig`);
    const server = { url, caPem: this.#caPem };
    return writeKubeconfig(file, server, { kind: 'certificate', files });
  }

  /** Waits for a 200, but fails at once when one of the programs has ended. */
  async #waitForAnswer(path: string): Promise<void> {
    const server = this.#server;
    const ask = async (): Promise<Error | true | undefined> => {
      for (const program of this.#running.values()) {
        if (!program.isRunning) {
          return program.failure();
        }
      }
      const { status } =
        server === undefined ? { status: 0 } : await apiGet(server, this.#prepared.admin, path);
      return status === 200 ? true : undefined;
    };
    const message = `the API server answers ${path}`;
    const answer = await waitFor(ask, { timeoutMs: 60_000, intervalMs: 25, message });
    if (answer instanceof Error) {
      throw answer;
    }
  }
}

class LocalControlPlane implements ControlPlane {
  readonly url: string;
  readonly innerUrl: string;
  readonly kubeconfig: string;
  readonly kubectl: Kubectl;
  readonly caPem: string;
  readonly serviceCidr: string;
  readonly logDir: string;
  readonly #prepared: PreparedControlPlane;
  readonly #programs: Programs;
  readonly #server: Server;

  constructor(prepared: PreparedControlPlane, programs: Programs, server: Server) {
    this.#prepared = prepared;
    this.#programs = programs;
    this.#server = server;
    this.url = server.url;
    this.innerUrl = `https://127.0.0.1:${String(prepared.layout.apiPort)}`;
    this.caPem = server.caPem;
    this.serviceCidr = prepared.layout.serviceCidr;
    this.logDir = prepared.directory;
    const file = join(this.logDir, 'admin.kubeconfig');
    const identity = { kind: 'certificate', files: prepared.admin } as const;
    this.kubeconfig = writeKubeconfig(file, server, identity);
    this.kubectl = new Kubectl(this.kubeconfig);
  }

  kubeconfigFor(account: ServiceAccountName): Promise<string> {
    const { namespace, serviceAccount } = account;
    const name = `${namespace}.${serviceAccount}.${randomUUID()}.kubeconfig`;
    const file = join(this.logDir, name);
    return serviceAccountKubeconfig(this.kubectl, this.#server, account, file);
  }

  async kubeconfigForUser(user: UserName): Promise<string> {
    const name = `user-${randomUUID()}`;
    const leaf = { commonName: user.username, organizations: user.groups ?? [] };
    const files = await this.#prepared.ca.issue(name, leaf);
    const file = join(this.logDir, `${name}.kubeconfig`);
    const server = { ...this.#server, url: user.server ?? this.#server.url };
    return writeKubeconfig(file, server, { kind: 'certificate', files });
  }

  stopApiServer(): Promise<void> {
    return this.#programs.stopApiServer();
  }

  restartApiServer(): Promise<void> {
    return this.#programs.restartApiServer();
  }

  compact(): Promise<void> {
    return this.#programs.compact();
  }

  stop(): Promise<void> {
    return this.#programs.stop();
  }
}
