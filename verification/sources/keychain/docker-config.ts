// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { asObject } from '../../encoding/index.ts';
import { VerificationError } from '../../error.ts';
import { parseHost } from '../../image/index.ts';
import type { Credential, Keychain } from '../../ports.ts';

/** One entry of `auths`, ready to be compared. */
interface Entry {
  /** Canonical host, or the part after `*.` where `isWildcard`. */
  readonly host: string;
  readonly isWildcard: boolean;
  /** Path segments that the repository must begin with. */
  readonly path: readonly string[];
  readonly credential: Credential;
}

/**
 * Credentials of a `.dockerconfigjson` (`auths` only), found as kubelet does: exact host and port,
 * longest path first; `*.example.com` stands for one DNS label. Docker Hub has its historical names.
 * Stricter than kubelet where it is loose: paths match by whole segments, and `*` nowhere else (D6).
 *
 * `identity` names the set in cache keys and must not be a secret. Throws REGISTRY_UNAUTHORIZED
 * where there is no `auths` object; an entry that cannot be read is left out.
 */
export function dockerConfigKeychain(json: unknown, identity: string): Keychain {
  const auths = asObject(asObject(json)?.['auths']);
  if (auths === undefined) {
    throw new VerificationError('REGISTRY_UNAUTHORIZED', `${identity}: not a Docker configuration`);
  }
  const entries = Object.entries(auths)
    .flatMap(([key, value]) => parseEntry(key, value) ?? [])
    .toSorted((left, right) => right.path.length - left.path.length);
  return {
    identity,
    credentialFor: (host, repository) => {
      const parts = repository.split('/');
      const covering = entries.filter((entry) => covers(entry, host, parts));
      return (covering.find((entry) => !entry.isWildcard) ?? covering[0])?.credential;
    },
  };
}

function covers(entry: Entry, host: string, parts: readonly string[]): boolean {
  const actual = entry.isWildcard ? host.slice(host.indexOf('.') + 1) : host;
  const isHost = actual === entry.host && (!entry.isWildcard || host.includes('.'));
  return isHost && entry.path.every((part, index) => parts[index] === part);
}

function parseEntry(key: string, value: unknown): Entry | undefined {
  const credential = parseCredential(value);
  // `https://index.docker.io/v1/` is how Docker has always written its Hub.
  const [written = '', ...rest] = key.replace(/^https?:\/\//, '').split('/');
  const path = (rest[0] === 'v1' || rest[0] === 'v2' ? rest.slice(1) : rest).filter(
    (p) => p !== '',
  );
  const isWildcard = written.startsWith('*.');
  const host = canonicalHost(isWildcard ? written.slice(2) : written);
  if (credential === undefined || host === undefined) return undefined;
  return { host, isWildcard, path, credential };
}

function canonicalHost(written: string): string | undefined {
  try {
    return parseHost(written).canonical;
  } catch {
    return undefined;
  }
}

function parseCredential(value: unknown): Credential | undefined {
  const entry = asObject(value);
  const token = textOf(entry, 'identitytoken');
  if (token !== '') return { kind: 'identity-token', token };
  const pair = decodePair(textOf(entry, 'auth'));
  const username = pair?.username ?? textOf(entry, 'username');
  const password = pair?.password ?? textOf(entry, 'password');
  return username === '' && password === '' ? undefined : { kind: 'basic', username, password };
}

function textOf(entry: Readonly<Record<string, unknown>> | undefined, name: string): string {
  const value = entry?.[name];
  return typeof value === 'string' ? value : '';
}

function decodePair(
  encoded: string,
): { readonly username: string; readonly password: string } | undefined {
  // Old clients padded the password with NUL.
  const text = Buffer.from(encoded, 'base64').toString('utf8').replace(/\0+$/, '');
  const colon = text.indexOf(':');
  if (colon < 0) return undefined;
  return { username: text.slice(0, colon), password: text.slice(colon + 1) };
}
