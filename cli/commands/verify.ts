// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { EvidenceCache, Judge } from '../../runtime/judge/index.ts';
import { PolicySnapshot, type DefaultAction } from '../../runtime/program/index.ts';
import {
  FactCache,
  limits,
  parseImageReference,
  type ExceptionIndex,
  type ImageReference,
  type Keychain,
} from '../../verification/index.ts';
import { indexOf, readExceptionList } from '../input/exceptions.ts';
import { readText } from '../input/file.ts';
import {
  HOST_OPTIONS,
  hostsOf,
  readTrustedPolicies,
  type PolicyOptions,
} from '../input/trusted-policies.ts';
import { jsonOf } from '../output/json.ts';
import { textOf } from '../output/text.ts';
import type { CliPorts, OpenSource } from '../ports.ts';
import { worstOf, type Decision, type Place, type Report } from '../report.ts';
import { asUsage, UsageError } from '../usage-error.ts';
import { judgeImage, type Bench } from './judge-image.ts';

/** Options of `verify`, by the names that the parser gives them. */
export interface VerifyOptions extends PolicyOptions {
  readonly exceptions?: readonly string[];
  readonly cluster?: string;
  readonly namespace: string;
  readonly serviceAccount: string;
  readonly namespaceLabel?: Readonly<Record<string, string>>;
  readonly dockerConfig?: string;
  readonly defaultAction: DefaultAction;
  readonly output: 'text' | 'json';
  readonly explain?: boolean;
}

/** Estimated bytes of evidence that are kept: the same image may be asked for by several policies. */
const EVIDENCE_BYTES = 256 * 1024 * 1024;

/**
 * Judges the images, writes the report and answers the decision. Before anything is judged, throws
 * UsageError, and TRUST_ROOT_STALE or TRUST_ROOT_INVALID where a policy's trusted root cannot be had.
 */
export async function verify(
  images: readonly string[],
  options: VerifyOptions,
  ports: CliPorts,
): Promise<Decision> {
  const references = images.map(referenceOf);
  const policies = await readTrustedPolicies(options, ports);
  const snapshot = new PolicySnapshot(1, options.defaultAction, policies, options.cluster);
  const exceptions = await exceptionsOf(options, ports);
  const keychain = await keychainOf(options.dockerConfig, ports);
  const place = placeOf(options);
  const source = openSource(options, ports);
  try {
    const { collectionMs } = limits();
    const judge = judgeOf(source, ports, collectionMs);
    const deadline = (): AbortSignal => ports.clock.deadline(collectionMs);
    const bench: Bench = { snapshot, exceptions, keychain, judge, source, place, deadline };
    const reports = await Promise.all(references.map((reference) => judgeImage(reference, bench)));
    const report: Report = {
      formatVersion: 1,
      checkedAt: ports.clock.now().toISOString(),
      decision: worstOf(reports),
      use: place,
      defaultAction: options.defaultAction,
      images: reports,
    };
    ports.stdout(
      options.output === 'json' ? jsonOf(report) : textOf(report, options.explain === true),
    );
    return report.decision;
  } finally {
    await source.close();
  }
}

/** Who has signed exceptions and no cluster should be told that the signatures are for nothing. */
async function exceptionsOf(
  { exceptions: files = [], cluster }: VerifyOptions,
  ports: CliPorts,
): Promise<ExceptionIndex> {
  const exceptions = await readExceptionList(files);
  if (cluster === undefined && exceptions.some(({ bundles }) => bundles.length > 0))
    ports.stderr('warning: signed approvals of exceptions do not count without --cluster\n');
  return indexOf(exceptions);
}

/** The judge of admission; nothing it keeps grows old during one command. */
function judgeOf(source: OpenSource, { clock }: CliPorts, collectionMs: number): Judge {
  const evidence = new EvidenceCache({
    source,
    clock,
    freshMs: 2 * collectionMs,
    negativeMs: 2 * collectionMs,
    collectionMs,
    maxBytes: EVIDENCE_BYTES,
  });
  return new Judge({ evidence, facts: new FactCache(), clock });
}

/** The API server gives every namespace the label with its name, and lets nobody change it. */
function placeOf({ namespace, serviceAccount, namespaceLabel }: VerifyOptions): Place {
  const labels =
    namespaceLabel === undefined
      ? undefined
      : { ...namespaceLabel, 'kubernetes.io/metadata.name': namespace };
  return { namespace, serviceAccount, namespaceLabels: labels };
}

function referenceOf(written: string): ImageReference {
  return asUsage('', () => parseImageReference(written));
}

function openSource(options: VerifyOptions, ports: CliPorts): OpenSource {
  return asUsage(HOST_OPTIONS, () => ports.openSource(hostsOf(options)));
}

async function keychainOf(path: string | undefined, ports: CliPorts): Promise<Keychain> {
  if (path === undefined) return ports.keychain({ auths: {} }, 'anonymous');
  const text = await readText(path);
  return asUsage('', () => ports.keychain(parseJson(text, path), path));
}

/** The parser's own message quotes the text, which holds credentials. */
function parseJson(text: string, path: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new UsageError(`${path}: is not JSON`);
  }
}
