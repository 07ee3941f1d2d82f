// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { createHash } from 'node:crypto';
import { VerificationError } from '../../error.ts';
import { parseHost } from '../../image/index.ts';

/** One registry as we connect to it. */
export interface Endpoint {
  /** Canonical host of the image reference, e.g. `docker.io`. */
  readonly host: string;
  /** Where it is served, e.g. `https://registry-1.docker.io`. */
  readonly origin: URL;
  /** PEM certificates to trust besides the system's. */
  readonly ca?: string;
  /** Names host and trust, for pools and caches. */
  readonly key: string;
}

const API_HOSTS: ReadonlyMap<string, string> = new Map([['docker.io', 'registry-1.docker.io']]);

/** The hosts that settings make exceptions for, matched exactly, by `host[:port]`. */
export class HostLists {
  readonly #plainReferences: ReadonlySet<string>;
  readonly #plainUrls: ReadonlySet<string>;
  /** Hosts that may be at any address, as in URLs. */
  readonly anyAddress: ReadonlySet<string>;

  /** Throws REF_INVALID for an entry that is not `host[:port]`, or is a plain HTTP host on port 443. */
  constructor(plainHttpHosts: readonly string[], privateHosts: readonly string[]) {
    const plain = plainHttpHosts.map((entry) => {
      if (entry.endsWith(':443')) {
        throw new VerificationError('REF_INVALID', `${entry}: port 443 is never plain HTTP`);
      }
      return parseHost(entry).canonical;
    });
    this.#plainReferences = new Set(plain);
    this.#plainUrls = new Set(plain.map((host) => new URL(`http://${host}`).host));
    const listed = privateHosts.map((entry) => parseHost(entry).canonical);
    this.anyAddress = new Set([...this.#plainUrls, ...listed]);
  }

  /** Plain HTTP only for exactly the listed hosts; everything else is HTTPS, without a way back. */
  endpoint(host: string, ca?: string): Endpoint {
    const scheme = this.#plainReferences.has(host) ? 'http' : 'https';
    const origin = new URL(`${scheme}://${API_HOSTS.get(host) ?? host}`);
    if (ca === undefined) return { host, origin, key: origin.origin };
    const trust = createHash('sha256').update(ca).digest('hex');
    return { host, origin, ca, key: `${origin.origin} ${trust}` };
  }

  /**
   * The URL that a registry points us to, checked before anything is sent: HTTPS, or plain HTTP to
   * a listed host; no credentials in it. Throws REGISTRY_UNSAFE.
   */
  safeUrl(text: string, base?: URL): URL {
    const url = URL.canParse(text, base?.href) ? new URL(text, base) : undefined;
    if (url === undefined) throw unsafe('names a URL that cannot be parsed');
    if (url.username !== '' || url.password !== '') throw unsafe('names a URL with credentials');
    const plain = url.protocol === 'http:' && this.#plainUrls.has(url.host);
    if (url.protocol !== 'https:' && !plain) throw unsafe('names a URL that is not HTTPS');
    url.hash = '';
    return url;
  }
}

function unsafe(detail: string): VerificationError {
  return new VerificationError('REGISTRY_UNSAFE', `the registry ${detail}`);
}
