// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { createHash } from 'node:crypto';
import {
  signingExceptionSpec,
  type ExceptionApproval,
  type SigningException,
  type SigningExceptionSpec,
} from '../../crds/index.ts';
import { VerificationError } from '../error.ts';
import type { Digest } from '../image/index.ts';
import type { RawSignature } from '../ports.ts';
import type { ExceptionUse } from '../result.ts';
import { exceptionSpecHash } from './statement.ts';

/** An approval in the cluster. Instants are milliseconds since the epoch. */
export interface ClusterApproval {
  readonly approver: string;
  readonly specHash: string;
  readonly latestExpiresAt: number;
  /** Infinity where it counts as long as the exception. */
  readonly expiresAt: number;
}

/** An exception, parsed once. Instants are milliseconds since the epoch. */
export interface CompiledException {
  readonly namespace: string;
  readonly name: string;
  readonly policy: string;
  /** `'all'`, or the names of the requirements that are waived. */
  readonly requirements: 'all' | ReadonlySet<string>;
  readonly digests: ReadonlySet<string>;
  readonly serviceAccounts: ReadonlySet<string>;
  readonly notBefore: number;
  readonly expiresAt: number;
  readonly class: SigningExceptionSpec['class'];
  readonly requestedBy: string;
  /** What approvals are for. */
  readonly specHash: Digest;
  /** Approvals that the API server took; empty for an exception from a file. */
  readonly approvals: readonly ClusterApproval[];
  /** Signed approvals as written; nothing about them is verified. */
  readonly bundles: readonly RawSignature[];
  /** Infinity where it is not known. */
  readonly createdAt: number;
  /** Name of the exception, in its namespace, that it says it renews. */
  readonly renews?: string;
  /** Present where it was revoked: it has no effect, whatever the instants say. */
  readonly revoked?: { readonly at: string; readonly by: string; readonly reason: string };
  /** Present where it was deleted and a finalizer keeps the object: it has no effect either. */
  readonly deletedAt?: string;
  /** How results and reports name it. */
  readonly use: ExceptionUse;
}

/**
 * Compiles an exception. Throws EXCEPTION_INVALID with the field path where it cannot be read: such
 * an exception has no effect at all.
 */
export function compileException(object: SigningException): CompiledException {
  const result = signingExceptionSpec.safeParse(object.spec);
  if (!result.success) {
    const issue = result.error.issues[0];
    throw new VerificationError(
      'EXCEPTION_INVALID',
      `spec.${(issue?.path ?? []).join('.')}: ${issue?.message ?? 'malformed'}`,
    );
  }
  const spec = result.data;
  const { name, namespace = '' } = object.metadata;
  if (namespace === '')
    throw new VerificationError(
      'EXCEPTION_INVALID',
      'metadata.namespace: is missing, and it decides where the exception applies',
    );
  return {
    namespace,
    name,
    ...permissionOf(spec),
    ...standingOf(object, spec),
    ...(spec.renews === undefined ? {} : { renews: spec.renews.name }),
    use: { namespace, name, expiresAt: spec.expiresAt, documentation: documentationOf(spec) },
  };
}

/** The class of the exception that a result or report names, by its documentation fields. */
export function classOf(
  documentation: Readonly<Record<string, string>>,
): SigningExceptionSpec['class'] {
  return documentation['exceptionClass'] === 'Incident' ? 'Incident' : 'Planned';
}

/** What it permits. */
function permissionOf(
  spec: SigningExceptionSpec,
): Pick<
  CompiledException,
  | 'policy'
  | 'requirements'
  | 'digests'
  | 'serviceAccounts'
  | 'notBefore'
  | 'expiresAt'
  | 'class'
  | 'requestedBy'
  | 'specHash'
> {
  return {
    policy: spec.policyRef.name,
    requirements: requirementsOf(spec),
    digests: new Set(spec.digests),
    serviceAccounts: new Set(spec.serviceAccounts),
    notBefore: instant(spec.notBefore, 'spec.notBefore'),
    expiresAt: instant(spec.expiresAt, 'spec.expiresAt'),
    class: spec.class,
    requestedBy: spec.requestedBy,
    specHash: exceptionSpecHash(spec),
  };
}

/** Who is for it, and who against. */
function standingOf(
  { metadata, status }: SigningException,
  spec: SigningExceptionSpec,
): Pick<CompiledException, 'approvals' | 'bundles' | 'createdAt' | 'revoked' | 'deletedAt'> {
  const { creationTimestamp, deletionTimestamp } = metadata;
  const revoked = spec.revoked ?? status?.revoked;
  return {
    approvals: (status?.approvals ?? []).map(clusterApproval),
    bundles: (spec.approvals ?? []).map(({ bundle }) => rawBundle(bundle)),
    createdAt: ageOf(creationTimestamp),
    ...(revoked === undefined ? {} : { revoked }),
    ...(deletionTimestamp === undefined ? {} : { deletedAt: deletionTimestamp }),
  };
}

/** What is no instant is not known: one that compared with nothing would stand in nobody's way. */
function ageOf(creationTimestamp: string | undefined): number {
  const ms = Date.parse(creationTimestamp ?? '');
  return Number.isNaN(ms) ? Infinity : ms;
}

/** An instant that cannot be read is NaN: it compares with nothing, and approves nothing. */
function clusterApproval(approval: ExceptionApproval): ClusterApproval {
  const { approver, specHash, latestExpiresAt, expiresAt } = approval;
  return {
    approver,
    specHash,
    latestExpiresAt: Date.parse(latestExpiresAt),
    expiresAt: expiresAt === undefined ? Infinity : Date.parse(expiresAt),
  };
}

function rawBundle(text: string): RawSignature {
  const bytes = Buffer.from(text);
  const digest: Digest = `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
  return { format: 'bundle', digest, bytes, annotations: {}, origin: 'exception' };
}

function requirementsOf(spec: SigningExceptionSpec): CompiledException['requirements'] {
  if ((spec.requirements !== undefined) === (spec.allRequirements === true)) {
    throw new VerificationError(
      'EXCEPTION_INVALID',
      'spec: exactly one of requirements and allRequirements: true must be set',
    );
  }
  return spec.requirements === undefined ? 'all' : new Set(spec.requirements);
}

function instant(text: string, path: string): number {
  const ms = Date.parse(text);
  if (Number.isNaN(ms)) throw new VerificationError('EXCEPTION_INVALID', `${path}: not an instant`);
  return ms;
}

function documentationOf(spec: SigningExceptionSpec): Readonly<Record<string, string>> {
  const fields = {
    exceptionClass: spec.class === 'Incident' ? spec.class : undefined,
    exceptionReason: spec.reason,
    exceptionOwner: spec.owner,
    exceptionRequestedBy: spec.requestedBy,
    exceptionTicket: spec.ticket,
    exceptionRisk: spec.risk,
    exceptionCompensatingControls: spec.compensatingControls?.join('; '),
    exceptionClosureCondition: spec.closureCondition,
    exceptionExtensionCondition: spec.extensionCondition,
  };
  const present = Object.entries(fields).filter(
    (entry): entry is [string, string] => entry[1] !== undefined,
  );
  return Object.fromEntries(present);
}
