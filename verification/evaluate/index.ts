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
export type { FactQuestion, Facts } from './fact-question.ts';
export { establishFact, FactCache } from './facts.ts';
export { failureLine, printable } from './message.ts';
export {
  standingOf,
  type ExceptionFault,
  type Hindrance,
  type Standing,
  type StandingCase,
} from './standing.ts';
export { OpenQuestions, type Answers } from './open-questions.ts';
