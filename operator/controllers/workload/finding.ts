// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import {
  isInconclusive,
  parseImageReference,
  repositoryName,
  type ImageReference,
} from '../../../verification/index.ts';
import { summaryOf, type ReportResult } from '../../reporting/index.ts';
import type { WorkloadFinding } from '../../state/findings-board.ts';
import type { PolicyFinding, WorstOutcome } from '../../state/impact-tally.ts';
import type { Finding, Ground } from './examine.ts';
import type { WorkloadObject } from './objects.ts';
import type { ObservedImage } from './observed.ts';

/** All that was found of a workload. */
export interface FindingInput {
  readonly workload: WorkloadObject;
  readonly images: readonly ObservedImage[];
  readonly findings: readonly Finding[];
  readonly results: readonly ReportResult[];
  readonly ground: Ground;
  /** Whether admission leaves the namespace alone. */
  readonly exempt: boolean;
}

/** Worst first. */
const RANKS: Readonly<Record<WorstOutcome, number>> = {
  rejected: 0,
  inconclusive: 1,
  exempt: 2,
  verified: 3,
};

/** What is kept in memory of a workload: the worst that each policy says of any of its images. */
export function workloadFinding(input: FindingInput): WorkloadFinding {
  const { workload, images, findings, results, ground, exempt } = input;
  const { kind = '', metadata } = workload;
  const denies = !exempt && !isMirrorPod(workload);
  const policies = new Map<string, PolicyFinding>();
  for (const [policy, outcome] of findings.flatMap(outcomesOf)) {
    const known = policies.get(policy)?.outcome;
    if (known !== undefined && RANKS[known] <= RANKS[outcome]) continue;
    const isRefused = outcome === 'rejected' || outcome === 'inconclusive';
    policies.set(policy, { outcome, wouldDeny: denies && isRefused });
  }
  return {
    label: `${kind} ${ground.namespace}/${metadata.name}`,
    namespace: ground.namespace,
    exempt,
    runsImages: images.length > 0,
    policies,
    uncovered: uncoveredOf(images, ground),
    summary: summaryOf(results),
  };
}

function outcomesOf(finding: Finding): readonly (readonly [string, WorstOutcome])[] {
  if ('error' in finding) {
    const outcome = isInconclusive(finding.error.code) ? 'inconclusive' : 'rejected';
    return finding.policies.map(({ name }) => [name, outcome]);
  }
  return finding.policies.map(({ policy, verdict }) => [policy.name, verdict.outcome]);
}

/** Repositories that no policy matches where the images are used; what cannot be read is told elsewhere. */
function uncoveredOf(images: readonly ObservedImage[], ground: Ground): readonly string[] {
  const { snapshot, namespace, namespaceLabels } = ground;
  const names = images.flatMap(({ written, serviceAccount }) => {
    const image = readReference(written);
    if (image === undefined) return [];
    const use = { image, namespace, namespaceLabels, serviceAccount };
    return snapshot.matching(use).length === 0 ? [repositoryName(image)] : [];
  });
  return [...new Set(names)].sort();
}

function readReference(written: string): ImageReference | undefined {
  try {
    return parseImageReference(written);
  } catch {
    return undefined;
  }
}

/** A node runs it by itself: admission never denies its mirror. */
function isMirrorPod({ kind, metadata }: WorkloadObject): boolean {
  return (
    kind === 'Pod' &&
    (metadata.ownerReferences?.some((o) => o.kind === 'Node' && o.controller === true) ?? false)
  );
}
