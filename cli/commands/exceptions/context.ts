// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import type { Cluster } from '../../cluster/cluster.ts';
import { readScene, withUse, type Scene, type SceneWithUse } from '../../exceptions/scene.ts';
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
  return await readScene(cluster, { namespace, systemNamespace, warn: warner(ports) });
}

/** As {@link sceneFor}, for a command that also tells what still runs by what is over: it reads the reports, too. */
export async function sceneWithUseFor(
  cluster: Cluster,
  namespace: string | undefined,
  options: { readonly systemNamespace: string },
  ports: CliPorts,
): Promise<SceneWithUse> {
  const scene = await sceneFor(cluster, namespace, options, ports);
  return await withUse(scene, cluster, { now: ports.clock.now(), warn: warner(ports) });
}

/** Tells one line on stderr, each only once. */
export function warner({ stderr }: CliPorts): (line: string) => void {
  const told = new Set<string>();
  return (line) => {
    if (!told.has(line)) stderr(`warning: ${printable(line)}\n`);
    told.add(line);
  };
}
