// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { asObject } from '../../encoding/index.ts';
import { VerificationError } from '../../error.ts';

/** A bearer token and the time from which it is not used any more. */
export interface Token {
  readonly value: string;
  /** Milliseconds since the epoch; earlier than the registry's own end. */
  readonly staleAt: number;
}

/** RFC 6750 §2.1, so that no answer can put anything else into a header. */
const BEARER = /^[A-Za-z0-9\-._~+/]+=*$/;
const DEFAULT_SECONDS = 60;
const MAX_SECONDS = 3600;
const MARGIN_SECONDS = 10;

/**
 * Reads the answer of a token service. Its clock is not asked: the life of a token counts from
 * `now`. Throws REGISTRY_UNAVAILABLE where there is no token in it.
 */
export function parseToken(body: Buffer, host: string, now: number): Token {
  const answer = asObject(parseJson(body));
  const value = [answer?.['token'], answer?.['access_token']].find((t) => typeof t === 'string');
  if (typeof value !== 'string' || !BEARER.test(value)) {
    throw new VerificationError('REGISTRY_UNAVAILABLE', `${host} answered without a token`);
  }
  const expiresIn = answer?.['expires_in'];
  const seconds = typeof expiresIn === 'number' && expiresIn > 0 ? expiresIn : DEFAULT_SECONDS;
  const life = Math.min(seconds, MAX_SECONDS);
  return { value, staleAt: now + 1000 * Math.max(life - MARGIN_SECONDS, life / 2) };
}

function parseJson(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8')) as unknown;
  } catch {
    return undefined;
  }
}
