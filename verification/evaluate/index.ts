// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

export { coverageOf, type Coverage } from './exception.ts';
export { evaluate, evidenceNeeded, type Case, type EvidenceState, type Subject } from './evaluate.ts';
export { FactCache, unmemoisedFacts, type Facts } from './facts.ts';
export { failureLine, printable, verdictLine } from './message.ts';
