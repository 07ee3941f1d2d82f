// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { digestOf } from '../image/index.ts';
import type { Evidence, RawSignature } from '../ports.ts';
import {
  bundleEvidence,
  evidenceOf,
  keylessAuthority,
  layerEvidence,
  TestSigstore,
} from '../testing/index.ts';
import {
  assertRejected,
  assertVerified,
  IMAGE,
  judge,
  messageOf,
  OTHER,
  type Setting,
} from './__fixtures__/judge.ts';

const INDEX = 'application/vnd.oci.image.index.v1+json';
const sigstore = new TestSigstore();
const release = keylessAuthority(sigstore.trustedRoot());
type Manifest = typeof IMAGE;

function child({ digest, mediaType, bytes }: Manifest, more: object = {}): object {
  const platform = { os: 'linux', architecture: 'amd64' };
  return { mediaType, digest, size: bytes.length, platform, ...more };
}

function indexOf(children: readonly object[]): Manifest {
  const bytes = Buffer.from(
    JSON.stringify({ schemaVersion: 2, mediaType: INDEX, manifests: children }),
  );
  return { bytes, digest: digestOf(bytes), mediaType: INDEX };
}

function signedBundle(of: Manifest): RawSignature {
  return bundleEvidence(sigstore.bundle(of));
}

function about(
  manifest: Manifest,
  signatures: readonly RawSignature[],
): { readonly index: Evidence } {
  return { index: evidenceOf(manifest, signatures) };
}

const accepting = { by: [release], policy: { platforms: 'AllowIndexSignature' } } satisfies Setting;
const exact = { by: [release] } satisfies Setting;

describe('X3: a signed index', () => {
  const index = indexOf([child(IMAGE), child(OTHER)]);

  it('speaks for an image that it lists where the policy accepts it, and only there', () => {
    for (const signature of [
      signedBundle(index),
      bundleEvidence(sigstore.bundle(index, { kind: 'message' })),
      layerEvidence(sigstore.layer(index)),
    ]) {
      const evidence = about(index, [signature]);
      const verdict = judge([], { ...accepting, evidence });
      assertVerified(verdict);
      assert.match(messageOf(verdict), new RegExp(`as part of the index ${index.digest}`));
      assertRejected(judge([], { ...exact, evidence }), 'NO_SIGNATURE');
    }
  });

  it('is not needed where the image itself is signed', () => {
    const verdict = judge([signedBundle(IMAGE)], { ...accepting, evidence: about(index, []) });
    assertVerified(verdict);
    assert.doesNotMatch(messageOf(verdict), /index/);
  });

  it('does not speak for an image that it does not list', () => {
    for (const children of [
      [],
      [child(OTHER)],
      [child(IMAGE, { mediaType: INDEX })],
      [child(IMAGE, { platform: { os: 'unknown', architecture: 'unknown' } })],
      [child(IMAGE, { mediaType: 'application/vnd.in-toto+json' })],
      [child(OTHER, { annotations: { 'vnd.docker.reference.digest': IMAGE.digest } })],
    ]) {
      const unlisted = indexOf(children);
      const evidence = about(unlisted, [signedBundle(unlisted)]);
      assertRejected(judge([], { ...accepting, evidence }), 'NO_SIGNATURE');
    }
  });

  it('must be signed itself: neither its image nor another index is it', () => {
    const elsewhere = indexOf([child(IMAGE)]);
    for (const signature of [signedBundle(elsewhere), signedBundle(OTHER), signedBundle(IMAGE)]) {
      const evidence = about(index, [signature]);
      assert.equal(judge([], { ...accepting, evidence }).outcome, 'rejected');
    }
  });

  it('does not speak for the image by a signature of the index among those of the image', () => {
    const evidence = about(index, []);
    assertRejected(judge([signedBundle(index)], { ...accepting, evidence }), 'SUBJECT_MISMATCH');
  });

  it('must be of the digest that it is said to be of', () => {
    const listing = indexOf([child(IMAGE)]);
    const lying = { ...listing, digest: indexOf([child(OTHER)]).digest };
    const evidence = about(lying, [
      bundleEvidence(sigstore.bundle(indexOf([child(OTHER)]), { kind: 'message' })),
    ]);
    assert.equal(judge([], { ...accepting, evidence }).outcome, 'rejected');
  });

  it('of one signer and an image of another are no two signatures', () => {
    const subject = 'https://github.com/acme/app/.github/workflows/review.yml@refs/heads/main';
    const review = keylessAuthority(sigstore.trustedRoot(), { name: 'review', subject });
    const reviewed = bundleEvidence(
      sigstore.bundle(IMAGE, { identity: { sans: [{ type: 'uri', value: subject }] } }),
    );
    const setting = { ...accepting, by: [release, review], threshold: 2 };
    const evidence = about(index, [signedBundle(index)]);
    assertRejected(judge([reviewed], { ...setting, evidence }), 'THRESHOLD_NOT_MET');
  });

  it('has no part in attestations', () => {
    const predicateType = 'https://example.com/scan/v1';
    const scanned = bundleEvidence(sigstore.bundle(index, { predicateType }));
    const setting = { ...accepting, attestation: { predicateType } };
    const evidence = about(index, [scanned]);
    assertRejected(judge([], { ...setting, evidence }), 'ATTESTATION_MISSING');
  });
});
