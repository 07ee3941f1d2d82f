// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import type { CliPorts } from '../../ports.ts';

/** What every command of the group works with. */
export interface ExceptionsContext {
  readonly ports: CliPorts;
  /** Sets the exit code: called once by an action that did not throw. */
  readonly exit: (code: number) => void;
}
