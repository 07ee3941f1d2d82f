// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

/** The token that other clients of Sigstore sign with too, where there is one. It is a credential. */
export function identityToken(
  environment: Readonly<Record<string, string | undefined>> = process.env,
): string | undefined {
  const token = environment['SIGSTORE_ID_TOKEN'];
  return token === '' ? undefined : token;
}
