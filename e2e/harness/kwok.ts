// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { join } from 'node:path';

import type { ControlPlane } from './control-plane-types.ts';
import { ManagedProcess } from './process.ts';
import { newDirectory } from './run-directory.ts';
import { tool } from './tools.ts';
import { waitFor } from './wait.ts';

const STAGES = join(import.meta.dirname, '..', 'kwok', 'stages.yaml');

/** Nodes that are played, and whose pods become Running at once. */
export interface Kwok {
  readonly nodes: readonly string[];
  stop(): Promise<void>;
}

/** Makes nodes and plays them; they are Ready when this resolves. */
export async function startKwok(
  plane: ControlPlane,
  options: { readonly nodes?: number } = {},
): Promise<Kwok> {
  const nodes = Array.from({ length: options.nodes ?? 1 }, (_, n) => `kwok-${String(n)}`);
  const directory = newDirectory('kwok');
  const process = ManagedProcess.start({
    name: 'kwok',
    program: tool('kwok'),
    args: [
      '--kubeconfig',
      plane.kubeconfig,
      '--config',
      STAGES,
      '--manage-all-nodes',
      '--server-address',
      '',
    ],
    logFile: join(directory, 'kwok.log'),
  });
  await plane.kubectl.apply(
    nodes.map((name) => ({ apiVersion: 'v1', kind: 'Node', metadata: { name } })),
  );
  await waitFor(() => allReady(plane, nodes, process), {
    timeoutMs: 30_000,
    message: 'kwok nodes ready',
  });
  return { nodes, stop: () => process.stop() };
}

interface NodeLike {
  readonly metadata?: { readonly name?: string };
  readonly status?: { readonly conditions?: readonly { type: string; status: string }[] };
}

async function allReady(
  plane: ControlPlane,
  names: readonly string[],
  process: ManagedProcess,
): Promise<boolean> {
  if (!process.isRunning) {
    throw process.failure();
  }
  const nodes = await plane.kubectl.list<NodeLike>('nodes');
  const ready = nodes.filter((n) =>
    n.status?.conditions?.some((c) => c.type === 'Ready' && c.status === 'True'),
  );
  return names.every((name) => ready.some((n) => n.metadata?.name === name));
}
