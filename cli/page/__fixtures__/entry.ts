// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import type { ExceptionEntry } from '../../exceptions/document.ts';

/** An exception in effect, with what a test cares about. */
export function entryNamed(name: string, fields: Partial<ExceptionEntry> = {}): ExceptionEntry {
  return {
    namespace: 'team-a',
    name,
    policy: 'team-images',
    class: 'Planned',
    requirements: ['signed'],
    digests: [`sha256:${'a'.repeat(64)}`],
    serviceAccounts: ['checkout'],
    notBefore: '2026-11-20T00:00:00Z',
    expiresAt: '2026-12-04T00:00:00Z',
    state: 'InEffect',
    stateMessage: '',
    approval: 'approved',
    approvedBy: 'lead@example.com',
    owner: 'team-a@example.com',
    requestedBy: 'dev@example.com',
    reason: 'The vendor ships the fix unsigned.',
    compensatingControls: [],
    renewals: 0,
    usage: { firstSeen: '2026-11-21', lastSeen: '2026-11-26', digests: [], workloads: 2 },
    reviews: [],
    groups: [],
    ...fields,
  };
}
