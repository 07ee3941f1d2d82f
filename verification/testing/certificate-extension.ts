// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { createHash, type KeyObject } from 'node:crypto';
import { der, tlv } from './der.ts';

/** An extension as it is written: `value` is the content of the octet string. */
export interface TestExtension {
  /** In dots; or its DER, where it is one that dots cannot write. */
  readonly oid: string | Buffer;
  readonly critical?: boolean;
  readonly value: Buffer;
}

/** Bits of keyUsage that tests need. */
export type TestKeyUsage = 'digitalSignature' | 'keyEncipherment' | 'keyCertSign' | 'cRLSign';

/** A subject alternative name; `otherName` has an OID that nobody knows, `raw` is a whole GeneralName. */
export interface TestSan {
  readonly type: 'uri' | 'email' | 'dns' | 'ip' | 'username' | 'otherName' | 'raw';
  readonly value: string | Buffer;
}

const USAGE_BITS: Readonly<Record<TestKeyUsage, number>> = {
  digitalSignature: 0,
  keyEncipherment: 2,
  keyCertSign: 5,
  cRLSign: 6,
};
const FULCIO = '1.3.6.1.4.1.57264.1';
/** The first of Fulcio's extensions hold text as it is. */
const LAST_RAW_CLAIM = 6;

/** The DER of an extension. */
export function extensionDer({ oid, critical = false, value }: TestExtension): Buffer {
  return der.sequence(
    typeof oid === 'string' ? der.oid(oid) : oid,
    ...(critical ? [der.boolean(true)] : []),
    der.octets(value),
  );
}

/** Says that it is a CA; nothing for others. */
export function basicConstraints(isCa: boolean, pathLength?: number): readonly TestExtension[] {
  if (!isCa) return [];
  const limit = pathLength === undefined ? [] : [der.integer(pathLength)];
  return [{ oid: '2.5.29.19', critical: true, value: der.sequence(der.boolean(true), ...limit) }];
}

/** Bits of what the key is for; nothing for `null`. */
export function keyUsage(usages: readonly TestKeyUsage[] | null): readonly TestExtension[] {
  if (usages === null) return [];
  const bits = usages.reduce((byte, usage) => byte | (0x80 >> USAGE_BITS[usage]), 0);
  const unused = bits === 0 ? 0 : 31 - Math.clz32(bits & -bits);
  return [{ oid: '2.5.29.15', critical: true, value: der.bits(Buffer.of(bits), unused) }];
}

/** OIDs of what the certificate is for; nothing for `null`. */
export function extendedKeyUsage(
  purposes: readonly string[] | null,
  critical: boolean,
): readonly TestExtension[] {
  if (purposes === null) return [];
  return [{ oid: '2.5.29.37', critical, value: der.sequence(...purposes.map(der.oid)) }];
}

/** The identifiers of the own key and that of the issuer. */
export function keyIdentifiers(own: KeyObject, issuer: KeyObject): readonly TestExtension[] {
  return [
    { oid: '2.5.29.14', value: der.octets(identifierOf(own)) },
    { oid: '2.5.29.35', value: der.sequence(tlv(0x80, identifierOf(issuer))) },
  ];
}

/** Names; critical where the subject is empty. */
export function subjectAltName(sans: readonly TestSan[], critical: boolean): TestExtension {
  return { oid: '2.5.29.17', critical, value: der.sequence(...sans.map(nameOf)) };
}

/** Fulcio's own extensions by number. */
export function fulcioClaims(claims: Readonly<Record<number, string>>): readonly TestExtension[] {
  return Object.entries(claims).map(([number, text]) => ({
    oid: `${FULCIO}.${number}`,
    value: Number(number) <= LAST_RAW_CLAIM ? Buffer.from(text) : der.utf8(text),
  }));
}

function nameOf({ type, value }: TestSan): Buffer {
  const bytes = Buffer.from(value as Buffer);
  switch (type) {
    case 'email':
      return tlv(0x81, bytes);
    case 'dns':
      return tlv(0x82, bytes);
    case 'uri':
      return tlv(0x86, bytes);
    case 'ip':
      return tlv(0x87, bytes);
    case 'username':
      return der.explicit(0, der.oid(`${FULCIO}.7`), der.explicit(0, tlv(0x0c, bytes)));
    case 'otherName':
      return der.explicit(0, der.oid('1.3.6.1.4.1.99999.1'), der.explicit(0, tlv(0x0c, bytes)));
    case 'raw':
      return bytes;
  }
}

function identifierOf(key: KeyObject): Buffer {
  return createHash('sha1')
    .update(key.export({ format: 'der', type: 'spki' }))
    .digest();
}
