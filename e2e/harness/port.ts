// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { randomInt } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';

/** Above the ports of a node's own programs. */
const LOWEST = 12_000;
const ATTEMPTS = 100;
const handedOut = new Set<number>();
const end = firstEphemeralPort();

/**
 * A TCP port that is free on 127.0.0.1; never the same one twice. It is none of those that the kernel
 * gives to outgoing connections, one of which could take it before it is listened on, or while a test
 * has its owner stopped.
 */
export async function freePort(): Promise<number> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const port = randomInt(LOWEST, end);
    if (handedOut.has(port)) continue;
    handedOut.add(port);
    if (await isFree(port)) return port;
  }
  throw new Error(`no free port found in ${String(ATTEMPTS)} attempts`);
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => {
      resolve(false);
    });
    server.listen(port, '127.0.0.1', () => {
      server.close(() => {
        resolve(true);
      });
    });
  });
}

function firstEphemeralPort(): number {
  const range = readFileSync('/proc/sys/net/ipv4/ip_local_port_range', 'utf8');
  const first = Number(range.trim().split(/\s+/v)[0]);
  // Where connections may take nearly every port, one below them cannot be had.
  return first > LOWEST + ATTEMPTS ? first : 65_536;
}
