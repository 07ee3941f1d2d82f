// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { instant } from '../../crds/index.ts';
import {
  approvalStatement,
  parseDuration,
  type ApprovalStatement,
  type CompiledException,
} from '../../verification/index.ts';
import { asUsage, UsageError } from '../usage-error.ts';

/** What an approval is to say beside the exception itself. */
export interface ApprovalTerms {
  readonly cluster: string;
  /** The latest end that is approved; that of the exception unless told. */
  readonly latestExpiresAt?: Date;
  /** Until when it counts, RFC 3339 or a duration from now; the latest end that is approved unless told. */
  readonly expires?: string;
}

/**
 * The statement that approves an exception as it is. Throws UsageError for terms by which it would not
 * count for that exception, or would not count at all.
 */
export function planApproval(
  exception: CompiledException,
  terms: ApprovalTerms,
  now: Date,
): ApprovalStatement {
  const end = exception.use.expiresAt;
  const { latestExpiresAt, expires, cluster } = terms;
  if (latestExpiresAt !== undefined && latestExpiresAt.getTime() < exception.expiresAt)
    throw new UsageError(`--latest-expires-at: is before the end of the exception, ${end}`);
  const latest = latestExpiresAt?.toISOString() ?? end;
  const until = expires === undefined ? latest : endOf(expires, now);
  if (Date.parse(until) <= now.getTime()) throw new UsageError('--expires: is not in the future');
  const { namespace, name, specHash } = exception;
  return approvalStatement(specHash, {
    ...{ cluster, namespace, name },
    latestExpiresAt: latest,
    expiresAt: until,
  });
}

function endOf(written: string, now: Date): string {
  if (instant.safeParse(written).success) return written;
  const ms = asUsage('', () => parseDuration(written, '--expires', { minMs: 1000, maxMs: MAX_MS }));
  return new Date(now.getTime() + ms).toISOString();
}

/** A year: no exception lasts longer. */
const MAX_MS = 8760 * 3_600_000;
