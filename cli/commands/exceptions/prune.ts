// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { Option, type Command } from 'commander';
import { printable } from '../../../verification/index.ts';
import { exceptionsAt } from '../../cluster/addresses.ts';
import { ClusterError, type Cluster } from '../../cluster/cluster.ts';
import {
  addClusterOptions,
  scopeOf,
  spanValue,
  withCluster,
  type ClusterFlags,
} from '../../cluster/options.ts';
import { readInventory, type Inventory } from '../../cluster/workloads.ts';
import { distanceText, instantText } from '../../exceptions/moment.ts';
import { endedIn, managerOf, type Ended } from '../../exceptions/prunable.ts';
import type { Scene } from '../../exceptions/scene.ts';
import { standAt } from '../../exceptions/stand.ts';
import { tableOf } from '../../output/sheet.ts';
import { sceneFor, type ExceptionsContext } from './context.ts';

interface PruneOptions extends ClusterFlags {
  /** Milliseconds. */
  readonly olderThan: number;
  readonly yes?: boolean;
}

const DEFAULT_MS = 720 * 3_600_000;

const HELP = `
An exception stays as long as a workload runs by it or a later one that is not over follows it, and an
incident that nobody approved stays in any case.
`;

/** Adds `exceptions prune`. */
export function addPrune(parent: Command, context: ExceptionsContext): void {
  const command = parent
    .command('prune')
    .description('Lists exceptions that have long been over, and deletes them with --yes');
  addClusterOptions(command, true)
    .addOption(
      new Option('--older-than <duration>', 'how long they must have been over')
        .argParser(spanValue)
        .default(DEFAULT_MS, '720h'),
    )
    .option('--yes', 'delete them')
    .addHelpText('after', HELP)
    .action(async (options: PruneOptions) => {
      const isDone = await withCluster(
        options,
        context.ports,
        async (cluster) => await prune(options, cluster, context),
      );
      context.exit(isDone ? 0 : 1);
    });
}

async function prune(
  options: PruneOptions,
  cluster: Cluster,
  { ports }: ExceptionsContext,
): Promise<boolean> {
  const { olderThan: olderThanMs } = options;
  const namespace = scopeOf(options, cluster);
  const scene = await sceneFor(cluster, namespace, options, ports);
  const now = ports.clock.now();
  const inventories = await inventoriesOf(scene, now, cluster);
  const ended = endedIn({ scene, inventories, olderThanMs, now });
  const prunable = ended.filter(({ kept }) => kept === undefined);
  for (const { object, kept } of ended)
    if (kept !== undefined) ports.stderr(`${printable(`${keyOf(object)} stays: ${kept}`)}\n`);
  if (prunable.length === 0) {
    ports.stderr('Nothing to prune.\n');
    return true;
  }
  ports.stdout(tableOf(sheetOf(prunable, now.getTime())));
  ports.stderr('GitOps creates again what its source still holds: take it out there first.\n');
  if (options.yes === true) return await deleteAll(prunable, cluster, ports.stderr);
  ports.stderr('Nothing was deleted: add --yes.\n');
  return true;
}

/** What runs is read only where something is over. */
async function inventoriesOf(
  scene: Scene,
  now: Date,
  cluster: Cluster,
): Promise<ReadonlyMap<string, Inventory>> {
  const over = scene.objects.filter((object) => standAt(object, scene, now).isOver);
  const namespaces = new Set(over.map(({ metadata }) => metadata.namespace ?? ''));
  const inventories = new Map<string, Inventory>();
  for (const namespace of namespaces)
    inventories.set(namespace, await readInventory(cluster, namespace));
  return inventories;
}

/** One that cannot be deleted keeps no other from being deleted. */
async function deleteAll(
  prunable: readonly Ended[],
  cluster: Cluster,
  stderr: (text: string) => void,
): Promise<boolean> {
  let isDone = true;
  for (const { object } of prunable) {
    const { namespace, name } = object.metadata;
    try {
      await cluster.delete(exceptionsAt(namespace, name), object);
      stderr(`${printable(`deleted ${keyOf(object)}`)}\n`);
    } catch (thrown) {
      if (!(thrown instanceof ClusterError) || thrown.isUnreachable) throw thrown;
      isDone = false;
      stderr(`error: ${printable(`${keyOf(object)}: ${thrown.message}`)}\n`);
    }
  }
  return isDone;
}

function sheetOf(prunable: readonly Ended[], now: number): Parameters<typeof tableOf>[0] {
  return {
    header: ['Namespace', 'Name', 'Policy', 'Class', 'State', 'Ended', 'Owner', 'ManagedBy'],
    rows: prunable.map(({ object, state, endedAt }) => [
      object.metadata.namespace ?? '',
      object.metadata.name,
      object.spec.policyRef.name,
      object.spec.class,
      state,
      `${instantText(endedAt)} (${distanceText(endedAt, now)})`,
      object.spec.owner,
      managerOf(object),
    ]),
  };
}

function keyOf({ metadata }: Ended['object']): string {
  return `${metadata.namespace ?? ''}/${metadata.name}`;
}
