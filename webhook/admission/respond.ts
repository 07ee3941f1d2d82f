// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import type { ReasonCode } from '../../verification/index.ts';

/** One thing that is wrong, for machines: `status.details.causes` of the answer. */
export interface Cause {
  readonly reason: ReasonCode;
  readonly message: string;
  /** Path of the field in the object, e.g. `spec.containers[0].image`. */
  readonly field?: string;
}

/** Annotations of the audit event; keys are part of the contract with people who search audit logs. */
export type AuditAnnotations = Readonly<Partial<Record<AuditKey, string>>>;
/** The keys of audit annotations; the API server puts the name of the webhook before them. */
export type AuditKey =
  'policy' | 'verdict' | 'reason' | 'digest' | 'identity' | 'exception' | 'evidenceFrom';

/** The answer to one admission request; made only by the functions below. */
export interface AdmissionResponse {
  readonly uid: string;
  readonly allowed: boolean;
  readonly status?: {
    readonly code: number;
    readonly status: 'Failure';
    readonly reason: 'Forbidden' | 'InternalError';
    readonly message: string;
    readonly details?: { readonly causes: readonly Cause[] };
  };
  readonly warnings?: readonly string[];
  readonly auditAnnotations?: AuditAnnotations;
  readonly patchType?: 'JSONPatch';
  /** Base64 of a JSON patch. */
  readonly patch?: string;
}

/** What may accompany any answer. */
export interface ResponseExtras {
  readonly warnings?: readonly string[];
  readonly audit?: AuditAnnotations;
}

/** One operation of a JSON patch: the only one that is used. */
export interface ReplaceOperation {
  readonly op: 'replace';
  /** JSON pointer. */
  readonly path: string;
  readonly value: string;
}

const MAX_WARNINGS = 12;
const MAX_ANNOTATION = 1024;
const MAX_MESSAGE = 8192;
const MAX_CAUSES = 20;

/** The request goes on. Only a handler that has judged everything says so. */
export function allowed(uid: string, extras?: ResponseExtras): AdmissionResponse {
  if (extras === undefined) return { uid, allowed: true };
  return { uid, allowed: true, ...extrasOf(extras) };
}

/** The request is refused; `message` is what people read, its first line stands for itself. */
export function denied(
  uid: string,
  message: string,
  causes: readonly Cause[],
  extras?: ResponseExtras,
): AdmissionResponse {
  const details = { causes: causes.slice(0, MAX_CAUSES) };
  const status = {
    code: 403,
    status: 'Failure',
    reason: 'Forbidden',
    message: cut(message, MAX_MESSAGE),
    details,
  } as const;
  return { uid, allowed: false, status, ...(extras === undefined ? {} : extrasOf(extras)) };
}

/** The request is refused because of a fault of ours. The message holds no detail of the fault. */
export function errored(uid: string): AdmissionResponse {
  const message =
    'INTERNAL: an internal error stopped the verification of this request; report it with the log';
  return {
    uid,
    allowed: false,
    status: { code: 500, status: 'Failure', reason: 'InternalError', message },
  };
}

/** The request goes on with changes. No operation is no patch. */
export function patched(
  uid: string,
  operations: readonly ReplaceOperation[],
  extras?: ResponseExtras,
): AdmissionResponse {
  const base = allowed(uid, extras);
  if (operations.length === 0) return base;
  return {
    ...base,
    patchType: 'JSONPatch',
    patch: Buffer.from(JSON.stringify(operations)).toString('base64'),
  };
}

/** The AdmissionReview that carries an answer, as JSON. */
export function encodeReview(response: AdmissionResponse): string {
  return `{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","response":${JSON.stringify(response)}}`;
}

function extrasOf(
  extras: ResponseExtras,
): Pick<AdmissionResponse, 'warnings' | 'auditAnnotations'> {
  const { warnings = [], audit } = extras;
  return {
    ...(warnings.length === 0 ? {} : { warnings: capWarnings(warnings) }),
    ...(audit === undefined ? {} : { auditAnnotations: capAnnotations(audit) }),
  };
}

/** The API server drops warnings beyond 4,096 characters in all: we say how many are left out. */
function capWarnings(warnings: readonly string[]): readonly string[] {
  if (warnings.length <= MAX_WARNINGS) return warnings;
  const left = warnings.length - MAX_WARNINGS + 1;
  return [...warnings.slice(0, MAX_WARNINGS - 1), `countersign: ${left.toString()} more warnings`];
}

function capAnnotations(audit: AuditAnnotations): AuditAnnotations {
  const entries = Object.entries(audit);
  if (entries.every(([, value]) => value.length <= MAX_ANNOTATION)) return audit;
  return Object.fromEntries(entries.map(([key, value]) => [key, cut(value, MAX_ANNOTATION)]));
}

function cut(text: string, max: number): string {
  return text.length <= max ? text : `${text.slice(0, max - 1)}…`;
}
