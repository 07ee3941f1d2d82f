// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

/** A parsed JSON object. Read only by own keys that we name; never merged into anything. */
export type JsonObject = Readonly<Record<string, unknown>>;

/** What is done to the object. */
export type Operation = 'CREATE' | 'UPDATE' | 'DELETE' | 'CONNECT';

/** An admission request, as far as it is used. */
export interface AdmissionRequest {
  /** Echoed in every answer. */
  readonly uid: string;
  readonly operation: Operation;
  readonly group: string;
  readonly kind: string;
  /** Empty where the request is for the object itself. */
  readonly subResource: string;
  readonly namespace: string;
  /** User name of who asks. */
  readonly username: string;
  /** Present for CREATE and UPDATE. */
  readonly object: JsonObject | undefined;
  /** Present for UPDATE. */
  readonly oldObject: JsonObject | undefined;
  readonly dryRun: boolean;
}

/**
 * A review that was read; or why not. `uid` is present where the review had one: then it is answered
 * with a denial that echoes it, otherwise with HTTP 400.
 */
export type Decoded =
  | { readonly ok: true; readonly request: AdmissionRequest }
  | { readonly ok: false; readonly uid: string | undefined; readonly detail: string };

const MAX_UID = 128;
const OPERATIONS: ReadonlySet<string> = new Set(['CREATE', 'UPDATE', 'DELETE', 'CONNECT']);

/** Reads an AdmissionReview v1. Never throws; anything that is not as it must be is told in `detail`. */
export function decodeReview(text: string): Decoded {
  const review = parse(text);
  if (review === undefined) return refuse(undefined, 'the body is not a JSON object');
  const request = review['request'];
  if (!isObject(request)) return refuse(undefined, 'request: not an object');
  const { uid } = request as { readonly uid?: unknown };
  if (typeof uid !== 'string' || uid === '' || uid.length > MAX_UID)
    return refuse(undefined, 'request.uid: missing');
  if (review['apiVersion'] !== 'admission.k8s.io/v1' || review['kind'] !== 'AdmissionReview') {
    return refuse(uid, 'apiVersion and kind: not admission.k8s.io/v1 AdmissionReview');
  }
  return decodeRequest(uid, request);
}

function decodeRequest(uid: string, request: JsonObject): Decoded {
  const { operation, kind, userInfo, object, oldObject } = request as JsonObject & RawRequest;
  if (!isOperation(operation)) return refuse(uid, 'request.operation: not known');
  if (!isObject(kind) || textOf(kind['kind']) === '') return refuse(uid, 'request.kind: missing');
  const problem = objectProblem(operation, object, oldObject);
  if (problem !== undefined) return refuse(uid, problem);
  return {
    ok: true,
    request: {
      uid,
      operation,
      group: textOf(kind['group']),
      kind: textOf(kind['kind']),
      subResource: textOf(request['subResource']),
      namespace: textOf(request['namespace']),
      username: textOf(objectOf(userInfo)?.['username']),
      object: objectOf(object),
      oldObject: objectOf(oldObject),
      dryRun: request['dryRun'] === true,
    },
  };
}

function objectProblem(
  operation: Operation,
  object: unknown,
  oldObject: unknown,
): string | undefined {
  if (operation === 'DELETE' || operation === 'CONNECT') return undefined;
  if (!isObject(object)) return 'request.object: not an object';
  return operation === 'UPDATE' && !isObject(oldObject)
    ? 'request.oldObject: not an object'
    : undefined;
}

function objectOf(value: unknown): JsonObject | undefined {
  return isObject(value) ? value : undefined;
}

interface RawRequest {
  readonly operation?: unknown;
  readonly kind?: unknown;
  readonly userInfo?: unknown;
  readonly object?: unknown;
  readonly oldObject?: unknown;
}

function parse(text: string): JsonObject | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isOperation(value: unknown): value is Operation {
  return typeof value === 'string' && OPERATIONS.has(value);
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function refuse(uid: string | undefined, detail: string): Decoded {
  return { ok: false, uid, detail };
}
