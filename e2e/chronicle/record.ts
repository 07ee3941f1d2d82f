// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

/** A pod that is asked for again and again. */
export interface Subject {
  /** Names it in the record and in the names of its pods: a DNS label. */
  readonly label: string;
  readonly image: string;
  readonly namespace: string;
  readonly serviceAccount: string;
}

/** What the API server said to one request; `failed` is everything that is no verdict of ours. */
export type Answer =
  | { readonly kind: 'admitted'; readonly images: readonly string[] }
  | { readonly kind: 'denied'; readonly code: string; readonly message: string }
  | { readonly kind: 'failed'; readonly message: string };

/** One line of the record. Times are milliseconds since the epoch, before it was sent and after the answer. */
export interface Entry {
  readonly subject: Subject;
  readonly pod: string;
  /** Whether nothing was to be stored. */
  readonly dryRun: boolean;
  readonly sentAt: number;
  readonly answeredAt: number;
  readonly answer: Answer;
}

/** A pod as the API server stores it, as far as it matters here. */
export interface PodLike {
  readonly metadata: { readonly name: string };
  readonly spec: { readonly containers: readonly { readonly image: string }[] };
}

/** The answer that a pod which is there is. */
export function admittedAs(pod: PodLike): Answer {
  return { kind: 'admitted', images: pod.spec.containers.map(({ image }) => image) };
}

/** The answer that a refusal with this message is. */
export function refusedWith(message: string): Answer {
  const [, verdict] = /admission webhook "[a-z]+\.countersign\.dev" denied the request: (.*)/s.exec(
    message,
  ) ?? [undefined, undefined];
  if (verdict === undefined) return { kind: 'failed', message };
  const [code = 'without a code'] = /\b(?:[A-Z]+_[A-Z_]+|INTERNAL)\b/.exec(verdict) ?? [];
  return { kind: 'denied', code, message };
}

/**
 * The record in the light of what is stored: a request that ended without an answer was an admission
 * nevertheless where its pod is there. Throws for a pod that nobody asked for, or that was denied.
 */
export function settled(entries: readonly Entry[], pods: readonly PodLike[]): readonly Entry[] {
  const byName = new Map(pods.map((pod) => [pod.metadata.name, pod]));
  const lines = entries.map((entry) => {
    const pod = entry.dryRun ? undefined : byName.get(entry.pod);
    byName.delete(entry.dryRun ? '' : entry.pod);
    if (pod === undefined || entry.answer.kind === 'admitted') return entry;
    if (entry.answer.kind === 'denied')
      throw new Error(`denied, but stored: ${JSON.stringify(entry)}`);
    return { ...entry, answer: admittedAs(pod) };
  });
  if (byName.size > 0) throw new Error(`stored, but not recorded: ${[...byName.keys()].join(' ')}`);
  return lines;
}
