// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { OCI_INDEX, OCI_MANIFEST, type Digest } from '../../image/index.ts';
import type { FakeRegistry } from './__fixtures__/registry.ts';
import { collect, manifestDocument, putBundle, Setup } from './__fixtures__/setup.ts';

/** A signature is about one digest: that of an index, or that of one platform in it. */
describe('X3: an index and the images in it', () => {
  let setup: Setup;
  let registry: FakeRegistry;
  let child: Digest;
  let index: Digest;
  beforeEach(async () => {
    setup = new Setup();
    registry = await setup.registry();
    const platform = registry.put('app', manifestDocument({ annotations: { platform: 'arm64' } }));
    child = platform.digest;
    const manifests = [{ mediaType: OCI_MANIFEST, ...platform }];
    index = registry.put('app', { schemaVersion: 2, mediaType: OCI_INDEX, manifests }).digest;
  });
  afterEach(async () => setup.stop());

  const signatures = async (digest: Digest): Promise<number> => {
    const evidence = await collect(setup.source([registry]), {
      name: `${registry.host}/app`,
      digest,
    });
    assert.deepEqual(evidence.gaps, []);
    assert.equal(evidence.digest, digest);
    return evidence.signatures.length;
  };

  it('do not share the signature of the image', async () => {
    registry.list(child, putBundle(registry, child, 'signed'));
    assert.deepEqual([await signatures(child), await signatures(index)], [1, 0]);
  });

  it('do not share the signature of the index', async () => {
    registry.list(index, putBundle(registry, index, 'signed'));
    assert.deepEqual([await signatures(child), await signatures(index)], [0, 1]);
  });

  it('do not share one that is listed for the index and says that it is for the image', async () => {
    registry.list(index, putBundle(registry, child, 'signed'));
    assert.equal(await signatures(index), 0);
  });
});
