// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import {
  admitted,
  isClusterService,
  type AddressClass,
  type AddressRule,
  type ResolvedAddress,
} from '../oci/addresses.ts';

/** Where a receiver may be that an administrator listed by host and port. */
const LISTED: ReadonlySet<AddressClass> = new Set(['public', 'private', 'loopback']);

/**
 * Decides where a receiver of notifications may be. Unlike a registry's, its name is in settings that
 * somebody may have been talked into: at a private address or on loopback only where its host is listed,
 * and at link-local addresses and metadata services never, listed or not.
 */
export class ReceiverRule implements AddressRule {
  readonly #listed: ReadonlySet<string>;

  /** `listed` are `host[:port]` as in a URL. */
  constructor(listed: ReadonlySet<string>) {
    this.#listed = listed;
  }

  admit(
    host: string,
    addresses: readonly ResolvedAddress[],
  ): readonly [ResolvedAddress, ...ResolvedAddress[]] {
    const isListed = this.#listed.has(host);
    return admitted(host, addresses, (kind) =>
      isListed ? LISTED.has(kind) : kind === 'public' && !isClusterService(host),
    );
  }
}
