// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { Option, type Command } from 'commander';
import type { Cluster } from '../../cluster/cluster.ts';
import {
  addClusterOptions,
  namespaceOf,
  withCluster,
  type ClusterFlags,
} from '../../cluster/options.ts';
import { accountOf, type ExceptionAccount } from '../../exceptions/account.ts';
import { accountText } from '../../exceptions/account-text.ts';
import { atValue } from '../../exceptions/flags.ts';
import { findIn } from '../../exceptions/scene.ts';
import { jsonText } from '../../output/json.ts';
import { yamlOf } from '../../output/yaml.ts';
import { sceneWithUseFor, type ExceptionsContext } from './context.ts';

interface ShowOptions extends ClusterFlags {
  readonly at?: (now: number) => number;
  readonly output: 'text' | 'json' | 'yaml';
}

const HELP = `
What is asked with --at is how the exception, the policy and the approvals as they are now stand at
that instant: what admission would decide, were its clock to show it.
`;

/** Adds `exceptions show`. */
export function addShow(parent: Command, context: ExceptionsContext): void {
  const command = parent
    .command('show')
    .description('Tells everything about one exception, and how it stands, now or at another time')
    .argument('<name>', 'name of the exception');
  addClusterOptions(command)
    .option('--at <time>', 'RFC 3339, or a duration from now such as 7d or -2h', atValue)
    .addOption(
      new Option('-o, --output <format>', 'form of the account')
        .choices(['text', 'json', 'yaml'])
        .default('text'),
    )
    .addHelpText('after', HELP)
    .action(async (name: string, options: ShowOptions) => {
      await withCluster(options, context.ports, async (cluster) => {
        const account = await readAccount(name, { options, cluster, context });
        context.ports.stdout(WRITERS[options.output](account));
      });
      context.exit(0);
    });
}

const WRITERS: Readonly<Record<ShowOptions['output'], (account: ExceptionAccount) => string>> = {
  text: accountText,
  json: jsonText,
  yaml: yamlOf,
};

interface Asked {
  readonly options: ShowOptions;
  readonly cluster: Cluster;
  readonly context: ExceptionsContext;
}

async function readAccount(
  name: string,
  { options, cluster, context: { ports } }: Asked,
): Promise<ExceptionAccount> {
  const { at = (now: number): number => now } = options;
  const namespace = namespaceOf(options, cluster);
  const scene = await sceneWithUseFor(cluster, namespace, options, ports);
  return accountOf(
    findIn(scene, name, namespace),
    scene,
    new Date(at(ports.clock.now().getTime())),
  );
}
