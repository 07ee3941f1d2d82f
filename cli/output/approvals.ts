// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { printable, type CheckResult, type WeighedApproval } from '../../verification/index.ts';
import type { Assessment } from '../approval/assess.ts';

/** What `exceptions verify` found; its JSON output is this; bundles count from 0. */
export interface ApprovalReport {
  readonly formatVersion: 1;
  /** The instant that it speaks of. */
  readonly at: string;
  readonly cluster: string;
  /** Whether every exception is approved, where it must be, and can take effect. */
  readonly good: boolean;
  readonly exceptions: readonly Assessment[];
}

/** The report for people: a line an exception, below it why which bundle does not count; bundles count from 1. */
export function approvalsText(report: ApprovalReport, isExplained: boolean): string {
  const lines = report.exceptions.flatMap((exception) => linesOf(exception, isExplained));
  return lines.map((line) => `${printable(line)}\n`).join('');
}

function linesOf(exception: Assessment, isExplained: boolean): readonly string[] {
  const { namespace, name, policy, problem, signed } = exception;
  const heading = `${namespace}/${name} (policy ${policy}): ${resultOf(exception)}`;
  const problems = problem === undefined ? [] : [`  ${problem.reason}: ${problem.message}`];
  const approvals = signed.flatMap((approval) => [
    `  ${approvalLine(approval)}`,
    ...(isExplained ? approval.checks.map(checkLine) : []),
  ]);
  return [heading, ...problems, ...approvals];
}

function resultOf({ approval, approvedBy = '', signed }: Assessment): string {
  switch (approval) {
    case 'approved':
      return `approved by ${approvedBy}`;
    case 'unapproved':
      return signed.length === 0 ? 'unapproved: no signed approval counts' : 'unapproved';
    case 'not-required':
      return 'needs no approval';
    case 'unknown':
      return 'cannot take effect';
  }
}

function approvalLine({ bundle, by, refusal }: WeighedApproval): string {
  return `approval ${(bundle + 1).toString()} for ${by} ${refusal ?? 'counts'}`;
}

function checkLine({ check, outcome, code, detail }: CheckResult): string {
  return `    ${outcome} ${check}${code === undefined ? '' : ` ${code}`}: ${detail}`;
}
