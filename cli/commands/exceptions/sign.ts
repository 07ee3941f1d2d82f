// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { writeFile } from 'node:fs/promises';
import { Option, type Command } from 'commander';
import { appendApproval } from '../../approval/append.ts';
import { chooseException, type ChosenException } from '../../approval/choose.ts';
import { makeApproval, type ApprovalOptions } from '../../approval/make.ts';
import { planApproval } from '../../approval/plan.ts';
import { SigningError } from '../../approval/signing-error.ts';
import { clusterName, instantValue } from '../../option-values.ts';
import { planText } from '../../output/approval-plan.ts';
import type { CliPorts } from '../../ports.ts';
import { UsageError } from '../../usage-error.ts';
import { approvedMaterial, printable } from '../../../verification/index.ts';
import type { ExceptionsContext } from './context.ts';

interface SignOptions extends ApprovalOptions {
  readonly name?: string;
  readonly output: 'yaml' | 'bundle';
  readonly inPlace?: boolean;
  readonly printStatement?: boolean;
  readonly printMaterial?: boolean;
}

const HELP = `
What is approved goes to standard error: read it. An approval is of exactly this exception, in this
cluster, up to this end; an earlier end needs no new one. Without --key, the signature is by an identity.

Exit codes:
  0  it was signed
  1  refused: the exception has ended, or the signer is who asked for it
  2  wrong usage, or an input that cannot be read
  3  a service of Sigstore did not do its part
`;

/** The schema has these bounds, too. */
const MAX_APPROVALS = 4;
const MAX_BUNDLE = 65_536;

/** Adds `exceptions sign`, which approves an exception in a file by a signature. */
export function addSign(parent: Command, context: ExceptionsContext): void {
  const command = parent
    .command('sign')
    .description('Approves an exception by a signature, for repositories that GitOps applies')
    .argument('<file...>', 'YAML with a SigningException; - is standard input')
    .option('--name <name>', 'which exception, as name or namespace/name, where there are several')
    .requiredOption('--cluster <name>', 'cluster or fleet that it is approved for', clusterName)
    .option(
      '--latest-expires-at <time>',
      'latest end of the exception that is approved (default: its end)',
      instantValue,
    )
    .option(
      '--expires <when>',
      'until when the approval counts, RFC 3339 or a duration such as 72h (default: the latest end that is approved)',
    );
  signerOptions(command);
  outputOptions(command);
  command.addHelpText('after', HELP).action(async (files: string[], options: SignOptions) => {
    context.exit(await exitCodeOf(files, options, context.ports));
  });
}

function signerOptions(command: Command): void {
  const services = ['fulcioUrl', 'rekorUrl', 'rekor', 'tsaUrl', 'identityToken'];
  command
    .addOption(
      new Option(
        '--key <file>',
        'private key, PEM; neither a log nor a timestamp authority is told of the signature',
      ).conflicts(services),
    )
    .option(
      '--identity-token <token>',
      'token of the identity, or a file with it (default: SIGSTORE_ID_TOKEN, or that of the job in GitHub Actions)',
    )
    .option('--fulcio-url <url>', 'who certifies the identity (default: the public good)')
    .option('--rekor-url <url>', 'log of the version 1 (default: that of the public good)')
    .option('--no-rekor', 'enter the signature into no log')
    .option('--tsa-url <url>', 'timestamp authority, path included (default: none)')
    .addOption(
      new Option('--attach <bundle>', 'sign nothing: add a bundle that cosign made').conflicts([
        ...['key', 'expires', 'latestExpiresAt', 'printStatement', 'printMaterial'],
        ...services,
      ]),
    );
}

function outputOptions(command: Command): void {
  command
    .addOption(
      new Option('-o, --output <what>', 'the file with the approval in it, or the bundle alone')
        .choices(['yaml', 'bundle'])
        .default('yaml'),
    )
    .option('--in-place', 'write the file instead of standard output')
    .addOption(
      new Option('--print-statement', 'sign nothing: write the statement').conflicts('inPlace'),
    )
    .addOption(
      new Option(
        '--print-material',
        'sign nothing: write the bytes whose SHA-256 is approved',
      ).conflicts(['inPlace', 'printStatement']),
    );
}

async function exitCodeOf(
  files: readonly string[],
  options: SignOptions,
  ports: CliPorts,
): Promise<number> {
  try {
    await signApproval(files, options, ports);
    return 0;
  } catch (thrown) {
    if (!(thrown instanceof SigningError)) throw thrown;
    ports.stderr(`error: ${printable(thrown.message)}\n`);
    return thrown.isOpen ? 3 : 1;
  }
}

async function signApproval(
  files: readonly string[],
  options: SignOptions,
  ports: CliPorts,
): Promise<void> {
  if (options.inPlace === true && (files.includes('-') || options.output === 'bundle'))
    throw new UsageError('--in-place: needs a file to write the approval into');
  const chosen = await chooseException(files, options.name);
  const { exception, spec } = chosen;
  const now = ports.clock.now();
  refuseEnded(chosen, now);
  if (options.printMaterial === true) {
    ports.stdout(approvedMaterial(spec));
    return;
  }
  if (options.printStatement === true) {
    const statement = planApproval(exception, options, now);
    ports.stderr(planText(exception, statement.predicate));
    ports.stdout(`${JSON.stringify(statement)}\n`);
    return;
  }
  if (exception.bundles.length >= MAX_APPROVALS)
    throw new UsageError(
      `${chosen.file}: has ${MAX_APPROVALS.toString()} approvals, the most there may be`,
    );
  const bundle = JSON.stringify(await makeApproval(exception, options, ports));
  if (bundle.length > MAX_BUNDLE) throw new UsageError('the bundle is too long for an exception');
  await deliver(chosen, bundle, options, ports);
}

function refuseEnded({ exception }: ChosenException, now: Date): void {
  const { revoked, use, expiresAt } = exception;
  const ended =
    revoked === undefined
      ? now.getTime() < expiresAt
        ? undefined
        : `ended at ${use.expiresAt}`
      : `was revoked by ${revoked.by}`;
  if (ended === undefined) return;
  throw new SigningError(`${exception.namespace}/${exception.name} ${ended}`, { isOpen: false });
}

async function deliver(
  { file, text, source }: ChosenException,
  bundle: string,
  options: SignOptions,
  ports: CliPorts,
): Promise<void> {
  if (options.output === 'bundle') {
    ports.stdout(`${bundle}\n`);
    return;
  }
  const approved = appendApproval(text, source, bundle);
  if (options.inPlace !== true) {
    ports.stdout(approved);
    return;
  }
  try {
    await writeFile(file, approved);
  } catch (thrown) {
    throw new UsageError(`${file}: cannot be written`, { cause: thrown });
  }
}
