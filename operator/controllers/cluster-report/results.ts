// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { printable } from '../../../verification/index.ts';
import { resultIdOf, type ReportResult } from '../../reporting/index.ts';
import type { Coverage } from '../../state/findings-board.ts';

/** Rules of the results about the cluster. */
export const CLUSTER_RULES = {
  uncovered: 'images-without-policy',
  exempt: 'exempt-namespace',
  trustRoot: 'trust-root',
} as const;

/** Stands for a policy where it is missing ones that a result is about. */
const COVERAGE = 'cluster-coverage';

/** A policy whose trust roots cannot be relied on. */
export interface StaleTrust {
  readonly policy: string;
  readonly reason: string;
  readonly message: string;
}

const MAX_REPOSITORIES = 100;
const MAX_NAMESPACES = 50;
const NAMED = 3;
const MAX_MESSAGE = 1024;

/** What no policy covers: told, and not scored. The first hundred repositories, the others counted. */
export function coverageResults(coverage: Coverage): readonly ReportResult[] {
  const { uncovered, exemptNamespaces } = coverage;
  const repositories = [...uncovered].map(([repository, namespaces]) =>
    uncoveredResult(repository, namespaces),
  );
  const exempt = exemptNamespaces.map(exemptResult);
  return [
    ...bounded(exempt, MAX_NAMESPACES, CLUSTER_RULES.exempt, 'more exempt namespaces run images'),
    ...bounded(
      repositories,
      MAX_REPOSITORIES,
      CLUSTER_RULES.uncovered,
      'more repositories are used where no policy covers them',
    ),
  ];
}

/** A trust root that is not as it should be: what depends on it is judged by the last good one. */
export function trustResult({ policy, reason, message }: StaleTrust): ReportResult {
  return {
    source: 'countersign',
    policy,
    rule: CLUSTER_RULES.trustRoot,
    category: 'Trust Root',
    severity: 'high',
    result: 'error',
    scored: true,
    message: printable(message.slice(0, MAX_MESSAGE)),
    resources: [{ apiVersion: 'countersign.dev/v1alpha1', kind: 'ImageTrustPolicy', name: policy }],
    properties: { reason, resultID: resultIdOf([CLUSTER_RULES.trustRoot, policy, reason]) },
  };
}

function uncoveredResult(repository: string, namespaces: readonly string[]): ReportResult {
  const { uncovered } = CLUSTER_RULES;
  const named = namespaces.slice(0, NAMED).join(', ');
  const more = namespaces.length - NAMED;
  return coverageResult(uncovered, `no policy covers images of ${repository} where they are used`, {
    repository,
    registry: repository.split('/')[0] ?? '',
    namespaces: more > 0 ? `${named} and ${more.toString()} more` : named,
    resultID: resultIdOf([uncovered, repository]),
  });
}

function exemptResult(namespace: string): ReportResult {
  const { exempt } = CLUSTER_RULES;
  const message = `admission leaves the namespace ${namespace} alone, and it runs images`;
  return {
    ...coverageResult(exempt, message, { namespace, resultID: resultIdOf([exempt, namespace]) }),
    resources: [{ apiVersion: 'v1', kind: 'Namespace', name: namespace }],
  };
}

function coverageResult(
  rule: string,
  message: string,
  properties: ReportResult['properties'],
): ReportResult {
  return {
    source: 'countersign',
    policy: COVERAGE,
    rule,
    category: 'Image Coverage',
    severity: 'info',
    result: 'warn',
    scored: false,
    message,
    properties,
  };
}

function bounded(
  results: readonly ReportResult[],
  most: number,
  rule: string,
  words: string,
): readonly ReportResult[] {
  const rest = results.length - most;
  if (rest <= 0) return results;
  const closing = coverageResult(rule, `${rest.toString()} ${words}`, {
    resultID: resultIdOf([rule, 'rest']),
  });
  return [...results.slice(0, most), closing];
}
