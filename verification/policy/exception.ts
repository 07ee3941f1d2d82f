// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { createHash } from 'node:crypto';
import {
  signingExceptionSpec,
  type SigningException,
  type SigningExceptionSpec,
} from '../../crds/index.ts';
import { canonicalJson } from '../encoding/index.ts';
import { VerificationError } from '../error.ts';
import type { ExceptionUse } from '../result.ts';

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
  const { name, namespace = '', deletionTimestamp } = object.metadata;
  if (namespace === '')
    throw new VerificationError(
      'EXCEPTION_INVALID',
      'metadata.namespace: is missing, and it decides where the exception applies',
    );
  return {
    namespace,
    name,
    policy: spec.policyRef.name,
    requirements: requirementsOf(spec),
    digests: new Set(spec.digests),
    serviceAccounts: new Set(spec.serviceAccounts),
    notBefore: instant(spec.notBefore, 'spec.notBefore'),
    expiresAt: instant(spec.expiresAt, 'spec.expiresAt'),
    ...(spec.revoked === undefined ? {} : { revoked: spec.revoked }),
    ...(deletionTimestamp === undefined ? {} : { deletedAt: deletionTimestamp }),
    use: { namespace, name, expiresAt: spec.expiresAt, documentation: documentationOf(spec) },
  };
}

/** Hash of the fields that decide what an exception permits; documentation has no part in it. */
export function exceptionSpecHash(spec: SigningExceptionSpec): string {
  const material = {
    policyRef: spec.policyRef,
    requirements: spec.requirements === undefined ? undefined : [...spec.requirements].sort(),
    allRequirements: spec.allRequirements,
    digests: [...spec.digests].sort(),
    serviceAccounts: [...spec.serviceAccounts].sort(),
    notBefore: spec.notBefore,
    expiresAt: spec.expiresAt,
    requestedBy: spec.requestedBy,
  };
  return 'sha256:' + createHash('sha256').update(canonicalJson(material)).digest('hex');
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
