// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { beforeEach, describe, it } from 'mocha';
import { digestOf, indexLists, OCI_INDEX, OCI_MANIFEST, type Digest } from '../../image/index.ts';
import type { Evidence } from '../../ports.ts';
import type { FakeRegistry } from './__fixtures__/registry.ts';
import {
  collect,
  ENVELOPE,
  manifestDocument,
  putBundle,
  setupEach,
  SIMPLE,
  type Asked,
} from './__fixtures__/setup.ts';

function texts({ signatures }: Evidence): string[] {
  return signatures.map(({ bytes }) => Buffer.from(bytes).toString()).sort();
}

/** A signature is about one digest: that of an index, or that of one platform in it. */
describe('X3: an index and the images in it', () => {
  const setup = setupEach();
  let registry: FakeRegistry;
  let child: Digest;
  let index: Digest;
  beforeEach(async () => {
    registry = await setup.registry();
    const platform = registry.put('app', manifestDocument({ annotations: { platform: 'arm64' } }));
    child = platform.digest;
    const manifests = [{ mediaType: OCI_MANIFEST, ...platform }];
    index = registry.put('app', { schemaVersion: 2, mediaType: OCI_INDEX, manifests }).digest;
  });

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

/** A policy may let a signed index speak for the images in it. */
describe('X3: the index that a tag names', () => {
  const setup = setupEach();
  let registry: FakeRegistry;
  let child: { readonly mediaType: string; readonly digest: Digest; readonly size: number };
  beforeEach(async () => {
    registry = await setup.registry();
    const document = manifestDocument({ annotations: { platform: 'arm64' } });
    child = { mediaType: OCI_MANIFEST, ...registry.put('app', document) };
  });

  const ARM = { os: 'linux', architecture: 'arm64', variant: 'v8' };
  const putIndex = (manifests: readonly object[], extra: object = {}): Digest =>
    registry.put('app', { schemaVersion: 2, mediaType: OCI_INDEX, manifests, ...extra }, 'v1')
      .digest;
  const collected = async (asked: Asked = {}, of = child.digest): Promise<Evidence> =>
    collect(
      setup.source([registry]),
      { name: `${registry.host}/app:v1`, digest: of },
      { index: true, ...asked },
    );
  const codes = ({ gaps }: Evidence): string[] => gaps.map((gap) => gap.code);

  it('is collected with its signatures and, where asked for, its attestations', async () => {
    const index = putIndex([{ ...child, platform: ARM }]);
    registry.list(index, putBundle(registry, index, 'signed'));
    registry.list(child.digest, putBundle(registry, child.digest, 'of the child'));
    const layers = [registry.blob('app', 'attested', ENVELOPE)];
    registry.put('app', manifestDocument({ layers }), `${index.replace(':', '-')}.att`);
    for (const attestations of [false, true]) {
      const evidence = await collected({ attestations });
      assert.equal(evidence.digest, child.digest);
      assert.deepEqual(texts(evidence), ['of the child']);
      assert.equal(evidence.index?.digest, index);
      assert.equal(digestOf(evidence.index.manifest.bytes), index);
      assert.equal(indexLists(evidence.index.manifest, child.digest), true);
      assert.deepEqual(texts(evidence.index), attestations ? ['attested', 'signed'] : ['signed']);
      assert.deepEqual(
        [evidence.gaps, evidence.index.gaps, evidence.index.index],
        [[], [], undefined],
      );
    }
  });

  it('is not read where nobody asks, or where the reference has no tag', async () => {
    putIndex([child]);
    assert.equal((await collected({ index: false })).index, undefined);
    const untagged = { name: `${registry.host}/app`, digest: child.digest };
    const evidence = await collect(setup.source([registry]), untagged, { index: true });
    assert.equal(evidence.index, undefined);
    assert.equal(
      registry.seen.some((request) => request.path.endsWith('/v1')),
      false,
    );
  });

  it('finds its signatures in the repository that the policy names', async () => {
    const signatures = await setup.registry();
    const index = putIndex([child]);
    const layers = [signatures.blob('sigs', 'elsewhere', SIMPLE)];
    signatures.put('sigs', manifestDocument({ layers }), `${index.replace(':', '-')}.sig`);
    const source = setup.source([registry, signatures]);
    const image = { name: `${registry.host}/app:v1`, digest: child.digest };
    const options = { signatureRepository: `${signatures.host}/sigs` };
    const evidence = await collect(source, image, { index: true, registry: options });
    assert.deepEqual(evidence.index && texts(evidence.index), ['elsewhere']);
  });

  const other = { mediaType: OCI_MANIFEST, digest: digestOf(Buffer.from('other')), size: 1 };
  const unlisted: readonly (readonly [string, () => readonly object[]])[] = [
    ['another image only', () => [other]],
    ['nothing', () => []],
    [
      'it for no platform',
      () => [{ ...child, platform: { os: 'unknown', architecture: 'unknown' } }],
    ],
    ['it as an index', () => [{ ...child, mediaType: OCI_INDEX }]],
    ['it as something else', () => [{ ...child, mediaType: 'application/x-unknown' }]],
  ];
  for (const [what, manifests] of unlisted) {
    it(`has no part in it where it lists ${what}`, async () => {
      const index = putIndex(manifests());
      registry.list(index, putBundle(registry, index, 'signed'));
      const evidence = await collected();
      assert.deepEqual([evidence.index, evidence.gaps], [undefined, []]);
      assert.equal(
        registry.seen.some((request) => request.path.includes(index)),
        false,
      );
    });
  }

  it('has no part in it where the tag has moved, to an image or to nothing', async () => {
    putIndex([child]);
    registry.put('app', manifestDocument({ annotations: { content: 'new' } }), 'v1');
    const moved = await collected();
    assert.deepEqual([moved.index, moved.gaps], [undefined, []]);
    registry.manifests.delete('app v1');
    const gone = await collected();
    assert.deepEqual([gone.index, gone.gaps], [undefined, []]);
  });

  it('has no part in what is an index itself, however it is listed and whatever fails', async () => {
    const inner = registry.put('app', {
      schemaVersion: 2,
      mediaType: OCI_INDEX,
      manifests: [child],
    });
    for (const mediaType of [OCI_INDEX, OCI_MANIFEST]) {
      putIndex([{ mediaType, ...inner }]);
      const evidence = await collected({}, inner.digest);
      assert.deepEqual([evidence.index, evidence.gaps], [undefined, []]);
    }
    registry.handle(/v1$/, (_, response) => void response.writeHead(503).end());
    assert.deepEqual(codes(await collected({}, inner.digest)), []);
  });

  it('is a gap where it cannot be read, with the reason; what is known of the image stays', async () => {
    putIndex([child]);
    registry.list(child.digest, putBundle(registry, child.digest, 'of the child'));
    let status = 503;
    registry.handle(/v1$/, (_, response) => void response.writeHead(status).end());
    for (const [answer, code] of [
      [503, 'REGISTRY_UNAVAILABLE'],
      [403, 'REGISTRY_UNAUTHORIZED'],
    ] as const) {
      status = answer;
      const evidence = await collected();
      assert.deepEqual([texts(evidence), evidence.index], [['of the child'], undefined]);
      assert.deepEqual(codes(evidence), [code]);
    }
  });

  it('D1: is refused where two parsers would read it differently', async () => {
    putIndex([child], { layers: [] });
    assert.deepEqual(codes(await collected()), ['MANIFEST_UNSUPPORTED']);
    const twice = `{"schemaVersion":2,"manifests":[],"manifests":[${JSON.stringify(child)}]}`;
    registry.putBytes('app', Buffer.from(twice), { mediaType: OCI_INDEX, tag: 'v1' });
    const evidence = await collected();
    assert.deepEqual([evidence.index, codes(evidence)], [undefined, ['MANIFEST_UNSUPPORTED']]);
  });

  it('A9: is cut off at the limit where it has no end', async () => {
    registry.handle(/v1$/, async (_, response) => {
      response.writeHead(200, { 'content-type': OCI_INDEX });
      while (!response.destroyed) {
        response.write(Buffer.alloc(65_536, 32));
        await new Promise((resume) => setTimeout(resume, 1));
      }
      return true;
    });
    assert.deepEqual(codes(await collected()), ['LIMIT_EXCEEDED']);
  });

  it('keeps its own gaps, and those of the image apart', async () => {
    const index = putIndex([child]);
    registry.handle(
      `/v2/app/referrers/${index}`,
      (_, response) => void response.writeHead(500).end(),
    );
    const evidence = await collected();
    assert.deepEqual(codes(evidence), []);
    assert.deepEqual(evidence.index && codes(evidence.index), ['REGISTRY_UNAVAILABLE']);
  });

  it('needs four rounds in all, without authentication', async () => {
    const index = putIndex([child]);
    registry.list(index, putBundle(registry, index, 'signed'));
    registry.list(child.digest, putBundle(registry, child.digest, 'signed'));
    registry.handle(/./, async () => {
      await new Promise((resolve) => setTimeout(resolve, 300));
      return false;
    });
    const start = performance.now();
    const evidence = await collected({ attestations: true });
    assert.deepEqual([evidence.signatures.length, evidence.index?.signatures.length], [1, 1]);
    const rounds = (performance.now() - start) / 300;
    assert.ok(rounds >= 4 && rounds < 5, rounds.toString());
  });
});
