// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { createHmac, randomBytes } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import { VerificationError } from '../../error.ts';
import type { Credential } from '../../ports.ts';
import { chooseChallenge, type Challenge } from './challenge.ts';
import type { Endpoint, HostLists } from './endpoint.ts';
import { statusFailure } from './failure.ts';
import { checkRealm } from './realm.ts';
import type { Reply } from './reply.ts';
import { parseToken, type Token } from './token.ts';
import type { Transport } from './transport.ts';

const MAX_TOKENS = 4096;
const MAX_CHALLENGES = 1024;

/** Who reads what: the right to pull one repository with one credential. */
export interface Access {
  readonly endpoint: Endpoint;
  readonly repository: string;
  /** Absent for anonymous access. */
  readonly credential?: Credential;
  /** Name of the credential set. */
  readonly identity: string;
}

interface AuthenticatorOptions {
  readonly transport: Transport;
  readonly hosts: HostLists;
  /** Bytes of a token answer. */
  readonly tokenBytes: number;
  /** Milliseconds for one token. */
  readonly tokenMs: number;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

/**
 * Answers the challenges of registries. Tokens are kept for (realm, service, scope, credential) and
 * fetched once for all who wait; a credential that changes has tokens of its own (D9, D12).
 */
export class Authenticator {
  readonly #options: AuthenticatorOptions;
  readonly #salt = randomBytes(32);
  readonly #tokens = new LRUCache<string, Token>({ max: MAX_TOKENS });
  readonly #pending = new Map<string, Promise<Token>>();
  readonly #challenges = new LRUCache<string, Challenge>({ max: MAX_CHALLENGES });

  constructor(options: AuthenticatorOptions) {
    this.#options = options;
  }

  /**
   * The header to send at first: what the last challenge of this registry asked for, so that a
   * round trip is saved. `undefined` where nothing is known, or the credential does not serve.
   */
  async offer(access: Access): Promise<string | undefined> {
    const challenge = this.#challenges.get(access.endpoint.key);
    if (challenge === undefined) return undefined;
    try {
      return await this.#header(access, challenge);
    } catch (thrown) {
      // A repository may be public although the credential is refused.
      if (isRefusal(thrown)) return undefined;
      throw thrown;
    }
  }

  /**
   * The header that answers a 401; `refused` is the one it answered to. Rejects with
   * REGISTRY_UNAUTHORIZED where there is nothing better to send, REGISTRY_UNSAFE for a realm that
   * must not see the credential.
   */
  async answer(access: Access, reply: Reply, refused: string | undefined): Promise<string> {
    const challenge = chooseChallenge(reply.headers.get('www-authenticate') ?? []);
    if (challenge === undefined) throw unauthorized(access, 'names no way to authenticate');
    this.#challenges.set(access.endpoint.key, challenge);
    if (challenge.scheme === 'bearer') this.#forget(access, challenge, refused);
    const header = await this.#header(access, challenge);
    if (header === refused) throw unauthorized(access, 'refused the credentials');
    return header;
  }

  /** What fails for another reason than the credential makes the challenge forgotten: it may be outdated. */
  async #header(access: Access, challenge: Challenge): Promise<string> {
    try {
      return await this.#meet(access, challenge);
    } catch (thrown) {
      if (!isRefusal(thrown)) this.#challenges.delete(access.endpoint.key);
      throw thrown;
    }
  }

  async #meet(access: Access, challenge: Challenge): Promise<string> {
    if (challenge.scheme === 'bearer') {
      return `Bearer ${(await this.#token(access, challenge)).value}`;
    }
    if (access.credential?.kind !== 'basic') throw unauthorized(access, 'asks for a password');
    return basic(access.credential);
  }

  #forget(access: Access, challenge: Challenge & { scheme: 'bearer' }, refused?: string): void {
    const key = this.#key(access, challenge);
    if (refused === `Bearer ${this.#tokens.peek(key)?.value ?? ''}`) this.#tokens.delete(key);
  }

  async #token(access: Access, challenge: Challenge & { scheme: 'bearer' }): Promise<Token> {
    const key = this.#key(access, challenge);
    const kept = this.#tokens.get(key);
    if (kept !== undefined && kept.staleAt > this.#options.now()) return kept;
    const pending = this.#pending.get(key);
    if (pending !== undefined) return pending;
    const fetching = this.#fetch(access, challenge).finally(() => this.#pending.delete(key));
    this.#pending.set(key, fetching);
    const token = await fetching;
    this.#tokens.set(key, token);
    return token;
  }

  async #fetch(access: Access, challenge: Challenge & { scheme: 'bearer' }): Promise<Token> {
    const { transport, hosts, tokenBytes, tokenMs, now } = this.#options;
    const url = checkRealm(challenge.realm, access.endpoint, hosts);
    const { host } = access.endpoint;
    const reply = await transport.send({
      endpoint: access.endpoint,
      what: 'a token',
      redirects: 0,
      maxBytes: tokenBytes,
      // Several wait for this one: none of them may end it for the others.
      signal: AbortSignal.timeout(tokenMs),
      ...tokenRequest(access, url, challenge.service),
    });
    if (reply.status === 200) return parseToken(reply.body, host, now());
    const isRefused = reply.status >= 400 && reply.status < 429;
    throw isRefused
      ? unauthorized(access, 'gave no token')
      : statusFailure(reply.status, host, 'a token');
  }

  /** The salt keeps what is in memory from being a hash of a password. */
  #key(access: Access, challenge: Challenge & { scheme: 'bearer' }): string {
    const credential = createHmac('sha256', this.#salt)
      .update(JSON.stringify(access.credential ?? null))
      .digest('hex');
    const { realm, service } = challenge;
    return JSON.stringify([
      access.endpoint.key,
      realm,
      service ?? '',
      scopeOf(access),
      access.identity,
      credential,
    ]);
  }
}

function isRefusal(thrown: unknown): boolean {
  return thrown instanceof VerificationError && thrown.code === 'REGISTRY_UNAUTHORIZED';
}

function scopeOf(access: Access): string {
  return `repository:${access.repository}:pull`;
}

function basic(credential: Credential & { kind: 'basic' }): string {
  const pair = `${credential.username}:${credential.password}`;
  return `Basic ${Buffer.from(pair, 'utf8').toString('base64')}`;
}

/** Distribution's token specification: a GET, or for identity tokens the OAuth2 refresh grant. */
function tokenRequest(
  access: Access,
  realm: URL,
  service: string | undefined,
): { readonly url: URL; readonly authorization?: string; readonly form?: URLSearchParams } {
  const { credential } = access;
  const asked = { ...(service === undefined ? {} : { service }), scope: scopeOf(access) };
  if (credential?.kind === 'identity-token') {
    const grant = { grant_type: 'refresh_token', refresh_token: credential.token };
    const form = new URLSearchParams({ ...grant, client_id: 'countersign', ...asked });
    return { url: realm, form };
  }
  const url = new URL(realm);
  for (const [name, value] of Object.entries(asked)) url.searchParams.set(name, value);
  return credential === undefined ? { url } : { url, authorization: basic(credential) };
}

function unauthorized(access: Access, detail: string): VerificationError {
  const who = access.credential === undefined ? 'anonymous access' : 'the credentials';
  const { host } = access.endpoint;
  const message = `${host} ${detail} for ${access.repository} (with ${who})`;
  return new VerificationError('REGISTRY_UNAUTHORIZED', message);
}
