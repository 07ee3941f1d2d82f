// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import type { Command } from 'commander';
import type { ExceptionRevocation, SigningException } from '../../../crds/index.ts';
import { printable } from '../../../verification/index.ts';
import { exceptionsAt } from '../../cluster/addresses.ts';
import { ClusterError, type Cluster } from '../../cluster/cluster.ts';
import {
  addClusterOptions,
  namespaceOf,
  withCluster,
  type ClusterFlags,
} from '../../cluster/options.ts';
import { instantText } from '../../exceptions/moment.ts';
import { readOne } from '../../exceptions/read-one.ts';
import type { ExceptionsContext } from './context.ts';

interface RevokeOptions extends ClusterFlags {
  readonly reason: string;
  readonly spec?: boolean;
}

const HELP = `
It ends at once, and for good: what needs one again needs a new exception. In the status it holds
whatever GitOps applies again; in the spec, GitOps has to learn of it.
`;

/** Adds `exceptions revoke`. */
export function addRevoke(parent: Command, context: ExceptionsContext): void {
  const command = parent
    .command('revoke')
    .description('Ends an exception at once')
    .argument('<name>', 'name of the exception');
  addClusterOptions(command)
    .requiredOption('--reason <text>', 'why')
    .option('--spec', 'write it into the spec, which who may edit it may do')
    .addHelpText('after', HELP)
    .action(async (name: string, options: RevokeOptions) => {
      await withCluster(options, context.ports, async (cluster) => {
        await revoke(name, options, cluster, context);
      });
      context.exit(0);
    });
}

async function revoke(
  name: string,
  options: RevokeOptions,
  cluster: Cluster,
  { ports }: ExceptionsContext,
): Promise<void> {
  const namespace = namespaceOf(options, cluster);
  const { metadata, spec, status } = await readOne(cluster, name, namespace);
  const earlier = spec.revoked ?? status?.revoked;
  if (earlier !== undefined)
    throw new ClusterError(
      409,
      `${namespace}/${name} was revoked at ${earlier.at} by ${earlier.by}`,
    );
  const revoked: ExceptionRevocation = {
    at: instantText(ports.clock.now().getTime()),
    by: await cluster.whoAmI(),
    reason: options.reason,
  };
  const isSpec = options.spec === true;
  // Its uid: one that was made anew under the same name is another one.
  const body = { metadata: { uid: metadata.uid }, [isSpec ? 'spec' : 'status']: { revoked } };
  const address = isSpec ? exceptionsAt(namespace, name) : exceptionsAt(namespace, name, 'status');
  await cluster.patch<SigningException>(address, body, { type: 'merge' });
  ports.stderr(
    `${printable(`revoked ${namespace}/${name} as ${revoked.by}: it has no effect now`)}\n`,
  );
}
