// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, it } from 'mocha';
import type { Digest, Evidence } from '../../../verification/index.ts';
import { isSameImage } from './same-image.ts';

const MANIFEST = 'application/vnd.oci.image.manifest.v1+json';
const INDEX = 'application/vnd.oci.image.index.v1+json';
const DOCKER_LIST = 'application/vnd.docker.distribution.manifest.list.v2+json';
const SCHEMA_1 = 'application/vnd.docker.distribution.manifest.v1+json';

function evidence(mediaType: string, content: object | string): Evidence {
  const bytes = Buffer.from(typeof content === 'string' ? content : JSON.stringify(content));
  const digest: Digest = `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
  return { digest, manifest: { mediaType, bytes }, signatures: [], gaps: [] };
}

const manifest = (config: string, note = ''): Evidence =>
  evidence(MANIFEST, { config: { digest: config }, annotations: { note } });
const index = (...children: readonly Evidence[]): Evidence =>
  evidence(INDEX, { manifests: children.map(({ digest }) => ({ digest })) });

describe('X52: what a node reports', () => {
  const child = manifest('sha256:config');

  it('is the image of the spec where the digest is the same', () => {
    assert.ok(isSameImage(child, child));
    const odd = evidence(SCHEMA_1, '{');
    assert.ok(isSameImage(odd, odd));
  });

  it('is the image of the spec where the index of the spec lists it', () => {
    assert.ok(isSameImage(index(manifest('sha256:other'), child), child));
    const list = evidence(DOCKER_LIST, { manifests: [{ digest: child.digest }] });
    assert.ok(isSameImage(list, child));
  });

  it('is the image of the spec where both manifests have one configuration', () => {
    assert.ok(isSameImage(manifest('sha256:config', 'copied'), child));
  });

  it('is another one where the configuration differs or there is none', () => {
    assert.ok(!isSameImage(manifest('sha256:other'), child));
    assert.ok(!isSameImage(evidence(MANIFEST, { a: 1 }), evidence(MANIFEST, { b: 1 })));
  });

  it('is another one where only the reported index lists the image of the spec', () => {
    assert.ok(!isSameImage(child, index(child)));
  });

  it('is another one where two indexes list the same, or an index claims a configuration', () => {
    const one = evidence(INDEX, { manifests: [{ digest: child.digest }], note: 1 });
    const two = evidence(INDEX, { manifests: [{ digest: child.digest }], note: 2 });
    assert.ok(!isSameImage(one, two));
    const config = { digest: 'sha256:config' };
    assert.ok(!isSameImage(evidence(INDEX, { manifests: [], config }), child));
  });

  it('is another one where a manifest claims children', () => {
    const claims = evidence(MANIFEST, { manifests: [{ digest: child.digest }] });
    assert.ok(!isSameImage(claims, child));
  });

  it('is another one where a manifest cannot be read or is of a type that nobody supports', () => {
    for (const broken of ['{', '[]', 'null', '{"manifests":1}', '{"config":{}}', '']) {
      assert.ok(!isSameImage(evidence(INDEX, broken), child));
      assert.ok(!isSameImage(child, evidence(MANIFEST, broken)));
    }
    const old = { config: { digest: 'sha256:config' } };
    assert.ok(!isSameImage(evidence(SCHEMA_1, old), child));
  });
});
