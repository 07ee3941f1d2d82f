// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import type { Cluster } from '../../cluster/cluster.ts';
import { readScene, type Scene } from '../../exceptions/scene.ts';
import type { CliPorts } from '../../ports.ts';
import { printable } from '../../../verification/index.ts';

/** What every command of the group works with. */
export interface ExceptionsContext {
  readonly ports: CliPorts;
  /** Sets the exit code: called once by an action that did not throw. */
  readonly exit: (code: number) => void;
}

/** Reads the exceptions of a namespace, of all where it is left out, for a command: what cannot be read is told on stderr. */
export async function sceneFor(
  cluster: Cluster,
  namespace: string | undefined,
  { systemNamespace }: { readonly systemNamespace: string },
  ports: CliPorts,
): Promise<Scene> {
  const warn = warner(ports);
  return await readScene(cluster, { namespace, systemNamespace, now: ports.clock.now(), warn });
}

/** Tells one line on stderr, each only once. */
export function warner({ stderr }: CliPorts): (line: string) => void {
  const told = new Set<string>();
  return (line) => {
    if (!told.has(line)) stderr(`warning: ${printable(line)}\n`);
    told.add(line);
  };
}
