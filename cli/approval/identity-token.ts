// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { z } from 'zod';
import type { IdentityTokenSource } from '../../runtime/settings/index.ts';

const answer = z.looseObject({ value: z.string().min(1) });
/** Fulcio takes no token that is for somebody else. */
const AUDIENCE = 'sigstore';
const MAX_BYTES = 65_536;

/**
 * The token of an identity, asked of GitHub where the job has to. Rejects, without repeating any
 * credential, where none is given within the signal's time.
 */
export async function tokenFrom(source: IdentityTokenSource, signal: AbortSignal): Promise<string> {
  if (source.kind === 'token') return source.token;
  const url = new URL(source.url);
  url.searchParams.set('audience', AUDIENCE);
  const headers = { authorization: `Bearer ${source.bearer}`, accept: 'application/json' };
  // Following a redirect could carry the credential elsewhere.
  const response = await fetch(url, { headers, signal, redirect: 'error' });
  if (!response.ok) throw new Error(`GitHub gives no token: status ${response.status.toString()}`);
  const parsed = answer.safeParse(jsonOf(await limited(response)));
  if (!parsed.success) throw new Error('GitHub gives no token: its answer holds none');
  return parsed.data.value;
}

async function limited({ body }: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  if (body === null) return '';
  for await (const chunk of body as AsyncIterable<Uint8Array>) {
    length += chunk.byteLength;
    if (length > MAX_BYTES) throw new Error('GitHub gives no token: its answer is too long');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
