// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import type { Mode } from '../../crds/index.ts';
import { printable, type ReasonCode } from '../../verification/index.ts';

/** What tells audit records from other lines of JSON. */
export const AUDIT_API_VERSION = 'audit.countersign.dev/v1alpha1';
/** The kind of every audit record. */
export const AUDIT_KIND = 'AuditRecord';

/** What was decided of an image; `unmatched` where no policy speaks of it. */
export type AuditVerdict = 'verified' | 'rejected' | 'inconclusive' | 'exempt' | 'unmatched';

/** The object that a person would look for. */
export interface AuditWorkload {
  readonly kind: string;
  readonly name: string;
}

/**
 * One requirement of one policy as it was judged for one image. Everything is optional that a request
 * may lack, or that a decision does not come to: one about no image names none.
 */
export interface AuditRecord {
  /** Admission, or the operator's re-verification. */
  readonly process: 'admission' | 'background';
  readonly time: Date;
  /** UID of the admission request: the same in all records of one answer, and in the API server's audit log. */
  readonly uid?: string;
  readonly webhook?: string;
  /** Who asked. */
  readonly user?: string;
  readonly operation?: string;
  readonly dryRun?: boolean;
  /** What the whole request came to. */
  readonly decision?: 'allowed' | 'denied';
  readonly namespace?: string;
  readonly workload?: AuditWorkload;
  /** As written. */
  readonly image?: string;
  readonly digest?: string;
  readonly policy?: string;
  readonly requirement?: string;
  /** How the policy counts in the namespace. */
  readonly mode?: Mode;
  readonly verdict: AuditVerdict;
  readonly reason?: ReasonCode;
  readonly message?: string;
  readonly authority?: string;
  readonly identity?: string;
  readonly issuer?: string;
  /** `namespace/name`. */
  readonly exception?: string;
  /** RFC 3339. */
  readonly exceptionExpires?: string;
  /** When the evidence was read, RFC 3339, where it was kept and the registry could not be read. */
  readonly evidenceFrom?: string;
  /** Pipeline or change: the annotations that the settings name, as the object has them. */
  readonly change?: Readonly<Record<string, string>>;
}

const MAX_STRING = 1024;
const MAX_CHANGE = 256;

/** The record as one line of JSON with its end. Strings are cut, and hold nothing that a terminal would act upon. */
export function renderRecord(record: AuditRecord): string {
  const line = lineOf(record, cut);
  // Nearly all need no more. A backslash stands for what JSON escapes: there may be more than quotes.
  if (!line.includes('\\') && printable(line) === line) return `${line}\n`;
  return `${lineOf(record, (text, max) => printable(cut(text, max)))}\n`;
}

type Clean = (text: string, max: number) => string;

function lineOf({ time, change, workload, ...rest }: AuditRecord, clean: Clean): string {
  const fields: Record<string, unknown> = {
    apiVersion: AUDIT_API_VERSION,
    kind: AUDIT_KIND,
    time: time.toISOString(),
  };
  take(fields, rest, { clean, max: MAX_STRING });
  if (workload !== undefined) fields['workload'] = take({}, workload, { clean, max: MAX_STRING });
  if (change !== undefined) fields['change'] = take({}, change, { clean, max: MAX_CHANGE });
  return JSON.stringify(fields);
}

/** The annotations among `names` that an object has; `undefined` where it has none of them. */
export function changeOf(
  annotations: unknown,
  names: readonly string[],
): Readonly<Record<string, string>> | undefined {
  if (names.length === 0 || typeof annotations !== 'object' || annotations === null)
    return undefined;
  const found = names.flatMap((name) => {
    const value: unknown = Object.hasOwn(annotations, name)
      ? (annotations as Readonly<Record<string, unknown>>)[name]
      : undefined;
    return typeof value === 'string' && value !== '' ? [[name, value] as const] : [];
  });
  return found.length === 0 ? undefined : Object.fromEntries(found);
}

/** Takes over what there is; what is not there is left out by JSON. */
function take(
  into: Record<string, unknown>,
  fields: Readonly<Record<string, unknown>> | AuditWorkload,
  { clean, max }: { readonly clean: Clean; readonly max: number },
): Readonly<Record<string, unknown>> {
  for (const [name, value] of Object.entries(fields))
    into[name] = typeof value === 'string' ? clean(value, max) : value;
  return into;
}

function cut(text: string, max: number): string {
  return text.length <= max ? text : `${text.slice(0, max - 1)}…`;
}
