// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { createPrivateKey, X509Certificate } from 'node:crypto';
import type { KubeObject } from '../../../runtime/kube/index.ts';
import { certificatesOf, fingerprintOf, type CertifiedKey } from '../../../runtime/tls/index.ts';

/**
 * The Secret of the CA. `tls.crt` and `tls.key` sign the certificates of replicas; `next.crt` and
 * `next.key` are published and sign nothing yet; `previous.crt` holds the certificates of CAs that signed
 * before and whose leaves may still be served.
 */
export interface CaSecret extends KubeObject {
  readonly type?: string;
  readonly data?: Readonly<Record<string, string>>;
}

/** An administrator's wish for a new CA: any value. It is taken away when the rotation begins. */
export const ROTATE_ANNOTATION = 'countersign.dev/rotate-ca';
/** When the CA that signs began to: RFC 3339. */
const SINCE_ANNOTATION = 'countersign.dev/signs-since';

/** A CA that can sign now. */
export interface Authority extends CertifiedKey {
  readonly fingerprint: string;
  readonly notBefore: Date;
  readonly notAfter: Date;
}

/** What the Secret says. */
export interface CaState {
  /** The CA that signs; where there is none that can, `problem` says why. */
  readonly signing?: Authority;
  readonly problem?: string;
  /** The CA that will sign. */
  readonly next?: Authority;
  /** Certificates, PEM, of CAs that do not sign any more (or cannot, for their key is lost). */
  readonly previous: readonly string[];
  /** When `signing` began to sign, where that is known. */
  readonly since?: Date;
  /** Whether an administrator asks for a rotation. */
  readonly asked: boolean;
}

/** More CAs that signed before are not kept: the newest are. */
const MOST_PREVIOUS = 4;

/** Reads the Secret. Never throws: what cannot be used is left out. */
export function readState({ metadata, data = {} }: CaSecret, now: Date): CaState {
  const signing = authorityOf(data, 'tls', now);
  const next = authorityOf(data, 'next', now);
  const since = new Date(metadata.annotations?.[SINCE_ANNOTATION] ?? '');
  const previous = [
    ...(typeof signing === 'string' ? [textOf(data, 'tls.crt')] : []),
    ...(typeof next === 'string' ? [textOf(data, 'next.crt')] : []),
    textOf(data, 'previous.crt'),
  ];
  return {
    ...(typeof signing === 'string' ? { problem: signing } : { signing }),
    ...(typeof next === 'string' ? {} : { next }),
    previous: previousOf(previous, now),
    ...(Number.isNaN(since.getTime()) ? {} : { since }),
    asked: metadata.annotations?.[ROTATE_ANNOTATION] !== undefined,
  };
}

/** The Secret with this state, for the version that was read; labels and foreign annotations stay. */
export function withState(
  secret: CaSecret,
  { signing, next, previous, since, asked }: CaState,
): CaSecret {
  const { metadata, type = 'Opaque' } = secret;
  const foreign = Object.entries(metadata.annotations ?? {}).filter(
    ([name]) => name !== SINCE_ANNOTATION && (asked || name !== ROTATE_ANNOTATION),
  );
  const annotations = {
    ...Object.fromEntries(foreign),
    ...(since === undefined ? {} : { [SINCE_ANNOTATION]: since.toISOString() }),
  };
  const data = {
    ...dataOf('tls', signing),
    ...dataOf('next', next),
    ...(previous.length === 0 ? {} : { 'previous.crt': base64(previous.join('')) }),
  };
  return { apiVersion: 'v1', kind: 'Secret', metadata: { ...metadata, annotations }, type, data };
}

/** A CA that was just made. */
export function authorityFrom(ca: CertifiedKey): Authority {
  return describe(new X509Certificate(ca.certPem), ca.keyPem);
}

/**
 * What the API server is to trust: the CA that signs, the next one and those before, PEM. The oldest
 * comes first, so that a change of roles alone changes nothing.
 */
export function bundleOf({
  signing,
  next,
  previous,
}: Pick<CaState, 'signing' | 'next' | 'previous'>): string {
  const texts = [signing?.certPem ?? '', next?.certPem ?? '', ...previous];
  const distinct = new Map(
    certificatesOf(texts.join('\n')).map((certificate) => [
      fingerprintOf(certificate),
      certificate,
    ]),
  );
  const age = (certificate: X509Certificate): number => certificate.validFromDate.getTime();
  return [...distinct]
    .toSorted(([a, one], [b, other]) => age(one) - age(other) || (a < b ? -1 : 1))
    .map(([, certificate]) => certificate.toString())
    .join('');
}

/** The CAs among these texts that have not ended, each once, PEM; the newest where there are too many. */
export function previousOf(texts: readonly string[], now: Date): readonly string[] {
  const usable = certificatesOf(texts.join('\n')).filter(
    (certificate) => certificate.ca && certificate.validToDate.getTime() > now.getTime(),
  );
  const distinct = new Map(usable.map((certificate) => [fingerprintOf(certificate), certificate]));
  return [...distinct.values()]
    .toSorted((a, b) => b.validFromDate.getTime() - a.validFromDate.getTime())
    .slice(0, MOST_PREVIOUS)
    .map((certificate) => certificate.toString());
}

/** The CA under this name, or why it cannot sign now. */
function authorityOf(
  data: Readonly<Record<string, string>>,
  name: 'tls' | 'next',
  now: Date,
): Authority | string {
  const key = textOf(data, `${name}.key`);
  if (key === '') return 'it holds no key';
  try {
    const [certificate] = certificatesOf(textOf(data, `${name}.crt`));
    if (certificate?.ca !== true) return 'it holds no CA';
    if (!certificate.checkPrivateKey(createPrivateKey(key)))
      return 'its key is not of its certificate';
    const authority = describe(certificate, key);
    if (authority.notAfter.getTime() <= now.getTime()) return 'it has expired';
    return authority.notBefore.getTime() > now.getTime() ? 'it is not valid yet' : authority;
  } catch {
    return 'it cannot be read';
  }
}

function describe(certificate: X509Certificate, keyPem: string): Authority {
  return {
    certPem: certificate.toString(),
    keyPem,
    fingerprint: fingerprintOf(certificate),
    notBefore: certificate.validFromDate,
    notAfter: certificate.validToDate,
  };
}

function textOf(data: Readonly<Record<string, string>>, key: string): string {
  return Buffer.from(data[key] ?? '', 'base64').toString('utf8');
}

function dataOf(
  name: 'tls' | 'next',
  ca: CertifiedKey | undefined,
): Readonly<Record<string, string>> {
  if (ca === undefined) return {};
  return { [`${name}.crt`]: base64(ca.certPem), [`${name}.key`]: base64(ca.keyPem) };
}

function base64(text: string): string {
  return Buffer.from(text).toString('base64');
}
