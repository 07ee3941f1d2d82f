// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import type { DerValue } from '../encoding/index.ts';
import { childrenOf, malformed, oidOf, sequenceOf, tagged, TAG } from './der.ts';
import type { SubjectAltName } from './material.ts';

/** Fulcio's name for users of issuers that have no e-mail addresses. */
const FULCIO_USERNAME = '1.3.6.1.4.1.57264.1.7';
const OTHER_NAME = 0xa0;
const EXPLICIT = 0xa0;
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Names that are IA5String, by the tag of their choice in GeneralName. */
const TEXT_NAMES: ReadonlyMap<number, 'uri' | 'email' | 'dns'> = new Map([
  [0x81, 'email'],
  [0x82, 'dns'],
  [0x86, 'uri'],
]);
/** Every other choice there is: X.400, directory, EDI party and IP addresses, registered IDs. */
const OTHER_NAMES: ReadonlySet<number> = new Set([0xa3, 0xa4, 0xa5, 0x87, 0x88]);

/**
 * The names of a subjectAltName, in their order. Throws CERT_MALFORMED for an empty list, an empty
 * name, and for control characters or anything beyond ASCII in a name that must be ASCII.
 */
export function subjectAltNamesOf(value: DerValue): readonly SubjectAltName[] {
  const names = sequenceOf(value, 'subjectAltName');
  if (names.length === 0) throw malformed('subjectAltName: is empty');
  return names.map(nameOf);
}

function nameOf(name: DerValue): SubjectAltName {
  const tag = name.tag;
  const type = TEXT_NAMES.get(tag);
  if (type !== undefined) return { type, value: asciiOf(name.value) };
  if (tag === OTHER_NAME) return otherNameOf(name);
  if (!OTHER_NAMES.has(tag)) throw malformed('subjectAltName: a name of no known type');
  return { type: 'other', value: name.value.toString('latin1') };
}

function otherNameOf(name: DerValue): SubjectAltName {
  const [type, wrapper, ...more] = childrenOf(name, OTHER_NAME, 'subjectAltName');
  const oid = oidOf(type, 'subjectAltName');
  const [content, ...rest] = childrenOf(wrapper, EXPLICIT, 'subjectAltName');
  if (content === undefined || rest.length > 0 || more.length > 0)
    throw malformed('subjectAltName: an otherName of more than one value');
  if (oid !== FULCIO_USERNAME) return { type: 'other', value: name.value.toString('latin1') };
  const { value } = tagged(content, TAG.utf8String, 'subjectAltName');
  return { type: 'username', value: textOf(value) };
}

function asciiOf(bytes: Buffer): string {
  if (bytes.length === 0 || bytes.some((byte) => byte < 0x20 || byte > 0x7e))
    throw malformed('subjectAltName: a name that is empty or not printable ASCII');
  return bytes.toString('latin1');
}

function textOf(bytes: Buffer): string {
  if (bytes.length === 0 || bytes.some((byte) => byte < 0x20 || byte === 0x7f))
    throw malformed('subjectAltName: a name that is empty or holds control characters');
  try {
    return utf8.decode(bytes);
  } catch (thrown) {
    throw malformed('subjectAltName: a name that is not UTF-8', thrown);
  }
}
