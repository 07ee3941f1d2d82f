// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { basename } from 'node:path';
import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import { printable, toVerificationError } from '../verification/index.ts';
import { ClusterError } from './cluster/cluster.ts';
import { namespaceName } from './cluster/options.ts';
import { addExceptions } from './commands/exceptions/index.ts';
import { verify, type VerifyOptions } from './commands/verify.ts';
import { clusterName, collected } from './option-values.ts';
import type { CliPorts } from './ports.ts';
import type { Decision } from './report.ts';
import { UsageError } from './usage-error.ts';

const EXIT_CODES: Readonly<Record<Decision, number>> = { allowed: 0, rejected: 1, inconclusive: 3 };
const EXIT_USAGE = 2;

const EXIT_HELP = `
Exit codes:
  0  every enforcing policy is satisfied; policies in Audit mode only warn
  1  an enforcing policy rejects an image
  2  wrong usage, or an input that cannot be read
  3  an enforcing policy cannot be judged, e.g. because the registry does not answer, or because
     a trusted root cannot be had
`;

/**
 * How the usage calls the program: `kubectl countersign` where it was started as a plugin of kubectl,
 * under a name such as `kubectl-countersign`.
 */
export function programName(startedAs: string | undefined): string {
  const name = basename(startedAs ?? '', '.js');
  return name.startsWith('kubectl-') ? 'kubectl countersign' : 'countersign';
}

/** Runs the command line and answers the exit code. Never rejects: a fault of ours is inconclusive. */
export async function runCli(
  argv: readonly string[],
  ports: CliPorts,
  name = 'countersign',
): Promise<number> {
  let code = EXIT_USAGE;
  const program = new Command(name)
    .description('Tells which container images may run, by who signed them')
    .exitOverride()
    .configureOutput({ writeOut: ports.stdout, writeErr: ports.stderr });
  verifyCommand(program).action(async (images: string[], options: VerifyOptions) => {
    code = EXIT_CODES[await verify(images, options, ports)];
  });
  addExceptions(program, { ports, exit: (chosen) => (code = chosen) });
  try {
    await program.parseAsync(argv, { from: 'user' });
    return code;
  } catch (thrown) {
    return failed(thrown, ports);
  }
}

function verifyCommand(program: Command): Command {
  return program
    .command('verify')
    .description('Judges images by policies from files, as admission does')
    .argument('<image...>', 'images, by tag or by digest')
    .requiredOption('--policy <file>', 'YAML with ImageTrustPolicies; repeatable', collected)
    .option('--exceptions <file>', 'YAML with SigningExceptions; repeatable', collected)
    .option('--cluster <name>', 'cluster or fleet that signed approvals must be for', clusterName)
    .option('--namespace <name>', 'namespace that the images are used in', namespaceName, 'default')
    .option('--service-account <name>', 'service account that uses them', accountName, 'default')
    .option(
      '--namespace-label <key=value>',
      'label of the namespace; repeatable; without any, every selector may match',
      label,
    )
    .option(
      '--plain-http <host>',
      'registry or TUF mirror that is read over plain HTTP; repeatable',
      collected,
    )
    .option(
      '--private-registry <host>',
      'registry or TUF mirror that may be at any address, such as loopback; repeatable',
      collected,
    )
    .option(
      '--trusted-root <file>',
      'trusted_root.json that stands in for publicGood and tuf in every policy; no mirror is asked then',
    )
    .option(
      '--cache-dir <path>',
      'where what TUF mirrors publish is kept (default: countersign in the cache directory of the user)',
    )
    .option(
      '--docker-config <path>',
      'docker configuration with credentials (auths); without it, access is anonymous',
    )
    .addOption(
      new Option('--default-action <action>', 'what happens to an image that no policy matches')
        .choices(['Allow', 'Deny'])
        .default('Allow'),
    )
    .addOption(
      new Option('--output <format>', 'form of the report')
        .choices(['text', 'json'])
        .default('text'),
    )
    .option('--explain', 'add every check to the text')
    .addHelpText('after', EXIT_HELP);
}

function failed(thrown: unknown, ports: CliPorts): number {
  if (thrown instanceof CommanderError) return thrown.exitCode === 0 ? 0 : EXIT_USAGE;
  if (thrown instanceof UsageError) {
    ports.stderr(`error: ${printable(thrown.message)}\n`);
    return EXIT_USAGE;
  }
  if (thrown instanceof ClusterError) {
    ports.stderr(`error: ${printable(thrown.message)}\n`);
    return thrown.isUnreachable ? EXIT_CODES.inconclusive : EXIT_CODES.rejected;
  }
  const { code, message } = toVerificationError(thrown);
  ports.stderr(`error: ${code}: ${printable(message)}\n`);
  return EXIT_CODES.inconclusive;
}

function label(
  written: string,
  earlier: Readonly<Record<string, string>> = {},
): Readonly<Record<string, string>> {
  const at = written.indexOf('=');
  if (at < 1) throw new InvalidArgumentError('Must be key=value.');
  return Object.fromEntries([
    ...Object.entries(earlier),
    [written.slice(0, at), written.slice(at + 1)],
  ]);
}

function accountName(written: string): string {
  if (!/^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$/.test(written))
    throw new InvalidArgumentError('Not the name of a service account.');
  return written;
}
