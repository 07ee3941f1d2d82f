// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { createHash, sign, type KeyObject } from 'node:crypto';
import { generateKeyPairSync } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { newDirectory, type CosignKey } from '../harness/index.ts';
import type { SignatureLayer } from '../sigstore/index.ts';

/** A key that signs whatever it is given: what cosign itself would not sign. */
export class LooseKey implements Pick<CosignKey, 'publicKey' | 'publicKeyFile'> {
  readonly publicKey: string;
  readonly publicKeyFile: string;
  readonly #key: KeyObject;
  readonly #hint: string;

  constructor() {
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    this.#key = privateKey;
    this.publicKey = publicKey.export({ type: 'spki', format: 'pem' }).toString();
    this.publicKeyFile = join(newDirectory('loose-key'), 'key.pub');
    writeFileSync(this.publicKeyFile, this.publicKey);
    const der = publicKey.export({ type: 'spki', format: 'der' });
    this.#hint = createHash('sha256').update(der).digest('base64');
  }

  /** A bundle over a payload. */
  bundle(payload: Buffer, payloadType = 'application/vnd.in-toto+json'): string {
    const head = `DSSEv1 ${payloadType.length.toString()} ${payloadType} ${payload.length.toString()} `;
    const sig = sign('sha256', Buffer.concat([Buffer.from(head), payload]), this.#key);
    return JSON.stringify({
      mediaType: 'application/vnd.dev.sigstore.bundle.v0.3+json',
      verificationMaterial: { publicKey: { hint: this.#hint } },
      dsseEnvelope: {
        payload: payload.toString('base64'),
        payloadType,
        signatures: [{ sig: sig.toString('base64') }],
      },
    });
  }

  /** A bundle with a signature over bytes, said to be of the digest. */
  message(bytes: Buffer, stated: Buffer): string {
    return JSON.stringify({
      mediaType: 'application/vnd.dev.sigstore.bundle.v0.3+json',
      verificationMaterial: { publicKey: { hint: this.#hint } },
      messageSignature: {
        messageDigest: { algorithm: 'SHA2_256', digest: stated.toString('base64') },
        signature: sign('sha256', bytes, this.#key).toString('base64'),
      },
    });
  }

  /** A layer of a `.sig` image over a payload. */
  layer(payload: string): SignatureLayer {
    const bytes = Buffer.from(payload);
    return {
      mediaType: 'application/vnd.dev.cosign.simplesigning.v1+json',
      bytes,
      annotations: {
        'dev.cosignproject.cosign/signature': sign('sha256', bytes, this.#key).toString('base64'),
      },
    };
  }
}

const V1 = 'https://in-toto.io/Statement/v1';
const SIGN = 'https://sigstore.dev/cosign/sign/v1';

/** Statements about an image, good and odd, by what is odd about them. `hex` is that of its digest. */
export function statements(hex: string): Readonly<Record<string, string>> {
  const other = 'f'.repeat(64);
  const subject = [{ digest: { sha256: hex } }];
  const of = (changed: Readonly<Record<string, unknown>>): string =>
    JSON.stringify({ _type: V1, subject, predicateType: SIGN, predicate: {}, ...changed });
  const twice = (key: string, value: unknown): string =>
    `${of({}).slice(0, -1)},${JSON.stringify(key)}:${JSON.stringify(value)}}`;
  return {
    'as it should be': of({}),
    'type v0.1': of({ _type: 'https://in-toto.io/Statement/v0.1' }),
    'type v2': of({ _type: 'https://in-toto.io/Statement/v2' }),
    'no type': of({ _type: undefined }),
    'no subject': of({ subject: [] }),
    'subject: not there': of({ subject: undefined }),
    'subject: an object': of({ subject: subject[0] }),
    'subject: a second one': of({ subject: [...subject, { digest: { sha256: other } }] }),
    'subject: the second one': of({ subject: [{ digest: { sha256: other } }, ...subject] }),
    'subject: another': of({ subject: [{ digest: { sha256: other } }] }),
    'subject: in capitals': of({ subject: [{ digest: { sha256: hex.toUpperCase() } }] }),
    'subject: algorithm in capitals': of({ subject: [{ digest: { SHA256: hex } }] }),
    'subject: with its prefix': of({ subject: [{ digest: { sha256: `sha256:${hex}` } }] }),
    'subject: cut': of({ subject: [{ digest: { sha256: hex.slice(0, 32) } }] }),
    'subject: sha512 besides': of({ subject: [{ digest: { sha256: hex, sha512: 'ab' } }] }),
    'subject: sha512 alone': of({ subject: [{ digest: { sha512: hex } }] }),
    'subject: by name alone': of({ subject: [{ name: `sha256:${hex}` }] }),
    'subject: named after another': of({ subject: [{ name: `x@sha256:${other}`, ...subject[0] }] }),
    'subject: a digest in a list': of({ subject: [{ digest: { sha256: [hex] } }] }),
    'subject twice: another first': `{"subject":[{"digest":{"sha256":"${other}"}}],${of({}).slice(1)}`,
    'subject twice: another last': twice('subject', [{ digest: { sha256: other } }]),
    'subject twice: another in capitals last': twice('Subject', [{ digest: { sha256: other } }]),
    'subject twice: another in capitals alone': of({
      subject: undefined,
      Subject: subject,
    }),
    'digest twice': of({}).replace('"sha256":', `"sha256":"${other}","sha256":`),
    'predicate type: another': of({ predicateType: 'https://example.com/other' }),
    'predicate type: none': of({ predicateType: undefined }),
    'predicate type: empty': of({ predicateType: '' }),
    'predicate type: longer': of({ predicateType: `${SIGN}/more` }),
    'predicate type twice: another first': `{"predicateType":"https://example.com/other",${of({}).slice(1)}`,
    'predicate type twice: another last': twice('predicateType', 'https://example.com/other'),
    'predicate: none': of({ predicate: undefined }),
    'predicate: a list': of({ predicate: [] }),
    'predicate: with content': of({ predicate: { a: 1 } }),
    'a field that nobody knows': of({ comment: 'hello' }),
    'more behind it': `${of({})}{}`,
    'a list': `[${of({})}]`,
    'not JSON': 'hello',
    empty: '',
    'deep nesting': of({}).replace(
      '"predicate":{}',
      `"predicate":${'['.repeat(5000)}${']'.repeat(5000)}`,
    ),
    'a lone surrogate': of({}).replace('"predicate":{}', '"predicate":{"a":"\\ud800"}'),
    'a byte order mark': `\uFEFF${of({})}`,
  };
}

/** Payloads of simple signing, good and odd. */
export function payloads(digest: string): Readonly<Record<string, string>> {
  const other = `sha256:${'f'.repeat(64)}`;
  const of = (image: unknown, more: Readonly<Record<string, unknown>> = {}): string =>
    JSON.stringify({
      critical: {
        identity: { 'docker-reference': '' },
        image,
        type: 'cosign container image signature',
        ...more,
      },
      optional: null,
    });
  const good = of({ 'docker-manifest-digest': digest });
  return {
    'as it should be': good,
    'another type': of(
      { 'docker-manifest-digest': digest },
      { type: 'atomic container signature' },
    ),
    'no type': of({ 'docker-manifest-digest': digest }, { type: undefined }),
    'named after another': of(
      { 'docker-manifest-digest': digest },
      { identity: { 'docker-reference': 'example.com/other' } },
    ),
    'another digest': of({ 'docker-manifest-digest': other }),
    'digest in capitals': of({ 'docker-manifest-digest': digest.toUpperCase() }),
    'digest without its prefix': of({ 'docker-manifest-digest': digest.slice(7) }),
    'no digest': of({}),
    'no image': of(undefined),
    'key in capitals': of({ 'Docker-Manifest-Digest': digest }),
    'digest twice: another first': good.replace(
      '"docker-manifest-digest"',
      `"docker-manifest-digest":"${other}","docker-manifest-digest"`,
    ),
    'digest twice: another last': good.replace(
      `"${digest}"`,
      `"${digest}","docker-manifest-digest":"${other}"`,
    ),
    'critical twice': `{"critical":{},${good.slice(1)}`,
    'no critical': '{"optional":null}',
    'optional: a list': good.replace('null', '[]'),
    'optional: numbers': good.replace('null', '{"a":1}'),
    'optional: not there': good.replace(',"optional":null', ''),
    'a field that nobody knows': `{"comment":1,${good.slice(1)}`,
    'more behind it': `${good}{}`,
    'a list': `[${good}]`,
    'a byte order mark': `\uFEFF${good}`,
  };
}
