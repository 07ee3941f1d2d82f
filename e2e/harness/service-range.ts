// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';
import type { Server } from 'node:net';

/** A range of loopback addresses no other control plane on this machine uses meanwhile. */
export interface ServiceRange {
  readonly cidr: string;
  release(): void;
}

/** Held by whoever uses a range, at its last address. */
const GUARD_PORT = 61_999;

/**
 * Reserves a /16 below 127/8 for ClusterIPs, so that a Service's address is one a test can
 * bind and a call to it never leaves the machine.
 */
export async function reserveServiceRange(): Promise<ServiceRange> {
  for (let attempt = 0; attempt < 200; attempt++) {
    const second = randomInt(64, 250);
    const guard = await listen(`127.${String(second)}.255.254`);
    if (guard !== undefined) {
      return { cidr: `127.${String(second)}.0.0/16`, release: () => guard.close() };
    }
  }
  throw new Error('no free service range below 127.0.0.0/8');
}

/** The first address of a range: the Service `kubernetes` gets it. */
export function firstAddressOf(cidr: string): string {
  const [address = ''] = cidr.split('/');
  return address.replace(/\.0$/, '.1');
}

function listen(host: string): Promise<Server | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(undefined));
    server.listen({ host, port: GUARD_PORT, exclusive: true }, () => {
      server.unref();
      resolve(server);
    });
  });
}
