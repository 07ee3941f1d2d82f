// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { digestOf } from './digest.ts';
import { DOCKER_LIST, DOCKER_MANIFEST, OCI_INDEX, OCI_MANIFEST } from './media-types.ts';
import { descriptors, parseManifest, type Manifest } from './manifest.ts';

const CONFIG = {
  mediaType: 'application/vnd.oci.image.config.v1+json',
  digest: `sha256:${'c'.repeat(64)}`,
  size: 2,
};
const LAYER = { mediaType: 'x', digest: `sha256:${'d'.repeat(64)}`, size: 3 };
const IMAGE = { schemaVersion: 2, mediaType: OCI_MANIFEST, config: CONFIG, layers: [LAYER] };
const INDEX = { schemaVersion: 2, mediaType: OCI_INDEX, manifests: [LAYER] };

function parse(document: unknown, contentType: string): Manifest {
  const bytes = Buffer.from(typeof document === 'string' ? document : JSON.stringify(document));
  return parseManifest(bytes, {
    digest: digestOf(bytes),
    contentType,
    what: 'manifest',
    maxDepth: 64,
  });
}

describe('parseManifest', () => {
  it('reads images and indexes of OCI and Docker', () => {
    assert.equal(parse(IMAGE, OCI_MANIFEST).layers.length, 1);
    assert.equal(parse({ ...IMAGE, mediaType: DOCKER_MANIFEST }, DOCKER_MANIFEST).kind, 'manifest');
    assert.equal(parse(INDEX, OCI_INDEX).manifests.length, 1);
    assert.equal(parse({ ...INDEX, mediaType: DOCKER_LIST }, DOCKER_LIST).kind, 'index');
  });

  it('reads OCI documents that leave their media type out, as the specification allows', () => {
    assert.equal(parse({ ...IMAGE, mediaType: undefined }, OCI_MANIFEST).kind, 'manifest');
    assert.equal(parse({ ...INDEX, mediaType: undefined }, OCI_INDEX).kind, 'index');
  });

  it('reads types, subject and annotations', () => {
    const subject = { ...LAYER, mediaType: OCI_MANIFEST };
    const annotations = { constructor: 'x', number: 1 };
    const manifest = parse(
      { ...IMAGE, artifactType: 'a/b', subject, layers: [{ ...LAYER, annotations }] },
      OCI_MANIFEST,
    );
    assert.deepEqual(
      [manifest.artifactType, manifest.configType, manifest.subject],
      ['a/b', CONFIG.mediaType, LAYER.digest],
    );
    assert.deepEqual(Object.entries(manifest.layers[0]!.annotations), [['constructor', 'x']]);
    assert.equal('toString' in manifest.layers[0]!.annotations, false);
  });

  const refused: readonly (readonly [string, unknown, string])[] = [
    ['an index served as an image', INDEX, OCI_MANIFEST],
    ['an image served as an index', IMAGE, OCI_INDEX],
    ['both, served as an image', { ...IMAGE, manifests: [] }, OCI_MANIFEST],
    ['both, served as an index', { ...INDEX, layers: [] }, OCI_INDEX],
    ['an index with a config', { ...INDEX, config: CONFIG }, OCI_INDEX],
    ['both, without a media type', { ...IMAGE, mediaType: undefined, manifests: [] }, OCI_MANIFEST],
    ['both, one of them null', { ...IMAGE, manifests: null }, OCI_MANIFEST],
    ['a body of Docker served as OCI', { ...IMAGE, mediaType: DOCKER_MANIFEST }, OCI_MANIFEST],
    ['a Docker body without media type', { ...IMAGE, mediaType: undefined }, DOCKER_MANIFEST],
    ['a media type that is no string', { ...IMAGE, mediaType: null }, OCI_MANIFEST],
    ['schema 1', { ...IMAGE, schemaVersion: 1, fsLayers: [] }, OCI_MANIFEST],
    ['schema 1 in disguise', { ...IMAGE, fsLayers: [] }, OCI_MANIFEST],
    ['an unknown type', IMAGE, 'application/vnd.oci.artifact.manifest.v1+json'],
    ['no type', IMAGE, ''],
    ['names in another case', { ...IMAGE, Manifests: [] }, OCI_MANIFEST],
    ['names in a letter that Go folds', { ...IMAGE, 'manifest\u017f': [] }, OCI_MANIFEST],
    [
      'the same name twice',
      '{"schemaVersion":2,"config":{},"layers":[],"layers":[]}',
      OCI_MANIFEST,
    ],
    ['no config', { ...IMAGE, config: undefined }, OCI_MANIFEST],
    ['no layers', { ...IMAGE, layers: {} }, OCI_MANIFEST],
    ['no manifests', { ...INDEX, manifests: null }, OCI_INDEX],
    ['no schema version', { ...IMAGE, schemaVersion: '2' }, OCI_MANIFEST],
    ['a list', [], OCI_MANIFEST],
    ['null', 'null', OCI_MANIFEST],
    ['no JSON', 'hello', OCI_MANIFEST],
    ['nothing', '', OCI_MANIFEST],
    ['JSON that is too deep', '['.repeat(100), OCI_MANIFEST],
    ['a polluting name', '{"__proto__":{}}', OCI_MANIFEST],
  ];
  for (const [what, document, contentType] of refused) {
    it(`refuses ${what}`, () => {
      assert.throws(() => parse(document, contentType), { code: 'MANIFEST_UNSUPPORTED' });
    });
  }
});

describe('descriptors', () => {
  it('leave out what is no descriptor, and keep the rest', () => {
    const bad = [
      null,
      1,
      {},
      { ...LAYER, digest: 'sha256:x' },
      { ...LAYER, size: -1 },
      { ...LAYER, size: 1.5 },
      { ...LAYER, size: '3' },
      { ...LAYER, mediaType: 1 },
    ];
    assert.deepEqual(
      descriptors([...bad, LAYER]).map((d) => d.size),
      [3],
    );
    assert.deepEqual(descriptors(null), []);
    assert.deepEqual(descriptors({ length: 1 }), []);
  });
});
