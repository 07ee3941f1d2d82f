// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { beforeEach, describe, it } from 'mocha';
import { digestOf, OCI_MANIFEST } from '../../image/index.ts';
import type { FakeRegistry } from './__fixtures__/registry.ts';
import {
  BUNDLE,
  collect,
  manifestDocument,
  putBundle,
  putImage,
  setupEach,
  SIMPLE,
} from './__fixtures__/setup.ts';

/** Who may push to a repository decides how much there is to read about an image. */
describe('the bytes of one collection', () => {
  const setup = setupEach();
  let registry: FakeRegistry;
  beforeEach(async () => {
    registry = await setup.registry();
  });

  it('A8: are bounded for the manifests of referrers, and small ones come first', async () => {
    const image = putImage(registry);
    const junk = 'x'.repeat(3000);
    const big = ['1', '2', '3', '4'].map((i) =>
      putBundle(registry, image.digest, `big${i}`, { annotations: { junk: junk + i } }),
    );
    for (const bundle of [...big, putBundle(registry, image.digest, 'good')])
      registry.list(image.digest, bundle);
    const source = setup.source([registry], { limits: { referrerBytes: 8000 } });
    const evidence = await collect(source, image);
    assert.deepEqual(evidence.signatures.map((s) => Buffer.from(s.bytes).toString()).sort(), [
      'big1',
      'big2',
      'good',
    ]);
    assert.deepEqual(
      evidence.gaps.map((gap) => [gap.code, gap.what]),
      [['LIMIT_EXCEEDED', 'referrers']],
    );
  });

  it('A9: are those that the list of referrers announces, and no more', async () => {
    const image = putImage(registry);
    const bundle = putBundle(registry, image.digest, 'long');
    registry.list(image.digest, { ...bundle, size: 20 });
    const evidence = await collect(setup.source([registry]), image);
    assert.deepEqual(evidence.signatures, []);
    assert.deepEqual(
      evidence.gaps.map((gap) => gap.code),
      ['LIMIT_EXCEEDED'],
    );
  });

  it('A9: do not grow with the number of layers of one manifest', async () => {
    const image = putImage(registry);
    const layers = Array.from({ length: 5000 }, (_, i) => ({
      mediaType: SIMPLE,
      digest: digestOf(Buffer.from(i.toString())),
      size: 1000,
    }));
    const good = registry.blob('app', 'good', SIMPLE);
    const tag = `${image.digest.replace(':', '-')}.sig`;
    registry.put('app', manifestDocument({ layers: [...layers, good] }), tag);
    const evidence = await collect(setup.source([registry]), image);
    assert.equal(evidence.signatures.length, 1);
    assert.ok(evidence.gaps.some((gap) => gap.code === 'LIMIT_EXCEEDED'));
    assert.equal(registry.seen.filter((r) => r.path.includes('/blobs/')).length, 100);
  });

  it('hold no bundle that is too large for a signature: it is an attestation', async () => {
    const image = putImage(registry);
    for (const content of ['x'.repeat(1001), 'good'])
      registry.list(image.digest, putBundle(registry, image.digest, content));
    const source = setup.source([registry], { limits: { signatureBytes: 1000 } });
    const evidence = await collect(source, image);
    assert.deepEqual(
      evidence.signatures.map((s) => Buffer.from(s.bytes).toString()),
      ['good'],
    );
    assert.deepEqual(evidence.gaps, []);
    assert.equal(registry.seen.filter((r) => r.path.includes('/blobs/')).length, 1);
  });

  it('A9: of a bundle that lies about its size end at what it announced', async () => {
    const image = putImage(registry);
    const blob = registry.blob('app', 'x'.repeat(5000), BUNDLE);
    const document = manifestDocument({
      artifactType: BUNDLE,
      layers: [{ ...blob, size: 10 }],
      subject: { mediaType: OCI_MANIFEST, digest: image.digest, size: 1 },
    });
    registry.list(image.digest, { mediaType: OCI_MANIFEST, ...registry.put('app', document) });
    const evidence = await collect(setup.source([registry]), image);
    assert.deepEqual(evidence.signatures, []);
    assert.equal(evidence.gaps[0]?.code, 'LIMIT_EXCEEDED');
  });
});
