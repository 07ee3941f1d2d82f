// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import type { ReviewGroup } from '../exceptions/document.ts';

/** How a group is shown. */
export interface GroupText {
  readonly group: ReviewGroup;
  readonly label: string;
  readonly meaning: string;
  /** Whether it asks for action at once. */
  readonly grave: boolean;
}

/** The groups, the gravest first. */
export const GROUPS: readonly GroupText[] = [
  {
    group: 'expired-in-use',
    label: 'Expired, in use',
    meaning: 'Over, and workloads still run by it',
    grave: true,
  },
  {
    group: 'overdue',
    label: 'Overdue',
    meaning: 'Not reviewed in time, or an incident never approved',
    grave: true,
  },
  { group: 'unapproved', label: 'Unapproved', meaning: 'Nobody else approved it', grave: true },
  { group: 'expiring', label: 'Expiring', meaning: 'Ends within seven days', grave: false },
  { group: 'unused', label: 'Unused', meaning: 'Nothing ran by it for a week', grave: false },
  { group: 'renewed', label: 'Renewed', meaning: 'Twice or more', grave: false },
];

/** The groups of an exception, the gravest first. */
export function groupsOf(groups: readonly ReviewGroup[]): readonly GroupText[] {
  return GROUPS.filter(({ group }) => groups.includes(group));
}
