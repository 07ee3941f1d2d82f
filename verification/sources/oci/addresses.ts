// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { BlockList, isIPv4, isIPv6 } from 'node:net';
import { VerificationError } from '../../error.ts';

/** Where an address leads. Everything but `public` needs a reason to be connected to. */
export type AddressClass =
  'public' | 'private' | 'loopback' | 'link-local' | 'metadata' | 'unspecified' | 'reserved';

type Range = readonly [address: string, prefix: number];

/** First match wins: metadata services sit inside wider ranges. */
const IPV4: readonly (readonly [AddressClass, readonly Range[]])[] = [
  // AWS, Azure, GCP and most others; ECS tasks; Alibaba; Azure WireServer; Oracle.
  [
    'metadata',
    [
      ['169.254.169.254', 32],
      ['169.254.170.2', 32],
      ['100.100.100.200', 32],
      ['168.63.129.16', 32],
      ['192.0.0.192', 32],
    ],
  ],
  ['link-local', [['169.254.0.0', 16]]],
  ['loopback', [['127.0.0.0', 8]]],
  ['unspecified', [['0.0.0.0', 8]]],
  [
    'private',
    [
      ['10.0.0.0', 8],
      ['172.16.0.0', 12],
      ['192.168.0.0', 16],
      ['100.64.0.0', 10],
      ['198.18.0.0', 15],
    ],
  ],
  [
    'reserved',
    [
      ['192.0.0.0', 24],
      ['224.0.0.0', 3],
    ],
  ],
];
const IPV6: readonly (readonly [AddressClass, readonly Range[]])[] = [
  // AWS (instances, pod identity), GCP, Scaleway, Oracle.
  [
    'metadata',
    [
      ['fd00:ec2::', 32],
      ['fd20:ce::254', 128],
      ['fd00:42::42', 128],
      ['fd00:c1::a9fe:a9fe', 128],
    ],
  ],
  ['loopback', [['::1', 128]]],
  ['unspecified', [['::', 128]]],
  ['link-local', [['fe80::', 10]]],
  [
    'private',
    [
      ['fc00::', 7],
      ['fec0::', 10],
      ['64:ff9b:1::', 48],
    ],
  ],
  // Teredo, discard and multicast.
  [
    'reserved',
    [
      ['2001::', 32],
      ['100::', 64],
      ['ff00::', 8],
    ],
  ],
];

const LISTS = {
  ipv4: IPV4.map(([kind, ranges]) => [kind, blockList(ranges, 'ipv4')] as const),
  ipv6: IPV6.map(([kind, ranges]) => [kind, blockList(ranges, 'ipv6')] as const),
};

function blockList(ranges: readonly Range[], family: 'ipv4' | 'ipv6'): BlockList {
  const list = new BlockList();
  for (const [address, prefix] of ranges) list.addSubnet(address, prefix, family);
  return list;
}

/**
 * The class of an IP address. An IPv6 address that carries an IPv4 address (mapped, translated,
 * compatible, NAT64, 6to4) has the class of that one. What is no IP address is `reserved`.
 */
export function classifyAddress(address: string): AddressClass {
  if (isIPv4(address)) return find('ipv4', address);
  const plain = address.split('%', 1)[0] ?? '';
  if (!isIPv6(plain)) return 'reserved';
  const kind = find('ipv6', plain);
  if (kind !== 'public') return kind;
  const embedded = embeddedIpv4(plain);
  return embedded === undefined ? 'public' : find('ipv4', embedded);
}

function find(family: 'ipv4' | 'ipv6', address: string): AddressClass {
  return LISTS[family].find(([, list]) => list.check(address, family))?.[0] ?? 'public';
}

/** First six groups of addresses whose last two are an IPv4 address. */
const CARRIERS = new Set(['0:0:0:0:0:ffff', '0:0:0:0:ffff:0', '0:0:0:0:0:0', '64:ff9b:0:0:0:0']);

function embeddedIpv4(address: string): string | undefined {
  const groups = expand(address);
  const head = groups
    .slice(0, 6)
    .map((g) => g.toString(16))
    .join(':');
  const [, g1 = 0, g2 = 0] = groups;
  const [g6 = 0, g7 = 0] = groups.slice(6);
  if (CARRIERS.has(head)) return dotted(g6, g7);
  return groups[0] === 0x2002 ? dotted(g1, g2) : undefined;
}

/** The eight groups of an IPv6 address in any spelling. */
function expand(address: string): readonly number[] {
  const canonical = new URL(`http://[${address}]/`).hostname.slice(1, -1);
  const [head = '', tail] = canonical.split('::');
  const left = head === '' ? [] : head.split(':');
  const right = tail === undefined || tail === '' ? [] : tail.split(':');
  const zeros = new Array<string>(8 - left.length - right.length).fill('0');
  return [...left, ...zeros, ...right].map((group) => Number.parseInt(group, 16));
}

function dotted(high: number, low: number): string {
  return [high >> 8, high & 255, low >> 8, low & 255].join('.');
}

/** An address as name resolution answers it. */
export interface ResolvedAddress {
  readonly address: string;
  readonly family: number;
}

/** Decides which addresses may be connected to. */
export interface AddressRule {
  /** The addresses of `host` that may be used, at least one; throws REGISTRY_UNSAFE where none is. */
  admit(
    host: string,
    addresses: readonly ResolvedAddress[],
  ): readonly [ResolvedAddress, ...ResolvedAddress[]];
}

/**
 * Those of the addresses that may be contacted, at least one; throws REGISTRY_UNSAFE where none may. It
 * does not say which: that would tell what lies where.
 */
export function admitted(
  host: string,
  addresses: readonly ResolvedAddress[],
  isAllowed: (kind: AddressClass) => boolean,
): readonly [ResolvedAddress, ...ResolvedAddress[]] {
  const [first, ...rest] = addresses.filter(({ address }) => isAllowed(classifyAddress(address)));
  if (first !== undefined) return [first, ...rest];
  const detail = `${host} is at an address that may not be contacted`;
  throw new VerificationError('REGISTRY_UNSAFE', detail);
}

/**
 * Decides which addresses may be connected to on behalf of one registry (design §7, security D2-D5,
 * X37). Hosts that the operator lists may be anywhere. The registry itself may be public or private.
 * Any other host (token realm, redirect target) may be public, or where the registry itself is.
 */
export class AddressGuard implements AddressRule {
  readonly #registry: string;
  readonly #listed: ReadonlySet<string>;
  readonly #seen = new Set<AddressClass>();

  /** `registry` and `listed` are `host[:port]` as in a URL. */
  constructor(registry: string, listed: ReadonlySet<string>) {
    this.#registry = registry;
    this.#listed = listed;
  }

  admit(
    host: string,
    addresses: readonly ResolvedAddress[],
  ): readonly [ResolvedAddress, ...ResolvedAddress[]] {
    const [first, ...rest] = admitted(host, addresses, (kind) => this.#isAllowed(host, kind));
    if (host === this.#registry) {
      for (const { address } of [first, ...rest]) this.#seen.add(classifyAddress(address));
    }
    return [first, ...rest];
  }

  #isAllowed(host: string, kind: AddressClass): boolean {
    if (this.#listed.has(host)) return true;
    if (isClusterService(host)) return false;
    if (kind === 'public') return true;
    return host === this.#registry ? kind === 'private' : this.#seen.has(kind);
  }
}

/** Names that only a pod can resolve: an image name must not make us talk to services of the cluster. */
export function isClusterService(host: string): boolean {
  const name = host.replace(/:\d+$/, '');
  return name.endsWith('.svc') || name.includes('.svc.') || name.endsWith('.cluster.local');
}
