// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { createHash } from 'node:crypto';
import type { SigningException } from '../../crds/index.ts';

/** What is told of an exception. */
export const NotificationEvent = {
  /** It has effect from now on. */
  Activated: 'ExceptionActivated',
  /** It is of the class Incident, and has effect although nobody has approved it. */
  IncidentUnapproved: 'ExceptionIncidentUnapproved',
  /** A workload was seen for the first time that runs by it. */
  FirstUsed: 'ExceptionFirstUsed',
  /** Somebody else approved it as it is. */
  Approved: 'ExceptionApproved',
  /** It is of the class Incident, has ended, and nobody approved it. */
  ApprovalOverdue: 'ExceptionApprovalOverdue',
  /** It has ended by itself. */
  Expired: 'ExceptionExpired',
  /** It was revoked, or deleted while it had effect. */
  Revoked: 'ExceptionRevoked',
} as const;
/** What is told of an exception. */
export type NotificationEvent = (typeof NotificationEvent)[keyof typeof NotificationEvent];

/** What happened to an exception. */
export interface Occasion {
  readonly event: NotificationEvent;
  /**
   * What tells this time from another one of the same event, from the object alone: whoever notices the
   * same change makes the same identifier.
   */
  readonly instant: string;
  /** One sentence for people. */
  readonly message: string;
}

/** One notification, as it is sent: its fields are the JSON of the body. */
export interface Notification {
  readonly formatVersion: 1;
  /** The same for the same occasion, whoever tells of it and however often. SHA-256, hexadecimal. */
  readonly id: string;
  readonly event: NotificationEvent;
  /** When it was noticed, RFC 3339. */
  readonly time: string;
  /** Name of the cluster or fleet; empty where it has none. */
  readonly cluster: string;
  readonly exception: NotifiedException;
  readonly message: string;
}

/** What a receiver is told of an exception. */
export interface NotifiedException {
  readonly namespace: string;
  readonly name: string;
  readonly policy: string;
  readonly class: string;
  /** Requirements that are waived; `*` alone for all of them. */
  readonly requirements: readonly string[];
  readonly digests: readonly string[];
  readonly serviceAccounts: readonly string[];
  readonly notBefore: string;
  readonly expiresAt: string;
  readonly owner: string;
  readonly requestedBy: string;
  readonly reason: string;
  readonly ticket?: string;
}

/** The notification of an occasion. */
export function notificationOf(
  exception: SigningException,
  { event, instant, message }: Occasion,
  { now, cluster = '' }: { readonly now: Date; readonly cluster?: string | undefined },
): Notification {
  const { namespace = '', name, uid = '' } = exception.metadata;
  const named = JSON.stringify([namespace, name, uid, event, instant]);
  return {
    formatVersion: 1,
    id: createHash('sha256').update(named).digest('hex'),
    event,
    time: now.toISOString(),
    cluster,
    exception: notified(exception),
    message,
  };
}

function notified({ metadata, spec }: SigningException): NotifiedException {
  const { policyRef, allRequirements, requirements = [], ticket } = spec;
  return {
    namespace: metadata.namespace ?? '',
    name: metadata.name,
    policy: policyRef.name,
    class: spec.class,
    requirements: allRequirements === true ? ['*'] : requirements,
    digests: spec.digests,
    serviceAccounts: spec.serviceAccounts,
    notBefore: spec.notBefore,
    expiresAt: spec.expiresAt,
    owner: spec.owner,
    requestedBy: spec.requestedBy,
    reason: spec.reason,
    ...(ticket === undefined ? {} : { ticket }),
  };
}
