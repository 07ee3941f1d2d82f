// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { InvalidArgumentError } from 'commander';
import { instant } from '../crds/index.ts';

/** The values of an option that can be repeated, in their order. */
export function collected(value: string, earlier: readonly string[] = []): readonly string[] {
  return [...earlier, value];
}

/** The name of a cluster or fleet, as signed approvals hold it. */
export function clusterName(written: string): string {
  if (written.length === 0 || written.length > 253)
    throw new InvalidArgumentError('Must have 1 to 253 characters.');
  return written;
}

/** An instant, RFC 3339 with zone. */
export function instantValue(written: string): Date {
  if (!instant.safeParse(written).success)
    throw new InvalidArgumentError('Must be an instant such as 2026-11-27T00:00:00Z.');
  return new Date(written);
}
