// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { it } from 'mocha';
import { CASES, describeSuite, PUBLIC_GOOD } from '../__fixtures__/conformance-suite.ts';
import { parseCertificate } from './certificate.ts';
import { verifyChain } from './chain.ts';
import type { TrustMaterial } from './material.ts';
import { verifyScts, type VerifiedScts } from './sct.ts';
import { verifyTimestamps, type VerifiedTimestamps } from './timestamp.ts';
import { parseTrustedRoot } from './trusted-root.ts';

/** Cases whose timestamps are refused; those of all others are good, whatever else is wrong. */
const REFUSED_TIMESTAMPS: ReadonlyMap<string, RegExp> = new Map([
  ['rekor2-timestamp-outside-trust-root-tsa-validity_fail', /not trusted for a time/],
  ['rekor2-timestamp-outside-tsa-cert-validity_fail', /certificate was not valid/],
  ['rekor2-timestamp-payload-mismatch_fail', /not of this signature/],
  ['rekor2-timestamp-untrusted-tsa-with-embedded-cert_fail', /another certificate/],
  ['rekor2-timestamp-untrusted-tsa-without-embedded-cert_fail', /nobody who is trusted/],
]);
/** Cases whose timestamps are good, and lie outside of the certificate that signed. */
const OUTSIDE: ReadonlySet<string> = new Set([
  'intoto-tsa-timestamp-outside-cert-validity_fail',
  'rekor2-timestamp-with-incorrect-time_fail',
]);
/** Cases whose SCTs are refused; those of all others are good. */
const REFUSED_SCTS: ReadonlySet<string> = new Set(['invalid-ct-key_fail']);
/** Cases without a path at the beginning of the validity of the certificate, where all is asked here. */
const NO_PATH: ReadonlySet<string> = new Set([
  'bundle-from-wrong-instance_fail',
  'intoto-expired-certificate_fail',
]);
/** What these tests are about. */
const NAMED = /timestamp|sct|ct-key|tsa/;

/** As much of a bundle as is asked for here. */
interface RawBundle {
  readonly verificationMaterial?: {
    readonly certificate?: { readonly rawBytes: string };
    readonly x509CertificateChain?: {
      readonly certificates: readonly { readonly rawBytes: string }[];
    };
    readonly timestampVerificationData?: {
      readonly rfc3161Timestamps?: readonly { readonly signedTimestamp: string }[];
    };
  };
  readonly messageSignature?: { readonly signature: string };
  readonly dsseEnvelope?: { readonly signatures: readonly { readonly sig: string }[] };
}

interface Case {
  readonly name: string;
  readonly trust: TrustMaterial;
  readonly leaf: Buffer | undefined;
  readonly signature: Buffer;
  readonly tokens: readonly Buffer[];
}

describeSuite('timestamps of the Sigstore conformance suite', (names) => {
  for (const each of readCases(names).filter(({ tokens }) => tokens.length > 0)) {
    const refusal = REFUSED_TIMESTAMPS.get(each.name);
    if (refusal === undefined)
      it(`${each.name}: the timestamp is good`, () => {
        const { authorities, times } = timestampsOf(each);
        assert.deepEqual([authorities.size, times.length], [1, 1]);
        const { leaf } = each;
        if (leaf !== undefined) assert.equal(isWithin(leaf, times), !OUTSIDE.has(each.name));
      });
    else
      it(`${each.name}: the timestamp is refused`, () => {
        const { authorities, times, refused } = timestampsOf(each);
        assert.deepEqual([authorities.size, times.length, refused.length], [0, 0, 1]);
        assert.equal(refused[0]?.code, 'TIMESTAMP_UNTRUSTED');
        assert.match(refused[0].message, refusal);
      });
  }
});

describeSuite('SCTs of the Sigstore conformance suite', (names) => {
  for (const { name, leaf, trust } of readCases(names)) {
    if (leaf === undefined || NO_PATH.has(name)) continue;
    const isRefused = REFUSED_SCTS.has(name);
    it(`${name}: the SCT is ${isRefused ? 'refused' : 'good'}`, () => {
      const { logs, found, refused } = sctsOf(leaf, trust);
      assert.deepEqual([found, logs.size], [1, isRefused ? 0 : 1]);
      assert.ok(refused.every(({ code }) => code === 'SCT_INVALID'));
    });
  }
});

describeSuite('the cases of the Sigstore conformance suite', (names) => {
  it('are left out nowhere where they are named after timestamps or SCTs', () => {
    const read = new Set(readCases(names).map(({ name }) => name));
    const wanted = names.filter((name) => NAMED.test(name));
    assert.ok(wanted.length >= 14);
    assert.ok(wanted.every((name) => read.has(name)));
    for (const name of [...REFUSED_TIMESTAMPS.keys(), ...OUTSIDE, ...REFUSED_SCTS]) {
      assert.match(name, /_fail$/);
      assert.ok(read.has(name), name);
    }
  });
});

function readCases(names: readonly string[]): readonly Case[] {
  return names.flatMap((name) => readCase(name) ?? []);
}

function isWithin(leaf: Buffer, times: readonly number[]): boolean {
  const { validity } = parseCertificate(leaf);
  return times.every((time) => validity.from <= time && time <= validity.until);
}

function timestampsOf({ tokens, signature, trust }: Case): VerifiedTimestamps {
  return verifyTimestamps(tokens, {
    imprints: [signature],
    authorities: trust.timestampAuthorities,
  });
}

function sctsOf(leaf: Buffer, trust: TrustMaterial): VerifiedScts {
  const certificate = parseCertificate(leaf);
  const { path } = verifyChain(certificate, {
    untrusted: [],
    authorities: trust.certificateAuthorities,
    usage: 'codeSigning',
    times: [certificate.validity.from],
  });
  return verifyScts(certificate, path[1]!, trust.ctlogs);
}

/** Nothing where bundle or trusted root are refused before anything of this could be asked. */
function readCase(name: string): Case | undefined {
  const own = join(CASES, name, 'trusted_root.json');
  const root = existsSync(own) ? own : PUBLIC_GOOD;
  try {
    const text = readFileSync(join(CASES, name, 'bundle.sigstore.json'), 'utf8');
    const bundle = JSON.parse(text) as RawBundle;
    const leaf = leafOf(bundle);
    const { rfc3161Timestamps = [] } = bundle.verificationMaterial?.timestampVerificationData ?? {};
    return {
      name,
      trust: parseTrustedRoot(readFileSync(root, 'utf8')),
      leaf: leaf === undefined ? undefined : Buffer.from(leaf, 'base64'),
      signature: Buffer.from(signatureOf(bundle), 'base64'),
      tokens: rfc3161Timestamps.map(({ signedTimestamp }) =>
        Buffer.from(signedTimestamp, 'base64'),
      ),
    };
  } catch {
    return undefined;
  }
}

function leafOf({ verificationMaterial: material }: RawBundle): string | undefined {
  const [first] = material?.x509CertificateChain?.certificates ?? [];
  return (material?.certificate ?? first)?.rawBytes;
}

function signatureOf({ messageSignature, dsseEnvelope }: RawBundle): string {
  const [first] = dsseEnvelope?.signatures ?? [];
  return messageSignature?.signature ?? first?.sig ?? '';
}
