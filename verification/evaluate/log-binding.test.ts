// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { describe, it } from 'mocha';
import type { SignedEntity } from '../cosign/entity.ts';
import type { RawSignature } from '../ports.ts';
import {
  bundleEvidence,
  keylessAuthority,
  KeyIssuer,
  layerEvidence,
  signEnvelope,
  signMessage,
  TestLog,
  TestSigstore,
  type AuthorityInput,
  type LogUse,
  type SigningOptions,
  type TestCertificate,
  type TestSigned,
} from '../testing/index.ts';
import { assertRejected, assertVerified, IMAGE, judge, OTHER } from './__fixtures__/judge.ts';

const sigstore = new TestSigstore();
const root = sigstore.trustedRoot();
const issuer = new KeyIssuer();
const foreigner = new KeyIssuer();

/** Keys given as such, without anything else that a trusted root holds. */
const bare = sigstore.trustedRoot({
  certificateAuthorities: [],
  ctlogs: [],
  timestampAuthorities: [],
});
const keyOnly = { name: 'key', key: { material: { inline: issuer.publicKeyPem } } };
const keyAndLog: AuthorityInput = {
  name: 'key',
  key: {
    ...keyOnly.key,
    transparencyLog: 'Require',
    trustRoot: { material: { inline: bare } },
  },
};

/** How signatures come, each with what is entered into the log instead of it. */
const FORMATS: Readonly<Record<string, (options: SigningOptions) => RawSignature>> = {
  'an old bundle': (options) =>
    bundleEvidence(sigstore.bundle(IMAGE, { ...options, version: '0.1', kind: 'message' })),
  'a new bundle': (options) => bundleEvidence(sigstore.bundle(IMAGE, options)),
  'a new bundle over the manifest': (options) =>
    bundleEvidence(sigstore.bundle(IMAGE, { ...options, kind: 'message' })),
  annotations: (options) => layerEvidence(sigstore.layer(IMAGE, options)),
};

/** Signs something else in the same way. */
function signedAgain(signed: TestSigned, signer: KeyIssuer | TestCertificate): TestSigned {
  const { content } = signed.entity;
  return content.kind === 'message'
    ? signMessage(signer, content.message)
    : signEnvelope(signer, {}, { payload: content.payload });
}

function withContent(
  signed: TestSigned,
  change: Partial<Record<'message' | 'payload' | 'signature', Buffer>>,
): TestSigned {
  const content = { ...signed.entity.content, ...change } as SignedEntity['content'];
  return { ...signed, entity: { ...signed.entity, content } };
}

/** Entries that are genuine, and about something else in one respect. */
const FOREIGN: Readonly<
  Record<string, (signed: TestSigned, signer: KeyIssuer | TestCertificate) => TestSigned>
> = {
  digest: (signed) =>
    withContent(signed, { message: OTHER.bytes, payload: Buffer.from('{"_type":"x"}') }),
  signature: (signed, signer) =>
    withContent(signed, { signature: signedAgain(signed, signer).entity.content.signature }),
  key: (signed, signer) => ({
    ...signed,
    pem: 'der' in signer ? sigstore.certificate().pem : foreigner.publicKeyPem,
  }),
};

/** Neither a bundle v0.1 nor an annotation holds entries of Rekor v2. */
function versionsIn(format: string): readonly ('v1' | 'v2')[] {
  return format.startsWith('a new') ? ['v1', 'v2'] : ['v1'];
}

describe('A1, A3: an entry of a log must be about the signature it comes with', () => {
  for (const [format, sign] of Object.entries(FORMATS)) {
    for (const [what, foreign] of Object.entries(FOREIGN)) {
      for (const log of versionsIn(format)) {
        const entered = (signer: KeyIssuer | TestCertificate): SigningOptions => ({
          signer,
          logs: [{ log, enter: (signed) => foreign(signed, signer) }],
          timestamps: [{}],
        });
        it(`A3: not about a foreign ${what}, in ${format}, by a trusted root and Rekor ${log}`, () => {
          const signature = sign(entered(sigstore.certificate()));
          const by = [keylessAuthority(root)];
          assertRejected(judge([signature], { by }), 'TLOG_ENTRY_MISMATCH');
        });

        it(`A3, A24: not about a foreign ${what}, in ${format}, by keys alone and Rekor ${log}`, () => {
          const signature = sign(entered(issuer));
          for (const by of [[keyOnly], [keyAndLog]])
            assertRejected(judge([signature], { by }), 'TLOG_ENTRY_MISMATCH');
        });
      }
    }

    it(`and is good where it is, in ${format}`, () => {
      const signer = sigstore.certificate();
      assertVerified(judge([sign({ signer })], { by: [keylessAuthority(root)] }));
      for (const by of [[keyOnly], [keyAndLog]])
        assertVerified(judge([sign({ signer: issuer })], { by }));
    });
  }

  it('A1: not about another signature by the same identity', () => {
    const other = JSON.parse(sigstore.bundle(OTHER).toString()) as {
      verificationMaterial: { tlogEntries: unknown[] };
    };
    const edit = { 'verificationMaterial.tlogEntries': other.verificationMaterial.tlogEntries };
    const spliced = bundleEvidence(sigstore.bundle(IMAGE, { edit }));
    assertRejected(judge([spliced], { by: [keylessAuthority(root)] }), 'TLOG_ENTRY_MISMATCH');
  });

  it('A2: also where another entry beside it is good, in either order', () => {
    const foreign: LogUse = { enter: (signed) => FOREIGN['signature']!(signed, issuer) };
    for (const logs of [
      [{}, foreign],
      [foreign, {}],
    ]) {
      const signature = bundleEvidence(sigstore.bundle(IMAGE, { signer: issuer, logs }));
      for (const by of [[keyOnly], [keyAndLog]])
        assertRejected(judge([signature], { by }), 'TLOG_ENTRY_MISMATCH');
    }
  });

  it('A32: not the entry of a stranger about the same image', () => {
    const enter = (): TestSigned => signMessage(foreigner, IMAGE.bytes);
    const signature = bundleEvidence(
      sigstore.bundle(IMAGE, { kind: 'message', logs: [{ enter }] }),
    );
    assertRejected(judge([signature], { by: [keylessAuthority(root)] }), 'TLOG_ENTRY_MISMATCH');
  });
});

describe('what a log says of a signature', () => {
  const judged = (logs: readonly LogUse[], timestamps: SigningOptions['timestamps'] = [{}]) =>
    judge([bundleEvidence(sigstore.bundle(IMAGE, { logs, timestamps }))], {
      by: [keylessAuthority(root)],
    });

  it('A2: is refused where its promise is not signed by it, although its proof is good', () => {
    const signature = bundleEvidence(
      sigstore.bundle(IMAGE, {
        edit: {
          'verificationMaterial.tlogEntries.0.inclusionPromise.signedEntryTimestamp': 'AAAA',
        },
      }),
    );
    assertRejected(judge([signature], { by: [keylessAuthority(root)] }), 'TLOG_PROOF_INVALID');
  });

  it('A15: gives no time without its promise', () => {
    assertRejected(judged([{ without: ['promise'] }], []), 'TIMESTAMP_MISSING');
    assertVerified(judged([{ without: ['promise'] }]));
  });

  it('A15: is refused where the time is another than it promised', () => {
    const edit = { 'verificationMaterial.tlogEntries.0.integratedTime': '1748779201' };
    const signature = bundleEvidence(sigstore.bundle(IMAGE, { edit }));
    assertRejected(judge([signature], { by: [keylessAuthority(root)] }), 'TLOG_PROOF_INVALID');
  });

  it('A21: is refused where its tree is not signed, or signed by another', () => {
    for (const log of ['v1', 'v2'] as const) {
      assertRejected(
        judged([{ log, without: ['promise'], editNote: () => 'x\n1\nAAAA\n\n' }]),
        'TLOG_PROOF_INVALID',
      );
    }
    const { origin } = sigstore.logs.v2.trusted;
    const forged = new TestLog({ version: 2, origin });
    assertRejected(judged([{ log: forged }]), 'TLOG_KEY_UNTRUSTED');
    assertRejected(
      judged([
        {
          log: 'v2',
          editNote: (note) =>
            note.replace(/\u2014[^]*$/, forged.signatureLine(`${note.split('\n\n')[0] ?? ''}\n`)),
        },
      ]),
      'TLOG_PROOF_INVALID',
    );
  });

  it('A21: is refused where the proof has no checkpoint', () => {
    assertRejected(judged([{ log: 'v2', without: ['checkpoint'] }]), 'BUNDLE_MALFORMED');
  });

  it('A33: is needed, and not one of none', () => {
    assertRejected(judged([]), 'TLOG_MISSING');
  });
});
