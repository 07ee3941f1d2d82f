// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import type { Mode } from '../crds/index.ts';
import type { DefaultAction } from '../runtime/program/index.ts';
import type {
  Digest,
  Labels,
  ReasonCode,
  RequirementResult,
  Verdict,
} from '../verification/index.ts';

/** What admission would do; policies in Audit mode have no part in it. */
export type Decision = 'allowed' | 'rejected' | 'inconclusive';

/** What one policy says of an image. */
export interface PolicyReport {
  readonly policy: string;
  readonly mode: Mode;
  readonly outcome: Verdict['outcome'];
  /** Why, where the outcome is rejected or inconclusive. */
  readonly code?: ReasonCode;
  readonly message?: string;
  /** Empty where the image could not be judged because it has no digest. */
  readonly requirements: readonly RequirementResult[];
}

/** What became of one image. */
export interface ImageReport {
  /** As it was written. */
  readonly image: string;
  readonly digest?: Digest;
  /** True where the digest is what the tag named just now. */
  readonly resolved: boolean;
  readonly decision: Decision;
  /** NO_POLICY, where no policy matches and the default action is Deny. */
  readonly code?: ReasonCode;
  /** Empty where no policy matches. */
  readonly policies: readonly PolicyReport[];
}

/** Where the images are said to be used. */
export interface Place {
  readonly namespace: string;
  readonly serviceAccount: string;
  /** `undefined` where they are not known: the strictest reading of every selector applies. */
  readonly namespaceLabels: Labels;
}

/** What a verification found; the JSON output is this. */
export interface Report {
  readonly formatVersion: 1;
  readonly checkedAt: string;
  readonly decision: Decision;
  readonly use: Place;
  readonly defaultAction: DefaultAction;
  readonly images: readonly ImageReport[];
}

/** The decision of the policies that count. Rejected wins over inconclusive, as in admission. */
export function decisionOf(policies: readonly PolicyReport[]): Decision {
  const outcomes = policies
    .filter((policy) => policy.mode === 'Enforce')
    .map((policy) => policy.outcome);
  if (outcomes.includes('rejected')) return 'rejected';
  const isSatisfied = outcomes.every((outcome) => outcome === 'verified' || outcome === 'exempt');
  return isSatisfied ? 'allowed' : 'inconclusive';
}

/** The decision over all images. */
export function worstOf(images: readonly ImageReport[]): Decision {
  const decisions = images.map((image) => image.decision);
  if (decisions.includes('rejected')) return 'rejected';
  return decisions.every((decision) => decision === 'allowed') ? 'allowed' : 'inconclusive';
}
