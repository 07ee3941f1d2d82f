// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { Option, type Command } from 'commander';
import type { ExceptionReview, SigningException } from '../../../crds/index.ts';
import { printable } from '../../../verification/index.ts';
import { exceptionsAt } from '../../cluster/addresses.ts';
import { ClusterError, type Cluster } from '../../cluster/cluster.ts';
import {
  addClusterOptions,
  namespaceOf,
  scopeOf,
  withCluster,
  type ClusterFlags,
} from '../../cluster/options.ts';
import { documentOf } from '../../exceptions/entry.ts';
import { instantText } from '../../exceptions/moment.ts';
import { readOne } from '../../exceptions/read-one.ts';
import { REVIEW_FORMATS, reviewText, type ReviewFormat } from '../../exceptions/review-text.ts';
import { emit } from '../../output/emit.ts';
import { UsageError } from '../../usage-error.ts';
import { sceneWithUseFor, type ExceptionsContext } from './context.ts';

interface ReviewOptions extends ClusterFlags {
  readonly output: ReviewFormat;
  readonly out?: string;
  readonly record?: boolean;
  readonly comment?: string;
}

/** Adds `exceptions review`. */
export function addReview(parent: Command, context: ExceptionsContext): void {
  const command = parent
    .command('review')
    .description('Shows which exceptions somebody should look at, or records that one was reviewed')
    .argument('[name]', 'exception that was reviewed, with --record');
  addClusterOptions(command, true)
    .addOption(
      new Option('-o, --output <format>', 'form of the review')
        .choices(REVIEW_FORMATS)
        .default('table'),
    )
    .option('--out <file>', 'where to write it (default: standard output)')
    .option('--record', 'record in the status of the exception that you reviewed it')
    .option('--comment <text>', 'what you found, with --record')
    .action(async (name: string | undefined, options: ReviewOptions) => {
      const step = stepOf(name, options, context);
      await withCluster(options, context.ports, step);
      context.exit(0);
    });
}

function stepOf(
  name: string | undefined,
  options: ReviewOptions,
  context: ExceptionsContext,
): (cluster: Cluster) => Promise<void> {
  const { record = false, comment, out } = options;
  if ((name !== undefined) !== record)
    throw new UsageError('a name and --record go together: to look at one exception, use show');
  if (record && (options.allNamespaces === true || out !== undefined))
    throw new UsageError('--record takes neither --all-namespaces nor --out');
  if (comment !== undefined && !record) throw new UsageError('--comment needs --record');
  if (name === undefined)
    return async (cluster) => {
      await review(options, cluster, context);
    };
  return async (cluster) => {
    await recordReview(name, options, cluster, context);
  };
}

async function review(
  options: ReviewOptions,
  cluster: Cluster,
  { ports }: ExceptionsContext,
): Promise<void> {
  const { output, out } = options;
  const namespace = scopeOf(options, cluster);
  const scene = await sceneWithUseFor(cluster, namespace, options, ports);
  const document = documentOf(scene.objects, scene, ports.clock.now());
  await emit(await reviewText(document, output), out, ports);
}

/** Reviews that an object keeps; the oldest one makes room. */
const MAX_REVIEWS = 64;
const ATTEMPTS = 3;

/** Somebody else may write the status at the same time: then it is read and written again. */
async function recordReview(
  name: string,
  options: ReviewOptions,
  cluster: Cluster,
  { ports }: ExceptionsContext,
): Promise<void> {
  const { comment } = options;
  const namespace = namespaceOf(options, cluster);
  const added: ExceptionReview = {
    at: instantText(ports.clock.now().getTime()),
    by: await cluster.whoAmI(),
    ...(comment === undefined ? {} : { comment }),
  };
  for (let attempt = 1; ; attempt += 1) {
    const { metadata, status } = await readOne(cluster, name, namespace);
    const { uid, resourceVersion } = metadata;
    const reviews = [...(status?.reviews ?? []).slice(1 - MAX_REVIEWS), added];
    try {
      await cluster.patch<SigningException>(
        exceptionsAt(namespace, name, 'status'),
        { metadata: { uid, resourceVersion }, status: { reviews } },
        { type: 'merge' },
      );
      break;
    } catch (thrown) {
      const isLate = thrown instanceof ClusterError && thrown.status === 409;
      if (!isLate || attempt === ATTEMPTS) throw thrown;
    }
  }
  ports.stderr(`${printable(`recorded a review of ${namespace}/${name} by ${added.by}`)}\n`);
}
