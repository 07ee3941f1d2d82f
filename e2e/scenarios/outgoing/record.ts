// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { subscribe } from 'node:diagnostics_channel';
import { appendFileSync, readdirSync, readFileSync } from 'node:fs';
import type { Socket } from 'node:net';
import { join } from 'node:path';

/** Names the folder to write to; a process that was started with it writes down whom it calls. */
const VARIABLE = 'OUTGOING_DIRECTORY';

/** Environment with which a process of node writes down whom it calls, from its first line on. */
export function recording(directory: string): Readonly<Record<string, string>> {
  return { [VARIABLE]: directory, NODE_OPTIONS: `--import=${import.meta.filename}` };
}

/** Whom the processes have called so far: `host:port`, and names that they looked up. */
export function recorded(directory: string): ReadonlySet<string> {
  const texts = readdirSync(directory).map((file) => readFileSync(join(directory, file), 'utf8'));
  return new Set(texts.flatMap((text) => text.split('\n')).filter((line) => line !== ''));
}

// eslint-disable-next-line no-restricted-properties -- loaded before any program, which may not know of it
const target = process.env[VARIABLE];
if (target !== undefined) {
  const file = join(target, process.pid.toString());
  const note = (line: string): void => appendFileSync(file, `${line}\n`);
  note('started');
  subscribe('net.client.socket', (message) => {
    const { socket } = message as { socket: Socket };
    socket.on('connectionAttempt', (ip, port) => note(`${ip}:${port.toString()}`));
    socket.on('lookup', (_error, _address, _family, host) => note(host));
  });
}
