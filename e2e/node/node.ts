// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { existsSync, readdirSync, readFileSync, rmdirSync } from 'node:fs';
import { join } from 'node:path';
import {
  CertificateAuthority,
  ManagedProcess,
  markBulky,
  mustRun,
  newDirectory,
  pushImage,
  startControlPlane,
  startRegistry,
  tool,
  waitFor,
  type ControlPlane,
  type Registry,
} from '../harness/index.ts';
import { writeNodeFiles, type NodeFiles } from './files.ts';
import { NODE_ADDRESS, NodeNamespace, POD_CIDR, SERVICE_CIDR } from './holder.ts';

/** A cluster of one real node: pods are pulled, run and reached through Services. */
export interface NodeCluster {
  readonly namespace: NodeNamespace;
  readonly plane: ControlPlane;
  /** Serves TLS from a private authority, to the node and to pods alike. */
  readonly registry: Registry;
  /** PEM of that authority. */
  readonly registryCa: string;
  /** Puts an image of the registry under another name into the node, as a side-loaded image. */
  sideload(reference: string, name: string): Promise<void>;
  /** Last lines of what the programs of the node wrote. */
  logTail(): string;
  stop(): Promise<void>;
}

const PORT = 5000;
const NODE = 'node-0';

/** Whether a real node can be run here, and why not. */
export function nodeAvailable(): { readonly ok: boolean; readonly reason: string } {
  if (process.getuid?.() !== 0) return { ok: false, reason: 'needs root' };
  const needed = [
    '/usr/bin/containerd',
    '/usr/sbin/runc',
    '/usr/lib/cni/bridge',
    '/usr/sbin/iptables',
    '/usr/sbin/ip',
    '/usr/bin/nsenter',
  ];
  const missing = needed.filter((path) => !existsSync(path));
  return missing.length === 0
    ? { ok: true, reason: '' }
    : { ok: false, reason: `missing: ${missing.join(', ')}` };
}

/** Starts control plane, registry, containerd, kubelet and kube-proxy in namespaces of their own. */
export async function startNodeCluster(): Promise<NodeCluster> {
  const namespace = await NodeNamespace.create();
  const directory = newDirectory('node');
  const [plane, { registry, caFile }] = await Promise.all([
    startControlPlane({
      runIn: namespace,
      serviceCidr: SERVICE_CIDR,
      advertiseAddress: NODE_ADDRESS,
      publish: (port) => namespace.publish(port),
    }),
    startTlsRegistry(namespace, directory),
  ]);
  namespace.trust(caFile);
  await pushImage(registry, 'pause', '1', { program: tool('pause'), runIn: namespace });
  const files = writeNodeFiles(
    markBulky(join(directory, 'run')),
    { host: registry.host, caFile },
    join(plane.logDir, 'ca.crt'),
  );
  const programs = await startPrograms(namespace, plane, files);
  const logTail = (): string => programs.map((p) => `${p.name}:\n${p.logTail(15)}`).join('\n');
  await waitFor(() => nodeReady(plane), {
    timeoutMs: 60_000,
    message: 'node ready',
    intervalMs: 200,
  }).catch((error: unknown) => {
    throw new Error(`the node is not ready\n${logTail()}`, { cause: error });
  });
  return {
    namespace,
    plane,
    registry,
    registryCa: readFileSync(caFile, 'utf8'),
    sideload: (reference, name) => sideload({ namespace, files, caFile }, reference, name),
    logTail,
    stop: async () => {
      await plane.stop();
      await namespace.stop();
      await removeCgroups();
    },
  };
}

async function startTlsRegistry(
  namespace: NodeNamespace,
  directory: string,
): Promise<{ registry: Registry; caFile: string }> {
  const ca = await CertificateAuthority.create(directory, 'registry-ca');
  const tls = await ca.issue('registry', { commonName: 'registry', names: [`IP:${NODE_ADDRESS}`] });
  const registry = await startRegistry({
    kind: 'distribution',
    address: NODE_ADDRESS,
    port: PORT,
    tls,
    runIn: namespace,
  });
  return { registry, caFile: ca.files.cert };
}

async function startPrograms(
  namespace: NodeNamespace,
  plane: ControlPlane,
  files: NodeFiles,
): Promise<readonly ManagedProcess[]> {
  const start = (name: string, program: string, args: readonly string[]): ManagedProcess =>
    ManagedProcess.start({
      name,
      program,
      args,
      runIn: namespace,
      logFile: join(plane.logDir, `${name}.log`),
    });
  const inside = { server: `https://${NODE_ADDRESS}:${new URL(plane.innerUrl).port}` };
  const kubelet = await plane.kubeconfigForUser({
    username: `system:node:${NODE}`,
    groups: ['system:nodes'],
    ...inside,
  });
  const proxy = await plane.kubeconfigForUser({ username: 'system:kube-proxy', ...inside });
  const containerd = start('containerd', '/usr/bin/containerd', [
    '--config',
    files.containerdConfig,
  ]);
  await waitFor(() => existsSync(files.containerdSocket), {
    timeoutMs: 15_000,
    message: 'containerd',
  });
  const directories = [
    '--root-dir',
    join(files.directory, 'kubelet'),
    '--cert-dir',
    join(files.directory, 'kubelet', 'pki'),
  ];
  const identity = ['--hostname-override', NODE, '--node-ip', NODE_ADDRESS];
  const proxyFlags = [
    '--conntrack-max-per-core=0',
    '--conntrack-tcp-timeout-established=0',
    '--conntrack-tcp-timeout-close-wait=0',
  ];
  return [
    containerd,
    start('kubelet', tool('kubelet'), [
      '--config',
      files.kubeletConfig,
      '--kubeconfig',
      kubelet,
      ...directories,
      ...identity,
    ]),
    start('kube-proxy', tool('kube-proxy'), [
      '--kubeconfig',
      proxy,
      '--cluster-cidr',
      POD_CIDR,
      '--hostname-override',
      NODE,
      '--proxy-mode',
      'iptables',
      ...proxyFlags,
    ]),
  ];
}

async function nodeReady(plane: ControlPlane): Promise<boolean> {
  const node = await plane.kubectl.find<{
    status?: { conditions?: { type: string; status: string }[] };
  }>('node', NODE);
  return node?.status?.conditions?.some((c) => c.type === 'Ready' && c.status === 'True') ?? false;
}

async function sideload(
  where: { readonly namespace: NodeNamespace; readonly files: NodeFiles; readonly caFile: string },
  reference: string,
  name: string,
): Promise<void> {
  const ctr = (args: readonly string[]): Promise<string> =>
    mustRun(
      'ctr',
      ['--address', where.files.containerdSocket, '--namespace', 'k8s.io', 'images', ...args],
      { runIn: where.namespace },
    );
  await ctr(['pull', '--tlscacert', where.caFile, reference]);
  await ctr(['tag', '--force', reference, name]);
}

/** The kubelet's cgroups outlive its namespaces. */
async function removeCgroups(): Promise<void> {
  const root = '/sys/fs/cgroup';
  const gone = (): boolean => {
    for (const controller of readdirSync(root)) removeTree(join(root, controller, 'kubepods'));
    return !readdirSync(root).some((controller) => existsSync(join(root, controller, 'kubepods')));
  };
  await waitFor(gone, { timeoutMs: 10_000, message: 'cgroups removed' });
}

function removeTree(directory: string): void {
  if (!existsSync(directory)) return;
  for (const entry of readdirSync(directory, { withFileTypes: true })) {
    if (entry.isDirectory()) removeTree(join(directory, entry.name));
  }
  try {
    rmdirSync(directory);
  } catch {
    // processes are still ending in it; the next round removes it
  }
}
