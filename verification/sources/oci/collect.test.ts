// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { beforeEach, describe, it } from 'mocha';
import { DOCKER_MANIFEST, digestOf, OCI_INDEX } from '../../image/index.ts';
import type { Evidence } from '../../ports.ts';
import type { FakeRegistry } from './__fixtures__/registry.ts';
import {
  collect,
  manifestDocument,
  putBundle,
  putImage,
  resolve,
  setupEach,
  SIMPLE,
} from './__fixtures__/setup.ts';

function contents(evidence: Evidence): string[] {
  return evidence.signatures
    .map((s) => `${s.origin} ${s.format} ${Buffer.from(s.bytes).toString()}`)
    .sort();
}

describe('collecting evidence', () => {
  const setup = setupEach();
  let registry: FakeRegistry;
  beforeEach(async () => {
    registry = await setup.registry();
  });

  const sigTag = (digest: string): string => `${digest.replace(':', '-')}.sig`;

  it('answers the manifest and no signatures where there are none, without gaps', async () => {
    const image = putImage(registry);
    const evidence = await collect(setup.source([registry]), image);
    assert.equal(digestOf(evidence.manifest.bytes), image.digest);
    assert.deepEqual([evidence.signatures, evidence.gaps], [[], []]);
    assert.equal(registry.seen.length, 4);
  });

  it('reads every layer of the signature tag with its own annotations, and one blob once', async () => {
    const image = putImage(registry);
    const layer = registry.blob('app', 'payload', SIMPLE);
    const annotated = (signature: string): object => ({
      ...layer,
      annotations: { 'dev.cosignproject.cosign/signature': signature },
    });
    const document = manifestDocument({
      mediaType: DOCKER_MANIFEST,
      layers: [annotated('a'), annotated('b'), { broken: true }],
    });
    registry.put('app', document, sigTag(image.digest));
    const evidence = await collect(setup.source([registry]), image);
    assert.deepEqual(
      evidence.signatures.map((s) => s.annotations['dev.cosignproject.cosign/signature']),
      ['a', 'b'],
    );
    assert.equal(Object.getPrototypeOf(evidence.signatures[0]!.annotations), null);
    assert.deepEqual(contents(evidence), [
      'tag simple-signing payload',
      'tag simple-signing payload',
    ]);
    assert.equal(registry.seen.filter((r) => r.path.includes('/blobs/')).length, 1);
    assert.deepEqual(evidence.gaps, []);
  });

  it('X40: reads bundles of the referrers API, whatever type the list says they are', async () => {
    const image = putImage(registry);
    registry.list(image.digest, {
      ...putBundle(registry, image.digest, 'first'),
      artifactType: 'application/wrong',
    });
    registry.list(image.digest, {
      ...putBundle(registry, image.digest, 'second'),
      annotations: { x: 'y' },
    });
    const evidence = await collect(setup.source([registry]), image);
    assert.deepEqual(contents(evidence), [
      'referrers-api bundle first',
      'referrers-api bundle second',
    ]);
  });

  it('falls back to the tag where there is no referrers API', async () => {
    const image = putImage(registry);
    const manifests = [putBundle(registry, image.digest, 'by tag')];
    registry.put(
      'app',
      { schemaVersion: 2, mediaType: OCI_INDEX, manifests },
      image.digest.replace(':', '-'),
    );
    const evidence = await collect(setup.source([registry]), image);
    assert.deepEqual(contents(evidence), ['referrers-tag bundle by tag']);
    assert.deepEqual(evidence.gaps, []);
  });

  it('X40: unites the referrers API and the tag, and reads what is in both once', async () => {
    const image = putImage(registry);
    const both = putBundle(registry, image.digest, 'both');
    registry.list(image.digest, both);
    registry.list(image.digest, putBundle(registry, image.digest, 'only listed'));
    const manifests = [putBundle(registry, image.digest, 'only tagged'), both];
    registry.put(
      'app',
      { schemaVersion: 2, mediaType: OCI_INDEX, manifests },
      image.digest.replace(':', '-'),
    );
    const evidence = await collect(setup.source([registry]), image);
    assert.deepEqual(contents(evidence), [
      'referrers-api bundle both',
      'referrers-api bundle only listed',
      'referrers-tag bundle only tagged',
    ]);
  });

  it('reads simple signing layers of referrers, and single layers of what calls itself a bundle', async () => {
    const image = putImage(registry);
    const legacy = manifestDocument({ layers: [registry.blob('app', 'experimental', SIMPLE)] });
    const oddly = manifestDocument({
      artifactType: 'application/vnd.dev.sigstore.bundle.v0.3+json',
      layers: [registry.blob('app', 'odd', 'application/json')],
    });
    const sbom = manifestDocument({
      artifactType: 'text/spdx',
      layers: [registry.blob('app', 'sbom', 'text/spdx')],
    });
    for (const document of [legacy, oddly, sbom]) {
      registry.list(image.digest, {
        mediaType: 'application/vnd.oci.image.manifest.v1+json',
        ...registry.put('app', document),
      });
    }
    const evidence = await collect(setup.source([registry]), image);
    assert.deepEqual(contents(evidence), [
      'referrers-api bundle odd',
      'referrers-api simple-signing experimental',
    ]);
    assert.equal(
      registry.seen.some((r) => r.path.includes(digestOf(Buffer.from('sbom')))),
      false,
    );
  });

  it('leaves out referrers that say they belong to another image, and entries that are gone', async () => {
    const image = putImage(registry);
    registry.list(image.digest, putBundle(registry, digestOf(Buffer.from('other')), 'foreign'));
    registry.list(image.digest, { mediaType: 'x', digest: digestOf(Buffer.from('gone')), size: 3 });
    const evidence = await collect(setup.source([registry]), image);
    assert.deepEqual([contents(evidence), evidence.gaps], [[], []]);
  });

  it('looks for signatures in the repository that the policy names', async () => {
    const signatures = await setup.registry();
    const image = putImage(registry);
    const layer = signatures.blob('sigs/all', 'elsewhere', SIMPLE);
    signatures.put('sigs/all', manifestDocument({ layers: [layer] }), sigTag(image.digest));
    registry.put(
      'app',
      manifestDocument({ layers: [registry.blob('app', 'here', SIMPLE)] }),
      sigTag(image.digest),
    );
    const source = setup.source([registry, signatures]);
    const evidence = await collect(source, image, {
      registry: { signatureRepository: `${signatures.host}/sigs/all` },
    });
    assert.deepEqual(contents(evidence), ['tag simple-signing elsewhere']);
    assert.equal(registry.seen.length, 1);
  });

  it('notes a part that fails as a gap with its reason, and keeps the others', async () => {
    const image = putImage(registry);
    registry.handle(/referrers/, (_, response) => void response.writeHead(500).end());
    registry.handle(/\.sig$/, (_, response) => void response.writeHead(403).end());
    registry.put(
      'app',
      {
        schemaVersion: 2,
        mediaType: OCI_INDEX,
        manifests: [putBundle(registry, image.digest, 'kept')],
      },
      image.digest.replace(':', '-'),
    );
    const evidence = await collect(setup.source([registry]), image);
    assert.deepEqual(contents(evidence), ['referrers-tag bundle kept']);
    assert.deepEqual(evidence.gaps.map((gap) => gap.code).sort(), [
      'REGISTRY_UNAUTHORIZED',
      'REGISTRY_UNAVAILABLE',
    ]);
  });

  it('X39: notes a signature blob with other bytes, and never uses them', async () => {
    const image = putImage(registry);
    registry.list(image.digest, putBundle(registry, image.digest, 'genuine'));
    registry.handle(/blobs/, (_, response) => void response.writeHead(200).end('swapped'));
    const evidence = await collect(setup.source([registry]), image);
    assert.deepEqual(
      [evidence.signatures, evidence.gaps.map((g) => g.code)],
      [[], ['DIGEST_MISMATCH']],
    );
  });

  it('A8: ends endless pages of referrers with a gap, and keeps what was listed', async () => {
    const image = putImage(registry);
    const entry = putBundle(registry, image.digest, 'listed');
    registry.handle(/referrers/, (request, response) => {
      const page = Number(/page=(\d+)/.exec(request.path)?.[1] ?? 0) + 1;
      const link = `</v2/app/referrers/${image.digest}?page=${page.toString()}>; rel="next"`;
      const body = JSON.stringify({ schemaVersion: 2, mediaType: OCI_INDEX, manifests: [entry] });
      response.writeHead(200, { 'content-type': OCI_INDEX, link }).end(body);
      return true;
    });
    const evidence = await collect(setup.source([registry]), image);
    assert.deepEqual(contents(evidence), ['referrers-api bundle listed']);
    assert.deepEqual(
      evidence.gaps.map((g) => g.code),
      ['LIMIT_EXCEEDED'],
    );
    assert.equal(registry.seen.filter((r) => r.path.includes('/referrers/')).length, 10);
  });

  it('follows pages of referrers to the end', async () => {
    const image = putImage(registry);
    const entries = ['a', 'b', 'c'].map((content) => putBundle(registry, image.digest, content));
    registry.handle(/referrers/, (request, response) => {
      const page = Number(/page=(\d+)/.exec(request.path)?.[1] ?? 0);
      const more = { link: `<?page=${(page + 1).toString()}>; foo=bar; rel=next, <x>; rel="last"` };
      const body = JSON.stringify({
        schemaVersion: 2,
        mediaType: OCI_INDEX,
        manifests: [entries[page]],
      });
      response.writeHead(200, { 'content-type': OCI_INDEX, ...(page < 2 ? more : {}) }).end(body);
      return true;
    });
    const evidence = await collect(setup.source([registry]), image);
    assert.equal(evidence.signatures.length, 3);
    assert.deepEqual(evidence.gaps, []);
  });

  it('D5: refuses a next page at another origin', async () => {
    const image = putImage(registry);
    const other = await setup.registry();
    registry.handle(/referrers/, (_, response) => {
      const body = JSON.stringify({ schemaVersion: 2, mediaType: OCI_INDEX, manifests: [] });
      const link = `<http://${other.host}/v2/app/referrers/x>; rel="next"`;
      response.writeHead(200, { 'content-type': OCI_INDEX, link }).end(body);
      return true;
    });
    const evidence = await collect(setup.source([registry, other]), image);
    assert.deepEqual(
      evidence.gaps.map((g) => g.code),
      ['REGISTRY_UNSAFE'],
    );
    assert.equal(other.seen.length, 0);
  });

  it('X41: keeps the limit on signatures, and says what it left', async () => {
    const image = putImage(registry);
    const layers = Array.from({ length: 30 }, (_, i) =>
      registry.blob('app', `junk ${i.toString()}`, SIMPLE),
    );
    registry.put('app', manifestDocument({ layers }), sigTag(image.digest));
    registry.list(
      image.digest,
      putBundle(registry, image.digest, 'the good one, though it is larger'),
    );
    const source = setup.source([registry], { limits: { signatures: 10 } });
    const evidence = await collect(source, image);
    assert.equal(evidence.signatures.length, 10);
    assert.ok(
      contents(evidence).includes('referrers-api bundle the good one, though it is larger'),
    );
    assert.deepEqual(
      evidence.gaps.map((g) => g.code),
      ['LIMIT_EXCEEDED'],
    );
  });

  it('needs three rounds without authentication', async () => {
    const image = putImage(registry);
    registry.list(image.digest, putBundle(registry, image.digest, 'signed'));
    registry.handle(/./, async () => {
      await new Promise((resolve) => setTimeout(resolve, 100));
      return false;
    });
    const start = performance.now();
    const evidence = await collect(setup.source([registry]), image);
    assert.equal(evidence.signatures.length, 1);
    const rounds = (performance.now() - start) / 100;
    assert.ok(rounds >= 3 && rounds < 4, rounds.toString());
  });
});

describe('resolving a tag', () => {
  const setup = setupEach();
  let registry: FakeRegistry;
  beforeEach(async () => {
    registry = await setup.registry();
  });

  it('X39: answers the digest of the bytes', async () => {
    const { name, digest } = putImage(registry);
    assert.equal(await resolve(setup.source([registry]), `${name}:v1`), digest);
  });

  it('asks for exactly the types it understands, and for no compression', async () => {
    const { name } = putImage(registry);
    await resolve(setup.source([registry]), `${name}:v1`);
    const { headers } = registry.seen[0]!;
    assert.equal(headers.accept?.split(', ').length, 4);
    assert.equal(headers['accept-encoding'], 'identity');
    assert.equal(headers.authorization, undefined);
  });

  it('rejects with REGISTRY_UNAVAILABLE where there is no such tag', async () => {
    await assert.rejects(resolve(setup.source([registry]), `${registry.host}/app:v9`), {
      code: 'REGISTRY_UNAVAILABLE',
      message: /not found/,
    });
  });

  it('X39: rejects a Docker-Content-Digest that contradicts the bytes', async () => {
    const { name } = putImage(registry);
    registry.handle(/v1$/, (_, response) => {
      response.setHeader('docker-content-digest', `sha256:${'a'.repeat(64)}`);
      return false;
    });
    await assert.rejects(resolve(setup.source([registry]), `${name}:v1`), {
      code: 'DIGEST_MISMATCH',
    });
  });
});
