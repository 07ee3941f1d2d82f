// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { VerificationError } from '../error.ts';

/** A host in its canonical form, with what an address check or a glob needs to know about it. */
export interface Host {
  /** Lower case, IPv6 in brackets and compressed, `:443` removed: `ghcr.io`, `[::1]:5000`. */
  readonly canonical: string;
  /** The name or address without the port. */
  readonly name: string;
  /** As digits without leading zeros; absent where none or 443. */
  readonly port?: string;
}

const MAX_HOST = 253;
const LABEL = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;
const IPV6 = /^\[[0-9a-f:]{2,39}\]$/;
const IPV4 = /^(?:(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)(?:\.(?!$)|$)){4}$/;
/** What URL parsers take for the last part of an IPv4 address in one of its many spellings. */
const NUMERIC = /^(?:\d+|0x[0-9a-f]*)$/;

/** The same registry by other names: what is said about one must hold for all (X5). */
const ALIASES: ReadonlyMap<string, string> = new Map([
  ['index.docker.io', 'docker.io'],
  ['registry-1.docker.io', 'docker.io'],
]);

/**
 * Parses `host[:port]` as in an image reference and makes it canonical, so that one registry has
 * one name. Throws REF_INVALID for what different parsers read differently: trailing dots, octal or
 * short IPv4 addresses, punycode, leading zeros in ports.
 */
export function parseHost(written: string): Host {
  const { name, port } = splitPort(written.toLowerCase());
  const canonicalName = ALIASES.get(name) ?? canonical(name);
  if (port === undefined || checkedPort(port) === '443')
    return { canonical: canonicalName, name: canonicalName };
  return { canonical: `${canonicalName}:${port}`, name: canonicalName, port };
}

/** Splits `host:port` without judging either part; understands IPv6 in brackets. */
export function splitPort(host: string): { readonly name: string; readonly port?: string } {
  const colon = host.indexOf(':', host.startsWith('[') ? Math.max(host.indexOf(']'), 0) : 0);
  if (colon < 0) return { name: host };
  return { name: host.slice(0, colon), port: host.slice(colon + 1) };
}

function checkedPort(port: string): string {
  if (!/^[1-9]\d{0,4}$/.test(port) || Number(port) > 65_535)
    throw invalid(`port ${JSON.stringify(port)}`);
  return port;
}

function canonical(name: string): string {
  if (name.startsWith('[')) return canonicalIpv6(name);
  if (name.length > MAX_HOST) throw invalid('host is longer than 253 characters');
  const labels = name.split('.');
  for (const label of labels) {
    if (!LABEL.test(label)) throw invalid(`host ${JSON.stringify(name)}`);
    if (label.startsWith('xn--'))
      throw invalid(`host ${JSON.stringify(name)}: internationalised names are refused`);
  }
  const last = labels.at(-1) ?? '';
  if (NUMERIC.test(last) && !IPV4.test(name))
    throw invalid(`host ${JSON.stringify(name)}: not an IPv4 address`);
  return name;
}

function canonicalIpv6(name: string): string {
  if (!IPV6.test(name) || !URL.canParse(`https://${name}/`))
    throw invalid(`host ${JSON.stringify(name)}`);
  return new URL(`https://${name}/`).hostname;
}

function invalid(detail: string): VerificationError {
  return new VerificationError('REF_INVALID', `not a registry host: ${detail}`);
}
