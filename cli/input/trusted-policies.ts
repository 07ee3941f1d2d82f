// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { printable, type CompiledPolicy } from '../../verification/index.ts';
import type { CliPorts, RegistryHosts } from '../ports.ts';
import { asUsage } from '../usage-error.ts';
import { readPolicies } from './policies.ts';
import { LocalTrustRoots } from './trust-roots.ts';

/** Options that say which policies count, and where their trusted roots come from. */
export interface PolicyOptions {
  readonly policy: readonly string[];
  readonly plainHttp?: readonly string[];
  readonly privateRegistry?: readonly string[];
  readonly trustedRoot?: string;
  readonly cacheDir?: string;
}

/** What is in front of a message about an entry that is no host. */
export const HOST_OPTIONS = '--plain-http or --private-registry: ';

/** Hosts that are reached in another way than others. */
export function hostsOf({
  plainHttp = [],
  privateRegistry = [],
}: Omit<PolicyOptions, 'policy'>): RegistryHosts {
  return { plainHttpHosts: plainHttp, privateHosts: privateRegistry };
}

/**
 * The policies of some files, with the trusted roots that they have through TUF. Throws UsageError, and
 * TRUST_ROOT_STALE or TRUST_ROOT_INVALID where such a root cannot be had.
 */
export async function readTrustedPolicies(
  options: PolicyOptions,
  ports: CliPorts,
): Promise<readonly CompiledPolicy[]> {
  const roots = new LocalTrustRoots({
    clock: ports.clock,
    open: () =>
      asUsage(HOST_OPTIONS, () => ports.openTrustRoots(hostsOf(options), options.cacheDir)),
    warn: (message) => ports.stderr(`warning: ${printable(message)}\n`),
    file: options.trustedRoot,
  });
  try {
    return await readPolicies(options.policy, async (use) => await roots.textOf(use));
  } finally {
    await roots.close();
  }
}
