// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import type { Leaf } from '../../runtime/tls/index.ts';

/** Where the certificate of a replica comes from. */
export interface LeafSource {
  /** Milliseconds between two looks. */
  readonly checkMs: number;
  /**
   * A leaf that is to take the place of the newest one; undefined where that is still the right one.
   * Throws where it cannot be had: what is served then stays.
   */
  renewed(newest: Leaf | undefined, now: Date): Promise<Leaf | undefined>;
}

/** DNS names of the Service that the API server calls; it asks for the first. */
export function serviceNames(service: {
  readonly name: string;
  readonly namespace: string;
}): readonly [string, string] {
  const host = `${service.name}.${service.namespace}.svc`;
  return [host, `${host}.cluster.local`];
}
