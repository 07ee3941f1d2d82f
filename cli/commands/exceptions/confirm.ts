// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { printable } from '../../../verification/index.ts';
import type { CliPorts } from '../../ports.ts';
import { UsageError } from '../../usage-error.ts';

/** Asks a person unless `yes` answers for him; invisible characters are escaped. Throws UsageError where nobody can be asked. */
export async function isConfirmed(
  question: string,
  yes: boolean | undefined,
  { confirm, stderr }: CliPorts,
): Promise<boolean> {
  if (yes === true) return true;
  if (confirm === undefined)
    throw new UsageError('--yes is needed where there is no terminal to ask at');
  const isYes = await confirm(printable(question));
  if (!isYes) stderr('nothing was changed\n');
  return isYes;
}
