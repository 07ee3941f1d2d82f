// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import fc from 'fast-check';
import { describe, it } from 'mocha';
import type { ReasonCode } from '../reasons.ts';
import {
  der,
  issueCertificate,
  LEAF_VALIDITY,
  sctList,
  TestCertificateAuthority,
  TestCtLog,
  type CertificateSpec,
  type SctOptions,
} from '../testing/index.ts';
import { parseCertificate } from './certificate.ts';
import type { Certificate, TransparencyLog } from './material.ts';
import { verifyScts, type VerifiedScts } from './sct.ts';
import { parseTrustedRoot } from './trusted-root.ts';

const AT = LEAF_VALIDITY.notBefore;
const SCT_LIST = '1.3.6.1.4.1.11129.2.4.2';
const ca = new TestCertificateAuthority();
const issuer = parseCertificate(ca.issuer.der);
const log = new TestCtLog();
const other = new TestCtLog({ name: 'other.example', key: 'RSA-2048' });
const known = [other.trusted, log.trusted];

/** What the issuer asks for SCTs. */
type Ask = NonNullable<CertificateSpec['sctsOf']>;

const leafOf = (sctsOf: Ask, spec: CertificateSpec = {}): Certificate =>
  parseCertificate(ca.issueLeaf({ sctsOf, ...spec }).der);
const judge = (leaf: Certificate, logs: readonly TransparencyLog[] = known): VerifiedScts =>
  verifyScts(leaf, issuer, logs);
const logsOf = (options: SctOptions, by = log): readonly string[] => [
  ...judge(leafOf(by.scts(options))).logs,
];
function assertRefused(
  { logs, found, refused }: VerifiedScts,
  message: RegExp,
  expected: { readonly found?: number; readonly code?: ReasonCode } = {},
): void {
  assert.equal(logs.size, 0);
  assert.equal(found, expected.found ?? 1);
  const [error, ...more] = refused;
  assert.equal(more.length, 0);
  assert.equal(error?.name, 'VerificationError');
  assert.equal(error.code, expected.code ?? 'SCT_INVALID');
  assert.match(error.message, message);
}

describe('a signed certificate timestamp', () => {
  it('is verified with the key of its log', () => {
    const { logs, found, refused } = judge(leafOf(log.scts()));
    assert.deepEqual([...logs], [log.trusted.id]);
    assert.equal(found, 1);
    assert.deepEqual(refused, []);
  });

  it('is verified with a log as a trusted root gives it', () => {
    for (const key of ['P-256', 'P-384', 'RSA-2048'] as const) {
      const made = new TestCtLog({ key });
      const { ctlogs } = parseTrustedRoot(
        JSON.stringify({
          mediaType: 'application/vnd.dev.sigstore.trustedroot+json;version=0.1',
          ctlogs: [made.trustedRoot()],
        }),
      );
      const { logs } = judge(leafOf(made.scts()), ctlogs);
      assert.deepEqual([...logs], [made.trusted.id]);
    }
  });

  it('is verified with its extensions', () => {
    const extensions = Buffer.from('0000050000000001', 'hex');
    const leaf = leafOf(log.scts({ extensions }));
    assert.equal(judge(leaf).logs.size, 1);
    const list = leaf.extensions.get(SCT_LIST)!;
    const changed = Buffer.from(list);
    changed[list.indexOf(extensions)]! ^= 1;
    const tampered = { ...leaf, extensions: new Map([[SCT_LIST, changed]]) };
    assertRefused(judge(tampered), /not signed/);
  });

  it('is verified over certificates of all sizes and shapes', () => {
    const specs: readonly CertificateSpec[] = [
      { keyUsage: null, extendedKeyUsage: null, keyIdentifiers: false },
      { sans: [{ type: 'email', value: 'a@example.com' }] },
      { commonName: 'a name', key: 'RSA-2048' },
      ...[60, 100, 200, 300, 20_000].map((size) => ({
        keyIdentifiers: false,
        extensions: [{ oid: '1.2.3.4', value: der.octets(Buffer.alloc(size)) }],
      })),
    ];
    for (const spec of specs) assert.equal(judge(leafOf(log.scts(), spec)).logs.size, 1);
  });

  it('is cut out wherever it stands among the extensions', () => {
    const spec = { sans: [{ type: 'email', value: 'a@example.com' }] } as const;
    const first = leafOf(log.scts(), spec);
    const list = first.extensions.get(SCT_LIST)!;
    // With the SCTs as the first of the extensions that this spec adds, the precertificate is the same.
    const key = ca.issueLeaf();
    const certificate = ca.issueLeaf({
      ...spec,
      key,
      extensions: [{ oid: '1.2.3.4', value: der.null() }],
      sctsOf: log.scts(),
    });
    const scts = parseCertificate(certificate.der).extensions.get(SCT_LIST)!;
    const extensions = [
      { oid: SCT_LIST, value: scts },
      { oid: '1.2.3.4', value: der.null() },
    ];
    const moved = parseCertificate(ca.issueLeaf({ ...spec, key, extensions }).der);
    assert.equal(judge(moved).logs.size, 1);
    const swapped = { ...spec, key, extensions: [{ oid: SCT_LIST, value: list }] };
    assertRefused(judge(parseCertificate(ca.issueLeaf(swapped).der)), /not signed/);
  });

  it('X44: is refused from a log that is not known', () => {
    const leaf = leafOf(log.scts());
    assertRefused(judge(leaf, [other.trusted]), /not trusted/);
    assertRefused(judge(leaf, []), /not trusted/);
    const liar = leafOf(log.scts({ logId: other.trusted.logId }));
    assertRefused(judge(liar), /not signed/);
  });

  it('X45: is made while the key of its log counts, both ends inside', () => {
    const validity = { from: AT, until: AT + 1000 };
    const short = new TestCtLog({ validity });
    for (const time of [AT, AT + 1000])
      assert.equal(judge(leafOf(short.scts({ time })), [short.trusted]).logs.size, 1);
    for (const time of [AT - 1, AT + 1001, 0, 2n ** 64n - 1n])
      assertRefused(judge(leafOf(short.scts({ time })), [short.trusted]), /time/);
  });

  it('X44: is of this certificate and this issuer', () => {
    const stranger = ca.issueLeaf();
    const list = parseCertificate(ca.issueLeaf({ sctsOf: log.scts() }).der).extensions;
    const value = list.get(SCT_LIST)!;
    const spliced = ca.issueLeaf({ key: stranger, extensions: [{ oid: SCT_LIST, value }] });
    assertRefused(judge(parseCertificate(spliced.der)), /not signed/);
    const leaf = leafOf(log.scts());
    const root = parseCertificate(ca.root.der);
    assertRefused(verifyScts(leaf, root, known), /not signed/);
    const issuerSpki = ca.root.publicKey.export({ format: 'der', type: 'spki' });
    assertRefused(judge(leafOf(log.scts({ issuerSpki }))), /not signed/);
    const editTbs = (tbs: Buffer): Buffer => Buffer.concat([tbs, Buffer.of(0)]);
    assertRefused(judge(leafOf(log.scts({ editTbs }))), /not signed/);
  });

  it('X50: is signed with the algorithm that the key of its log has', () => {
    assert.deepEqual(logsOf({}, other), [other.trusted.id]);
    for (const by of [log, other])
      for (const wrong of [
        { hashAlgorithm: 2 },
        { hashAlgorithm: 5 },
        { hashAlgorithm: 8 },
        { signatureAlgorithm: 0 },
        { signatureAlgorithm: by === log ? 1 : 3 },
        { signatureAlgorithm: 7 },
      ])
        assertRefused(judge(leafOf(by.scts(wrong))), /not signed/);
    const edwards = new TestCtLog({ key: 'Ed25519' });
    assertRefused(judge(leafOf(edwards.scts()), [edwards.trusted]), /not signed/);
  });

  it('X44: is not there in a certificate without the extension', () => {
    const { logs, found, refused } = judge(parseCertificate(ca.issueLeaf().der));
    assert.deepEqual([logs.size, found, refused.length], [0, 0, 0]);
  });

  it('X44: is not taken from a certificate with two lists', () => {
    const value = der.octets(sctList([Buffer.from('x')]));
    const extensions = [{ oid: SCT_LIST, value }];
    assert.throws(() => leafOf(log.scts(), { extensions }), {
      name: 'VerificationError',
      code: 'CERT_MALFORMED',
    });
  });
});

describe('many signed certificate timestamps', () => {
  const all =
    (...asks: readonly ((tbs: Buffer, spki: Buffer) => Buffer)[]): Ask =>
    (tbs, spki) =>
      sctList(asks.map((ask) => ask(tbs, spki)));
  const one =
    (by: TestCtLog, options: SctOptions = {}) =>
    (tbs: Buffer, spki: Buffer): Buffer =>
      by.sct(tbs, spki, options);

  it('A11: of one log count once', () => {
    const leaf = leafOf(all(one(log), one(log, { time: AT + 1 }), one(log)));
    const { logs, found } = judge(leaf);
    assert.deepEqual([...logs], [log.trusted.id]);
    assert.equal(found, 3);
    assert.equal(judge(leafOf(all(one(log), one(other)))).logs.size, 2);
  });

  it('are not spoilt by those that are refused', () => {
    const unknown = new TestCtLog();
    const leaf = leafOf(all(one(unknown), one(log), one(other, { signatureAlgorithm: 3 })));
    const { logs, found, refused } = judge(leaf);
    assert.deepEqual([...logs], [log.trusted.id]);
    assert.equal(found, 3);
    assert.deepEqual(
      refused.map(({ code }) => code),
      ['SCT_INVALID', 'SCT_INVALID'],
    );
  });

  it('A10: are 16 at most', () => {
    const asks = Array.from({ length: 16 }, () => one(log));
    assert.equal(judge(leafOf(all(...asks))).found, 16);
    const flood = judge(leafOf(all(...asks, one(log))));
    assertRefused(flood, /more than 16/, { found: 0, code: 'LIMIT_EXCEEDED' });
  });

  it('are refused as a whole where the list is malformed', () => {
    const edits: readonly ((list: Buffer) => Buffer)[] = [
      () => Buffer.alloc(0),
      () => Buffer.of(0),
      () => sctList([]),
      () => sctList([Buffer.alloc(0)]),
      (list) => Buffer.concat([list, Buffer.of(0)]),
      (list) => list.subarray(0, -1),
      (list) => sctList([list.subarray(4, -1)]),
      (list) => sctList([Buffer.concat([list.subarray(4), Buffer.of(0)])]),
      (list) => Buffer.concat([Buffer.of(0xff, 0xff), list.subarray(2)]),
    ];
    for (const edit of edits)
      assertRefused(judge(leafOf((tbs, spki) => edit(log.scts()(tbs, spki)))), /SCT/, { found: 0 });
    assertRefused(judge(leafOf(log.scts({ version: 1 }))), /version/, { found: 0 });
    for (const value of [sctList([Buffer.of(1)]), der.utf8('x'), Buffer.alloc(0)])
      assertRefused(
        judge(parseCertificate(ca.issueLeaf({ extensions: [{ oid: SCT_LIST, value }] }).der)),
        /parsed/,
        { found: 0 },
      );
  });

  it('let nothing out, and accept no change, whatever is in the list', () => {
    const leaf = leafOf(log.scts());
    const list = leaf.extensions.get(SCT_LIST)!;
    const outcome = (bytes: Uint8Array): number => {
      const extensions = new Map([[SCT_LIST, Buffer.from(bytes)]]);
      const { logs, refused } = judge({ ...leaf, extensions });
      assert.equal(logs.size + refused.length, 1);
      return logs.size;
    };
    assert.equal(outcome(list), 1);
    const bytes = fc.uint8Array({ maxLength: 200 });
    fc.assert(fc.property(bytes, (value) => outcome(value) === 0));
    fc.assert(
      fc.property(bytes, (value) => outcome(der.octets(sctList([Buffer.from(value)]))) === 0),
    );
    const change = fc.tuple(fc.nat(list.length - 1), fc.integer({ min: 1, max: 255 }));
    fc.assert(
      fc.property(change, ([place, flip]) => {
        const changed = Buffer.from(list);
        changed[place]! ^= flip;
        return outcome(changed) === 0;
      }),
      { numRuns: 500 },
    );
  });

  it('are verified for a certificate that its root issued', () => {
    const flat = new TestCertificateAuthority({ intermediate: false });
    const leaf = issueCertificate({ issuer: flat.root, sctsOf: log.scts() });
    const root = parseCertificate(flat.root.der);
    assert.equal(verifyScts(parseCertificate(leaf.der), root, known).logs.size, 1);
  });
});
