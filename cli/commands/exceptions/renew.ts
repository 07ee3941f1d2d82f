// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import type { Command } from 'commander';
import type { SigningException } from '../../../crds/index.ts';
import type { Cluster } from '../../cluster/cluster.ts';
import {
  addClusterOptions,
  namespaceOf,
  withCluster,
  type ClusterFlags,
} from '../../cluster/options.ts';
import { draftOf, renewedName, type Request } from '../../exceptions/draft.ts';
import { previewCase } from '../../exceptions/preview.ts';
import { findIn } from '../../exceptions/scene.ts';
import { standAt } from '../../exceptions/stand.ts';
import { sceneFor, type ExceptionsContext } from './context.ts';
import { addDraftOptions, deliver, requestIn, type DraftOptions } from './draft-options.ts';

interface RenewOptions extends ClusterFlags, DraftOptions {}

const HELP = `
The old exception stays as it is. The new one begins where the old one ends, or now where that is over,
and has to be approved by itself. What is not said anew is taken from the old one.
`;

/** Adds `exceptions renew`. */
export function addRenew(parent: Command, context: ExceptionsContext): void {
  const command = parent
    .command('renew')
    .description('Writes a new exception that renews another')
    .argument('<name>', 'name of the exception to renew');
  addClusterOptions(command)
    .option('--reason <text>', 'why it is still needed')
    .option('--owner <name>', 'who answers for it');
  addDraftOptions(command)
    .addHelpText('after', HELP)
    .action(async (name: string, options: RenewOptions) => {
      await withCluster(options, context.ports, async (cluster) => {
        await renew(name, options, cluster, context);
      });
      context.exit(0);
    });
}

async function renew(
  name: string,
  options: RenewOptions,
  cluster: Cluster,
  { ports }: ExceptionsContext,
): Promise<void> {
  const namespace = namespaceOf(options, cluster);
  const scene = await sceneFor(cluster, namespace, options, ports);
  const old = findIn(scene, name, namespace);
  const now = ports.clock.now().getTime();
  const { isOver } = standAt(old, scene, new Date(now));
  const next = isOver ? now : Math.max(now, Date.parse(old.spec.expiresAt));
  const draft = renewalOf(old, options, { requestedBy: await cluster.whoAmI(), next, now });
  const preview = await previewCase(cluster, scene, { namespace, now });
  const { extensionCondition } = old.spec;
  const notes =
    extensionCondition === undefined ? [] : [`It may be renewed when: ${extensionCondition}`];
  await deliver(draft, options, { cluster, ports, preview, notes });
}

interface Renewal {
  readonly requestedBy: string;
  /** Milliseconds since the epoch: when it begins unless told otherwise. */
  readonly next: number;
  readonly now: number;
}

function renewalOf(
  { metadata, spec }: SigningException,
  options: RenewOptions,
  { requestedBy, next, now }: Renewal,
): SigningException {
  const { policyRef, requirements, allRequirements, digests, serviceAccounts } = spec;
  return draftOf({
    name: options.name ?? renewedName(metadata.name),
    namespace: metadata.namespace ?? '',
    requestedBy,
    renews: metadata.name,
    permission: {
      policyRef,
      digests,
      serviceAccounts,
      ...(requirements === undefined ? { allRequirements } : { requirements }),
    },
    notBefore: options.notBefore?.(now) ?? next,
    expiresAt: options.expires(now),
    request: { ...requestOf(spec), ...requestIn(options) },
  });
}

function requestOf(spec: SigningException['spec']): Request {
  const { reason, owner, ticket, risk, extensionCondition: extension } = spec;
  const { compensatingControls: controls, closureCondition: closure } = spec;
  return { reason, owner, class: spec.class, ticket, risk, controls, closure, extension };
}
