// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import type { SigningException } from '../../crds/index.ts';
import {
  approvalOf,
  weighSigned,
  type CompiledException,
  type CompiledPolicy,
} from '../../verification/index.ts';
import { entryOf } from './entry.ts';
import type { ExceptionEntry } from './document.ts';
import type { Scene, SceneWithUse } from './scene.ts';
import { standAt } from './stand.ts';

/** One approval, and what it is worth at an instant. */
export interface ApprovalAccount {
  /** `status`: given in the cluster. `spec`: signed. */
  readonly from: 'status' | 'spec';
  readonly by: string;
  readonly approvedAt?: string;
  readonly expiresAt?: string;
  readonly comment?: string;
  /** `unknown` where the policy may not be read, or asks for no approval. */
  readonly counts: 'yes' | 'no' | 'unknown';
  /** Why it does not count. */
  readonly because?: string;
}

/** Everything about one exception at an instant: what `exceptions show -o json` writes. */
export interface ExceptionAccount {
  readonly formatVersion: 1;
  readonly at: string;
  readonly cluster?: string;
  readonly exception: ExceptionEntry;
  /** What approvals are for; absent where the exception cannot be read. */
  readonly specHash?: string;
  readonly approvals: readonly ApprovalAccount[];
  /** Why it is not approved, in one line. */
  readonly approvalDetail?: string;
  /** Something that is wrong with a part of it. */
  readonly fault?: string;
  readonly revoked?: { readonly at: string; readonly by: string; readonly reason: string };
  /** Instants at which its standing may change by itself, RFC 3339. */
  readonly boundaries: readonly string[];
}

/** The account of one exception of a scene. */
export function accountOf(
  object: SigningException,
  scene: SceneWithUse,
  at: Date,
): ExceptionAccount {
  const stand = standAt(object, scene, at);
  const compiled = scene.compiled(object);
  const { cluster } = scene.policies;
  const { approvalDetail, fault } = stand;
  return {
    formatVersion: 1,
    at: at.toISOString(),
    ...(cluster === undefined ? {} : { cluster }),
    exception: entryOf(object, scene, at),
    ...(compiled === undefined ? {} : { specHash: compiled.specHash }),
    approvals: approvalsOf(object, scene, at),
    ...(approvalDetail === undefined || approvalDetail === '' ? {} : { approvalDetail }),
    ...(fault === undefined ? {} : { fault }),
    ...(compiled?.revoked === undefined ? {} : { revoked: compiled.revoked }),
    boundaries: stand.boundaries.map((ms) => new Date(ms).toISOString()),
  };
}

function approvalsOf(object: SigningException, scene: Scene, at: Date): readonly ApprovalAccount[] {
  const compiled = scene.compiled(object);
  const known = scene.policies.of(object.spec.policyRef.name);
  const asks = known.state === 'in-force' && known.policy.spec.exceptions.approval === 'Required';
  const moment = { now: at.getTime(), cluster: scene.policies.cluster };
  const weighing =
    asks && compiled !== undefined ? { compiled, policy: known.policy, moment } : undefined;
  const given = (object.status?.approvals ?? []).map((approval, index) => ({
    from: 'status' as const,
    by: approval.approver,
    approvedAt: approval.approvedAt,
    ...(approval.expiresAt === undefined ? {} : { expiresAt: approval.expiresAt }),
    ...(approval.comment === undefined ? {} : { comment: approval.comment }),
    ...worthOf(index, weighing),
  }));
  return [...given, ...signedOf(object, weighing)];
}

interface Weighing {
  readonly compiled: CompiledException;
  readonly policy: CompiledPolicy;
  readonly moment: { readonly now: number; readonly cluster: string | undefined };
}

type Worth = Pick<ApprovalAccount, 'counts' | 'because'>;

/** An approval in the cluster is worth what the exception would be with it alone. */
function worthOf(index: number, weighing: Weighing | undefined): Worth {
  if (weighing === undefined) return { counts: 'unknown' };
  const { compiled, policy, moment } = weighing;
  const approvals = compiled.approvals.slice(index, index + 1);
  const approval = approvalOf({ ...compiled, approvals, bundles: [] }, policy, moment);
  return approval.state === 'unapproved'
    ? { counts: 'no', because: approval.detail }
    : { counts: 'yes' };
}

/** A signed approval counts where it does for one approver of the policy. */
function signedOf(
  { spec }: SigningException,
  weighing: Weighing | undefined,
): readonly ApprovalAccount[] {
  const weighed =
    weighing === undefined ? [] : weighSigned(weighing.compiled, weighing.policy, weighing.moment);
  return (spec.approvals ?? []).map((_, bundle) => {
    const held = weighed.filter((one) => one.bundle === bundle);
    const counting = held.find(({ refusal }) => refusal === undefined);
    const from = 'spec' as const;
    if (counting !== undefined) return { from, by: counting.by, counts: 'yes' };
    const by = `signature ${(bundle + 1).toString()}`;
    if (weighing === undefined) return { from, by, counts: 'unknown' };
    const because = held.map((one) => `for ${one.by} it ${one.refusal ?? ''}`).join('; ');
    return { from, by, counts: 'no', because: because || 'the policy names no approvers' };
  });
}
