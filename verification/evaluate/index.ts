// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

export { type Coverage } from './exception.ts';
export {
  evaluate,
  evidenceNeeded,
  type Case,
  type EvidenceState,
  type Subject,
} from './evaluate.ts';
export { FactCache, type Facts } from './facts.ts';
export { failureLine, printable } from './message.ts';
