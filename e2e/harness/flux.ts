// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import type { ControlPlane } from './control-plane-types.ts';
import { ManagedProcess, mustRun } from './process.ts';
import { newDirectory } from './run-directory.ts';
import { tool } from './tools.ts';
import { freePort } from './port.ts';
import { waitFor } from './wait.ts';

/** Where Flux lives, and its objects in our tests. */
export const FLUX_NAMESPACE = 'flux-system';

/** The user name under which Flux applies. */
const ACCOUNT = { namespace: FLUX_NAMESPACE, serviceAccount: 'kustomize-controller' } as const;

/** A kustomize-controller that applies what Kustomizations name. */
export interface Flux {
  /** The last lines it wrote. */
  logTail(lines?: number): string;
  stop(): Promise<void>;
}

const MODULES = join(import.meta.dirname, '..', 'flux');

/**
 * Starts the real kustomize-controller as a process, as cluster administrator under the service account
 * that Flux gives it, with the definitions of its kinds and of source-controller's. It is ready when this resolves.
 * There is no source-controller: whoever makes a GitRepository writes its status.
 */
export async function startFlux(plane: ControlPlane): Promise<Flux> {
  await installDefinitions(plane);
  const kubeconfig = await plane.kubeconfigFor(ACCOUNT);
  await plane.kubectl.apply(CLUSTER_ADMIN);
  const health = `127.0.0.1:${String(await freePort())}`;
  const directory = newDirectory('flux');
  const process = ManagedProcess.start({
    name: 'kustomize-controller',
    program: tool('kustomize-controller'),
    args: [
      '--watch-all-namespaces',
      '--no-remote-bases',
      '--metrics-addr=0',
      `--health-addr=${health}`,
      '--requeue-dependency=500ms', // 30 s by default
      '--interval-jitter-percentage=0',
    ],
    env: { KUBECONFIG: kubeconfig, RUNTIME_NAMESPACE: FLUX_NAMESPACE, TMPDIR: directory },
    logFile: join(directory, 'kustomize-controller.log'),
  });
  await waitFor(
    async () => {
      if (!process.isRunning) throw process.failure();
      return (await fetch(`http://${health}/readyz`)).ok;
    },
    { timeoutMs: 30_000, message: 'kustomize-controller ready' },
  );
  return { logTail: (lines) => process.logTail(lines), stop: () => process.stop() };
}

/** From the folders of the modules: what belongs to Flux is not copied. */
async function installDefinitions({ kubectl }: ControlPlane): Promise<void> {
  const [controller, sources] = await Promise.all([
    definitionsOf('github.com/fluxcd/kustomize-controller', MODULES),
    definitionsOf('github.com/fluxcd/source-controller', join(MODULES, 'source-definitions')),
  ]);
  await kubectl.apply([...controller, ...sources].join('\n---\n'), { serverSide: true });
  await kubectl.must(['wait', '--for=condition=Established', '--timeout=30s', 'crd', '--all']);
}

async function definitionsOf(module: string, from: string): Promise<readonly string[]> {
  // Fetches the module where the cache of Go was emptied since the build.
  const options = { cwd: from, env: { GOWORK: 'off' }, timeoutMs: 120_000 };
  const { Dir } = JSON.parse(
    await mustRun('go', ['mod', 'download', '-json', module], options),
  ) as {
    Dir: string;
  };
  const folder = join(Dir, 'config', 'crd', 'bases');
  return readdirSync(folder)
    .filter((name) => name.endsWith('.yaml'))
    .map((name) => readFileSync(join(folder, name), 'utf8'));
}

const CLUSTER_ADMIN = {
  apiVersion: 'rbac.authorization.k8s.io/v1',
  kind: 'ClusterRoleBinding',
  metadata: { name: 'flux-cluster-admin' },
  roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'cluster-admin' },
  subjects: [
    { kind: 'ServiceAccount', name: ACCOUNT.serviceAccount, namespace: ACCOUNT.namespace },
  ],
};
