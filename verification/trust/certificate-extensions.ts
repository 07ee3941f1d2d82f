// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import type { DerValue } from '../encoding/index.ts';
import {
  bitsOf,
  booleanOf,
  malformed,
  oidOf,
  parseDer,
  sequenceOf,
  smallIntegerOf,
  tagged,
  TAG,
} from './der.ts';
import type { Certificate } from './material.ts';
import { subjectAltNamesOf } from './subject-alt-name.ts';

/** Extensions that are read here or elsewhere in the library, by OID. */
export const EXTENSION = {
  subjectKeyIdentifier: '2.5.29.14',
  keyUsage: '2.5.29.15',
  subjectAltName: '2.5.29.17',
  basicConstraints: '2.5.29.19',
  nameConstraints: '2.5.29.30',
  authorityKeyIdentifier: '2.5.29.35',
  extendedKeyUsage: '2.5.29.37',
  signedCertificateTimestamps: '1.3.6.1.4.1.11129.2.4.2',
  precertificatePoison: '1.3.6.1.4.1.11129.2.4.3',
} as const;

/** What may be critical, because it is understood. */
const UNDERSTOOD: ReadonlySet<string> = new Set([
  EXTENSION.keyUsage,
  EXTENSION.subjectAltName,
  EXTENSION.basicConstraints,
  EXTENSION.extendedKeyUsage,
  EXTENSION.signedCertificateTimestamps,
]);
/** Bits of keyUsage that matter here; all others are `other`. */
const USAGE_BITS: ReadonlyMap<number, 'digitalSignature' | 'keyCertSign' | 'cRLSign'> = new Map([
  [0, 'digitalSignature'],
  [5, 'keyCertSign'],
  [6, 'cRLSign'],
]);
const KEY_IDENTIFIER = 0x80;

/** The part of a certificate that its extensions say. */
export type ExtensionFacts = Pick<
  Certificate,
  | 'isCa'
  | 'pathLength'
  | 'keyUsage'
  | 'extendedKeyUsage'
  | 'extendedKeyUsageCritical'
  | 'subjectAltNames'
  | 'extensions'
> & {
  readonly subjectKeyIdentifier?: Buffer;
  readonly authorityKeyIdentifier?: Buffer;
};

interface Extension {
  readonly critical: boolean;
  /** Content of the octet string. */
  readonly value: Buffer;
}

/**
 * Reads the extensions. Throws CERT_MALFORMED where one occurs twice, is critical and not understood,
 * or is not what its OID promises; also for a poisoned precertificate, and for name constraints, which
 * are not enforced here and so may not be passed over.
 */
export function extensionsOf(list: readonly DerValue[] | undefined): ExtensionFacts {
  const extensions = list === undefined ? new Map<string, Extension>() : parseList(list);
  const usage = extensions.get(EXTENSION.extendedKeyUsage);
  const names = extensions.get(EXTENSION.subjectAltName);
  return {
    ...basicConstraintsOf(extensions.get(EXTENSION.basicConstraints)),
    ...keyUsageOf(extensions.get(EXTENSION.keyUsage)),
    ...(usage === undefined ? {} : { extendedKeyUsage: purposesOf(usage) }),
    extendedKeyUsageCritical: usage?.critical ?? false,
    subjectAltNames:
      names === undefined ? [] : subjectAltNamesOf(parseDer(names.value, 'subjectAltName')),
    ...keyIdentifiersOf(extensions),
    extensions: new Map([...extensions].map(([oid, { value }]) => [oid, value])),
  };
}

function parseList(list: readonly DerValue[]): ReadonlyMap<string, Extension> {
  const [items, ...more] = list;
  const entries = sequenceOf(items, 'extensions');
  if (entries.length === 0 || more.length > 0) throw malformed('extensions: not one list');
  const extensions = new Map<string, Extension>();
  for (const entry of entries) {
    const [oid, extension] = parseExtension(entry);
    if (extensions.has(oid)) throw malformed(`extension ${oid}: occurs twice`);
    extensions.set(oid, extension);
  }
  return extensions;
}

function parseExtension(entry: DerValue): readonly [oid: string, extension: Extension] {
  const fields = [...sequenceOf(entry, 'extension')];
  const octets = tagged(fields.pop(), TAG.octetString, 'extension');
  const [type, flag, ...more] = fields;
  if (more.length > 0) throw malformed('extension: too many fields');
  const oid = oidOf(type, 'extension');
  const critical = flag !== undefined && booleanOf(flag, `extension ${oid}`);
  if (oid === EXTENSION.precertificatePoison)
    throw malformed('is a precertificate, which only logs may take');
  if (oid === EXTENSION.nameConstraints)
    throw malformed('constrains names, which is not supported');
  if (critical && !UNDERSTOOD.has(oid)) throw malformed(`extension ${oid}: critical and not known`);
  return [oid, { critical, value: octets.value }];
}

function basicConstraintsOf(
  extension: Extension | undefined,
): Pick<ExtensionFacts, 'isCa' | 'pathLength'> {
  if (extension === undefined) return { isCa: false };
  const content = parseDer(extension.value, 'basicConstraints');
  const fields = [...sequenceOf(content, 'basicConstraints')];
  const isCa = fields[0]?.tag === TAG.boolean && booleanOf(fields.shift(), 'basicConstraints');
  const [limit, ...more] = fields;
  if (more.length > 0) throw malformed('basicConstraints: too many fields');
  if (limit === undefined) return { isCa };
  const pathLength = smallIntegerOf(limit, 'basicConstraints');
  if (!isCa || pathLength < 0) throw malformed('basicConstraints: a path length that cannot be');
  return { isCa, pathLength };
}

function keyUsageOf(extension: Extension | undefined): Pick<ExtensionFacts, 'keyUsage'> {
  if (extension === undefined) return {};
  const bits = bitsOf(parseDer(extension.value, 'keyUsage'), 'keyUsage');
  const keyUsage = new Set(bits.map((bit) => USAGE_BITS.get(bit) ?? ('other' as const)));
  if (keyUsage.size === 0) throw malformed('keyUsage: allows nothing');
  return { keyUsage };
}

function purposesOf(extension: Extension): readonly string[] {
  const purposes = sequenceOf(parseDer(extension.value, 'extendedKeyUsage'), 'extendedKeyUsage');
  if (purposes.length === 0) throw malformed('extendedKeyUsage: is empty');
  return purposes.map((purpose) => oidOf(purpose, 'extendedKeyUsage'));
}

function keyIdentifiersOf(
  extensions: ReadonlyMap<string, Extension>,
): Pick<ExtensionFacts, 'subjectKeyIdentifier' | 'authorityKeyIdentifier'> {
  const own = extensions.get(EXTENSION.subjectKeyIdentifier);
  const issuers = extensions.get(EXTENSION.authorityKeyIdentifier);
  const field =
    issuers === undefined
      ? undefined
      : sequenceOf(
          parseDer(issuers.value, 'authorityKeyIdentifier'),
          'authorityKeyIdentifier',
        ).find((candidate) => candidate.tag === KEY_IDENTIFIER);
  return {
    ...(own === undefined ? {} : { subjectKeyIdentifier: octetsOf(own) }),
    ...(field === undefined ? {} : { authorityKeyIdentifier: field.value }),
  };
}

/** The octet string inside: its DER is short, and its own content may look like DER again. */
function octetsOf(extension: Extension): Buffer {
  return tagged(
    parseDer(extension.value, 'subjectKeyIdentifier'),
    TAG.octetString,
    'subjectKeyIdentifier',
  ).value;
}
