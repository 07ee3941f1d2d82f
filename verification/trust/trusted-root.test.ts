// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { createHash, type KeyObject } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import fc from 'fast-check';
import { describe, it } from 'mocha';
import { CASES, describeSuite, PUBLIC_GOOD } from '../__fixtures__/conformance-suite.ts';
import { VerificationError } from '../error.ts';
import {
  generateCertificateKey,
  issueCertificate,
  TestCertificateAuthority,
  type CertificateKeyKind,
} from '../testing/index.ts';
import type { TrustMaterial } from './material.ts';
import { parseTrustedRoot } from './trusted-root.ts';

const START = '2021-01-12T11:53:27Z';

const spki = (key: KeyObject): Buffer => key.export({ format: 'der', type: 'spki' });
const sha256 = (...parts: readonly (Buffer | string)[]): Buffer =>
  parts.reduce((hash, part) => hash.update(part), createHash('sha256')).digest();

interface LogOptions {
  readonly kind?: CertificateKeyKind;
  readonly keyDetails?: string;
  readonly origin?: string;
  readonly baseUrl?: string;
}

function logOf(options: LogOptions = {}): object {
  const { publicKey } = generateCertificateKey(options.kind ?? 'P-256');
  const bytes = spki(publicKey);
  const keyId =
    options.origin === undefined
      ? sha256(bytes)
      : sha256(`${options.origin}\n`, Buffer.of(1), bytes.subarray(-32));
  return {
    baseUrl: options.baseUrl ?? 'https://rekor.example.com',
    hashAlgorithm: 'SHA2_256',
    publicKey: {
      rawBytes: bytes.toString('base64'),
      keyDetails: options.keyDetails ?? 'PKIX_ECDSA_P256_SHA_256',
      validFor: { start: START },
    },
    logId: { keyId: keyId.toString('base64') },
  };
}

const ca = new TestCertificateAuthority();
const tsa = new TestCertificateAuthority({ name: 'tsa' });
const base = {
  mediaType: 'application/vnd.dev.sigstore.trustedroot+json;version=0.1',
  tlogs: [logOf()],
  certificateAuthorities: [ca.trustedRoot()],
  ctlogs: [logOf()],
  timestampAuthorities: [tsa.trustedRoot({ leaf: tsa.issueTimestampLeaf() })],
};
const parse = (root: object): TrustMaterial => parseTrustedRoot(JSON.stringify(root));
const invalid = (message: RegExp): object => ({
  name: 'VerificationError',
  code: 'TRUST_ROOT_INVALID',
  message,
});

/** The trusted root with one value replaced; `undefined` takes it out. */
function edited(path: readonly (string | number)[], value: unknown): object {
  const copy = structuredClone(base) as Record<string | number, unknown>;
  const last = path.at(-1) ?? '';
  const holder = path
    .slice(0, -1)
    .reduce((node, key) => node[key] as Record<string | number, unknown>, copy);
  holder[last] = value;
  return copy;
}

describeSuite('trusted roots of others', (cases) => {
  const files = cases
    .map((name) => join(CASES, name, 'trusted_root.json'))
    .filter((file) => existsSync(file));
  const read = (file: string): TrustMaterial => parseTrustedRoot(readFileSync(file, 'utf8'));

  it('are there', () => assert.ok(files.length >= 38));
  for (const file of [PUBLIC_GOOD, ...files]) {
    const name = relative(CASES, file);
    if (name.includes('missing-validity-start'))
      it(`are refused where they must be: ${name}`, () =>
        assert.throws(
          () => read(file),
          invalid(/^tlogs\[1\]\.publicKey\.validFor\.start: is missing$/),
        ));
    else
      it(`are read: ${name}`, () => {
        const material = read(file);
        assert.equal(material.hash, sha256(readFileSync(file)).toString('hex'));
        assert.ok(material.tlogs.length > 0 && material.certificateAuthorities.length > 0);
      });
  }
  it('name the public logs', () => {
    assert.deepEqual(
      read(PUBLIC_GOOD).tlogs.map(({ origin, hash }) => [origin, hash]),
      [
        ['rekor.sigstore.dev', 'sha256'],
        ['log2025-1.rekor.sigstore.dev', null],
      ],
    );
  });
});

describe('a trusted root', () => {
  it('gives its authorities and logs', () => {
    const material = parse(base);
    const [authority] = material.certificateAuthorities;
    const [log] = material.tlogs;
    assert.equal(authority?.name, 'https://test.test');
    assert.deepEqual(
      authority.chain.map(({ der }) => der),
      ca.chain.map(({ der }) => der),
    );
    assert.equal(authority.id, authority.chain.at(-1)?.fingerprint);
    assert.deepEqual(authority.validity, { from: Date.UTC(2020, 0, 1), until: Infinity });
    assert.equal(material.timestampAuthorities[0]?.chain.length, 3);
    assert.equal(log?.origin, 'rekor.example.com');
    assert.equal(log.hash, 'sha256');
    assert.deepEqual(log.key.hashes, ['sha256']);
    assert.equal(log.id, log.key.fingerprint);
    assert.deepEqual(log.validity, { from: Date.parse(START), until: Infinity });
  });

  it('may be of each version, and leave lists out', () => {
    for (const mediaType of [
      'application/vnd.dev.sigstore.trustedroot+json;version=0.2',
      'application/vnd.dev.sigstore.trustedroot.v0.2+json',
    ])
      assert.deepEqual(parse({ mediaType }).tlogs, []);
  });

  it('may hold null where protobuf writes one, and members that nobody knows', () => {
    const validFor = { start: START, end: null };
    assert.ok(parse(edited(['certificateAuthorities', 0, 'validFor'], validFor)));
    assert.ok(parse(edited(['tlogs', 0, 'checkpointKeyId'], null)));
    assert.ok(parse(edited(['tlogs', 0, 'operator'], 'example.com')));
  });

  it('reads fractions of seconds down to the millisecond', () => {
    const end = '2022-12-31T23:59:59.999999Z';
    const { certificateAuthorities } = parse({
      ...base,
      certificateAuthorities: [ca.trustedRoot({ end })],
    });
    assert.equal(certificateAuthorities[0]?.validity.until, Date.parse('2022-12-31T23:59:59.999Z'));
  });

  for (const [kind, keyDetails, hash] of [
    ['P-384', 'PKIX_ECDSA_P384_SHA_384', 'sha384'],
    ['P-521', 'PKIX_ECDSA_P521_SHA_512', 'sha512'],
    ['Ed25519', 'PKIX_ED25519', null],
    ['RSA-2048', 'PKIX_RSA_PKCS1V15_2048_SHA256', 'sha256'],
    ['RSA-2048', 'PKIX_RSA_PKCS1V5', 'sha256'],
  ] as const) {
    it(`takes logs with ${keyDetails}, by that hash alone`, () => {
      const [log] = parse({ ...base, tlogs: [logOf({ kind, keyDetails })] }).tlogs;
      assert.equal(log?.hash, hash);
      assert.deepEqual(log.key.hashes, [hash]);
    });
  }

  for (const [baseUrl, origin] of [
    ['https://rekor.example.com', 'rekor.example.com'],
    ['https://rekor.example.com/', 'rekor.example.com'],
    ['http://localhost:8000', 'localhost:8000'],
    ['https://example.com:8443/log/2025/', 'example.com:8443/log/2025'],
    ['rekor.example.com', 'rekor.example.com'],
  ] as const) {
    it(`names the log at ${baseUrl} ${origin}`, () => {
      const log = { kind: 'Ed25519', keyDetails: 'PKIX_ED25519', baseUrl } as const;
      assert.equal(parse({ ...base, tlogs: [logOf(log)] }).tlogs[0]?.origin, origin);
      const tlogs = [logOf({ ...log, origin })];
      assert.equal(parse({ ...base, tlogs }).tlogs[0]?.origin, origin);
    });
  }

  it('takes the name of a log from its ID, where it calls itself by its host', () => {
    const log = { kind: 'Ed25519', keyDetails: 'PKIX_ED25519' } as const;
    const baseUrl = 'http://rekor.local:3003';
    const tlogs = [logOf({ ...log, baseUrl, origin: 'rekor.local' })];
    assert.equal(parse({ ...base, tlogs }).tlogs[0]?.origin, 'rekor.local');
    assert.throws(
      () => parse({ ...base, tlogs: [logOf({ ...log, baseUrl, origin: 'other.local' })] }),
      invalid(/^tlogs\[0\]\.logId\.keyId: is neither/),
    );
  });

  it('keeps the key ID of checkpoints', () => {
    const keyId = Buffer.from('abcd').toString('base64');
    const [log] = parse(edited(['tlogs', 0, 'checkpointKeyId'], { keyId })).tlogs;
    assert.deepEqual(log?.checkpointKeyId, Buffer.from('abcd'));
  });
});

describe('parsing a trusted root', () => {
  const leaf = ca.issueLeaf();
  const weak = issueCertificate({ commonName: 'weak', isCa: true, key: 'RSA-1024' });
  const chainOf = (...certificates: readonly { readonly der: Buffer }[]): unknown => ({
    certificates: certificates.map(({ der }) => ({ rawBytes: der.toString('base64') })),
  });
  const rsaLog = logOf({ kind: 'RSA-2048', keyDetails: 'PKIX_RSA_PKCS1V15_4096_SHA256' });
  const weakLog = logOf({ kind: 'RSA-1024', keyDetails: 'PKIX_RSA_PKCS1V5' });
  const CA = ['certificateAuthorities', 0] as const;
  const LOG = ['tlogs', 0] as const;
  const KEY = [...LOG, 'publicKey'] as const;

  for (const [what, path, value, message] of [
    ['another media type', ['mediaType'], 'application/json', /^mediaType: is not supported/],
    ['no media type', ['mediaType'], undefined, /^mediaType: is missing/],
    ['a list that is none', ['tlogs'], {}, /^tlogs: is not a list/],
    ['a log that is none', LOG, 'x', /^tlogs\[0\]: is not an object/],
    ['a missing key', KEY, undefined, /^tlogs\[0\]\.publicKey: is missing/],
    ['X45: a missing start', [...KEY, 'validFor'], {}, /publicKey\.validFor\.start: is missing/],
    ['a missing window', [...KEY, 'validFor'], undefined, /publicKey\.validFor: is missing/],
    [
      'a window that ends before it starts',
      [...KEY, 'validFor'],
      { start: START, end: '2020-01-01T00:00:00Z' },
      /ends before/,
    ],
    ['a day that does not exist', [...KEY, 'validFor', 'start'], '2021-02-30T00:00:00Z', /UTC/],
    ['a time without a zone', [...KEY, 'validFor', 'start'], '2021-02-03T00:00:00', /UTC/],
    ['a time that is a number', [...KEY, 'validFor', 'start'], 5, /start: is not a text/],
    ['a URL-safe key', [...KEY, 'rawBytes'], '_-8=', /^tlogs\[0\]\.publicKey\.rawBytes: not stand/],
    ['an empty key', [...KEY, 'rawBytes'], '', /rawBytes: is empty/],
    ['a key that is none', [...KEY, 'rawBytes'], 'AAAA', /rawBytes: is not a public key/],
    ['unknown details', [...KEY, 'keyDetails'], 'PKIX_ED25519_PH', /keyDetails: is not supported/],
    ['details as a number', [...KEY, 'keyDetails'], 5, /keyDetails: is not a text/],
    ['details of another key', [...KEY, 'keyDetails'], 'PKIX_ED25519', /does not fit/],
    ['details of another curve', [...KEY, 'keyDetails'], 'PKIX_ECDSA_P384_SHA_384', /does not fit/],
    ['details of another size', LOG, rsaLog, /does not fit/],
    ['a weak key', LOG, weakLog, /rawBytes: .*less than 2048/],
    ['an ID that is not of the key', [...LOG, 'logId', 'keyId'], `${'A'.repeat(43)}=`, /neither/],
    ['an ID of another length', [...LOG, 'logId', 'keyId'], 'AAAA', /32 bytes/],
    ['no ID', [...LOG, 'logId'], undefined, /^tlogs\[0\]\.logId: is missing/],
    ['another hash', [...LOG, 'hashAlgorithm'], 'SHA1', /hashAlgorithm: is not supported/],
    ['a log without a URL', [...LOG, 'baseUrl'], '', /baseUrl: is not a URL/],
    ['a URL of two lines', [...LOG, 'baseUrl'], 'https://a\nb', /baseUrl: is not a URL/],
    ['a URL without a host', [...LOG, 'baseUrl'], 'https://', /baseUrl: is not a URL/],
    ['an odd checkpoint key ID', [...LOG, 'checkpointKeyId'], { keyId: 'AAAAAAAA' }, /4 nor/],
    ['a log twice', ['tlogs'], [base.tlogs[0], base.tlogs[0]], /^tlogs\[1\]: occurs twice/],
    [
      'a certificate log by another ID',
      ['ctlogs', 0],
      logOf({ kind: 'Ed25519', keyDetails: 'PKIX_ED25519', origin: 'rekor.example.com' }),
      /^ctlogs\[0\]\.logId\.keyId: is not the hash/,
    ],
    ['an authority without a chain', [...CA, 'certChain'], undefined, /certChain: is missing/],
    ['an empty chain', [...CA, 'certChain'], { certificates: [] }, /is missing or empty/],
    ['an authority without a window', [...CA, 'validFor'], undefined, /validFor: is missing/],
    ['a chain in disorder', [...CA, 'certChain'], chainOf(ca.root, ca.issuer), /not in order/],
    ['a chain of strangers', [...CA, 'certChain'], chainOf(ca.issuer, tsa.root), /not in order/],
    ['a chain without a root', [...CA, 'certChain'], chainOf(ca.issuer), /self-signed root/],
    ['a leaf in a chain', [...CA, 'certChain'], chainOf(leaf, ...ca.chain), /not a CA/],
    ['a weak certificate', [...CA, 'certChain'], chainOf(weak), /rawBytes: .*less than 2048/],
    [
      'an authority twice',
      ['certificateAuthorities'],
      [base.certificateAuthorities[0], base.certificateAuthorities[0]],
      /^certificateAuthorities\[1\]: occurs twice/,
    ],
    [
      'a timestamp leaf for a root',
      ['timestampAuthorities', 0, 'certChain'],
      chainOf(issueCertificate({ commonName: 'alone' })),
      /not a CA/,
    ],
  ] as const) {
    const row = what.startsWith('X45: ') ? 'X45: ' : '';
    it(`${row}refuses ${what.slice(row.length)}`, () =>
      assert.throws(() => parse(edited(path, value)), invalid(message)));
  }

  it('refuses keys that repeat, deep nesting and megabytes', () => {
    const text = JSON.stringify(base);
    for (const bad of [
      text.replace('{', '{"tlogs":[],'),
      `{"x":${'['.repeat(40)}${']'.repeat(40)}}`,
      ' '.repeat(2_000_000),
      '',
      'null',
      '[]',
    ])
      assert.throws(() => parseTrustedRoot(bad), invalid(/./));
  });

  it('lets nothing but its own error out, whatever it is given', () => {
    const attempt = (text: string): void => {
      try {
        parseTrustedRoot(text);
      } catch (thrown) {
        assert.ok(thrown instanceof VerificationError);
        assert.equal(thrown.code, 'TRUST_ROOT_INVALID');
      }
    };
    const paths = fc.constantFrom<readonly (string | number)[]>(
      ['tlogs'],
      LOG,
      KEY,
      [...KEY, 'rawBytes'],
      [...KEY, 'validFor'],
      CA,
      [...CA, 'certChain', 'certificates', 0],
      [...CA, 'uri'],
      [...CA, 'subject'],
    );
    fc.assert(
      fc.property(paths, fc.jsonValue(), (path, value) =>
        attempt(JSON.stringify(edited(path, value))),
      ),
    );
    fc.assert(fc.property(fc.string(), attempt));
  });
});
