// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { EvidenceCache, Judge } from '../../runtime/judge/index.ts';
import { PolicySnapshot, type DefaultAction } from '../../runtime/program/index.ts';
import {
  FactCache,
  limits,
  parseImageReference,
  printable,
  toVerificationError,
  type CompiledPolicy,
  type ImageReference,
  type Keychain,
} from '../../verification/index.ts';
import { readExceptions } from '../input/exceptions.ts';
import { readText } from '../input/file.ts';
import { readPolicies } from '../input/policies.ts';
import { LocalTrustRoots } from '../input/trust-roots.ts';
import { jsonOf } from '../output/json.ts';
import { textOf } from '../output/text.ts';
import type { CliPorts, OpenSource, RegistryHosts } from '../ports.ts';
import { worstOf, type Decision, type Place, type Report } from '../report.ts';
import { UsageError } from '../usage-error.ts';
import { judgeImage, type Bench } from './judge-image.ts';

/** Options of `verify`, by the names that the parser gives them. */
export interface VerifyOptions {
  readonly policy: readonly string[];
  readonly exceptions?: readonly string[];
  readonly namespace: string;
  readonly serviceAccount: string;
  readonly namespaceLabel?: Readonly<Record<string, string>>;
  readonly plainHttp?: readonly string[];
  readonly privateRegistry?: readonly string[];
  readonly dockerConfig?: string;
  readonly trustedRoot?: string;
  readonly cacheDir?: string;
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
  const policies = await policiesOf(options, ports);
  const snapshot = new PolicySnapshot(1, options.defaultAction, policies);
  const exceptions = await readExceptions(options.exceptions ?? []);
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

async function policiesOf(
  options: VerifyOptions,
  ports: CliPorts,
): Promise<readonly CompiledPolicy[]> {
  const roots = new LocalTrustRoots({
    clock: ports.clock,
    open: () =>
      asUsage(HOST_OPTIONS, () => ports.openTrustRoots(hostsOf(options), options.cacheDir)),
    warn: (message) => ports.stderr(`warning: ${printable(message)}\n`),
    file: options.trustedRoot,
  });
  try {
    return await readPolicies(options.policy, async (use) => await roots.textOf(use));
  } finally {
    await roots.close();
  }
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

const HOST_OPTIONS = '--plain-http or --private-registry: ';

function openSource(options: VerifyOptions, ports: CliPorts): OpenSource {
  return asUsage(HOST_OPTIONS, () => ports.openSource(hostsOf(options)));
}

function hostsOf({ plainHttp = [], privateRegistry = [] }: VerifyOptions): RegistryHosts {
  return { plainHttpHosts: plainHttp, privateHosts: privateRegistry };
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

function asUsage<T>(prefix: string, step: () => T): T {
  try {
    return step();
  } catch (thrown) {
    if (thrown instanceof UsageError) throw thrown;
    throw new UsageError(`${prefix}${toVerificationError(thrown).message}`, { cause: thrown });
  }
}
