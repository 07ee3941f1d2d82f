// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { VerificationError } from '../../error.ts';

/** The signals that an exchange ends by, told apart to name the right reason. */
export interface Ends {
  /** The caller's: DEADLINE_EXCEEDED. */
  readonly caller: AbortSignal;
  /** The request's own time: REGISTRY_UNAVAILABLE. */
  readonly request: AbortSignal;
}

/**
 * Any failure of an exchange as a VerificationError. The message says only that the host did not
 * answer, not how: the author of an image name must not learn which ports are open (X37). The cause
 * keeps the detail.
 */
export function failureOf(thrown: unknown, host: string, ends: Ends): VerificationError {
  if (thrown instanceof VerificationError) return thrown;
  if (ends.caller.aborted) return deadlineExceeded(thrown);
  if (!ends.request.aborted && isMalformed(thrown)) {
    return new VerificationError('REGISTRY_UNSAFE', `${host} sent an answer that is not HTTP`, {
      cause: thrown,
    });
  }
  return new VerificationError('REGISTRY_UNAVAILABLE', `${host} did not answer`, { cause: thrown });
}

/** The error of work that the caller ended. */
export function deadlineExceeded(cause?: unknown): VerificationError {
  return new VerificationError('DEADLINE_EXCEEDED', 'the registry was not read in time', { cause });
}

/** Whether one more try may help at once: the connection broke, most often an idle one. */
export function isBrokenConnection(thrown: unknown): boolean {
  return ['ECONNRESET', 'EPIPE', 'UND_ERR_SOCKET'].includes(codeOf(thrown));
}

/** Whether one more try may help at once: a gateway had no registry behind it. */
export function isGatewayFailure(status: number): boolean {
  return status === 502 || status === 503 || status === 504;
}

/** The error for a status that is neither success nor absence. */
export function statusFailure(status: number, host: string, what: string): VerificationError {
  if (status === 401 || status === 403) {
    const detail = `${host} refused access to ${what} (${status.toString()})`;
    return new VerificationError('REGISTRY_UNAUTHORIZED', detail);
  }
  const detail = `${host} failed to serve ${what} (${status.toString()})`;
  return new VerificationError('REGISTRY_UNAVAILABLE', detail);
}

const MALFORMED = new Set(['UND_ERR_HEADERS_OVERFLOW', 'UND_ERR_RES_CONTENT_LENGTH_MISMATCH']);

/** Whether the peer broke the protocol, which is how answers are smuggled (G4). */
function isMalformed(thrown: unknown): boolean {
  // An answer that ends too soon is a broken connection, not a broken protocol.
  if (codeOf(thrown) === 'HPE_INVALID_EOF_STATE') return false;
  const isParserError = thrown instanceof Error && thrown.name === 'HTTPParserError';
  return isParserError || MALFORMED.has(codeOf(thrown));
}

function codeOf(thrown: unknown): string {
  if (!(thrown instanceof Error) || !('code' in thrown)) return '';
  return typeof thrown.code === 'string' ? thrown.code : '';
}
