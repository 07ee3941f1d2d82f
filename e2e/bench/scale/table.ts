// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

/** Images of the scale row, each another digest. */
export const DIGESTS = 1_000;
/** Pods of the scale row. */
export const PODS = 10_000;
/** Namespaces in which the pods are. */
export const NAMESPACES = 20;

/** By which keys an image is signed. */
export type SignedBy = 'nobody' | 'first' | 'second' | 'both';

/** Which key the policy trusts. */
export type Trusted = 'first' | 'second';

/** What a report must say of an image: the word and the reason behind it. */
interface Said {
  readonly result: 'pass' | 'fail';
  readonly reason: string;
}

const PASS: Said = { result: 'pass', reason: '' };
const UNSIGNED: Said = { result: 'fail', reason: 'NO_SIGNATURE' };
const OTHER_KEY: Said = { result: 'fail', reason: 'KEY_UNTRUSTED' };

/** The table: what the reports must say, written down before anything is judged. */
const TABLE: Readonly<Record<SignedBy, Readonly<Record<Trusted, Said>>>> = {
  nobody: { first: UNSIGNED, second: UNSIGNED },
  first: { first: PASS, second: OTHER_KEY },
  second: { first: OTHER_KEY, second: PASS },
  both: { first: PASS, second: PASS },
};

/** Of twenty images one is not signed, one is signed by the second key only, two are signed by both. */
export function signedBy(digest: number): SignedBy {
  const place = digest % 20;
  if (place === 0) return 'nobody';
  if (place === 1) return 'second';
  return place < 4 ? 'both' : 'first';
}

/** A workload of the scale row. */
export interface ScaleWorkload {
  readonly kind: 'Pod' | 'Deployment' | 'StatefulSet' | 'DaemonSet' | 'Job';
  readonly namespace: string;
  readonly name: string;
  /** Pods that it makes; of a DaemonSet one a node. */
  readonly pods: number;
  /** Its containers by name, with the number of the image of each. */
  readonly containers: Readonly<Record<string, number>>;
}

/**
 * What runs: 150 Deployments, 50 StatefulSets and 50 Jobs of ten pods, 20 DaemonSets on ten nodes, and
 * 7,300 bare pods, of which a fifth has a second container. Every image runs in ten pods at least.
 */
export function scaleWorkloads(nodes: number): readonly ScaleWorkload[] {
  return Array.from({ length: DIGESTS }, (_, digest) => workloadsOf(digest, nodes)).flat();
}

function workloadsOf(digest: number, nodes: number): readonly ScaleWorkload[] {
  const pods = PODS / DIGESTS;
  const kind = kindOf(digest);
  if (kind !== 'Pod') {
    const name = `${kind.toLowerCase()}-${digest.toString()}`;
    const made = kind === 'DaemonSet' ? nodes : pods;
    return [
      { kind, namespace: namespaceOf(digest), name, pods: made, containers: { app: digest } },
    ];
  }
  return Array.from({ length: pods }, (_, n) => ({
    kind,
    namespace: namespaceOf(digest + n),
    name: `pod-${digest.toString()}-${n.toString()}`,
    pods: 1,
    containers: n < 2 ? { app: digest, sidecar: (digest + 1) % DIGESTS } : { app: digest },
  }));
}

function kindOf(digest: number): ScaleWorkload['kind'] {
  if (digest < 150) return 'Deployment';
  if (digest < 200) return 'StatefulSet';
  if (digest < 250) return 'Job';
  return digest < 270 ? 'DaemonSet' : 'Pod';
}

/** Name of a namespace of the scale row. */
export function namespaceOf(n: number): string {
  return `scale-${(n % NAMESPACES).toString()}`;
}

/** What the report of a workload must say, one line for each container, under a trusted key. */
export function expectedLines(
  workload: ScaleWorkload,
  digests: readonly string[],
  trusted: Trusted,
): string {
  return Object.entries(workload.containers)
    .map(([container, n]) => {
      const { result, reason } = TABLE[signedBy(n)][trusted];
      return reportLine({ container, digest: digests[n] ?? '', result, reason });
    })
    .sort()
    .join('\n');
}

/** One result of a report as a line to compare. */
export function reportLine(said: {
  readonly container: string;
  readonly digest: string;
  readonly result: string;
  readonly reason: string;
}): string {
  return [said.container, said.digest, said.result, said.reason].join(' ');
}

/** Under which a workload is found in the table. */
export function workloadKey(workload: {
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
}): string {
  return [workload.kind, workload.namespace, workload.name].join('/');
}
