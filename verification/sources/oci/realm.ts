// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { VerificationError } from '../../error.ts';
import type { Endpoint, HostLists } from './endpoint.ts';
import { isSameSite } from './site.ts';

/** Registries of one operator whose token service is known to be elsewhere. */
const KNOWN_REALMS: ReadonlyMap<string, string> = new Map([
  ['registry-1.docker.io', 'auth.docker.io'],
  ['lscr.io', 'ghcr.io'],
]);

/**
 * The token service that a registry names, where credentials may be sent (security D2): over HTTPS
 * to the registry's own site, or over plain HTTP to the host name of a registry that is itself listed
 * for plain HTTP. Throws REGISTRY_UNSAFE for any other, before anything is sent.
 */
export function checkRealm(realm: string, endpoint: Endpoint, hosts: HostLists): URL {
  const url = hosts.safeUrl(realm);
  const { hostname, protocol } = endpoint.origin;
  const isTrusted =
    url.protocol === 'http:'
      ? protocol === 'http:' && url.hostname === hostname
      : isSameSite(url.hostname, hostname) || KNOWN_REALMS.get(hostname) === url.host;
  if (isTrusted) return url;
  throw new VerificationError(
    'REGISTRY_UNSAFE',
    `${endpoint.host} names a token service of another site`,
  );
}
