// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { createPublicKey, sign } from 'node:crypto';
import type { KeyObject } from 'node:crypto';

import { CLIENT_ID } from './fulcio-config.ts';
import { claimsOf } from './identity.ts';
import type { Identity, IssuerKind, TokenClaims } from './identity.ts';
import { startJsonServer } from './loopback-server.ts';

/** Issuers of identity tokens on loopback, one a path. */
export interface OidcIssuers {
  /** The `iss` of its tokens, and where its discovery document is. */
  issuerUrl(kind: IssuerKind): string;
  /** A token good for ten minutes; `overrides` replaces claims. */
  token(identity: Identity, overrides?: TokenClaims): string;
  stop(): Promise<void>;
}

const LIFETIME_SECONDS = 600;
const KEY_ID = 'tests';

/** Starts the issuers; all sign with the RSA key. */
export async function startOidcIssuers(key: KeyObject): Promise<OidcIssuers> {
  const jwk = createPublicKey(key).export({ format: 'jwk' });
  const keys = { keys: [{ ...jwk, kid: KEY_ID, use: 'sig', alg: 'RS256' }] };
  const server = await startJsonServer((path) => {
    const [, kind = '', document] = /^\/([a-z]+)\/(.*)$/.exec(path) ?? [];
    if (document === 'keys') return keys;
    if (document === '.well-known/openid-configuration') return discovery(`${server.url}/${kind}`);
    return undefined;
  });
  const issuerUrl = (kind: IssuerKind): string => `${server.url}/${kind}`;
  return {
    issuerUrl,
    token: (identity, overrides = {}) => {
      const issuedAt = Math.floor(Date.now() / 1000);
      return jsonWebToken(key, {
        iss: issuerUrl(identity.issuer),
        aud: CLIENT_ID,
        iat: issuedAt,
        nbf: issuedAt,
        exp: issuedAt + LIFETIME_SECONDS,
        ...claimsOf(identity),
        ...overrides,
      });
    },
    stop: () => server.stop(),
  };
}

function discovery(issuer: string): unknown {
  return {
    issuer,
    jwks_uri: `${issuer}/keys`,
    authorization_endpoint: `${issuer}/authorize`,
    token_endpoint: `${issuer}/token`,
    response_types_supported: ['id_token'],
    subject_types_supported: ['public'],
    id_token_signing_alg_values_supported: ['RS256'],
  };
}

function jsonWebToken(key: KeyObject, claims: unknown): string {
  const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  const signed = `${part({ alg: 'RS256', typ: 'JWT', kid: KEY_ID })}.${part(claims)}`;
  return `${signed}.${sign('sha256', Buffer.from(signed), key).toString('base64url')}`;
}
