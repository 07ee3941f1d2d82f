// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { Readable } from 'node:stream';
import { Metadata, MetadataKind } from '@tufjs/models';
import { asObject, parseStrictJson } from '../../encoding/index.ts';
import { VerificationError } from '../../error.ts';
import type { TrustedRootText } from '../../ports.ts';
import type { TufLimits } from './limits.ts';
import { checkMetadata, TRUSTED_ROOT, type TufRole } from './metadata.ts';

const ROLES: readonly TufRole[] = ['root', 'timestamp', 'snapshot', 'targets'];

/** A trusted root with all metadata that vouches for it, as texts: one file of the cache. */
export interface KnownSet extends Readonly<Record<TufRole, string>> {
  readonly text: string;
}

/** The first instant at which a part of the metadata is no longer good. */
export function expiryOf(set: KnownSet, limits: TufLimits): string {
  const expiries = ROLES.map((role) => checkMetadata(Buffer.from(set[role]), role, limits).expires);
  return expiries.reduce((first, next) => (Date.parse(next) < Date.parse(first) ? next : first));
}

/**
 * Reads a set back, checking anew that the root vouches for the targets and these for the text
 * (security F8). That the root itself is trusted rests on who wrote the file. Expiry is told, not
 * judged. Rejects with whatever is wrong with it.
 */
export async function readKnownSet(bytes: Uint8Array, limits: TufLimits): Promise<TrustedRootText> {
  const set = parseSet(bytes);
  const expires = expiryOf(set, limits);
  const root = Metadata.fromJSON(MetadataKind.Root, parse(set.root));
  const targets = Metadata.fromJSON(MetadataKind.Targets, parse(set.targets));
  root.verifyDelegate('root', root);
  root.verifyDelegate('targets', targets);
  const target = targets.signed.targets[TRUSTED_ROOT];
  if (target === undefined) throw malformed();
  await target.verify(Readable.from([Buffer.from(set.text)]));
  return { text: set.text, expires, fromSeed: false };
}

function parseSet(bytes: Uint8Array): KnownSet {
  const parsed = asObject(
    parseStrictJson(bytes, { code: 'TRUST_ROOT_INVALID', maxDepth: 2, what: 'cached trust root' }),
  );
  const { root, timestamp, snapshot, targets, text } = parsed ?? {};
  const set = { root, timestamp, snapshot, targets, text };
  if (!isTexts(set)) throw malformed();
  return set;
}

function isTexts(set: Record<keyof KnownSet, unknown>): set is Record<keyof KnownSet, string> {
  return Object.values(set).every((value) => typeof value === 'string');
}

function malformed(): VerificationError {
  return new VerificationError('TRUST_ROOT_INVALID', 'cached trust root: malformed');
}

type Json = Parameters<typeof Metadata.fromJSON>[1];

function parse(text: string): Json {
  return JSON.parse(text) as Json;
}
