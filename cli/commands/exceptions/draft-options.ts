// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { Option, type Command } from 'commander';
import { signingExceptionKind, GROUP, type SigningException } from '../../../crds/index.ts';
import { printable } from '../../../verification/index.ts';
import { exceptionsAt } from '../../cluster/addresses.ts';
import type { Cluster } from '../../cluster/cluster.ts';
import type { Request } from '../../exceptions/draft.ts';
import { momentValue, type Moment } from '../../exceptions/flags.ts';
import { previewText, prospectText, type PreviewCase } from '../../exceptions/preview.ts';
import { collected } from '../../option-values.ts';
import { emit } from '../../output/emit.ts';
import { yamlOf } from '../../output/yaml.ts';
import type { CliPorts } from '../../ports.ts';

/** What request and renew share, by the names that the parser gives them. */
export interface DraftOptions {
  readonly name?: string;
  readonly expires: Moment;
  readonly notBefore?: Moment;
  readonly reason?: string;
  readonly owner?: string;
  readonly class?: Request['class'];
  readonly ticket?: string;
  readonly risk?: string;
  readonly control?: readonly string[];
  readonly closure?: string;
  readonly extension?: string;
  readonly out?: string;
  readonly apply?: boolean;
}

/** Adds the options that tell what a new exception says; what it has to say is asked for by the caller. */
export function addDraftOptions(command: Command): Command {
  return command
    .requiredOption(
      '--expires <time>',
      'when it ends: RFC 3339, or a duration from now',
      momentValue,
    )
    .option('--not-before <time>', 'when it begins, as --expires', momentValue)
    .option('--name <name>', 'name of the new exception')
    .addOption(new Option('--class <class>', 'its class').choices(['Planned', 'Incident']))
    .option('--ticket <url>', 'where it is tracked')
    .option('--risk <text>', 'what may go wrong meanwhile')
    .option('--control <text>', 'what keeps the risk low meanwhile; repeatable', collected)
    .option('--closure <text>', 'when it can go')
    .option('--extension <text>', 'when it may be renewed')
    .option('--out <file>', 'where to write the YAML (default: standard output)')
    .option('--apply', 'create it, too');
}

/** What the options say of a request; what they do not say is left out. */
export function requestIn(options: DraftOptions): Partial<Request> {
  const { reason, owner, ticket, risk, control: controls, closure, extension } = options;
  const said = { reason, owner, class: options.class, ticket, risk, controls, closure, extension };
  return Object.fromEntries(Object.entries(said).filter(([, value]) => value !== undefined));
}

/** Shows what a draft would permit, writes it, and creates it where that is asked for. */
export async function deliver(
  draft: SigningException,
  { out, apply }: Pick<DraftOptions, 'out' | 'apply'>,
  at: {
    readonly cluster: Cluster;
    readonly ports: CliPorts;
    readonly preview: PreviewCase;
    /** Lines that belong in front of it. */
    readonly notes?: readonly string[];
  },
): Promise<void> {
  const { cluster, ports, preview, notes = [] } = at;
  for (const note of notes) ports.stderr(`${printable(note)}\n`);
  ports.stderr(`${previewText(draft, preview)}${prospectText(draft, preview)}\n`);
  await emit(yamlOf(draft), out, ports);
  if (apply !== true) return;
  const { namespace, name } = draft.metadata;
  await cluster.create<SigningException>(exceptionsAt(namespace), draft);
  const kind = `${signingExceptionKind.singular}.${GROUP}`;
  ports.stderr(`${kind}/${name} created in the namespace ${namespace ?? ''}\n`);
}
