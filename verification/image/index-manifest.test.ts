// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import fc from 'fast-check';
import { describe, it } from 'mocha';
import { VerificationError } from '../error.ts';
import { assertSoon } from '../testing/index.ts';
import { digestOf } from './digest.ts';
import { childrenOf, indexLists, type RawManifest } from './index-manifest.ts';
import { DOCKER_LIST, DOCKER_MANIFEST, OCI_INDEX, OCI_MANIFEST } from './media-types.ts';

const CHILD = digestOf(Buffer.from('child'));
const OTHER = digestOf(Buffer.from('other'));
const AMD = { os: 'linux', architecture: 'amd64' };
const ENTRY = { mediaType: OCI_MANIFEST, digest: CHILD, size: 3, platform: AMD };

function index(manifests: unknown, extra: object = {}): RawManifest {
  const document = { schemaVersion: 2, mediaType: OCI_INDEX, manifests, ...extra };
  return { mediaType: document.mediaType, bytes: Buffer.from(JSON.stringify(document)) };
}

describe('childrenOf', () => {
  it('names the images of an index, of OCI and of Docker, and what they run on', () => {
    const bare = { mediaType: OCI_MANIFEST, size: 3 };
    const variant = { os: 'linux', architecture: 'arm', variant: 'v7', 'os.version': '1' };
    assert.deepEqual(
      childrenOf(index([ENTRY, { ...bare, digest: OTHER }, { ...ENTRY, platform: variant }])),
      [
        { digest: CHILD, platform: AMD },
        { digest: OTHER },
        { digest: CHILD, platform: { os: 'linux', architecture: 'arm', variant: 'v7' } },
      ],
    );
    const docker = index([{ ...ENTRY, mediaType: DOCKER_MANIFEST }], { mediaType: DOCKER_LIST });
    assert.deepEqual(childrenOf({ ...docker, mediaType: DOCKER_LIST }), [
      { digest: CHILD, platform: AMD },
    ]);
  });

  const left: readonly (readonly [string, object])[] = [
    ['a nested index', { mediaType: OCI_INDEX }],
    ['a nested list of Docker', { mediaType: DOCKER_LIST }],
    ['another kind of content', { mediaType: 'application/vnd.in-toto+json' }],
    ['an attestation of the build', { platform: { os: 'unknown', architecture: 'unknown' } }],
    ['an unknown system', { platform: { ...AMD, os: 'unknown' } }],
    ['an unknown architecture', { platform: { ...AMD, architecture: 'unknown' } }],
    ['half a platform', { platform: { os: 'linux' } }],
    ['a platform that is none', { platform: 'linux/amd64' }],
    ['a platform that is null', { platform: null }],
    ['a digest that is none', { digest: 'sha256:short' }],
    ['no size', { size: null }],
  ];
  for (const [what, edits] of left) {
    it(`X3: leaves out ${what}`, () => {
      const raw = index([{ ...ENTRY, ...edits }]);
      assert.deepEqual([childrenOf(raw), indexLists(raw, CHILD)], [[], false]);
    });
  }

  const entries = JSON.stringify([ENTRY]);
  const refused: readonly (readonly [string, RawManifest])[] = [
    ['what is one image', { ...index([ENTRY]), mediaType: OCI_MANIFEST }],
    ['an image with a list', index([ENTRY], { config: {}, layers: [] })],
    ['a type that its body does not have', index([ENTRY], { mediaType: DOCKER_LIST })],
    ['names in another case', index([], { Manifests: [ENTRY] })],
    [
      'two lists',
      {
        mediaType: OCI_INDEX,
        bytes: Buffer.from(`{"schemaVersion":2,"manifests":[],"manifests":${entries}}`),
      },
    ],
    ['no list', index({ 0: ENTRY })],
    ['nothing', { mediaType: OCI_INDEX, bytes: Buffer.alloc(0) }],
  ];
  for (const [what, raw] of refused) {
    it(`D1: refuses ${what}`, () => {
      const mine = raw.mediaType === DOCKER_LIST ? { ...raw, mediaType: OCI_INDEX } : raw;
      assert.throws(() => childrenOf(mine), { code: 'MANIFEST_UNSUPPORTED' });
      assert.equal(indexLists(mine, CHILD), false);
    });
  }
});

describe('indexLists', () => {
  it('is true for the images of the index, and for no other digest', () => {
    const raw = index([ENTRY]);
    for (const expected of [CHILD, OTHER, CHILD]) {
      assert.equal(indexLists(raw, expected), expected === CHILD);
    }
  });

  it('knows the digest by its entry alone, not by where else it occurs', () => {
    const raw = index([{ ...ENTRY, digest: OTHER, annotations: { CHILD } }], {
      subject: ENTRY,
      annotations: { [CHILD]: CHILD },
    });
    assert.equal(indexLists(raw, CHILD), false);
  });

  it('throws for no bytes at all, and lists nothing that a plain parser does not find', () => {
    const { bytes } = index([ENTRY, { ...ENTRY, digest: OTHER }]);
    const change = fc.tuple(fc.nat(bytes.length - 1), fc.nat(255));
    fc.assert(
      fc.property(fc.array(change, { minLength: 1, maxLength: 3 }), (changes) => {
        const mutated = Buffer.from(bytes);
        for (const [at, value] of changes) mutated[at] = value;
        if (!indexLists({ mediaType: OCI_INDEX, bytes: mutated }, CHILD)) return;
        const { manifests } = JSON.parse(mutated.toString()) as { manifests: { digest: string }[] };
        assert.ok(manifests.some(({ digest }) => digest === CHILD));
      }),
    );
    for (let end = 0; end < bytes.length; end += 1) {
      const cut = { mediaType: OCI_INDEX, bytes: bytes.subarray(0, end) };
      assert.equal(indexLists(cut, CHILD), false);
    }
  });

  it('lets nothing but a VerificationError out of arbitrary documents', () => {
    fc.assert(
      fc.property(fc.json(), fc.constantFrom(OCI_INDEX, DOCKER_LIST, 'x/y'), (text, mediaType) => {
        const raw = { mediaType, bytes: Buffer.from(text) };
        try {
          childrenOf(raw);
        } catch (thrown) {
          assert.ok(thrown instanceof VerificationError);
        }
      }),
    );
  });

  it('reads an index of 20,000 entries once', () => {
    const many = Array.from({ length: 20_000 }, (_, i) => ({
      ...ENTRY,
      digest: digestOf(Buffer.from(i.toString())),
    }));
    const raw = index([...many, ENTRY]);
    assert.equal(indexLists(raw, CHILD), true);
    assertSoon(100, () => {
      for (let i = 0; i < 10_000; i += 1) indexLists(raw, CHILD);
    });
  });
});
