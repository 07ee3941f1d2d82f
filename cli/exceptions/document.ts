// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import type { SigningExceptionSpec } from '../../crds/index.ts';

/** Why an exception is to be looked at in a review. One may be in several groups, or in none. */
export type ReviewGroup =
  /** In effect, and ends within seven days. */
  | 'expiring'
  /** Over, and workloads still run by it. */
  | 'expired-in-use'
  /** In effect for seven days or more, and nothing ran by it in that time. */
  | 'unused'
  /** Renewed twice or more. */
  | 'renewed'
  /** Not approved: of the class Incident it may be in effect. */
  | 'unapproved'
  /** Not reviewed for too long, or an incident that ended unapproved. */
  | 'overdue';

/** One exception, as a review shows it. Instants are RFC 3339. */
export interface ExceptionEntry {
  readonly namespace: string;
  readonly name: string;
  readonly policy: string;
  readonly class: SigningExceptionSpec['class'];
  /** `*` where all are waived. */
  readonly requirements: readonly string[];
  readonly digests: readonly string[];
  readonly serviceAccounts: readonly string[];
  readonly notBefore: string;
  readonly expiresAt: string;
  readonly createdAt?: string;
  /** `InEffect`, or the reason why it has no effect (reasons of the condition Active). */
  readonly state: string;
  readonly stateMessage: string;
  readonly approval: 'approved' | 'unapproved' | 'not-required' | 'unknown';
  readonly approvedBy?: string;
  readonly owner: string;
  readonly requestedBy: string;
  readonly reason: string;
  readonly ticket?: string;
  readonly risk?: string;
  readonly compensatingControls: readonly string[];
  readonly closureCondition?: string;
  readonly extensionCondition?: string;
  /** Name of the exception that it renews. */
  readonly renews?: string;
  /** How many earlier ones it follows. */
  readonly renewals: number;
  /** Days, UTC; absent where nothing ran by it. */
  readonly usage?: {
    readonly firstSeen: string;
    readonly lastSeen: string;
    readonly digests: readonly string[];
    readonly workloads: number;
  };
  readonly reviews: readonly {
    readonly at: string;
    readonly by: string;
    readonly comment?: string;
  }[];
  readonly groups: readonly ReviewGroup[];
}

/** What `exceptions review -o json` writes, and what the page shows. */
export interface ReviewDocument {
  readonly formatVersion: 1;
  /** The instant that it speaks of. */
  readonly at: string;
  /** Name of the cluster or fleet, where it has one. */
  readonly cluster?: string;
  /** By namespace and name. */
  readonly exceptions: readonly ExceptionEntry[];
}
