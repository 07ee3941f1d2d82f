// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { digestOf, matchesDigest } from './digest.ts';
import { essence, isSigstoreBundle, isSimpleSigning, manifestKind } from './media-types.ts';

describe('digests of bytes', () => {
  it('are computed by the algorithm that is asked for', () => {
    const empty = new Uint8Array();
    assert.equal(
      digestOf(empty),
      'sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
    );
    assert.ok(digestOf(empty, 'sha512').startsWith('sha512:cf83e1357eefb8bd'));
  });
  it('match only the bytes they were computed from', () => {
    const bytes = Buffer.from('a');
    for (const algorithm of ['sha256', 'sha512'] as const) {
      assert.ok(matchesDigest(digestOf(bytes, algorithm), bytes));
      assert.equal(matchesDigest(digestOf(bytes, algorithm), Buffer.from('b')), false);
    }
  });
});

describe('media types', () => {
  it('know images and indexes of OCI and Docker, and no schema 1', () => {
    assert.equal(manifestKind('application/vnd.oci.image.manifest.v1+json'), 'manifest');
    assert.equal(manifestKind('application/vnd.docker.distribution.manifest.v2+json'), 'manifest');
    assert.equal(manifestKind('application/vnd.oci.image.index.v1+json'), 'index');
    assert.equal(
      manifestKind('application/vnd.docker.distribution.manifest.list.v2+json'),
      'index',
    );
    assert.equal(
      manifestKind('application/vnd.docker.distribution.manifest.v1+prettyjws'),
      undefined,
    );
    assert.equal(manifestKind('application/json'), undefined);
  });
  it('know both spellings of a bundle version', () => {
    for (const type of [
      'application/vnd.dev.sigstore.bundle.v0.3+json',
      'application/vnd.dev.sigstore.bundle+json;version=0.1',
    ]) {
      assert.ok(isSigstoreBundle(type), type);
    }
    for (const type of [
      'application/vnd.dev.sigstore.bundle.v0.3+jsonx',
      'xapplication/vnd.dev.sigstore.bundle+json',
      'application/json',
    ]) {
      assert.equal(isSigstoreBundle(type), false, type);
    }
    assert.ok(isSimpleSigning('application/vnd.dev.cosign.simplesigning.v1+json'));
  });
  it('leave parameters of a Content-Type out', () => {
    assert.equal(essence('Application/JSON ; charset=utf-8'), 'application/json');
    assert.equal(essence(''), '');
  });
});
