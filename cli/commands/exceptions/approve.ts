// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { createHash } from 'node:crypto';
import type { Command } from 'commander';
import {
  API_VERSION,
  signingExceptionKind,
  type ExceptionApproval,
  type SigningException,
} from '../../../crds/index.ts';
import { isSamePerson, printable } from '../../../verification/index.ts';
import { exceptionsAt } from '../../cluster/addresses.ts';
import { ClusterError, type Cluster } from '../../cluster/cluster.ts';
import {
  addClusterOptions,
  namespaceOf,
  withCluster,
  type ClusterFlags,
} from '../../cluster/options.ts';
import { momentValue, type Moment } from '../../exceptions/flags.ts';
import { instantText } from '../../exceptions/moment.ts';
import { previewCase, previewText } from '../../exceptions/preview.ts';
import { readOne } from '../../exceptions/read-one.ts';
import { findIn, sceneOf, type Scene } from '../../exceptions/scene.ts';
import { standAt } from '../../exceptions/stand.ts';
import { UsageError } from '../../usage-error.ts';
import { isConfirmed } from './confirm.ts';
import { sceneFor, type ExceptionsContext } from './context.ts';

interface ApproveOptions extends ClusterFlags {
  readonly expires?: Moment;
  readonly comment?: string;
  readonly withdraw?: boolean;
  readonly yes?: boolean;
}

const HELP = `
An approval is of what is shown, until the end that is shown: whatever lets more run afterwards needs
another one. An earlier end does not. Nobody approves what he asked for.
`;

/** Adds `exceptions approve`. */
export function addApprove(parent: Command, context: ExceptionsContext): void {
  const command = parent
    .command('approve')
    .description('Approves an exception as it is, or takes your approval away')
    .argument('<name>', 'name of the exception');
  addClusterOptions(command)
    .option('--expires <time>', 'until when you approve it: RFC 3339, or a duration', momentValue)
    .option('--comment <text>', 'what you have to say')
    .option('--withdraw', 'take your approval away')
    .option('--yes', 'do not ask')
    .addHelpText('after', HELP)
    .action(async (name: string, options: ApproveOptions) => {
      const { expires, comment, withdraw } = options;
      if (withdraw === true && (expires !== undefined || comment !== undefined))
        throw new UsageError('--withdraw takes neither --expires nor --comment');
      const run = withdraw === true ? withdrawn : approve;
      const isDone = await withCluster(
        options,
        context.ports,
        async (cluster) => await run(name, options, { cluster, context }),
      );
      context.exit(isDone ? 0 : 1);
    });
}

interface Place {
  readonly cluster: Cluster;
  readonly context: ExceptionsContext;
}

async function approve(
  name: string,
  options: ApproveOptions,
  { cluster, context: { ports } }: Place,
): Promise<boolean> {
  const namespace = namespaceOf(options, cluster);
  const scene = await sceneFor(cluster, namespace, options, ports);
  const object = findIn(scene, name, namespace);
  const now = ports.clock.now().getTime();
  const preview = await previewCase(cluster, scene, { namespace, now });
  ports.stderr(previewText(object, preview));
  const approval = approvalBy(await cluster.whoAmI(), object, { scene, options, now });
  await rehearse(object, approval, cluster);
  if (!(await isConfirmed(`Approve ${namespace}/${name}?`, options.yes, ports))) return false;
  const approved = await apply(object, approval, cluster, false);
  const others = scene.objects.filter((other) => other !== object);
  const after = sceneOf([...others, approved], scene.policies);
  const { state, message } = standAt(approved, after, ports.clock.now());
  const told = `approved ${namespace}/${name} as ${approval.approver}: it is ${state}, ${message}`;
  ports.stderr(`${printable(told)}\n`);
  return true;
}

interface ApprovalCase {
  readonly scene: Scene;
  readonly options: ApproveOptions;
  readonly now: number;
}

function approvalBy(
  approver: string,
  object: SigningException,
  { scene, options, now }: ApprovalCase,
): ExceptionApproval {
  const compiled = scene.compiled(object);
  const stand = standAt(object, scene, new Date(now));
  if (compiled === undefined)
    throw new ClusterError(409, `it cannot be read, so nothing can be approved: ${stand.message}`);
  if (stand.isOver && object.spec.class !== 'Incident')
    throw new ClusterError(409, `it is over, so there is nothing to approve: ${stand.message}`);
  const { comment, expires } = options;
  const until = expires?.(now);
  if (until !== undefined && until <= now)
    throw new UsageError('--expires: an approval that has ended approves nothing');
  return {
    approver,
    approvedAt: instantText(now),
    specHash: compiled.specHash,
    latestExpiresAt: object.spec.expiresAt,
    ...(until === undefined ? {} : { expiresAt: instantText(until) }),
    ...(comment === undefined ? {} : { comment }),
  };
}

/** Asks the API server before a person is asked: who may not approve learns it at once, and why. */
async function rehearse(
  object: SigningException,
  approval: ExceptionApproval,
  cluster: Cluster,
): Promise<void> {
  const { requestedBy } = object.spec;
  const isOwn = isSamePerson(approval.approver, requestedBy);
  const own = `${approval.approver} asked for it: somebody else has to approve it`;
  try {
    await apply(object, approval, cluster, true);
  } catch (thrown) {
    if (!isOwn || !(thrown instanceof ClusterError) || thrown.isUnreachable) throw thrown;
    throw new ClusterError(thrown.status, `${own}: ${thrown.message}`, { cause: thrown });
  }
  if (isOwn) throw new ClusterError(403, own);
}

/** One field manager for each approver, so that none takes away what another one gave. */
async function apply(
  { metadata: { name, namespace, uid } }: SigningException,
  approval: ExceptionApproval,
  cluster: Cluster,
  dryRun: boolean,
): Promise<SigningException> {
  const { kind } = signingExceptionKind;
  const metadata = { name, namespace, uid };
  const body = { apiVersion: API_VERSION, kind, metadata, status: { approvals: [approval] } };
  const hash = createHash('sha256').update(approval.approver).digest('hex').slice(0, 16);
  return await cluster.patch<SigningException>(exceptionsAt(namespace, name, 'status'), body, {
    type: 'apply',
    fieldManager: `countersign-approval-${hash}`,
    force: true,
    dryRun,
  });
}

/** What is taken away is tested to be one's own: another one may have come or gone meanwhile. */
async function withdrawn(
  name: string,
  options: ApproveOptions,
  { cluster, context: { ports } }: Place,
): Promise<boolean> {
  const namespace = namespaceOf(options, cluster);
  const me = await cluster.whoAmI();
  const { status } = await readOne(cluster, name, namespace);
  const index = (status?.approvals ?? []).findIndex(({ approver }) => approver === me);
  if (index < 0) throw new ClusterError(404, `${namespace}/${name} holds no approval of ${me}`);
  const question = `Take the approval of ${namespace}/${name} away?`;
  if (!(await isConfirmed(question, options.yes, ports))) return false;
  const path = `/status/approvals/${index.toString()}`;
  const operations = [
    { op: 'test', path: `${path}/approver`, value: me },
    { op: 'remove', path },
  ];
  await cluster.patch(exceptionsAt(namespace, name, 'status'), operations, { type: 'json' });
  ports.stderr(`${printable(`took the approval of ${me} from ${namespace}/${name}`)}\n`);
  return true;
}
