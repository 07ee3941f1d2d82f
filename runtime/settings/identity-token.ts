// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

/** Where a token of an identity comes from. Both are credentials. */
export type IdentityTokenSource =
  | { readonly kind: 'token'; readonly token: string }
  /** Where a job of GitHub Actions asks for one, and what it shows to get it. */
  | { readonly kind: 'github'; readonly url: string; readonly bearer: string };

/**
 * What the environment says of the identity that this process has: a token by the name that other
 * clients of Sigstore know it by too, or a job that may ask for one. `undefined` where it has none.
 */
export function identityTokenSource(
  environment: Readonly<Record<string, string | undefined>> = process.env,
): IdentityTokenSource | undefined {
  const token = environment['SIGSTORE_ID_TOKEN'] ?? '';
  if (token !== '') return { kind: 'token', token };
  const url = environment['ACTIONS_ID_TOKEN_REQUEST_URL'] ?? '';
  const bearer = environment['ACTIONS_ID_TOKEN_REQUEST_TOKEN'] ?? '';
  return url === '' || bearer === '' ? undefined : { kind: 'github', url, bearer };
}
