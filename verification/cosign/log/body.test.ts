// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import fc from 'fast-check';
import { VerificationError } from '../../error.ts';
import { issueCertificate } from '../../testing/certificate.ts';
import { KeyIssuer } from '../../testing/issuer.ts';
import { logBodyOf, type LogKind } from '../../testing/log-body.ts';
import { signEnvelope, signMessage, type TestSigned } from '../../testing/signed-entity.ts';
import type { LogEntry, SignedEntity } from '../entity.ts';
import { cpuMilliseconds } from '../../testing/cpu-time.ts';
import { bindEntry } from './body.ts';

const certificate = issueCertificate({});
const otherCertificate = issueCertificate({});
const issuer = new KeyIssuer();
const statement = { _type: 'https://in-toto.io/Statement/v1', predicate: 'x'.repeat(100) };
const signers = { key: issuer, certificate } as const;
const MESSAGE_KINDS = ['hashedrekord 0.0.1', 'hashedrekord 0.0.2', 'rekord 0.0.1'] as const;
const ENVELOPE_KINDS = [
  'hashedrekord 0.0.2',
  'intoto 0.0.1',
  'intoto 0.0.2',
  'dsse 0.0.1',
  'dsse 0.0.2',
] as const;

type Edit = (body: Record<string, unknown>) => unknown;

function entryOf(kind: LogKind, body: unknown): LogEntry {
  const [name = '', version = ''] = kind.split(' ');
  return {
    logIndex: 0n,
    logId: Buffer.alloc(32),
    kind: name,
    version,
    integratedTime: 0n,
    body: Buffer.isBuffer(body) ? body : Buffer.from(JSON.stringify(body)),
  };
}

/** The code that binding ends with; `bound` where it does not throw. */
function outcome(kind: LogKind, body: unknown, { entity, key }: TestSigned): string {
  try {
    bindEntry(entryOf(kind, body), entity, key);
    return 'bound';
  } catch (thrown) {
    assert.ok(thrown instanceof VerificationError, String(thrown));
    return thrown.code;
  }
}

function edited(
  signed: TestSigned,
  edit: (entity: SignedEntity) => Partial<SignedEntity['content']>,
) {
  const content = { ...signed.entity.content, ...edit(signed.entity) } as SignedEntity['content'];
  return { ...signed, entity: { ...signed.entity, content } };
}

const cases: {
  readonly kind: LogKind;
  readonly by: keyof typeof signers;
  readonly signed: TestSigned;
  readonly again: TestSigned;
}[] = [];
for (const by of ['key', 'certificate'] as const) {
  for (const kind of MESSAGE_KINDS) {
    const sign = (): TestSigned => signMessage(signers[by], Buffer.from('a message'));
    cases.push({ kind, by, signed: sign(), again: sign() });
  }
  for (const kind of ENVELOPE_KINDS) {
    const sign = (): TestSigned => signEnvelope(signers[by], statement);
    cases.push({ kind, by, signed: sign(), again: sign() });
  }
}

for (const { kind, by, signed, again } of cases) {
  const { entity, pem, key } = signed;
  const body = logBodyOf(kind, entity, pem);
  const isEnvelope = entity.content.kind === 'dsse';
  const strange = by === 'key' ? new KeyIssuer().publicKeyPem : otherCertificate.pem;

  describe(`bindEntry: ${kind} about ${isEnvelope ? 'an envelope' : 'a message'} by a ${by}`, () => {
    it('takes the entry of the signature', () =>
      assert.equal(outcome(kind, body, signed), 'bound'));
    it('takes a PEM block with other ends of lines', () => {
      const crlf = logBodyOf(kind, entity, pem.replaceAll('\n', '\r\n'));
      assert.equal(outcome(kind, crlf, signed), 'bound');
    });
    it('A3: refuses the entry of another signature over the same content by the same signer', () =>
      assert.equal(outcome(kind, body, again), 'TLOG_ENTRY_MISMATCH'));
    it('A3: refuses the entry of another signer', () =>
      assert.equal(outcome(kind, logBodyOf(kind, entity, strange), signed), 'TLOG_ENTRY_MISMATCH'));
    it('A32: refuses an entry that was made over other content', () => {
      const other = edited(signed, ({ content }) =>
        content.kind === 'dsse'
          ? { payload: Buffer.from('other'), envelope: Buffer.from('other') }
          : { message: Buffer.from('other') },
      );
      assert.equal(
        outcome(kind, logBodyOf(kind, other.entity, pem), signed),
        'TLOG_ENTRY_MISMATCH',
      );
      assert.equal(outcome(kind, body, other), 'TLOG_ENTRY_MISMATCH');
    });
    it('refuses a certificate for a key and a key for a certificate', () => {
      const swapped = by === 'key' ? certificate.pem : issuer.publicKeyPem;
      assert.equal(outcome(kind, logBodyOf(kind, entity, swapped), signed), 'TLOG_ENTRY_MISMATCH');
    });
    it('refuses an entry that states another kind or version', () => {
      for (const change of [{ apiVersion: '0.0.9' }, { kind: 'helm' }])
        assert.equal(outcome(kind, { ...body, ...change }, signed), 'BUNDLE_MALFORMED');
    });
    it('X32: refuses keys that repeat, in any case', () => {
      const text = JSON.stringify(body);
      for (const twice of [`{"kind":"x",${text.slice(1)}`, `{"Spec":{},${text.slice(1)}`])
        assert.equal(outcome(kind, Buffer.from(twice), signed), 'BUNDLE_MALFORMED');
    });
    it('A38: refuses values of other types anywhere in it', () => {
      for (const wrong of [1, null, true, [], {}, '', 'é', undefined])
        for (const changed of withEach(kind, body, wrong))
          assert.notEqual(outcome(kind, changed, signed), 'bound', JSON.stringify(changed));
    });
    it('takes the entry again with its keys in another order', () => {
      const reversed = Object.fromEntries(Object.entries(body).reverse());
      assert.equal(outcome(kind, reversed, signed), 'bound');
    });
    it('X33: lets no change of one character pass that changes what is recorded', () => {
      const text = JSON.stringify(body);
      fc.assert(
        fc.property(
          fc.nat(text.length - 1),
          fc.constantFrom('A', '0', '"', '-', '_', '{'),
          (at, character) => {
            const changed = text.slice(0, at) + character + text.slice(at + 1);
            if (recorded(changed) === recorded(text) || isInUnchecked(kind, text, at)) return;
            assert.notEqual(outcome(kind, Buffer.from(changed), signed), 'bound');
          },
        ),
      );
    });
    it('F2: throws nothing but a VerificationError, whatever the body is', () => {
      fc.assert(
        fc.property(fc.jsonValue(), fc.uint8Array(), (value, bytes) => {
          const [name, apiVersion] = kind.split(' ');
          assert.notEqual(outcome(kind, value, signed), 'bound');
          assert.notEqual(outcome(kind, Buffer.from(bytes), signed), 'bound');
          assert.notEqual(outcome(kind, { kind: name, apiVersion, spec: value }, signed), 'bound');
        }),
        { numRuns: 30 },
      );
    });
    if (by === 'key')
      it('refuses every entry where no key is known that verified', () =>
        assert.equal(outcome(kind, body, { entity, pem, key: undefined }), 'TLOG_ENTRY_MISMATCH'));
    else it('takes no key in the place of a certificate', () => assert.equal(key, undefined));
  });
}

describe('bindEntry', () => {
  const message = signMessage(issuer, Buffer.from('a message'));
  const envelope = signEnvelope(issuer, statement);
  const of = (kind: LogKind, signed: TestSigned, edit: Edit = (body) => body): string =>
    outcome(kind, edit(logBodyOf(kind, signed.entity, signed.pem)), signed);

  it('refuses entries about messages for an envelope, and the other way round', () => {
    for (const kind of ['hashedrekord 0.0.1', 'rekord 0.0.1'] as const)
      assert.equal(of(kind, envelope), 'TLOG_ENTRY_MISMATCH');
    for (const kind of ['intoto 0.0.1', 'intoto 0.0.2', 'dsse 0.0.1', 'dsse 0.0.2'] as const)
      assert.equal(of(kind, message), 'TLOG_ENTRY_MISMATCH');
  });
  it('takes every SHA-2 that a hashedrekord may name, and compares by it', () => {
    for (const hash of ['sha256', 'sha384', 'sha512'] as const) {
      for (const kind of ['hashedrekord 0.0.1', 'hashedrekord 0.0.2'] as const)
        assert.equal(
          outcome(kind, logBodyOf(kind, message.entity, message.pem, hash), message),
          'bound',
        );
      const v2 = logBodyOf('hashedrekord 0.0.2', envelope.entity, envelope.pem, hash);
      assert.equal(outcome('hashedrekord 0.0.2', v2, envelope), 'bound');
    }
  });
  it('refuses other hash algorithms, and hashes of another length', () => {
    const data =
      (hash: object): Edit =>
      (body) => ({
        ...body,
        spec: { ...(body['spec'] as object), data: { hash } },
      });
    for (const hash of [
      { algorithm: 'sha1', value: '00'.repeat(20) },
      { algorithm: 'md5', value: '00'.repeat(16) },
      { algorithm: 'SHA256', value: '00'.repeat(32) },
      { algorithm: 'constructor', value: '00'.repeat(32) },
      { algorithm: 'sha256', value: '00'.repeat(31) },
      { algorithm: 'sha256', value: '' },
      { algorithm: 'sha256', value: 'zz'.repeat(32) },
      { algorithm: 'sha256' },
    ])
      assert.equal(of('hashedrekord 0.0.1', message, data(hash)), 'BUNDLE_MALFORMED');
  });
  it('refuses an entry about several signatures', () => {
    for (const kind of ['dsse 0.0.1', 'dsse 0.0.2', 'intoto 0.0.2'] as const) {
      const twice = JSON.stringify(logBodyOf(kind, envelope.entity, envelope.pem)).replace(
        /"signatures":\[(.*?\})\]/,
        '"signatures":[$1,$1]',
      );
      assert.equal(outcome(kind, Buffer.from(twice), envelope), 'TLOG_ENTRY_MISMATCH');
    }
  });
  it('compares the hash of an envelope only where its bytes are known, but wants them for intoto 0.0.1', () => {
    const { content } = envelope.entity;
    assert.equal(content.kind, 'dsse');
    const { envelope: bytes, ...lost } = content as SignedEntity['content'] & { envelope: Buffer };
    const bare = { ...envelope, entity: { ...envelope.entity, content: lost } };
    assert.ok(bytes.length > 0);
    const bodyOf = (kind: LogKind): unknown => logBodyOf(kind, envelope.entity, envelope.pem);
    assert.equal(outcome('dsse 0.0.1', bodyOf('dsse 0.0.1'), bare), 'bound');
    assert.equal(outcome('intoto 0.0.1', bodyOf('intoto 0.0.1'), bare), 'TLOG_ENTRY_MISMATCH');
  });
  it('A34: compares the bytes of an envelope, not what they mean', () => {
    const spaced = edited(envelope, ({ content }) => ({
      envelope: Buffer.concat([(content as { envelope: Buffer }).envelope, Buffer.from(' ')]),
    }));
    for (const kind of ['dsse 0.0.1', 'intoto 0.0.1'] as const) {
      const body = logBodyOf(kind, envelope.entity, envelope.pem);
      assert.equal(outcome(kind, body, spaced), 'TLOG_ENTRY_MISMATCH');
    }
  });
  it('holds an intoto 0.0.2 entry to the type of the payload', () => {
    const other = edited(envelope, () => ({ payloadType: 'text/plain' }));
    const body = logBodyOf('intoto 0.0.2', other.entity, other.pem);
    assert.equal(outcome('intoto 0.0.2', body, envelope), 'TLOG_ENTRY_MISMATCH');
  });
  it('refuses kinds that record no signature of an image', () => {
    const body = { kind: 'helm', apiVersion: '0.0.1', spec: {} };
    assert.equal(outcome('helm 0.0.1' as LogKind, body, message), 'TLOG_ENTRY_MISMATCH');
    const pgp: Edit = (rekord) => JSON.parse(JSON.stringify(rekord).replace('x509', 'pgp'));
    assert.equal(of('rekord 0.0.1', message, pgp), 'TLOG_ENTRY_MISMATCH');
  });
  it('refuses a Rekor v2 entry that is of two kinds, or has a certificate and a key', () => {
    const text = JSON.stringify(logBodyOf('hashedrekord 0.0.2', message.entity, message.pem));
    for (const [from, to] of [
      ['{"hashedRekordV002"', '{"dsseV002":{},"hashedRekordV002"'],
      ['{"keyDetails"', '{"x509Certificate":{"rawBytes":"AA=="},"keyDetails"'],
    ] as const)
      assert.equal(
        outcome('hashedrekord 0.0.2', Buffer.from(text.replace(from, to)), message),
        'BUNDLE_MALFORMED',
      );
  });
  it('A10: hashes a large payload once for many entries', () => {
    const large = signEnvelope(issuer, { predicate: 'x'.repeat(8 * 1024 * 1024) });
    const body = logBodyOf('dsse 0.0.2', large.entity, large.pem);
    const [first, all] = [1, 32].map((entries) => {
      const fresh = { ...large, entity: { ...large.entity, content: { ...large.entity.content } } };
      return cpuMilliseconds(() => {
        for (let i = 0; i < entries; i += 1)
          assert.equal(outcome('dsse 0.0.2', body, fresh), 'bound');
      });
    });
    assert.ok(all! < first! * 16, `${all!.toString()} ms for 32, ${first!.toString()} ms for one`);
  });
});

/** The bodies that result where each of the values in one is replaced, one at a time. */
function* withEach(kind: LogKind, value: unknown, wrong: unknown): Generator {
  if (typeof value !== 'object' || value === null) return;
  for (const [key, member] of Object.entries(value)) {
    const copy = (by: unknown): unknown =>
      Array.isArray(value)
        ? value.map((item: unknown, at) => (at.toString() === key ? by : item))
        : { ...value, [key]: by };
    if (isUnchecked(kind, key)) continue;
    yield copy(wrong);
    for (const changed of withEach(kind, member, wrong)) yield copy(changed);
  }
}

/** Members that nothing is taken from: the `hash` of intoto 0.0.2 is of an envelope that nobody has. */
function isUnchecked(kind: LogKind, key: string): boolean {
  return key === 'keyDetails' || (kind === 'intoto 0.0.2' && key === 'hash');
}

/** True where the index lies in what is not compared. */
function isInUnchecked(kind: LogKind, text: string, at: number): boolean {
  const pattern = /"(keyDetails|hash)":(?:"[^"]*"|\{[^}]*\})/g;
  return [...text.matchAll(pattern)].some(
    ({ index, 0: { length }, 1: name = '' }) =>
      isUnchecked(kind, name) && index <= at && at < index + length,
  );
}

/** What an entry records: hashes in any case, PEM with any ends of lines. */
function recorded(text: string): string {
  return text
    .replaceAll(/(?<="value":")[0-9a-fA-F]+/g, (hex) => hex.toLowerCase())
    .replaceAll(/LS0tLS1CRUdJTi[A-Za-z0-9+/=]+/g, (pem) =>
      Buffer.from(pem, 'base64')
        .toString('latin1')
        .replaceAll(/[\r\n]/g, ''),
    );
}
