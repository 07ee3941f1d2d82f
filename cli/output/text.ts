// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import {
  printable,
  reasonHelp,
  type EvidenceTrail,
  type ReasonCode,
  type RequirementResult,
} from '../../verification/index.ts';
import type { ImageReport, Place, PolicyReport, Report } from '../report.ts';

/** The report for people: one line a requirement, with `isExplained` the trail of checks below it. */
export function textOf(report: Report, isExplained: boolean): string {
  const lines = report.images.flatMap((image) => imageLines(image, report.use, isExplained));
  return lines.map((line) => `${printable(line)}\n`).join('');
}

function imageLines(image: ImageReport, use: Place, isExplained: boolean): readonly string[] {
  const { digest } = image;
  const notice =
    image.resolved && digest !== undefined ? [`${image.image} resolved to ${digest}`] : [];
  const heading =
    digest === undefined || image.image.includes('@') ? image.image : `${image.image}@${digest}`;
  const lines =
    image.policies.length === 0
      ? unmatchedLines(image, use)
      : image.policies.flatMap((p) => policyLines(p, isExplained));
  return [...notice, heading, ...lines];
}

function unmatchedLines(
  { code }: ImageReport,
  { namespace, serviceAccount }: Place,
): readonly string[] {
  const verdict = code === undefined ? '' : `rejected ${code} `;
  return [
    `  ${verdict}no policy matches (namespace ${namespace}, service account ${serviceAccount})`,
  ];
}

function policyLines(policy: PolicyReport, isExplained: boolean): readonly string[] {
  if (policy.requirements.length === 0) {
    return [lineOf(policy.policy, policy, policy), ...(isExplained ? helpLines(policy.code) : [])];
  }
  return policy.requirements.flatMap((result) => [
    lineOf(`${policy.policy}/${result.requirement}`, result, policy),
    ...(isExplained ? explainLines(result) : []),
  ]);
}

interface Finding {
  readonly outcome: PolicyReport['outcome'];
  readonly code?: ReasonCode;
  readonly message?: string;
}

function lineOf(
  rule: string,
  { outcome, code, message = '' }: Finding,
  { mode }: PolicyReport,
): string {
  const warning = mode === 'Audit' && code !== undefined ? 'warning: ' : '';
  const audit = warning === '' ? '' : ' (Audit: a warning only)';
  return `  ${warning}${rule}: ${outcome} ${code === undefined ? '' : `${code} `}${message}${audit}`;
}

function explainLines(result: RequirementResult): readonly string[] {
  const trail = result.trail.flatMap(trailLines);
  const looked = trail.length === 0 ? ['    no signature was looked at'] : trail;
  const code = 'code' in result ? result.code : undefined;
  const underlying =
    'underlying' in result ? [`    without the exception: ${result.underlying}`] : [];
  return [...looked, ...underlying, ...helpLines(code)];
}

function trailLines({ origin, authority, checks }: EvidenceTrail): readonly string[] {
  return [
    `    ${origin} for ${authority}`,
    ...checks.map(
      ({ check, outcome, code, detail }) =>
        `      ${outcome} ${check}${code === undefined ? '' : ` ${code}`}: ${detail}`,
    ),
  ];
}

function helpLines(code: ReasonCode | undefined): readonly string[] {
  return code === undefined ? [] : [`    ${code}: ${reasonHelp(code)}`];
}
