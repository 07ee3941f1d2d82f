// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { parseImageReference, type CompiledPolicy, type Labels } from '../../verification/index.ts';
import { ClusterError } from '../cluster/cluster.ts';
import {
  REPORT,
  type Inventory,
  type ReportResult,
  type WorkloadObject,
  type WorkloadReport,
} from '../cluster/workloads.ts';
import { asUsage, UsageError } from '../usage-error.ts';
import { nameOf, ownerOf, reportOf, useOf } from './uses.ts';

/** What an exception is asked for: what fails, and by whom it is run. */
export interface Finding {
  /** A name for it: that of the workload, or of the repository. */
  readonly subject: string;
  readonly policy: string;
  /** Empty where every requirement of the policy is meant. */
  readonly requirements: readonly string[];
  readonly digests: readonly string[];
  /** Empty where it is not known. */
  readonly serviceAccounts: readonly string[];
}

/** What fails in a report, which is named by its own name or by `kind/name` of its workload. */
export function findingOfReport(
  written: string,
  inventory: Inventory,
  policy: string | undefined,
): Finding {
  const report = reportNamed(written, inventory);
  const { scope } = report;
  const workload = inventory.byUid.get(scope?.uid ?? '');
  const use = workload === undefined ? undefined : useOf(workload, report);
  const failures = failuresOf(report);
  const subject = scope?.name ?? report.metadata.name;
  if (failures.length === 0)
    throw notFound(`the report of ${subject} holds nothing that an exception could be for`);
  const account = use?.serviceAccount;
  return {
    ...chosen(failures, subject, policy),
    subject,
    serviceAccounts: account === undefined ? [] : [account],
  };
}

/**
 * What fails of a pod that is there: by the report of what it belongs to, else by the policies that
 * cover its images, with all they require.
 */
export function findingOfPod(name: string, inventory: Inventory, asked: PodQuestion): Finding {
  const pod = podNamed(name, inventory);
  const top = ownerOf(pod, inventory);
  const report = reportOf(top, inventory);
  const use = useOf(pod, report);
  if (use === undefined) throw notFound(`the pod ${name} cannot be read`);
  const digests = new Set(use.images.flatMap((image) => [...image.digests]));
  const reported = (report === undefined ? [] : failuresOf(report)).filter(({ digest }) =>
    digests.has(digest),
  );
  const failures = reported.length > 0 ? reported : coveredBy(use, inventory.namespace, asked);
  if (failures.length === 0) throw notFound(`no policy is known to cover the pod ${name}`);
  const found = chosen(failures, nameOf(top), asked.policy);
  return { ...found, subject: top.metadata.name, serviceAccounts: [use.serviceAccount] };
}

/** What is needed to tell which policies cover a pod. */
export interface PodQuestion {
  readonly policies: readonly CompiledPolicy[];
  /** `undefined` where they may not be read. */
  readonly namespaceLabels: Labels;
  /** The policy that is meant, where it was said. */
  readonly policy: string | undefined;
}

/** An image by digest, from a policy that was named. */
export function findingOfImage(written: string, policy: string): Finding {
  const { digest, repository } = asUsage('--image: ', () => parseImageReference(written));
  if (digest === undefined)
    throw new UsageError(`--image: ${written} has no digest: there is no exception by tag`);
  const subject = repository.slice(repository.lastIndexOf('/') + 1);
  return { subject, policy, requirements: [], digests: [digest], serviceAccounts: [] };
}

interface Failure {
  readonly policy: string;
  /** `undefined`: all that the policy requires. */
  readonly requirement: string | undefined;
  readonly digest: string;
}

/** What cannot be told is nothing that an exception is for: it passes, or is a fault of something else. */
const FAILING: readonly (string | undefined)[] = ['fail', 'warn'];

function failuresOf({ results = [] }: WorkloadReport): readonly Failure[] {
  return results.flatMap((result: ReportResult) => {
    const { policy, rule: requirement, properties } = result;
    const digest = properties?.['digest'];
    if (!FAILING.includes(result.result) || policy === undefined) return [];
    return digest === undefined || requirement === undefined
      ? []
      : [{ policy, requirement, digest }];
  });
}

function coveredBy(
  { images, serviceAccount }: NonNullable<ReturnType<typeof useOf>>,
  namespace: string,
  { policies, namespaceLabels }: PodQuestion,
): readonly Failure[] {
  return images.flatMap(({ image: written, digests }) => {
    const image = asUsage('', () => parseImageReference(written));
    const use = { image, namespace, namespaceLabels, serviceAccount };
    const covering = policies.filter((p) => p.coversImage(image) && p.coversUse(use));
    return covering.flatMap(({ name: policy }) =>
      [...digests].map((digest) => ({ policy, requirement: undefined, digest })),
    );
  });
}

/** An exception is from one policy: where several fail, each needs one of its own. */
function chosen(
  failures: readonly Failure[],
  subject: string,
  wanted: string | undefined,
): Pick<Finding, 'policy' | 'requirements' | 'digests'> {
  const names = [...new Set(failures.map(({ policy }) => policy))].sort();
  const [policy = '', ...others] = wanted === undefined ? names : [wanted];
  if (others.length > 0)
    throw new UsageError(
      `${subject} does not satisfy ${names.join(', ')}: name one by --policy, and ask for an exception from each`,
    );
  const ours = failures.filter((failure) => failure.policy === policy);
  if (ours.length === 0)
    throw notFound(`${subject} is not known to fail the policy ${policy}, but ${names.join(', ')}`);
  const requirements = ours.flatMap(({ requirement }) =>
    requirement === undefined ? [] : [requirement],
  );
  return {
    policy,
    requirements: [...new Set(requirements)].sort(),
    digests: [...new Set(ours.map(({ digest }) => digest))].sort(),
  };
}

function reportNamed(written: string, { reports, namespace, unread }: Inventory): WorkloadReport {
  const [kind, name] = written.includes('/') ? written.split('/') : [undefined, written];
  const found = reports.filter(({ metadata, scope }) =>
    kind === undefined
      ? metadata.name === name || scope?.name === name
      : scope?.name === name && scope.kind.toLowerCase() === kind.toLowerCase(),
  );
  const [report, other] = found;
  if (report === undefined && unread.includes(REPORT)) throw unreadable('reports', namespace);
  if (report === undefined)
    throw notFound(`there is no report of ${written} in the namespace ${namespace}`);
  if (other === undefined) return report;
  const kinds = found.map(({ scope }) => `${scope?.kind ?? ''}/${scope?.name ?? ''}`);
  throw new UsageError(`--from-report: ${written} may be ${kinds.join(' or ')}`);
}

function podNamed(name: string, { objects, namespace, unread }: Inventory): WorkloadObject {
  if (unread.includes('Pod')) throw unreadable('pods', namespace);
  const pod = objects.find(({ kind, metadata }) => kind === 'Pod' && metadata.name === name);
  if (pod !== undefined) return pod;
  throw notFound(
    `there is no pod ${name} in the namespace ${namespace}: one that was denied was never stored, so name its workload, e.g. --from-report deployment/${name}`,
  );
}

function unreadable(what: string, namespace: string): ClusterError {
  return new ClusterError(403, `you may not list ${what} in the namespace ${namespace}`);
}

function notFound(message: string): ClusterError {
  return new ClusterError(404, message);
}
