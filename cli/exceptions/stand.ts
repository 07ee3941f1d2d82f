// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { ExceptionReason, type SigningException } from '../../crds/index.ts';
import {
  compileException,
  standingOf,
  toVerificationError,
  type Approval,
  type CompiledException,
  type Standing,
} from '../../verification/index.ts';
import type { PolicyState } from '../cluster/program.ts';
import type { ExceptionEntry } from './document.ts';
import type { Scene } from './scene.ts';

/** How an exception stands at an instant. */
export interface Stand {
  readonly isInEffect: boolean;
  /** Whether it is over for good: ended, revoked or deleted. */
  readonly isOver: boolean;
  /** `InEffect`, the reason why it has no effect, or `Unknown`. */
  readonly state: string;
  readonly message: string;
  readonly approval: ExceptionEntry['approval'];
  readonly approvedBy?: string;
  /** Why no approval counts, where there are any. */
  readonly approvalDetail?: string;
  /** Something that is wrong with a part of it. */
  readonly fault?: string;
  /** Instants at which this may change by itself, milliseconds since the epoch, in order. */
  readonly boundaries: readonly number[];
}

const OVER: readonly string[] = [ExceptionReason.Expired, ExceptionReason.Revoked];

/**
 * How an exception stands, by the function that the operator tells it with; where the policies in force
 * may not be read, the deadlines decide as far as they go, and for the rest stands what the operator
 * wrote into status.
 */
export function standAt(object: SigningException, scene: Scene, at: Date): Stand {
  const exception = scene.compiled(object);
  if (exception === undefined) return invalid(object);
  const known = scene.policies.of(exception.policy);
  const standing = standingIn(exception, { known, scene, at });
  const { hindrance, boundaries } = standing;
  const isOver = hindrance !== undefined && OVER.includes(hindrance.reason);
  if (known.state === 'unknown' && !isOver) return byStatus(object, exception, at);
  return {
    isOver,
    boundaries,
    ...effectPart(exception, standing),
    ...(known.state === 'unknown' ? approvalInStatus(object) : approvalPart(standing.approval)),
  };
}

interface Asked {
  readonly known: PolicyState;
  readonly scene: Scene;
  readonly at: Date;
}

function standingIn(exception: CompiledException, { known, scene, at }: Asked): Standing {
  return standingOf(exception, {
    policy: known.state === 'in-force' ? known.policy : undefined,
    policyExists: known.state !== 'absent' || known.exists,
    exceptions: scene.index,
    now: at,
    cluster: scene.policies.cluster,
  });
}

type EffectPart = Pick<Stand, 'isInEffect' | 'state' | 'message' | 'fault'>;

function effectPart(
  { use }: CompiledException,
  { hindrance, fault, partial }: Standing,
): EffectPart {
  const limit = fault?.whole === false ? fault : partial;
  const partly = limit === undefined ? {} : { fault: limit.message };
  if (hindrance !== undefined)
    return { isInEffect: false, state: hindrance.reason, message: hindrance.message, ...partly };
  const message = `ends at ${use.expiresAt}`;
  return { isInEffect: true, state: ExceptionReason.InEffect, message, ...partly };
}

function invalid(object: SigningException): Stand {
  const state = ExceptionReason.Invalid;
  return {
    isInEffect: false,
    isOver: false,
    state,
    message: faultOf(object),
    approval: 'unknown',
    boundaries: [],
  };
}

function faultOf(object: SigningException): string {
  try {
    compileException(object);
    return 'cannot be read';
  } catch (thrown) {
    return toVerificationError(thrown).message;
  }
}

type ApprovalPart = Pick<Stand, 'approval' | 'approvedBy' | 'approvalDetail'>;

function approvalPart(approval: Approval | undefined): ApprovalPart {
  switch (approval?.state) {
    case undefined:
      return { approval: 'unknown' };
    case 'approved':
      return { approval: 'approved', approvedBy: approval.by };
    case 'unapproved':
      return { approval: 'unapproved', approvalDetail: approval.detail };
    case 'not-required':
      return { approval: 'not-required' };
  }
}

/** Reasons of the status that say nothing about an instant that it was not written for. */
const OF_TIME: readonly string[] = [...OVER, ExceptionReason.NotYetActive];

function byStatus(object: SigningException, exception: CompiledException, at: Date): Stand {
  const { notBefore, expiresAt } = exception;
  const base = { isOver: false, ...approvalInStatus(object), boundaries: [notBefore, expiresAt] };
  if (at.getTime() < notBefore) {
    const message = `begins at ${new Date(notBefore).toISOString()}`;
    return { ...base, isInEffect: false, state: ExceptionReason.NotYetActive, message };
  }
  const active = conditionOf(object, 'Active');
  if (active === undefined || OF_TIME.includes(active.reason)) {
    const message = 'the operator has not told yet, and its policy may not be read';
    return { ...base, isInEffect: false, state: 'Unknown', message };
  }
  const isInEffect = active.status === 'True';
  const message = `${active.message} (as the operator wrote it)`;
  return { ...base, isInEffect, state: active.reason, message };
}

function approvalInStatus(object: SigningException): ApprovalPart {
  const approved = conditionOf(object, 'Approved');
  if (approved === undefined) return { approval: 'unknown' };
  if (approved.reason === ExceptionReason.NotRequired) return { approval: 'not-required' };
  if (approved.status !== 'True')
    return { approval: 'unapproved', approvalDetail: approved.message };
  return { approval: 'approved', approvedBy: approved.message.replace(/^approved by /, '') };
}

interface Condition {
  readonly status: string;
  readonly reason: string;
  readonly message: string;
}

/** A condition that speaks of the spec as it is. */
function conditionOf({ metadata, status }: SigningException, type: string): Condition | undefined {
  if (status?.observedGeneration !== metadata.generation) return undefined;
  return status?.conditions?.find((condition) => condition.type === type);
}
