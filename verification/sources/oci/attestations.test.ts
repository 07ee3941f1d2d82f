// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { gzipSync } from 'node:zlib';
import { beforeEach, describe, it } from 'mocha';
import {
  DOCKER_MANIFEST,
  digestOf,
  OCI_INDEX,
  OCI_MANIFEST,
  type Digest,
} from '../../image/index.ts';
import type { Evidence } from '../../ports.ts';
import type { FakeRegistry } from './__fixtures__/registry.ts';
import {
  BUNDLE,
  collect,
  ENVELOPE,
  manifestDocument,
  putBundle,
  putImage,
  setupEach,
  SIMPLE,
  type SetupOptions,
} from './__fixtures__/setup.ts';

const IN_TOTO = 'application/vnd.in-toto+json';
const ARTIFACT_ATT = 'application/vnd.dev.cosign.artifact.att.v1+json';
const ARTIFACT_SIG = 'application/vnd.dev.cosign.artifact.sig.v1+json';

function contents(evidence: Evidence): string[] {
  return evidence.signatures
    .map((s) => `${s.origin} ${s.format} ${Buffer.from(s.bytes).toString().slice(0, 40)}`)
    .sort();
}

function tagOf(digest: Digest, suffix = ''): string {
  return `${digest.replace(':', '-')}${suffix}`;
}

describe('collecting attestations', () => {
  const setup = setupEach();
  let registry: FakeRegistry;
  let image: { readonly name: string; readonly digest: Digest };
  beforeEach(async () => {
    registry = await setup.registry();
    image = putImage(registry);
  });

  const collected = async (attestations = true, options: SetupOptions = {}): Promise<Evidence> =>
    collect(setup.source([registry], options), image, { attestations });
  /** An artefact with envelopes that refers to the image; answers the descriptor of its manifest. */
  const putEnvelopes = (envelopes: readonly string[], extra: object = {}): object => ({
    mediaType: OCI_MANIFEST,
    ...registry.put(
      'app',
      manifestDocument({
        artifactType: IN_TOTO,
        layers: envelopes.map((envelope) => registry.blob('app', envelope, ENVELOPE)),
        subject: { mediaType: OCI_MANIFEST, digest: image.digest, size: 1 },
        ...extra,
      }),
    ),
  });
  const putFallback = (manifests: readonly object[]): void => {
    const document = { schemaVersion: 2, mediaType: OCI_INDEX, manifests };
    registry.put('app', document, tagOf(image.digest));
  };
  const reads = (pattern: RegExp): number =>
    registry.seen.filter((request) => pattern.test(request.path)).length;

  it('reads every layer of the attestation tag with its own annotations', async () => {
    const annotations = {
      'dev.cosignproject.cosign/signature': '',
      'dev.sigstore.cosign/certificate': 'PEM',
      'dev.sigstore.cosign/chain': 'PEMs',
      'dev.sigstore.cosign/bundle': '{}',
      'dev.sigstore.cosign/rfc3161timestamp': '{}',
      predicateType: 'https://spdx.dev/Document',
    };
    const layers = [
      { ...registry.blob('app', 'one', ENVELOPE), annotations },
      { broken: true },
      registry.blob('app', 'two', ENVELOPE),
      registry.blob('app', 'other', 'text/plain'),
    ];
    const document = manifestDocument({ mediaType: DOCKER_MANIFEST, layers });
    registry.put('app', document, tagOf(image.digest, '.att'));
    const evidence = await collected();
    assert.deepEqual(contents(evidence), ['tag dsse one', 'tag dsse two']);
    const one = evidence.signatures.find((s) => s.digest === digestOf(Buffer.from('one')));
    assert.deepEqual({ ...one?.annotations }, annotations);
    assert.deepEqual(evidence.gaps, []);
  });

  for (const artifactType of [IN_TOTO, ARTIFACT_ATT, 'application/x-unknown', undefined]) {
    it(`X40: reads envelopes of a referrer of type ${artifactType ?? '(none)'}, whatever the list says`, async () => {
      const descriptor = putEnvelopes(['one', 'two'], { artifactType });
      registry.list(image.digest, { ...descriptor, artifactType: 'application/wrong' });
      const evidence = await collected();
      const expected = ['referrers-api dsse one', 'referrers-api dsse two'];
      assert.deepEqual([contents(evidence), evidence.gaps], [expected, []]);
    });
  }

  it('X40: reads envelopes of the fallback tag, and unites it with the API', async () => {
    const both = putEnvelopes(['both']);
    registry.list(image.digest, both);
    registry.list(image.digest, putEnvelopes(['listed']));
    putFallback([both, putEnvelopes(['tagged'])]);
    const united = contents(await collected());
    assert.deepEqual(united, [
      'referrers-api dsse both',
      'referrers-api dsse listed',
      'referrers-tag dsse tagged',
    ]);
    registry.referrers = undefined;
    assert.deepEqual(contents(await collected()), [
      'referrers-tag dsse both',
      'referrers-tag dsse tagged',
    ]);
  });

  it('reads signatures in the experimental layout of OCI 1.1, all of them', async () => {
    for (const payload of ['first', 'last']) {
      const annotations = { 'dev.cosignproject.cosign/signature': payload };
      const descriptor = putEnvelopes([], {
        artifactType: ARTIFACT_SIG,
        config: { mediaType: ARTIFACT_SIG, digest: digestOf(Buffer.from('{}')), size: 2 },
        layers: [{ ...registry.blob('app', payload, SIMPLE), annotations }],
      });
      registry.list(image.digest, descriptor);
    }
    const evidence = await collected(false);
    assert.deepEqual(contents(evidence), [
      'referrers-api simple-signing first',
      'referrers-api simple-signing last',
    ]);
    assert.deepEqual(
      evidence.signatures.map((s) => s.annotations['dev.cosignproject.cosign/signature']).sort(),
      ['first', 'last'],
    );
  });

  it('reads none of it where nobody asks: neither the tag, nor envelopes, nor large bundles', async () => {
    const layers = [registry.blob('app', 'tagged', ENVELOPE)];
    registry.put('app', manifestDocument({ layers }), tagOf(image.digest, '.att'));
    registry.put('app', manifestDocument({ layers }), tagOf(image.digest, '.sig'));
    registry.list(image.digest, putEnvelopes(['listed']));
    registry.list(image.digest, putBundle(registry, image.digest, 'x'.repeat(1024 * 1024 + 1)));
    const evidence = await collected(false);
    assert.deepEqual([evidence.signatures, evidence.gaps], [[], []]);
    assert.deepEqual([reads(/\.att$/), reads(/blobs/)], [0, 0]);
    const asked = await collected();
    assert.deepEqual(asked.signatures.map((s) => s.format).sort(), ['bundle', 'dsse', 'dsse']);
    assert.deepEqual(asked.gaps, []);
  });

  it('leaves out envelopes of referrers that say they belong to another image', async () => {
    const subject = { mediaType: OCI_MANIFEST, digest: digestOf(Buffer.from('other')), size: 1 };
    registry.list(image.digest, putEnvelopes(['foreign'], { subject }));
    const evidence = await collected();
    assert.deepEqual([evidence.signatures, evidence.gaps], [[], []]);
  });

  it('holds a bundle of more than 1 MiB once, byte by byte as it came', async () => {
    const content = 'large '.repeat(300_000);
    registry.list(image.digest, putBundle(registry, image.digest, content));
    const { signatures } = await collected();
    const bytes = signatures[0]?.bytes as Buffer;
    assert.ok(bytes.equals(Buffer.from(content)));
    assert.equal(bytes.buffer.byteLength, bytes.byteLength);
  });

  it('notes an attestation that cannot be read as a gap of its own, and keeps the others', async () => {
    registry.list(image.digest, putEnvelopes(['swapped', 'genuine']));
    registry.list(image.digest, putBundle(registry, image.digest, 'signature'));
    const swapped = digestOf(Buffer.from('swapped'));
    registry.handle(
      `/v2/app/blobs/${swapped}`,
      (_, response) => void response.writeHead(200).end('7 bytes'),
    );
    registry.handle(/\.att$/, (_, response) => void response.writeHead(503).end());
    const evidence = await collected();
    assert.deepEqual(contents(evidence), [
      'referrers-api bundle signature',
      'referrers-api dsse genuine',
    ]);
    assert.deepEqual(evidence.gaps.map(({ code, what }) => [code, what]).sort(), [
      ['DIGEST_MISMATCH', `attestation ${swapped}`],
      ['REGISTRY_UNAVAILABLE', `attestation tag of ${image.digest}`],
    ]);
  });

  it('F1: refuses an attestation that comes compressed', async () => {
    registry.list(image.digest, putEnvelopes(['one']));
    registry.handle(/blobs/, (_, response) => {
      response.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync('one'));
      return true;
    });
    const evidence = await collected();
    assert.deepEqual(
      [contents(evidence), evidence.gaps.map((gap) => gap.code)],
      [[], ['REGISTRY_UNSAFE']],
    );
  });

  it('A9: cuts an attestation without end off at what was announced', async () => {
    registry.list(image.digest, putEnvelopes(['short']));
    let sent = 0;
    registry.handle(/blobs/, async (_, response) => {
      response.writeHead(200);
      while (!response.destroyed) {
        sent += 65_536;
        response.write(Buffer.alloc(65_536));
        await new Promise((resume) => setTimeout(resume, 1));
      }
      return true;
    });
    const evidence = await collected();
    assert.deepEqual(
      [contents(evidence), evidence.gaps.map((gap) => gap.code)],
      [[], ['LIMIT_EXCEEDED']],
    );
    assert.ok(sent < 16 * 1024 * 1024, sent.toString());
  });

  it('A9: reads no attestation above the limit, nor more of them than the limits allow', async () => {
    const sized = (size: number): object => ({
      ...registry.blob('app', size.toString(), ENVELOPE),
      size,
    });
    const layers = [2 ** 31, 2 ** 25 + 1, 2 ** 25, 2 ** 24, 2 ** 24 + 1].map(sized);
    registry.put('app', manifestDocument({ layers }), tagOf(image.digest, '.att'));
    const evidence = await collected();
    assert.deepEqual(contents(evidence), ['tag dsse 16777216', 'tag dsse 16777217']);
    assert.deepEqual(
      evidence.gaps.map(({ code, what }) => [code, what]),
      [['LIMIT_EXCEEDED', 'attestations']],
    );
  });

  it('A9: is not deceived by a size that is too long or too short', async () => {
    const blob = registry.blob('app', 'genuine', ENVELOPE);
    const layers = [{ ...blob, size: 3 }, { ...blob, size: 100_000 }, blob];
    registry.put('app', manifestDocument({ layers }), tagOf(image.digest, '.att'));
    const { signatures, gaps } = await collected();
    assert.deepEqual(
      signatures.map(({ bytes }) => [
        Buffer.from(bytes).toString(),
        bytes.buffer.byteLength > 65_536,
      ]),
      [
        ['genuine', false],
        ['genuine', false],
      ],
    );
    assert.deepEqual(
      gaps.map((gap) => gap.code),
      ['LIMIT_EXCEEDED'],
    );
  });

  it('X38: gives an attestation that drips up after the time of a request', async () => {
    registry.list(image.digest, putEnvelopes(['slow', 'quick']));
    registry.handle(`/v2/app/blobs/${digestOf(Buffer.from('slow'))}`, async (_, response) => {
      response.writeHead(200);
      response.write('s');
      return new Promise<boolean>(() => undefined);
    });
    const evidence = await collected(true, { limits: { requestMs: 300 } });
    assert.deepEqual(contents(evidence), ['referrers-api dsse quick']);
    assert.deepEqual(
      evidence.gaps.map((gap) => gap.code),
      ['REGISTRY_UNAVAILABLE'],
    );
  });
});

describe('collections of many attestations at once', () => {
  const setup = setupEach();
  let registry: FakeRegistry;
  beforeEach(async () => {
    registry = await setup.registry();
  });

  const LIMITS = { attestationCollections: 1, collectionBytes: 10 };
  /** An image with a signature, the index that its tag names, and an attestation of each. */
  const putAttested = (envelope: string): { readonly name: string; readonly digest: Digest } => {
    const child = registry.put('app', manifestDocument({ annotations: { envelope } }));
    const manifests = [{ mediaType: OCI_MANIFEST, ...child }];
    const index = { schemaVersion: 2, mediaType: OCI_INDEX, manifests };
    const { digest } = registry.put('app', index, envelope);
    for (const about of [child.digest, digest]) {
      const layers = [registry.blob('app', `${envelope} of ${about}`, ENVELOPE)];
      registry.put('app', manifestDocument({ layers }), tagOf(about, '.att'));
    }
    registry.list(child.digest, putBundle(registry, child.digest, 'signed'));
    return { name: `${registry.host}/app:${envelope}`, digest: child.digest };
  };

  it('A9: wait for one another where they keep many bytes, and never for themselves', async () => {
    const source = setup.source([registry], { limits: LIMITS });
    let now = 0;
    let most = 0;
    const bundle = digestOf(Buffer.from('signed'));
    registry.handle(/blobs/, async ({ path }) => {
      if (path.endsWith(bundle)) return false;
      most = Math.max(most, (now += 1));
      await new Promise((resume) => setTimeout(resume, 20));
      now -= 1;
      return false;
    });
    const all = await Promise.all(
      ['a', 'b', 'c']
        .map(putAttested)
        .map(async (image) => collect(source, image, { attestations: true, index: true })),
    );
    for (const { signatures, index, gaps } of all) {
      assert.deepEqual([signatures.length, index?.signatures.length, gaps], [2, 1, []]);
    }
    assert.ok(most <= 2, most.toString());
  });

  it('give their place back when they end in any way, and keep no signature waiting', async () => {
    const source = setup.source([registry], { limits: LIMITS });
    const [held, waiting] = ['held', 'waiting'].map(putAttested);
    assert.ok(held && waiting);
    const blob = digestOf(Buffer.from(`held of ${held.digest}`));
    const hangs = Promise.withResolvers<undefined>();
    registry.handle(`/v2/app/blobs/${blob}`, async () => {
      hangs.resolve(undefined);
      return new Promise<boolean>(() => undefined);
    });
    const patience = new AbortController();
    const asked = { attestations: true, signal: patience.signal };
    const first = collect(source, held, asked);
    await hangs.promise;
    const plain = await collect(source, waiting);
    assert.equal(plain.signatures.length, 1);
    const second = collect(source, waiting, { attestations: true });
    const third = collect(source, waiting, {
      attestations: true,
      signal: AbortSignal.timeout(100),
    });
    await assert.rejects(third, { code: 'DEADLINE_EXCEEDED' });
    patience.abort();
    await assert.rejects(first, { code: 'DEADLINE_EXCEEDED' });
    assert.equal((await second).signatures.length, 2);
  });
});

describe('a flood', () => {
  const setup = setupEach();
  let registry: FakeRegistry;
  let image: { readonly name: string; readonly digest: Digest };
  beforeEach(async () => {
    registry = await setup.registry();
    image = putImage(registry);
  });

  const junkLayers = (mediaType: string): object[] =>
    Array.from({ length: 10_000 }, (_, i) => ({
      mediaType,
      digest: digestOf(Buffer.from(i.toString())),
      size: 9,
    }));
  const collected = async (): Promise<Evidence> =>
    collect(setup.source([registry]), image, { attestations: true });
  const limited = (evidence: Evidence): string[] =>
    evidence.gaps.filter((gap) => gap.code === 'LIMIT_EXCEEDED').map((gap) => gap.what);

  it('X41: of 10,000 attestations hides no signature', async () => {
    const layers = junkLayers(ENVELOPE);
    registry.put('app', manifestDocument({ layers }), tagOf(image.digest, '.att'));
    const good = [...layers, registry.blob('app', 'the signature', SIMPLE)];
    registry.put('app', manifestDocument({ layers: good }), tagOf(image.digest, '.sig'));
    registry.list(image.digest, putBundle(registry, image.digest, 'the bundle'));
    const evidence = await collected();
    assert.deepEqual(contents(evidence), [
      'referrers-api bundle the bundle',
      'tag simple-signing the signature',
    ]);
    assert.deepEqual(limited(evidence), ['attestations']);
  });

  for (const mediaType of [SIMPLE, BUNDLE, ENVELOPE]) {
    it(`X41: of 10,000 layers of ${mediaType} hides no attestation`, async () => {
      const layers = junkLayers(mediaType);
      registry.put('app', manifestDocument({ layers }), tagOf(image.digest, '.sig'));
      const good = manifestDocument({
        layers: [registry.blob('app', 'the attestation', ENVELOPE)],
      });
      registry.put('app', good, tagOf(image.digest, '.att'));
      const evidence = await collected();
      assert.deepEqual(contents(evidence), ['tag dsse the attestation']);
      assert.deepEqual(limited(evidence), [mediaType === ENVELOPE ? 'attestations' : 'signatures']);
    });
  }

  it('X41: of one list of referrers does not hide what is in the other', async () => {
    registry.referrers = new Map([[image.digest, junkLayers(OCI_MANIFEST)]]);
    const manifests = [putBundle(registry, image.digest, 'by tag')];
    const document = { schemaVersion: 2, mediaType: OCI_INDEX, manifests };
    registry.put('app', document, tagOf(image.digest));
    const evidence = await collected();
    assert.deepEqual(contents(evidence), ['referrers-tag bundle by tag']);
    assert.deepEqual(limited(evidence), [`referrers of ${image.digest}`, 'referrers']);
  });

  it('X41: of attestations that cannot be read does not hide that a signature cannot', async () => {
    const unread = (mediaType: string, content: string): object => ({
      ...registry.blob('elsewhere', content, mediaType),
    });
    const attestations = Array.from({ length: 50 }, (_, i) => unread(ENVELOPE, i.toString()));
    registry.put('app', manifestDocument({ layers: attestations }), tagOf(image.digest, '.att'));
    const signature = [unread(SIMPLE, 'signature')];
    registry.put('app', manifestDocument({ layers: signature }), tagOf(image.digest, '.sig'));
    const { gaps } = await collected();
    assert.ok(gaps.some((gap) => gap.what === `blob ${digestOf(Buffer.from('signature'))}`));
    assert.equal(gaps.length, 6);
  });
});
