// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import type { RawSignature } from '../ports.ts';
import type { Verdict } from '../result.ts';
import {
  bundleEvidence,
  editJson,
  keylessAuthority,
  KeyIssuer,
  layerEvidence,
  TestSigstore,
  WORKFLOW,
  type BundleShape,
  type LogUse,
  type SigningOptions,
} from '../testing/index.ts';
import {
  assertRejected,
  assertVerified,
  codesOf,
  IMAGE,
  judge,
  OTHER,
  type Setting,
} from './__fixtures__/judge.ts';

const sigstore = new TestSigstore();
const root = sigstore.trustedRoot();
const issuer = new KeyIssuer();
const release = keylessAuthority(root);
const key = { name: 'key', key: { material: { inline: issuer.publicKeyPem } } };
const predicateType = 'https://slsa.dev/provenance/v1';
const predicate = { builder: { id: 'https://builder.example' }, level: 3 };
const asked = { predicateType };

type Options = SigningOptions & BundleShape;
type StampOver = NonNullable<SigningOptions['timestamps']>[number]['over'];
type Signed = Parameters<NonNullable<LogUse['enter']>>[0];
const bundle = (options: Options = {}, image = IMAGE): RawSignature =>
  bundleEvidence(sigstore.bundle(image, { predicateType, predicate, ...options }));
const layer = (options: SigningOptions = {}, image = IMAGE): RawSignature =>
  layerEvidence(sigstore.layer(image, { kind: 'dsse', predicateType, predicate, ...options }));

function judged(signature: RawSignature, setting: Partial<Setting> = {}): Verdict {
  return judge([signature], { by: [release], attestation: asked, ...setting });
}

describe('an attestation', () => {
  it('in a bundle is verified by log and by timestamp, keyless and by key', () => {
    assertVerified(judged(bundle()));
    assertVerified(judged(bundle({ logs: [{ log: 'v2' }], timestamps: [{}] })));
    assertVerified(judged(bundle({ signer: issuer, logs: [] }), { by: [key] }));
  });

  it('in a layer of an .att image is verified by the promise of a log', () => {
    assertVerified(judged(layer()));
    assertVerified(judged(layer({ logs: [{ kind: 'intoto 0.0.1' }] })));
    assertVerified(judged(layer({ logs: [{ kind: 'intoto 0.0.2' }] })));
    assertVerified(judged(layer({ signer: issuer, logs: [] }), { by: [key] }));
  });

  it('in a layer of an .att image is verified by a timestamp over the envelope or the signature', () => {
    const thresholds = { logEntries: 0, scts: 1, timestamps: 1 };
    const by = [keylessAuthority(root, { thresholds })];
    assertVerified(judged(layer({ logs: [], timestamps: [{}] }), { by }));
    const over = ({ content }: Parameters<NonNullable<StampOver>>[0]): Buffer =>
      (content.kind === 'dsse' ? content.envelope : undefined) ?? Buffer.alloc(0);
    assertVerified(judged(layer({ logs: [], timestamps: [{ over }] }), { by }));
    const payload = { over: () => Buffer.from('x') };
    assert.equal(judged(layer({ logs: [], timestamps: [payload] }), { by }).outcome, 'rejected');
  });

  it('A3: in a layer whose log entry is of another envelope is refused', () => {
    const enter = (signed: Signed): Signed => {
      const { entity } = signed;
      if (entity.content.kind !== 'dsse') return signed;
      const content = { ...entity.content, envelope: Buffer.from('{}') };
      return { ...signed, entity: { ...entity, content } };
    };
    for (const kind of ['dsse 0.0.1', 'intoto 0.0.1'] as const)
      assertRejected(judged(layer({ logs: [{ kind, enter }] })), 'TLOG_ENTRY_MISMATCH');
  });

  it('A22: about another image is refused, although it is genuine', () => {
    for (const signature of [bundle({}, OTHER), layer({}, OTHER)])
      assertRejected(judged(signature), 'SUBJECT_MISMATCH');
  });

  it('A36: by somebody else is refused, however right its subject', () => {
    const identity = { sans: [{ type: 'email', value: 'mallory@example.com' }] } as const;
    for (const signature of [bundle({ identity }), layer({ identity })])
      assertRejected(judged(signature), 'IDENTITY_MISMATCH');
  });

  it('A4, A6: of another type is not the one that is wanted, in every format', () => {
    const other = { predicateType: 'https://cosign.sigstore.dev/attestation/vuln/v1' };
    for (const signature of [bundle(other), layer(other)])
      assertRejected(judged(signature), 'PREDICATE_TYPE_MISMATCH', /vuln/);
  });

  for (const type of [
    `${predicateType}/`,
    predicateType.toUpperCase(),
    predicateType.replace('v1', 'v0.2'),
    ` ${predicateType}`,
    `${predicateType}\n`,
  ]) {
    it(`X48: of the type ${JSON.stringify(type)} is of another one`, () => {
      assertRejected(judged(bundle({ predicateType: type })), 'PREDICATE_TYPE_MISMATCH');
    });
  }

  it('X48: is of the type that is signed, whatever annotations say', () => {
    const made = sigstore.layer(IMAGE, { kind: 'dsse', predicateType: 'https://other.example' });
    const annotations = { ...made.annotations, predicateType };
    assertRejected(judged(layerEvidence({ ...made, annotations })), 'PREDICATE_TYPE_MISMATCH');
  });

  it('A5: is not there because there is a signature', () => {
    const signatures = [
      bundleEvidence(sigstore.bundle(IMAGE)),
      bundleEvidence(sigstore.bundle(IMAGE, { kind: 'message' })),
      layerEvidence(sigstore.layer(IMAGE)),
    ];
    for (const signature of signatures) {
      assertRejected(judged(signature), 'ATTESTATION_MISSING');
      assertVerified(judge([signature], { by: [release] }));
    }
  });

  it('A5: is no signature', () => {
    for (const signature of [bundle(), layer()])
      assertRejected(judge([signature], { by: [release] }), 'NO_SIGNATURE');
  });

  it('A35: is missing where there is nothing', () => {
    assertRejected(judge([], { by: [release], attestation: asked }), 'ATTESTATION_MISSING');
  });
});

describe('the payload of an attestation', () => {
  for (const [what, options] of [
    ['A6: is truncated', { payload: Buffer.from('{"_type":"https://in-toto.io/Stat') }],
    ['A38: has the subject null', { statement: { subject: [null] } }],
    ['A14: has no subject', { statement: { subject: [] } }],
    ['X47: has a subject without digests', { statement: { subject: [{ digest: {} }] } }],
    ['A38: has a predicate that is a text', { statement: { predicate: 's' } }],
    ['A38: has a predicate that is a list', { statement: { predicate: [] } }],
  ] as const) {
    it(`${what}: refused once the signature is verified, and no sooner`, () => {
      for (const make of [bundle, layer]) {
        assertRejected(judged(make(options)), 'PAYLOAD_MALFORMED');
        const stranger = new KeyIssuer();
        const unsigned = judged(make({ ...options, signer: stranger, logs: [] }), { by: [key] });
        assert.ok(unsigned.outcome === 'rejected' && unsigned.first.code !== 'PAYLOAD_MALFORMED');
      }
    });
  }

  for (const payloadType of ['application/json', 'application/vnd.in-toto+jsön', '']) {
    it(`A16: of the type ${JSON.stringify(payloadType)} is refused, although it is signed`, () => {
      for (const make of [bundle, layer])
        assertRejected(judged(make({ payloadType })), 'PAYLOAD_MALFORMED', /payloadType/);
    });
  }

  it('A34: is judged by its bytes: the same in other words is not signed', () => {
    const made = sigstore.bundle(IMAGE, { predicateType, predicate });
    const { dsseEnvelope } = JSON.parse(made.toString()) as { dsseEnvelope: { payload: string } };
    const json: unknown = JSON.parse(Buffer.from(dsseEnvelope.payload, 'base64').toString());
    const payload = Buffer.from(JSON.stringify(json, null, 1)).toString('base64');
    const written = editJson(made, { 'dsseEnvelope.payload': payload });
    assertRejected(judged(bundleEvidence(written)), 'SIGNATURE_INVALID');
  });

  it('A34, X32: is refused where it names a member twice', () => {
    const text = (doubled: string): Buffer =>
      Buffer.from(
        `{"_type":"https://in-toto.io/Statement/v1",${doubled}"predicateType":"${predicateType}",` +
          `"subject":[{"digest":{"sha256":"${IMAGE.digest.slice(7)}"}}],"predicate":{}}`,
      );
    assertVerified(judged(bundle({ payload: text('') })));
    for (const doubled of ['"predicateType":"x",', '"subject":[],', '"Subject":[],']) {
      assertRejected(judged(bundle({ payload: text(doubled) })), 'PAYLOAD_MALFORMED');
      assertRejected(judged(layer({ payload: text(doubled) })), 'PAYLOAD_MALFORMED');
    }
  });
});

describe('the conditions on an attestation', () => {
  const conditions = (...expressions: readonly string[]): Partial<Setting> => ({
    attestation: {
      predicateType,
      conditions: expressions.map((expression, i) => ({ name: `c${i.toString()}`, expression })),
    },
  });

  it('see predicate, statement, image, signer and time', () => {
    const all = conditions(
      'predicate.level >= 3 && predicate.builder.id == "https://builder.example"',
      'statement.subject.size() == 1',
      `image.digest == "${IMAGE.digest}" && image.registry == "registry.example"`,
      `signer.identity == "${WORKFLOW.subject}" && signer.issuer == "${WORKFLOW.issuer}"`,
      'now >= timestamp("2025-07-01T00:00:00Z")',
    );
    for (const signature of [bundle(), layer()]) assertVerified(judged(signature, all));
  });

  for (const [what, expression] of [
    ['is false', 'predicate.level > 3'],
    ['is about what is missing', 'predicate.missing == 1'],
    ['is about what is of another type', 'predicate.level == "3"'],
    ['fails', 'predicate.level / 0 == 1'],
  ] as const) {
    it(`X49: do not hold where one ${what}`, () => {
      assertRejected(judged(bundle(), conditions('true', expression)), 'PREDICATE_REJECTED');
    });
  }

  it('X49: that give no truth value hold nothing', () => {
    for (const expression of ['predicate.level', '"true"', 'null', 'dyn(1)']) {
      try {
        assertRejected(judged(bundle(), conditions(expression)), 'PREDICATE_REJECTED');
      } catch (thrown) {
        assert.equal((thrown as { code?: string }).code, 'POLICY_INVALID');
      }
    }
  });

  it('must hold for one and the same attestation', () => {
    const small = bundle({ predicate: { level: 1, ok: true } });
    const large = bundle({ predicate: { level: 3, ok: false } });
    const both = conditions('predicate.level >= 3', 'predicate.ok');
    const setting = { by: [release], ...both };
    assertRejected(judge([small, large], setting), 'PREDICATE_REJECTED');
    assertVerified(judge([small, large, bundle({ predicate: { level: 3, ok: true } })], setting));
  });

  it('A37: are not asked of what is not signed by the one who is wanted', () => {
    const signature = bundle({ signer: new KeyIssuer(), logs: [] });
    const verdict = judged(signature, { by: [key], ...conditions('predicate.missing') });
    assert.doesNotMatch(codesOf(verdict).join(), /PREDICATE/);
  });
});
