// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { writeFile } from 'node:fs/promises';
import type { CliPorts } from '../ports.ts';
import { UsageError } from '../usage-error.ts';

/** Writes data to a file, or to stdout where none is named. Throws UsageError where the file cannot be written. */
export async function emit(text: string, file: string | undefined, ports: CliPorts): Promise<void> {
  if (file === undefined) {
    ports.stdout(text);
    return;
  }
  try {
    await writeFile(file, text);
  } catch (thrown) {
    const detail = thrown instanceof Error ? thrown.message : String(thrown);
    throw new UsageError(`--out: ${detail}`, { cause: thrown });
  }
}
