// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

/** What an answer of the API server says beside its status and message. */
export interface KubeErrorDetails {
  readonly reason?: string;
  readonly retryAfterSeconds?: number;
  readonly objectName?: string;
  readonly cause?: unknown;
}

/**
 * The API server refused a call, or could not be reached (status 0: connection, time-out, abort, or an
 * answer that is not what was promised). The message holds no credentials and no whole body.
 */
export class KubeError extends Error {
  /** HTTP status; 0 where there was no usable answer. */
  readonly status: number;
  /** `reason` of the Status object, e.g. `AlreadyExists`; empty where there is none. */
  readonly reason: string;
  /** Seconds that the server asks to wait, where it does. */
  readonly retryAfterSeconds: number | undefined;
  /** The object that the Status is about; absent where it is about the resource type. */
  readonly objectName: string | undefined;

  constructor(status: number, message: string, details: KubeErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.name = 'KubeError';
    this.status = status;
    this.reason = details.reason ?? '';
    this.retryAfterSeconds = details.retryAfterSeconds;
    this.objectName = details.objectName;
  }
}

/** True where the API server answered with this status. */
export function isStatus(thrown: unknown, status: number): thrown is KubeError {
  return thrown instanceof KubeError && thrown.status === status;
}

/**
 * True where the API server said that this one object does not exist. A 404 that is about the type
 * ("the server could not find the requested resource", "404 page not found") says nothing about
 * objects: it is what an API server answers whose CustomResourceDefinition is not yet, or no longer, served.
 */
export function isObjectMissing(thrown: unknown): boolean {
  return isStatus(thrown, 404) && thrown.reason === 'NotFound' && (thrown.objectName ?? '') !== '';
}

/** The error for an answer that is not a success. Never throws, whatever the body is. */
export function answerError(
  status: number,
  headers: Readonly<Record<string, unknown>>,
  text: string,
): KubeError {
  const retry = Number(headers['retry-after']);
  const details = Number.isFinite(retry) && retry >= 0 ? { retryAfterSeconds: retry } : {};
  const parsed = parseStatus(text);
  if (parsed === undefined) {
    return new KubeError(status, `status ${status}: ${text.slice(0, 200)}`, details);
  }
  const { message, reason, objectName } = parsed;
  return new KubeError(status, message ?? `status ${status}`, {
    ...details,
    ...(reason === undefined ? {} : { reason }),
    ...(objectName === undefined ? {} : { objectName }),
  });
}

interface StatusParts {
  readonly message: string | undefined;
  readonly reason: string | undefined;
  readonly objectName: string | undefined;
}

function parseStatus(text: string): StatusParts | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (field(value, 'kind') !== 'Status') return undefined;
  return {
    message: stringOf(field(value, 'message')),
    reason: stringOf(field(value, 'reason')),
    objectName: stringOf(field(field(value, 'details'), 'name')),
  };
}

function field(value: unknown, name: string): unknown {
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return undefined;
  return (value as Record<string, unknown>)[name];
}

function stringOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}
