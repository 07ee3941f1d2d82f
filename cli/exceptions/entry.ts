// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import {
  ConditionType,
  type SigningException,
  type SigningExceptionSpec,
} from '../../crds/index.ts';
import { attentionOf, renewalsOf, type Attention } from '../../verification/index.ts';
import type { ExceptionEntry, ReviewDocument, ReviewGroup } from './document.ts';
import type { SceneWithUse } from './scene.ts';
import { standAt, type Stand } from './stand.ts';

/** The document of some exceptions of a scene at an instant. */
export function documentOf(
  objects: readonly SigningException[],
  scene: SceneWithUse,
  at: Date,
): ReviewDocument {
  const { cluster } = scene.policies;
  return {
    formatVersion: 1,
    at: at.toISOString(),
    ...(cluster === undefined ? {} : { cluster }),
    exceptions: objects.map((object) => entryOf(object, scene, at)),
  };
}

/** One exception as a review shows it. */
export function entryOf(object: SigningException, scene: SceneWithUse, at: Date): ExceptionEntry {
  const { metadata, spec, status } = object;
  const stand = standAt(object, scene, at);
  const renewals = renewalsIn(object, scene);
  return {
    namespace: metadata.namespace ?? '',
    name: metadata.name,
    policy: spec.policyRef.name,
    class: spec.class,
    requirements: spec.requirements ?? ['*'],
    digests: spec.digests,
    serviceAccounts: spec.serviceAccounts,
    notBefore: spec.notBefore,
    expiresAt: spec.expiresAt,
    ...present('createdAt', metadata.creationTimestamp),
    state: stand.state,
    stateMessage: stand.message,
    approval: stand.approval,
    ...present('approvedBy', stand.approvedBy),
    ...documentationOf(spec),
    renewals,
    ...present('usage', usageOf(object, stand, scene)),
    reviews: (status?.reviews ?? []).map(({ at: reviewedAt, by, comment }) => ({
      at: reviewedAt,
      by,
      ...present('comment', comment),
    })),
    groups: groupsOf(object, { scene, stand, renewals, at }),
  };
}

type Documentation = Pick<
  ExceptionEntry,
  | 'owner'
  | 'requestedBy'
  | 'reason'
  | 'ticket'
  | 'risk'
  | 'compensatingControls'
  | 'closureCondition'
  | 'extensionCondition'
  | 'renews'
>;

function documentationOf(spec: SigningExceptionSpec): Documentation {
  const { owner, requestedBy, reason, ticket, risk, closureCondition, extensionCondition } = spec;
  return {
    owner,
    requestedBy,
    reason,
    ...present('ticket', ticket),
    ...present('risk', risk),
    compensatingControls: spec.compensatingControls ?? [],
    ...present('closureCondition', closureCondition),
    ...present('extensionCondition', extensionCondition),
    ...present('renews', spec.renews?.name),
  };
}

function present<K extends string, V>(key: K, value: V | undefined): Partial<Record<K, V>> {
  return value === undefined ? {} : ({ [key]: value } as Record<K, V>);
}

/** As many as the operator counted, who saw those that are gone by now, or as many as there are. */
function renewalsIn(object: SigningException, scene: SceneWithUse): number {
  const exception = scene.compiled(object);
  const found = exception === undefined ? 0 : renewalsOf(exception, scene.index).length;
  return Math.max(found, object.status?.renewals ?? 0);
}

interface GroupCase {
  readonly scene: SceneWithUse;
  readonly stand: Stand;
  readonly renewals: number;
  readonly at: Date;
}

/** Groups of a review, in the order in which it shows them. */
export const REVIEW_GROUPS: readonly ReviewGroup[] = [
  'expiring',
  'expired-in-use',
  'unused',
  'renewed',
  'unapproved',
  'overdue',
];

type Test = (object: SigningException, asked: GroupCase) => boolean;

const TESTS: Readonly<Record<ReviewGroup, Test>> = {
  expiring: (object, asked) => attention(object, asked)?.expiringSoon === true,
  'expired-in-use': (object, { stand, scene }) => stand.isOver && stillUsed(object, scene) > 0,
  unused: (object, asked) => attention(object, asked)?.unused !== undefined,
  renewed: (_, { stand, renewals }) => !stand.isOver && renewals >= 2,
  unapproved: (object, { stand }) =>
    stand.approval === 'unapproved' && (!stand.isOver || isIncident(object)),
  overdue: (object, asked) => isReviewDue(object, asked) || isUnapprovedIncident(object, asked),
};

function groupsOf(object: SigningException, asked: GroupCase): readonly ReviewGroup[] {
  return REVIEW_GROUPS.filter((group) => TESTS[group](object, asked));
}

function attention(
  object: SigningException,
  { scene, stand, at }: GroupCase,
): Attention | undefined {
  const exception = scene.compiled(object);
  if (exception === undefined || !stand.isInEffect) return undefined;
  return attentionOf({ exception, status: object.status ?? {}, now: at.getTime() });
}

/** The operator knows how often reviews are due; a review that came since its word ends it. */
function isReviewDue(object: SigningException, asked: GroupCase): boolean {
  const found = attention(object, asked);
  const { conditions, reviews = [] } = object.status ?? {};
  if (found === undefined || conditions === undefined) return found?.unreviewedSince !== undefined;
  const told = conditions.find(({ type }) => type === ConditionType.ReviewOverdue);
  if (told?.status !== 'True') return false;
  const since = Date.parse(told.lastTransitionTime);
  return !reviews.some(({ at }) => Date.parse(at) > since);
}

/** How many workloads still run by what is over: the status counts those that it covers. */
function stillUsed({ metadata, status }: SigningException, scene: SceneWithUse): number {
  const reported = scene.stillUsed.get(`${metadata.namespace ?? ''}/${metadata.name}`) ?? 0;
  return Math.max(reported, status?.usage?.workloads ?? 0);
}

function usageOf(
  object: SigningException,
  { isOver }: Stand,
  scene: SceneWithUse,
): ExceptionEntry['usage'] {
  const usage = object.status?.usage;
  if (usage === undefined || !isOver) return usage;
  return { ...usage, workloads: stillUsed(object, scene) };
}

function isIncident({ spec }: SigningException): boolean {
  return spec.class === 'Incident';
}

function isUnapprovedIncident(object: SigningException, { stand }: GroupCase): boolean {
  return stand.isOver && isIncident(object) && stand.approval === 'unapproved';
}
