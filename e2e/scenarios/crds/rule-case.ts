// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import type { Subject } from './bases.ts';

/** Values of a field on both sides of one CEL rule, the fields of the rule's own node replaced. */
export interface RuleCase {
  readonly subject: Subject;
  /** Where the rule stands in the schema. */
  readonly path: string;
  readonly message: string;
  /** Where the rule is about edits: what the stored object has, merged into the node of the base object. */
  readonly from?: object;
  /** Merged into the node of the base object (the node itself, where it is no object). */
  readonly accepted: readonly unknown[];
  readonly refused: readonly unknown[];
}
