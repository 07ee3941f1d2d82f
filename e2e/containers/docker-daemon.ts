// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import {
  ManagedProcess,
  markBulky,
  mustRun,
  newDirectory,
  runCommand,
  waitFor,
} from '../harness/index.ts';

/** A docker daemon of our own, with its data in a folder of the run. */
export interface DockerDaemon {
  /** `unix://…`, for DOCKER_HOST. */
  readonly host: string;
  stop(): Promise<void>;
}

/** Whether containers can be run here, and why not. */
export function containersAvailable(): { readonly ok: boolean; readonly reason: string } {
  if (process.getuid?.() !== 0) return { ok: false, reason: 'needs root' };
  const missing = ['/usr/sbin/dockerd', '/usr/bin/containerd', '/usr/sbin/runc'].filter(
    (p) => !existsSync(p),
  );
  return missing.length === 0
    ? { ok: true, reason: '' }
    : { ok: false, reason: `missing: ${missing.join(', ')}` };
}

/** Starts dockerd without bridge and firewall rules: containers share the host's network. */
export async function startDocker(): Promise<DockerDaemon> {
  const directory = newDirectory('docker');
  const host = `unix://${join(directory, 'docker.sock')}`;
  const flags = [
    '--bridge=none',
    '--iptables=false',
    '--ip-masq=false',
    '--storage-driver=overlay2',
    '--pidfile',
    join(directory, 'docker.pid'),
  ];
  const daemon = ManagedProcess.start({
    name: 'dockerd',
    program: '/usr/sbin/dockerd',
    args: [
      '--data-root',
      markBulky(join(directory, 'data')),
      '--exec-root',
      join(directory, 'exec'),
      '-H',
      host,
      ...flags,
    ],
    logFile: join(directory, 'dockerd.log'),
  });
  await waitFor(() => mustRun('docker', ['version'], { env: { DOCKER_HOST: host } }), {
    timeoutMs: 20_000,
    message: 'docker daemon',
    intervalMs: 200,
  });
  return {
    host,
    stop: async () => {
      await daemon.stop(10_000);
      // The daemon leaves its host namespace mounted, which keeps the folder from being deleted.
      await runCommand('umount', [join(directory, 'exec', 'netns', 'default')]);
    },
  };
}
