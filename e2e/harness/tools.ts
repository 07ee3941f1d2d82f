// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';

/** The programs built from the Go modules beside this folder. */
export type ToolName =
  | 'etcd'
  | 'kube-apiserver'
  | 'kube-controller-manager'
  | 'kube-scheduler'
  | 'kubectl'
  | 'kubelet'
  | 'kube-proxy'
  | 'pause'
  | 'kwok'
  | 'cosign'
  | 'crane'
  | 'registry'
  | 'olareg'
  | 'fulcio'
  | 'rekor-server'
  | 'timestamp-server'
  | 'syft'
  | 'kustomize-controller';

type ModuleName = 'CONTROLPLANE' | 'TOOLS' | 'KWOK' | 'SYFT' | 'FLUX';

const MODULE_OF: Readonly<Record<ToolName, ModuleName>> = {
  etcd: 'CONTROLPLANE',
  'kube-apiserver': 'CONTROLPLANE',
  'kube-controller-manager': 'CONTROLPLANE',
  'kube-scheduler': 'CONTROLPLANE',
  kubectl: 'CONTROLPLANE',
  kubelet: 'CONTROLPLANE',
  'kube-proxy': 'CONTROLPLANE',
  pause: 'CONTROLPLANE',
  kwok: 'KWOK',
  cosign: 'TOOLS',
  crane: 'TOOLS',
  registry: 'TOOLS',
  olareg: 'TOOLS',
  fulcio: 'TOOLS',
  'rekor-server': 'TOOLS',
  'timestamp-server': 'TOOLS',
  syft: 'SYFT',
  'kustomize-controller': 'FLUX',
};

let directories: ReadonlyMap<string, string> | undefined;

/** The path of a program in the cache. Throws, naming the remedy, when it was never built. */
export function tool(name: ToolName): string {
  const path = join(moduleDirectory(MODULE_OF[name]), name);
  if (!existsSync(path)) {
    throw new Error(`${name} is not built (no ${path}): run \`make setup\``);
  }
  return path;
}

function moduleDirectory(key: string): string {
  directories ??= readDirectories();
  const directory = directories.get(key);
  if (directory === undefined) {
    throw new Error(`build.sh --print does not name ${key}`);
  }
  return directory;
}

function readDirectories(): ReadonlyMap<string, string> {
  const script = join(import.meta.dirname, '..', 'setup', 'build.sh');
  const lines = execFileSync(script, ['--print'], { encoding: 'utf8' }).trim().split('\n');
  return new Map(
    lines.map((line): [string, string] => {
      const at = line.indexOf('=');
      return [line.slice(0, at), line.slice(at + 1)];
    }),
  );
}
