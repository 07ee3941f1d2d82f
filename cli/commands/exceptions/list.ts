// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { Option, type Command } from 'commander';
import type { SigningException } from '../../../crds/index.ts';
import { exceptionsAt } from '../../cluster/addresses.ts';
import type { Cluster } from '../../cluster/cluster.ts';
import {
  addClusterOptions,
  scopeOf,
  withCluster,
  type ClusterFlags,
} from '../../cluster/options.ts';
import { documentOf } from '../../exceptions/entry.ts';
import { LIST_FORMATS, listText, type ListFormat } from '../../exceptions/list-text.ts';
import { sceneWithUseFor, type ExceptionsContext } from './context.ts';

interface ListOptions extends ClusterFlags {
  readonly selector?: string;
  readonly policy?: string;
  readonly output: ListFormat;
}

/** Adds `exceptions list`. */
export function addList(parent: Command, context: ExceptionsContext): void {
  const command = parent.command('list').description('Lists exceptions, and how each stands now');
  addClusterOptions(command, true)
    .option('-l, --selector <labels>', 'only those with these labels')
    .option('--policy <name>', 'only those from this policy')
    .addOption(
      new Option('-o, --output <format>', 'form of the list')
        .choices(LIST_FORMATS)
        .default('table'),
    )
    .action(async (options: ListOptions) => {
      await withCluster(options, context.ports, async (cluster) => {
        await list(options, cluster, context);
      });
      context.exit(0);
    });
}

async function list(
  options: ListOptions,
  cluster: Cluster,
  context: ExceptionsContext,
): Promise<void> {
  const { policy, output } = options;
  const { ports } = context;
  const namespace = scopeOf(options, cluster);
  const scene = await sceneWithUseFor(cluster, namespace, options, ports);
  const isSelected = await selection(options, cluster, namespace);
  const chosen = scene.objects.filter(
    (object) =>
      isSelected(object) && (policy === undefined || object.spec.policyRef.name === policy),
  );
  if (chosen.length === 0 && (output === 'table' || output === 'wide')) {
    ports.stderr(`No exceptions found${namespace === undefined ? '' : ` in ${namespace}`}.\n`);
    return;
  }
  ports.stdout(listText(documentOf(chosen, scene, ports.clock.now()), output));
}

/** The API server knows what a selector means. */
async function selection(
  { selector }: ListOptions,
  cluster: Cluster,
  namespace: string | undefined,
): Promise<(object: SigningException) => boolean> {
  if (selector === undefined) return () => true;
  const found = await cluster.list<SigningException>(exceptionsAt(namespace), selector);
  const uids = new Set(found.map(({ metadata }) => metadata.uid));
  return ({ metadata }) => uids.has(metadata.uid);
}
