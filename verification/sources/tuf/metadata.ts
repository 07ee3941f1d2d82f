// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { asObject, parseStrictJson } from '../../encoding/index.ts';
import { VerificationError } from '../../error.ts';
import { keyIdentity } from './key-identity.ts';
import type { TufLimits } from './limits.ts';

/** The only target that is ever asked for. */
export const TRUSTED_ROOT = 'trusted_root.json';

/** Kinds of metadata that are read; delegated targets are not. */
export type TufRole = 'root' | 'timestamp' | 'snapshot' | 'targets';
const TOP_LEVEL: readonly TufRole[] = ['root', 'timestamp', 'snapshot', 'targets'];

/** What metadata says of itself; nothing about it is verified. */
export interface MetadataHead {
  readonly version: number;
  /** RFC 3339, UTC. */
  readonly expires: string;
}

const MAX_DEPTH = 32;
const EXPIRES = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?Z$/;
const HEX: ReadonlyMap<string, RegExp> = new Map([
  ['sha256', /^[0-9a-f]{64}$/],
  ['sha512', /^[0-9a-f]{128}$/],
]);
type JsonObject = Readonly<Record<string, unknown>>;

/**
 * Refuses metadata that the TUF library would read more kindly than we do (security F6, F7, F9): keys
 * that repeat, in JSON or under several ids; thresholds that are not a count of keys; roles, versions,
 * dates and hashes that are missing or odd; target names that lead out of a directory; more members
 * than the library can take. Signatures are not checked here. Throws TRUST_ROOT_INVALID.
 */
export function checkMetadata(bytes: Uint8Array, role: TufRole, limits: TufLimits): MetadataHead {
  const what = `${role}.json`;
  const refuse = refuser(what);
  const parsed = parseStrictJson(bytes, { code: 'TRUST_ROOT_INVALID', maxDepth: MAX_DEPTH, what });
  if (hasTooManyMembers(parsed, limits.members)) return refuse('has too many members');
  const envelope = asObject(parsed);
  const signed = asObject(envelope?.['signed']);
  if (envelope === undefined || signed === undefined) return refuse('is not signed metadata');
  checkSignatures(envelope['signatures'], refuse);
  if (signed['_type'] !== role) return refuse('is of another kind');
  const { version, expires } = signed;
  if (!isCount(version)) return refuse('has no proper version');
  if (typeof expires !== 'string' || !EXPIRES.test(expires) || Number.isNaN(Date.parse(expires)))
    return refuse('has no proper expiry');
  CHECKS[role](signed, refuse);
  return { version, expires };
}

type Refuse = (detail: string) => never;

function refuser(what: string): Refuse {
  return (detail) => {
    throw new VerificationError('TRUST_ROOT_INVALID', `${what} ${detail}`);
  };
}

const CHECKS: Readonly<Record<TufRole, (signed: JsonObject, refuse: Refuse) => void>> = {
  root: checkRoot,
  timestamp: (signed, refuse) => checkMeta(signed['meta'], 'snapshot.json', refuse),
  snapshot: (signed, refuse) => checkMeta(signed['meta'], 'targets.json', refuse),
  targets: checkTargets,
};

function hasTooManyMembers(value: unknown, most: number): boolean {
  if (typeof value !== 'object' || value === null) return false;
  const members = Object.values(value) as readonly unknown[];
  return members.length > most || members.some((member) => hasTooManyMembers(member, most));
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 1;
}

function checkSignatures(signatures: unknown, refuse: Refuse): void {
  if (!Array.isArray(signatures)) return refuse('has no signatures');
  const seen = new Set<string>();
  for (const entry of signatures as readonly unknown[]) {
    const { keyid, sig } = asObject(entry) ?? {};
    if (typeof keyid !== 'string' || typeof sig !== 'string') refuse('has a malformed signature');
    else if (seen.has(keyid)) refuse('has two signatures by one key');
    else seen.add(keyid);
  }
}

function checkRoot(signed: JsonObject, refuse: Refuse): void {
  const keys = asObject(signed['keys']);
  const roles = asObject(signed['roles']);
  if (keys === undefined || roles === undefined) return refuse('names no keys or no roles');
  for (const name of TOP_LEVEL) {
    const role = Object.hasOwn(roles, name) ? asObject(roles[name]) : undefined;
    if (role === undefined) return refuse(`has no role ${name}`);
    checkRole(role, keys, refuse);
  }
}

function checkRole(role: JsonObject, keys: JsonObject, refuse: Refuse): void {
  const { keyids, threshold } = role;
  if (!Array.isArray(keyids) || keyids.length === 0) return refuse('has a role without keys');
  const identities = (keyids as readonly unknown[]).map((keyid) => {
    if (typeof keyid !== 'string' || !Object.hasOwn(keys, keyid))
      return refuse('has a role with a key that it does not hold');
    return identityOf(keys[keyid], refuse);
  });
  if (new Set(keyids).size < keyids.length || new Set(identities).size < identities.length)
    return refuse('counts one key twice');
  if (!isCount(threshold) || threshold > keyids.length)
    return refuse('has a threshold that is not between one and the number of keys');
}

function identityOf(key: unknown, refuse: Refuse): string {
  const { scheme, keyval } = asObject(key) ?? {};
  const publicKey = asObject(keyval)?.['public'];
  if (typeof scheme !== 'string' || typeof publicKey !== 'string')
    return refuse('holds a malformed key');
  return keyIdentity({ scheme, publicKey });
}

function checkMeta(meta: unknown, needed: string, refuse: Refuse): void {
  const files = asObject(meta);
  if (files === undefined || !Object.hasOwn(files, needed))
    return refuse(`does not name ${needed}`);
  for (const file of Object.values(files)) {
    const { version, length, hashes } = asObject(file) ?? {};
    if (!isCount(version)) refuse('names a file without a proper version');
    if (length !== undefined && !isCount(length)) refuse('names a file of an odd length');
    if (hashes !== undefined && !areHashes(hashes)) refuse('names a file with odd hashes');
  }
}

function checkTargets(signed: JsonObject, refuse: Refuse): void {
  const targets = asObject(signed['targets']);
  if (targets === undefined) return refuse('names no targets');
  if (Object.keys(targets).some((name) => !isRelativeName(name)))
    return refuse('names a target that leads out of its directory');
  const target = Object.hasOwn(targets, TRUSTED_ROOT) ? asObject(targets[TRUSTED_ROOT]) : undefined;
  if (target === undefined) return refuse(`does not name ${TRUSTED_ROOT}`);
  if (!isCount(target['length']) || !areHashes(target['hashes']))
    return refuse(`names ${TRUSTED_ROOT} without a proper length and hash`);
}

function areHashes(value: unknown): boolean {
  const hashes = Object.entries(asObject(value) ?? {});
  return (
    hashes.length > 0 &&
    hashes.every(([name, hex]) => typeof hex === 'string' && HEX.get(name)?.test(hex) === true)
  );
}

/** Whether a name stays below its directory however a path or a URL reads it. */
function isRelativeName(name: string): boolean {
  if (/[\p{Cc}\\]|%2e|%2f|%5c/iu.test(name)) return false;
  return name.split('/').every((segment) => !['', '.', '..'].includes(segment));
}
