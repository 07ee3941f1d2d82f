// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

/** Kernel namespaces other than this process's own, in which commands can be run. */
export interface Namespace {
  /** Turns a command into the one that runs it inside. */
  wrap(program: string, args: readonly string[]): [string, string[]];
}
