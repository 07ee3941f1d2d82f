// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { startCountingProxy } from '../../harness/index.ts';
import type { World } from '../../world/index.ts';

/** A way to the registry that can be cut for some repositories. */
export interface CutWay {
  /** The host by which the registry is reached. */
  readonly host: string;
  /** From now on the registry fails for repositories under this path. */
  cut(folder: string): void;
  stop(): Promise<void>;
}

/** Opens it where the processes may speak to a registry without TLS. */
export async function openCutWay(world: World): Promise<CutWay> {
  const cut = new Set<string>();
  const proxy = await startCountingProxy(world.registry.host, {
    port: Number(world.proxyHost.split(':')[1]),
    faults: ({ path }) =>
      [...cut].some((folder) => path.includes(`/${folder}/`)) ? { status: 500 } : undefined,
  });
  return {
    host: proxy.host,
    cut: (folder) => void cut.add(folder),
    stop: () => proxy.stop(),
  };
}
