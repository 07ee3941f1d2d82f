// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { cosignVerify, type CosignKey } from '../harness/index.ts';
import type { Entry } from './record.ts';
import type { Span, Timeline } from './timeline.ts';

/** Whether an image bears a signature of a key. */
export type Verify = (key: CosignKey, digest: string) => Promise<boolean>;

/** What the record shows. */
export interface Judgement {
  readonly admitted: number;
  readonly denied: number;
  readonly failed: number;
  /** Admitted while everything was let in by intent, and by nothing else. */
  readonly excused: number;
  /** Admitted without a proof: the lines, whole. */
  readonly unproven: readonly string[];
}

/**
 * Judges a record, without any verdict of ours: each image that was admitted must have been, at some
 * moment between request and answer, signed by a key that a policy in force then accepts, or permitted
 * by an exception in force then.
 */
export async function judge(
  entries: readonly Entry[],
  timeline: Timeline,
  verify: Verify,
): Promise<Judgement> {
  const unproven: string[] = [];
  let excused = 0;
  for (const entry of entries) {
    const wrong = await unprovenIn(entry, timeline, verify);
    if (wrong.length === 0) continue;
    if (timeline.isOpen(spanOf(entry))) excused += 1;
    else unproven.push(`${wrong.join(', ')}: ${JSON.stringify(entry)}`);
  }
  const count = (kind: string): number =>
    entries.filter(({ answer }) => answer.kind === kind).length;
  return {
    admitted: count('admitted'),
    denied: count('denied'),
    failed: count('failed'),
    excused,
    unproven,
  };
}

/** The real cosign, asked once for each image and key; what is not among `pinned` then is not signed. */
export function verifyByCosign(pinned: readonly string[]): Verify {
  const known = new Map<string, Promise<boolean>>();
  return (key, digest) => {
    const id = `${key.publicKeyFile} ${digest}`;
    const reference = pinned.find((one) => digestOf(one) === digest);
    if (reference === undefined) return Promise.resolve(false);
    const found = known.get(id) ?? cosignVerify(key, reference).then(({ code }) => code === 0);
    known.set(id, found);
    return found;
  };
}

async function unprovenIn(
  entry: Entry,
  timeline: Timeline,
  verify: Verify,
): Promise<readonly string[]> {
  const { answer } = entry;
  if (answer.kind !== 'admitted') return [];
  if (answer.images.length === 0) return ['no image'];
  const proven = await Promise.all(
    answer.images.map((image) => isProven(image, entry, timeline, verify)),
  );
  return answer.images.filter((_, index) => proven[index] !== true);
}

async function isProven(
  image: string,
  entry: Entry,
  timeline: Timeline,
  verify: Verify,
): Promise<boolean> {
  const digest = digestOf(image);
  if (digest === undefined) return false;
  const { namespace, serviceAccount } = entry.subject;
  const span = spanOf(entry);
  const rules = timeline.rulesFor(image, span);
  const permitted = timeline
    .permitsIn(span)
    .some(
      (permit) =>
        rules.some(({ policy }) => policy === permit.policy) &&
        permit.namespace === namespace &&
        permit.serviceAccounts.includes(serviceAccount) &&
        permit.digests.includes(digest),
    );
  if (permitted) return true;
  const keys = rules.flatMap((rule) => rule.keys);
  const signed = await Promise.all(keys.map((key) => verify(key, digest)));
  return signed.includes(true);
}

function spanOf({ sentAt, answeredAt }: Entry): Span {
  return { from: sentAt, until: answeredAt };
}

function digestOf(image: string): string | undefined {
  return /@(sha256:[0-9a-f]{64})$/.exec(image)?.[1];
}
