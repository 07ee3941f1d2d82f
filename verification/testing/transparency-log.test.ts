// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { createPublicKey } from 'node:crypto';
import { bundleFromJSON } from '@sigstore/bundle';
import { TrustedRoot } from '@sigstore/protobuf-specs';
import { toSignedEntity, toTrustMaterial, Verifier } from '@sigstore/verify';
import { describe, it } from 'mocha';
import { entriesOfBundle, verifyEntries } from '../cosign/log/index.ts';
import { parseTrustedRoot } from '../trust/index.ts';
import { editJson } from './evidence.ts';
import { KeyIssuer } from './issuer.ts';
import { signMessage } from './signed-entity.ts';
import { bundleMember, TestLog } from './transparency-log.ts';

const issuer = new KeyIssuer();
const message = Buffer.from('a manifest');
const { entity, pem, key } = signMessage(issuer, message);

for (const version of [1, 2] as const) {
  const log = new TestLog({ version });
  const root = {
    mediaType: 'application/vnd.dev.sigstore.trustedroot+json;version=0.1',
    tlogs: [log.rootMember()],
    certificateAuthorities: [],
    timestampAuthorities: [],
    ctlogs: [],
  };
  const bundle: unknown = JSON.parse(
    editJson(issuer.messageBundle(message), {
      'messageSignature.signature': entity.content.signature.toString('base64'),
      'verificationMaterial.tlogEntries': [bundleMember(log.enter(entity, pem))],
    }).toString(),
  );

  describe(`TestLog, Rekor v${version.toString()}`, () => {
    it('is in a trusted root what it is to itself', () => {
      const [read] = parseTrustedRoot(JSON.stringify(root)).tlogs;
      assert.equal(read?.id, log.trusted.id);
      assert.equal(read.origin, log.trusted.origin);
      assert.deepEqual(read.logId, log.trusted.logId);
      assert.deepEqual(read.validity, log.trusted.validity);
    });
    it('makes entries that another client takes as well', () => {
      const parsed = bundleFromJSON(bundle);
      const trust = toTrustMaterial(TrustedRoot.fromJSON(root), () => ({
        publicKey: createPublicKey(pem),
        validFor: () => true,
      }));
      const thresholds = { tlogThreshold: 1, ctlogThreshold: 0, timestampThreshold: 0 };
      new Verifier(trust, thresholds).verify(toSignedEntity(parsed, message));
      const entries = entriesOfBundle(parsed.verificationMaterial.tlogEntries);
      const { logs } = verifyEntries(
        { ...entity, entries },
        { logs: [log.trusted], key, tokenTimes: [] },
      );
      assert.deepEqual(logs, new Set([log.trusted.id]));
    });
  });
}
