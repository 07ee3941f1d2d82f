// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import type { CliPorts } from '../../ports.ts';
import { printable } from '../../../verification/index.ts';

/** What every command of the group works with. */
export interface ExceptionsContext {
  readonly ports: CliPorts;
  /** Sets the exit code: called once by an action that did not throw. */
  readonly exit: (code: number) => void;
}

/** Tells one line on stderr, each only once. */
export function warner({ stderr }: CliPorts): (line: string) => void {
  const told = new Set<string>();
  return (line) => {
    if (!told.has(line)) stderr(`warning: ${printable(line)}\n`);
    told.add(line);
  };
}
