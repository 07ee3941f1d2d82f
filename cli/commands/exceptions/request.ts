// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import type { Command } from 'commander';
import type { SigningException } from '../../../crds/index.ts';
import { namespaceLabelsIn } from '../../cluster/namespace-labels.ts';
import type { Cluster } from '../../cluster/cluster.ts';
import {
  addClusterOptions,
  namespaceOf,
  withCluster,
  type ClusterFlags,
} from '../../cluster/options.ts';
import { readPolicies, type PoliciesInForce } from '../../cluster/program.ts';
import { readInventory, type Inventory } from '../../cluster/workloads.ts';
import { draftName, draftOf } from '../../exceptions/draft.ts';
import {
  findingOfImage,
  findingOfPod,
  findingOfReport,
  type Finding,
} from '../../exceptions/finding.ts';
import { listExceptions, sceneOf } from '../../exceptions/scene.ts';
import { collected } from '../../option-values.ts';
import { UsageError } from '../../usage-error.ts';
import { warner, type ExceptionsContext } from './context.ts';
import { addDraftOptions, deliver, requestIn, type DraftOptions } from './draft-options.ts';

interface RequestOptions extends ClusterFlags, DraftOptions {
  readonly fromPod?: string;
  readonly fromReport?: string;
  readonly image?: string;
  readonly policy?: string;
  readonly serviceAccount?: readonly string[];
  readonly requirement?: readonly string[];
  readonly reason: string;
  readonly owner: string;
}

const HELP = `
What is asked for comes from exactly one of --from-report, --from-pod and --image. Before the YAML,
standard error tells what it would let run now. Nothing is created without --apply.
`;

/** Adds `exceptions request`. */
export function addRequest(parent: Command, context: ExceptionsContext): void {
  const command = parent
    .command('request')
    .description('Writes a complete exception for what does not satisfy a policy');
  addClusterOptions(command)
    .option(
      '--from-report <report>',
      'what fails in a report: its name, or kind/name of its workload',
    )
    .option('--from-pod <pod>', 'what fails of a pod that is there')
    .option('--image <image@digest>', 'an image; needs --policy and --service-account')
    .option('--policy <name>', 'policy that the exception is from')
    .option('--service-account <name>', 'who runs it; repeatable', collected)
    .option('--requirement <name>', 'what to waive of the policy; repeatable', collected)
    .requiredOption('--reason <text>', 'why it is needed, 20 characters or more')
    .requiredOption('--owner <name>', 'who answers for it');
  addDraftOptions(command)
    .addHelpText('after', HELP)
    .action(async (options: RequestOptions) => {
      checkSource(options);
      await withCluster(options, context.ports, async (cluster) => {
        await request(options, cluster, context);
      });
      context.exit(0);
    });
}

function checkSource(options: RequestOptions): void {
  const { fromPod, fromReport, image, policy, serviceAccount } = options;
  const given = [fromPod, fromReport, image].filter((source) => source !== undefined);
  if (given.length !== 1)
    throw new UsageError('exactly one of --from-report, --from-pod and --image is needed');
  if (image !== undefined && (policy === undefined || serviceAccount === undefined))
    throw new UsageError('--image needs --policy and --service-account');
}

async function request(
  options: RequestOptions,
  cluster: Cluster,
  { ports }: ExceptionsContext,
): Promise<void> {
  const namespace = namespaceOf(options, cluster);
  const { systemNamespace, policy: name } = options;
  const names = name === undefined ? {} : { names: new Set([name]) };
  const policies = await readPolicies(cluster, { systemNamespace, ...names, warn: warner(ports) });
  const inventory = await readInventory(cluster, namespace);
  const found = await findingOf(options, cluster, { policies, inventory });
  const draft = draftFrom(found, options, {
    namespace,
    policies,
    requestedBy: await cluster.whoAmI(),
    now: ports.clock.now().getTime(),
  });
  const scene = sceneOf(await listExceptions(cluster, namespace), policies);
  const preview = { inventory, scene, now: ports.clock.now().getTime() };
  await deliver(draft, options, { cluster, ports, preview });
}

async function findingOf(
  { fromPod, fromReport, image, policy }: RequestOptions,
  cluster: Cluster,
  { policies, inventory }: { policies: PoliciesInForce; inventory: Inventory },
): Promise<Finding> {
  if (fromReport !== undefined) return findingOfReport(fromReport, inventory, policy);
  if (fromPod !== undefined) {
    const namespaceLabels = await namespaceLabelsIn(cluster, inventory.namespace);
    return findingOfPod(fromPod, inventory, {
      policies: policies.policies,
      namespaceLabels,
      policy,
    });
  }
  return findingOfImage(image ?? '', policy ?? '');
}

interface DraftPlace {
  readonly namespace: string;
  readonly policies: PoliciesInForce;
  readonly requestedBy: string;
  readonly now: number;
}

function draftFrom(found: Finding, options: RequestOptions, place: DraftPlace): SigningException {
  const { namespace, policies, requestedBy, now } = place;
  const { name = draftName(found.subject, found.digests), notBefore, expires } = options;
  const { serviceAccount = found.serviceAccounts } = options;
  if (serviceAccount.length === 0)
    throw new UsageError('--service-account: who runs it is not known here, so it has to be named');
  const { reason, owner } = options;
  return draftOf({
    name,
    namespace,
    requestedBy,
    permission: {
      policyRef: { name: found.policy },
      requirements: [...requirementsOf(found, options, policies)],
      digests: [...found.digests],
      serviceAccounts: [...new Set(serviceAccount)],
    },
    notBefore: notBefore?.(now) ?? now,
    expiresAt: expires(now),
    request: { class: 'Planned', ...requestIn(options), reason, owner },
  });
}

/** Names, never all: what the policy will require later is not waived. */
function requirementsOf(
  { policy, requirements }: Finding,
  { requirement = requirements }: RequestOptions,
  policies: PoliciesInForce,
): readonly string[] {
  if (requirement.length > 0) return [...new Set(requirement)];
  const known = policies.of(policy);
  if (known.state === 'in-force') return known.policy.requirements.map(({ name }) => name);
  const why = known.state === 'unknown' ? 'may not be read' : 'is not in force';
  throw new UsageError(
    `--requirement: the policy ${policy} ${why}, so what to waive has to be named`,
  );
}
