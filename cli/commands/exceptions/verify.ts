// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { Option, type Command } from 'commander';
import { assess, isGood } from '../../approval/assess.ts';
import { indexOf, readExceptionList } from '../../input/exceptions.ts';
import { readTrustedPolicies, type PolicyOptions } from '../../input/trusted-policies.ts';
import { clusterName, collected, instantValue } from '../../option-values.ts';
import { approvalsText, type ApprovalReport } from '../../output/approvals.ts';
import { jsonText } from '../../output/json.ts';
import { UsageError } from '../../usage-error.ts';
import type { ExceptionsContext } from './context.ts';

interface VerifyApprovalsOptions extends PolicyOptions {
  readonly cluster: string;
  readonly at?: Date;
  readonly output: 'text' | 'json';
  readonly explain?: boolean;
}

const EXIT_HELP = `
Exit codes:
  0  every exception is approved, where its policy asks for that, and can take effect
  1  one is not approved, or could not take effect as it is written
  2  wrong usage, or an input that cannot be read
  3  a trusted root cannot be had
`;

/** Adds `exceptions verify`, which checks signed approvals by files alone. */
export function addVerify(parent: Command, context: ExceptionsContext): void {
  parent
    .command('verify')
    .description('Checks that exceptions from files are approved by signatures, without a cluster')
    .argument('<file...>', 'YAML with SigningExceptions; - is standard input')
    .requiredOption('--policy <file>', 'YAML with ImageTrustPolicies; repeatable', collected)
    .requiredOption('--cluster <name>', 'cluster or fleet that they are for', clusterName)
    .option('--at <time>', 'instant that is asked about, RFC 3339 (default: now)', instantValue)
    .option(
      '--trusted-root <file>',
      'trusted_root.json that stands in for publicGood and tuf in every policy',
    )
    .option('--cache-dir <path>', 'where what TUF mirrors publish is kept')
    .option('--plain-http <host>', 'TUF mirror that is read over plain HTTP; repeatable', collected)
    .option(
      '--private-registry <host>',
      'TUF mirror that may be at any address, such as loopback; repeatable',
      collected,
    )
    .addOption(
      new Option('-o, --output <format>', 'form of the report')
        .choices(['text', 'json'])
        .default('text'),
    )
    .option('--explain', 'add every check to the text')
    .addHelpText('after', EXIT_HELP)
    .action(async (files: string[], options: VerifyApprovalsOptions) => {
      context.exit(await verifyApprovals(files, options, context));
    });
}

async function verifyApprovals(
  files: readonly string[],
  options: VerifyApprovalsOptions,
  { ports }: ExceptionsContext,
): Promise<number> {
  const exceptions = await readExceptionList(files);
  // A pattern of files that matches nothing must not look like approval.
  if (exceptions.length === 0) throw new UsageError(`${files.join(', ')}: no SigningException`);
  const policies = await readTrustedPolicies(options, ports);
  const { cluster, at = ports.clock.now() } = options;
  const asked = { policies, exceptions: indexOf(exceptions), at, cluster };
  const assessments = exceptions.map((exception) => assess(exception, asked));
  const good = assessments.every(isGood);
  const report: ApprovalReport = {
    formatVersion: 1,
    at: at.toISOString(),
    cluster,
    good,
    exceptions: assessments,
  };
  const isExplained = options.explain === true;
  ports.stdout(options.output === 'json' ? jsonText(report) : approvalsText(report, isExplained));
  return good ? 0 : 1;
}
