// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

export {
  bindConditions,
  compileCondition,
  evaluateConditions,
  type CompiledCondition,
  type ConditionBindings,
  type ConditionResult,
  type ConditionSource,
} from './condition.ts';
export { parseStatement, type Statement, type Subject } from './statement.ts';
