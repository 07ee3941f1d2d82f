// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Names the folder where a process that was started with it finds how wrong its clock is. */
const VARIABLE = 'WRONG_CLOCK_DIRECTORY';
const LOOK_MS = 20;

/** Environment with which the wall clock of a process of node can be stepped; its monotonic clock goes on. */
export function steppable(directory: string): Readonly<Record<string, string>> {
  return { [VARIABLE]: directory, NODE_OPTIONS: `--import=${import.meta.filename}` };
}

/** Steps the wall clock of such a process to so many milliseconds from the right time; 0 sets it right. */
export function step(directory: string, pid: number, offsetMs: number): void {
  writeFileSync(join(directory, pid.toString()), offsetMs.toString());
}

// eslint-disable-next-line no-restricted-properties -- loaded before any program, which may not know of it
const target = process.env[VARIABLE];
if (target !== undefined) {
  const file = join(target, process.pid.toString());
  const RightDate = Date;
  let offset = 0;
  const look = (): void => {
    try {
      offset = Number(readFileSync(file, 'utf8'));
    } catch {
      offset = 0;
    }
  };
  const now = (): number => RightDate.now() + offset;
  globalThis.Date = new Proxy(RightDate, {
    construct: (of, args, as) =>
      Reflect.construct(of, args.length === 0 ? [now()] : args, as) as object,
    get: (of, name, as) => (name === 'now' ? now : (Reflect.get(of, name, as) as unknown)),
  });
  setInterval(look, LOOK_MS).unref();
}
