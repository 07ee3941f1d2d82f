// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

export {
  EvidenceCache,
  type EvidenceCacheOptions,
  type EvidenceRequest,
} from './evidence-cache.ts';
export type { LastVerified, LastVerifiedOptions } from './last-verified.ts';
export {
  Judge,
  type Establisher,
  type GivenEvidence,
  type ImageJudgement,
  type JudgeInput,
  type JudgeOptions,
  type PinnedUse,
  type PolicyJudgement,
} from './judge.ts';
