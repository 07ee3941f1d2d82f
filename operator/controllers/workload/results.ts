// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import type { Mode } from '../../../crds/index.ts';
import type { LastVerified } from '../../../runtime/judge/index.ts';
import {
  isInconclusive,
  printable,
  type ExceptionUse,
  type Labels,
  type RequirementResult,
} from '../../../verification/index.ts';
import { resultIdOf, type ReportResult } from '../../reporting/index.ts';
import type { Finding, Judged, Unjudged } from './examine.ts';

/** What decides how findings are told. */
export interface ResultContext {
  /** Uid of the workload: what reads reports keeps the results of all of them by `resultID` alone. */
  readonly uid: string;
  readonly namespaceLabels: Labels;
  /** Whether admission leaves the namespace alone. */
  readonly exempt: boolean;
}

/** Stands for a policy where the cluster default decides. */
const CLUSTER_DEFAULT = 'cluster-default';
const MAX_MESSAGE = 1024;
/** Longest property; what people wrote into an exception may be long. */
const MAX_PROPERTY = 4096;

type Core = Pick<ReportResult, 'policy' | 'rule' | 'category' | 'message'> & {
  readonly outcome: RequirementResult['outcome'];
  readonly mode: Mode;
  readonly properties: Readonly<Record<string, string | undefined>>;
};

/** The results of a workload, sorted, each once: what pods show is not told of the template again. */
export function resultsOf(
  findings: readonly Finding[],
  context: ResultContext,
): readonly ReportResult[] {
  const cores = findings.flatMap((finding) =>
    'error' in finding ? unjudgedCores(finding, context) : judgedCores(finding),
  );
  const distinct = new Map<string, ReportResult>();
  for (const core of cores) {
    const result = resultOf(core, context);
    const id = result.properties['resultID'] ?? '';
    if (distinct.get(id)?.properties['process'] !== 'background') distinct.set(id, result);
  }
  return [...distinct.entries()]
    .sort(([a], [b]) => (sortKey(a, distinct) < sortKey(b, distinct) ? -1 : 1))
    .map(([, r]) => r);
}

function sortKey(id: string, all: ReadonlyMap<string, ReportResult>): string {
  const result = all.get(id);
  const { container = '' } = result?.properties ?? {};
  return [result?.policy, result?.rule, container, id].join('\n');
}

function judgedCores({ observed, image, digest, policies }: Judged): readonly Core[] {
  return policies.flatMap(({ policy, mode, verdict, lastVerified }) =>
    verdict.results.map((result) => ({
      policy: policy.name,
      rule: result.requirement,
      category: result.category,
      message: result.message,
      outcome: result.outcome,
      mode,
      properties: {
        container: observed.container,
        image,
        digest,
        process: observed.process,
        ...propertiesOf(result),
        ...bridgedProperties(result, lastVerified),
      },
    })),
  );
}

function unjudgedCores(
  { observed, error, policies, defaultMode = 'Enforce' }: Unjudged,
  { namespaceLabels }: ResultContext,
): readonly Core[] {
  const { container, written, process } = observed;
  const core = {
    category: 'Image Signature',
    message: error.message,
    outcome: isInconclusive(error.code) ? 'inconclusive' : 'rejected',
    properties: { container, image: written, process, reason: error.code },
  } as const;
  if (policies.length === 0) return [{ ...core, policy: CLUSTER_DEFAULT, mode: defaultMode }];
  return policies.map((policy) => ({
    ...core,
    policy: policy.name,
    mode: policy.modeIn(namespaceLabels),
  }));
}

function propertiesOf(result: RequirementResult): Readonly<Record<string, string | undefined>> {
  switch (result.outcome) {
    case 'verified': {
      const joined = (values: readonly (string | undefined)[]): string | undefined =>
        values.filter((value) => value !== undefined).join(', ') || undefined;
      const { signers } = result;
      return {
        authority: joined(signers.map((signer) => signer.authority)),
        identity: joined(signers.map((signer) => signer.identity)),
        issuer: joined(signers.map((signer) => signer.issuer)),
      };
    }
    case 'exempt':
      return exceptionProperties(result.exception);
    case 'rejected':
      return {
        reason: result.code,
        underlyingReason: result.underlying,
        ...(result.exception === undefined ? {} : exceptionProperties(result.exception)),
      };
    case 'inconclusive':
      return { reason: result.code };
  }
}

/** Where a proof is in evidence that was kept: from when, and why nothing newer is known. */
function bridgedProperties(
  result: RequirementResult,
  lastVerified: LastVerified | undefined,
): Readonly<Record<string, string>> {
  if (lastVerified === undefined || result.outcome !== 'verified' || result.signers.length === 0)
    return {};
  const { collectedAt, code } = lastVerified;
  return { evidenceFrom: collectedAt.toISOString(), reason: code };
}

function exceptionProperties(use: ExceptionUse): Readonly<Record<string, string>> {
  return {
    exception: `${use.namespace}/${use.name}`,
    exceptionExpires: use.expiresAt,
    ...use.documentation,
  };
}

function resultOf(core: Core, { uid, exempt }: ResultContext): ReportResult {
  const lenient = exempt || core.mode === 'Audit';
  const result = wordOf(core.outcome, lenient);
  const { policy, rule, category, message } = core;
  const properties = Object.fromEntries(
    Object.entries(core.properties).flatMap(([name, value]) =>
      value === undefined ? [] : [[name, printable(value.slice(0, MAX_PROPERTY))] as const],
    ),
  );
  const { container = '', image = '', digest = '' } = properties;
  const named = digest === '' ? image : digest;
  const resultID = resultIdOf([uid, container, named, policy, rule ?? '', result]);
  return {
    source: 'countersign',
    policy,
    ...(rule === undefined ? {} : { rule }),
    category,
    severity: result === 'pass' || result === 'skip' ? 'info' : 'high',
    result,
    scored: !lenient,
    message: printable(message.slice(0, MAX_MESSAGE)),
    properties: { ...properties, resultID },
  };
}

function wordOf(outcome: RequirementResult['outcome'], lenient: boolean): ReportResult['result'] {
  switch (outcome) {
    case 'verified':
      return 'pass';
    case 'exempt':
      return 'skip';
    case 'inconclusive':
      return 'error';
    case 'rejected':
      return lenient ? 'warn' : 'fail';
  }
}
