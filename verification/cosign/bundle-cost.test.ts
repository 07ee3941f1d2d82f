// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { digestOf } from '../image/index.ts';
import type { KeyAuthority } from '../authority/index.ts';
import type { RawSignature } from '../ports.ts';
import {
  bundleEvidence,
  cpuMilliseconds,
  evidenceOf,
  keyAuthority,
  KeyIssuer,
  testManifest,
} from '../testing/index.ts';
import { checkSignature } from './check.ts';

const members = Array.from({ length: 60_000 }, (_, i) => `"k${i.toString()}":1`).join(',');
const image = testManifest('app');
const evidence = evidenceOf(image, []);

function raw(text: string): RawSignature {
  const bytes = Buffer.from(text);
  return { format: 'bundle', digest: digestOf(bytes), bytes, annotations: {}, origin: 'tag' };
}

function envelope(payload: string): string {
  return JSON.stringify({
    mediaType: 'application/vnd.dev.sigstore.bundle.v0.3+json',
    verificationMaterial: { publicKey: { hint: 'x' } },
    dsseEnvelope: {
      payload: Buffer.from(payload).toString('base64'),
      payloadType: 'application/vnd.in-toto+json',
      signatures: [{ sig: 'AAAA' }],
    },
  });
}

/** Milliseconds of CPU for as many authorities as there are, each with a key of its own. */
function cost(signature: RawSignature, authorities: readonly KeyAuthority[]): number {
  return cpuMilliseconds(() => {
    for (const authority of authorities) checkSignature(signature, evidence, authority);
  });
}

describe('A27: a bundle that is costly to read', () => {
  const authorities = Array.from({ length: 10 }, (_, i) =>
    keyAuthority(`key-${i.toString()}`, [new KeyIssuer()]),
  );
  const statement =
    '{"_type":"https://in-toto.io/Statement/v1","predicateType":"https://sigstore.dev/cosign/sign/v1",' +
    `"subject":[{"digest":{"sha256":"00"}}],"predicate":{${members}}}`;

  for (const [what, text] of [
    ['that is no bundle', `{${members}}`],
    ['that holds a large statement', envelope(statement)],
  ] as const) {
    it(`${what} is read once for all authorities`, () => {
      cost(raw(text), authorities);
      const one = Math.min(...[0, 1, 2].map(() => cost(raw(text), authorities.slice(0, 1))));
      const ten = Math.min(...[0, 1, 2].map(() => cost(raw(text), authorities)));
      assert.ok(ten < 4 * one, `${ten.toString()} ms for ten, ${one.toString()} ms for one`);
    });
  }

  it('says the same to every authority, however often it is asked', () => {
    const issuer = new KeyIssuer();
    const signature = bundleEvidence(issuer.bundle(image.digest));
    const ours = keyAuthority('ours', [issuer]);
    for (let i = 0; i < 2; i += 1) {
      assert.equal(checkSignature(signature, evidence, ours).outcome, 'signed');
      for (const authority of authorities)
        assert.equal(checkSignature(signature, evidence, authority).outcome, 'refused');
    }
    const junk = raw('{}');
    const [first, second] = [0, 1].map(() => checkSignature(junk, evidence, ours));
    assert.deepEqual(first, second);
    assert.equal(first?.outcome === 'refused' && first.code, 'BUNDLE_MALFORMED');
  });
});
