// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Bundle } from '@sigstore/bundle';
import { it } from 'mocha';
import { CASES, describeSuite, PUBLIC_GOOD } from '../../__fixtures__/conformance-suite.ts';
import { VerificationError } from '../../error.ts';
import type { ReasonCode } from '../../reasons.ts';
import {
  parsePublicKeys,
  parseTrustedRoot,
  type TransparencyLog,
  type TrustedKey,
} from '../../trust/index.ts';
import { parseBundle } from '../bundle-json.ts';
import type { SignedContent, SignedEntity, SigningMaterial } from '../entity.ts';
import { entriesOfBundle } from './entry-json.ts';
import { verifyEntries } from './verify-entries.ts';

/** Cases that are refused at the log, or on the way to it. All others have good entries, whatever else is wrong. */
const REFUSED: Readonly<Partial<Record<ReasonCode, readonly string[]>>> = {
  BUNDLE_MALFORMED: [
    'bundle-empty-certificate-chain_fail',
    'bundle-invalid-base64-signature_fail',
    'bundle-malformed-json_fail',
    'bundle-negative-log-index_fail',
    'bundle-unknown-version_fail',
    'intoto-log-entry-mismatch_fail',
    'intoto-missing-inclusion-proof_fail',
    'invalid-inclusion-proof_fail',
    'rekor2-no-inclusion-proof_fail',
    'rekor2-timestamp-with-incorrect-time_fail',
  ],
  TLOG_ENTRY_MISMATCH: [
    'dsse-invalid-sig_fail',
    'dsse-mismatch-envelope_fail',
    'dsse-mismatch-sig_fail',
    'incorrect-public-key_fail',
    'managed-key-no-key_fail',
    'rekor2-dsse-invalid-sig_fail',
    'rekor2-dsse-mismatch-envelope_fail',
    'rekor2-dsse-mismatch-sig_fail',
    'signature-mismatch_fail',
    'wrong-hashedrekord-artifact_fail',
    'wrong-hashedrekord-cert-and-sig_fail',
    'wrong-hashedrekord-entry_fail',
    'wrong-material_fail',
  ],
  TLOG_PROOF_INVALID: [
    'checkpoint-bad-keyhint_fail',
    'checkpoint-wrong-roothash_fail',
    'inclusion-proof-corrupted-hash_fail',
    'invalid-checkpoint-signature_fail',
    'rekor2-checkpoint-missing-log-signature_fail',
    'rekor2-checkpoint-missing-origin_fail',
    'rekor2-checkpoint-missing-root-hash_fail',
    'rekor2-checkpoint-missing-size_fail',
    'rekor2-checkpoint-no-matching-signature_fail',
    'set-invalid-signature_fail',
  ],
  TLOG_KEY_UNTRUSTED: ['bundle-from-wrong-instance_fail'],
  TRUST_ROOT_INVALID: ['trust-root-tlog-missing-validity-start_fail'],
  POLICY_INVALID: ['managed-key-wrong-key_fail'],
};

describeSuite('log entries of the Sigstore conformance suite', (cases) => {
  for (const name of cases) {
    const [code] = Object.entries(REFUSED).find(([, cases]) => cases.includes(name)) ?? [];
    it(`${name}: ${code ?? 'the entries are good'}`, () => {
      if (code === undefined) assert.equal(judge(name).size, 1);
      else assert.throws(() => judge(name), { name: 'VerificationError', code });
    });
  }
  it('refuses no case that is to pass', () => {
    for (const name of Object.values(REFUSED).flat()) {
      assert.match(name, /_fail$/);
      assert.ok(cases.includes(name), name);
    }
  });
});

function judge(name: string): ReadonlySet<string> {
  const { entity, logs, key } = readCase(name);
  const { logs: vouching, unknownLogs } = verifyEntries(entity, { logs, key, tokenTimes: [] });
  // As a caller does that asks for one log.
  if (vouching.size === 0 && unknownLogs > 0)
    throw new VerificationError('TLOG_KEY_UNTRUSTED', 'entries are of unknown logs');
  return vouching;
}

function readCase(name: string): {
  readonly entity: SignedEntity;
  readonly logs: readonly TransparencyLog[];
  readonly key: TrustedKey | undefined;
} {
  const read = (file: string): Buffer => readFileSync(join(CASES, name, file));
  const has = (file: string): boolean => existsSync(join(CASES, name, file));
  const bundle = parseBundle(read('bundle.sigstore.json'));
  const artifact = has('artifact') ? read('artifact') : readFileSync(join(CASES, 'a.txt'));
  const root = has('trusted_root.json') ? read('trusted_root.json') : readFileSync(PUBLIC_GOOD);
  const entity: SignedEntity = {
    content: contentOf(bundle, artifact),
    material: materialOf(bundle),
    entries: entriesOfBundle(bundle.verificationMaterial.tlogEntries),
    timestamps: [],
  };
  const [key] = has('key.pub') ? parsePublicKeys(read('key.pub').toString()) : [];
  return { entity, logs: parseTrustedRoot(root.toString()).tlogs, key };
}

function contentOf({ content }: Bundle, message: Buffer): SignedContent {
  if (content.$case === 'messageSignature')
    return { kind: 'message', message, signature: content.messageSignature.signature };
  const { payload, payloadType, signatures } = content.dsseEnvelope;
  return { kind: 'dsse', payload, payloadType, signature: signatures[0]!.sig };
}

function materialOf({ verificationMaterial: { content } }: Bundle): SigningMaterial {
  switch (content.$case) {
    case 'publicKey':
      return { kind: 'key', hint: content.publicKey.hint };
    case 'certificate':
      return { kind: 'certificate', leaf: content.certificate.rawBytes, chain: [] };
    case 'x509CertificateChain':
      return {
        kind: 'certificate',
        leaf: content.x509CertificateChain.certificates[0]!.rawBytes,
        chain: [],
      };
  }
}
