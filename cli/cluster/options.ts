// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { InvalidArgumentError, Option, type Command } from 'commander';
import { parseSpan } from '../exceptions/moment.ts';
import type { CliPorts } from '../ports.ts';
import { UsageError } from '../usage-error.ts';
import type { Cluster } from './cluster.ts';

/** Options of every command that talks to a cluster, by the names that the parser gives them. */
export interface ClusterFlags {
  readonly kubeconfig?: string;
  readonly context?: string;
  readonly as?: string;
  /** Milliseconds. */
  readonly timeout: number;
  /** Where Countersign runs. */
  readonly systemNamespace: string;
  readonly namespace?: string;
  readonly allNamespaces?: boolean;
}

const DEFAULT_TIMEOUT_MS = 30_000;

/** Adds what says which cluster, and which namespace; `-A` where `everywhere` says so. */
export function addClusterOptions(command: Command, everywhere = false): Command {
  command
    .option('-n, --namespace <name>', 'namespace (default: that of the context)', namespaceName)
    .option('--kubeconfig <file>', 'kubeconfig (default: KUBECONFIG, else ~/.kube/config)')
    .option('--context <name>', 'context of the kubeconfig in place of its current one')
    .option('--as <user>', 'user to act as, where you may impersonate')
    .addOption(
      new Option('--timeout <duration>', 'most that each answer may take')
        .argParser(spanValue)
        .default(DEFAULT_TIMEOUT_MS, '30s'),
    )
    .option(
      '--system-namespace <name>',
      'namespace that Countersign runs in',
      namespaceName,
      'countersign-system',
    );
  return everywhere ? command.option('-A, --all-namespaces', 'every namespace') : command;
}

/** Opens the cluster for one step, and closes it again whatever becomes of that. */
export async function withCluster<T>(
  flags: ClusterFlags,
  { clock, openCluster }: CliPorts,
  step: (cluster: Cluster) => Promise<T>,
): Promise<T> {
  const { kubeconfig, context, as, timeout: timeoutMs } = flags;
  const cluster = await openCluster({
    timeoutMs,
    clock,
    ...(kubeconfig === undefined ? {} : { kubeconfig }),
    ...(context === undefined ? {} : { context }),
    ...(as === undefined ? {} : { as }),
  });
  try {
    return await step(cluster);
  } finally {
    await cluster.close();
  }
}

/** The namespace that is meant; `undefined` for all of them. */
export function scopeOf(flags: ClusterFlags, cluster: Cluster): string | undefined {
  if (flags.allNamespaces !== true) return namespaceOf(flags, cluster);
  if (flags.namespace !== undefined)
    throw new UsageError('--namespace and --all-namespaces exclude each other');
  return undefined;
}

/** The namespace that is meant, where it has to be one. */
export function namespaceOf({ namespace }: ClusterFlags, cluster: Cluster): string {
  return namespace ?? cluster.namespace;
}

/** Checks the name of a namespace, for the parser. */
export function namespaceName(written: string): string {
  if (!/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/.test(written))
    throw new InvalidArgumentError('Not the name of a namespace.');
  return written;
}

/** Milliseconds of a duration, for the parser. */
export function spanValue(written: string): number {
  const ms = parseSpan(written);
  if (ms === undefined)
    throw new InvalidArgumentError('Must be a duration such as 30s, 12h or 7d.');
  return ms;
}
