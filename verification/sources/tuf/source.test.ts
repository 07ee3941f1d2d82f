// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { mkdir, readdir, readFile, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, describe, it } from 'mocha';
import { TestTufRepository, TufSigner, type TufJson } from '../../testing/index.ts';
import {
  FIRST,
  INVALID,
  never,
  PAST,
  SECOND,
  STALE,
  setupEach,
  type MirrorServer,
} from './__fixtures__/setup.ts';
import { publicGoodSeed, seedTrustedRoot } from './seed.ts';

describe('a TUF repository', () => {
  const setup = setupEach();
  let mirror: MirrorServer;
  let repository: TestTufRepository;
  beforeEach(async () => {
    repository = new TestTufRepository();
    repository.publish(FIRST);
    mirror = await setup.mirror(repository);
  });

  it('gives its trusted root, and until when its metadata holds', async () => {
    repository.publish(FIRST, { expires: { timestamp: '2198-01-01T00:00:00Z' } });
    assert.deepEqual(await setup.read(mirror), {
      text: FIRST,
      expires: '2198-01-01T00:00:00Z',
      fromSeed: false,
    });
  });

  it('gives a newer trusted root when one is published', async () => {
    const source = await setup.source([mirror]);
    assert.equal((await source.trustedRoot(mirror.asked, never())).text, FIRST);
    repository.publish(SECOND);
    assert.equal((await source.trustedRoot(mirror.asked, never())).text, SECOND);
  });

  it('is followed through the rotation of all its keys', async () => {
    repository.rotateRoot({ root: [new TufSigner(), new TufSigner()] });
    repository.rotateRoot({
      root: [new TufSigner('ed25519'), new TufSigner()],
      timestamp: [new TufSigner()],
      snapshot: [new TufSigner()],
      targets: [new TufSigner()],
    });
    repository.publish(SECOND);
    assert.equal((await setup.read(mirror)).text, SECOND);
    assert.ok(mirror.seen.some(({ path }) => path === '/4.root.json'));
  });

  it('is followed from its newest root after a restart', async () => {
    repository.rotateRoot({ root: [new TufSigner(), new TufSigner()] });
    repository.publish(FIRST);
    await setup.read(mirror);
    mirror.seen.length = 0;
    assert.equal((await setup.read(mirror)).text, FIRST);
    assert.ok(mirror.seen.every(({ path }) => path !== '/2.root.json'));
  });

  it('is known after a restart without the network, also when its metadata has expired', async () => {
    const expires = new Date(performance.timeOrigin + performance.now() + 1500);
    const written = expires.toISOString();
    repository.publish(FIRST, { expires: { timestamp: written } });
    await setup.read(mirror);
    await mirror.stop();
    await new Promise((resolve) => setTimeout(resolve, 1600));
    const source = await setup.source([mirror]);
    const known = { text: FIRST, expires: written, fromSeed: false };
    assert.deepEqual(await source.knownTrustedRoot(mirror.asked), known);
    await assert.rejects(source.trustedRoot(mirror.asked, never()), STALE);
  });

  it('is not known before it was read', async () => {
    const source = await setup.source([mirror]);
    assert.equal(await source.knownTrustedRoot(mirror.asked), undefined);
    assert.equal(mirror.seen.length, 0);
  });

  it('F8: is not known from a cache that somebody changed', async () => {
    await setup.read(mirror);
    const source = await setup.source([mirror]);
    const file = await only(await setup.directory(), 'known.json');
    const set = JSON.parse(await readFile(file, 'utf8')) as TufJson;
    for (const change of [
      { ...set, text: SECOND },
      { ...set, targets: String(set['targets']).replace('"version":1', '"version":2') },
      { ...set, root: repository.firstRoot.replace('"threshold":2', '"threshold":1') },
      { ...set, snapshot: 1 },
      {},
    ]) {
      await writeFile(file, JSON.stringify(change));
      assert.equal(await source.knownTrustedRoot(mirror.asked), undefined);
    }
  });

  it('is read from its first root where the cached one is broken', async () => {
    await setup.read(mirror);
    await writeFile(await only(await setup.directory(), 'root.json'), '{"signed":');
    assert.equal((await setup.read(mirror)).text, FIRST);
  });

  it('shares nothing with a repository that has another first root', async () => {
    await setup.read(mirror);
    const other = new TestTufRepository();
    const source = await setup.source([mirror]);
    const asked = { ...mirror.asked, root: other.firstRoot };
    assert.equal(await source.knownTrustedRoot(asked), undefined);
    await assert.rejects(source.trustedRoot(asked, never()), INVALID);
  });

  it('is read once for callers who ask at the same time', async () => {
    const source = await setup.source([mirror]);
    const read = async (): Promise<string> =>
      (await source.trustedRoot(mirror.asked, never())).text;
    assert.deepEqual(await Promise.all([read(), read(), read()]), [FIRST, FIRST, FIRST]);
    assert.equal(mirror.seen.filter(({ path }) => path === '/timestamp.json').length, 1);
  });

  it('is read on for the others when one caller gives up', async () => {
    const source = await setup.source([mirror]);
    const one = new AbortController();
    const given = source.trustedRoot(mirror.asked, one.signal);
    const kept = source.trustedRoot(mirror.asked, never());
    one.abort();
    await assert.rejects(given, STALE);
    assert.equal((await kept).text, FIRST);
  });

  it('is read by one run after the other, also where the first was ended', async () => {
    const source = await setup.source([mirror]);
    const end = new AbortController();
    let held = 0;
    mirror.handler = (request) => request.url === '/timestamp.json' && (held += 1) === 1;
    const given = source.trustedRoot(mirror.asked, end.signal);
    await until(() => held === 1);
    end.abort();
    await assert.rejects(given, STALE);
    repository.publish(SECOND);
    assert.equal((await source.trustedRoot(mirror.asked, never())).text, SECOND);
    assert.equal((await source.knownTrustedRoot(mirror.asked))?.text, SECOND);
  });

  it('leaves nothing of a process that died, after a while', async () => {
    await setup.read(mirror);
    const left = await only(await setup.directory(), 'staging-left');
    await mkdir(left);
    await setup.read(mirror);
    assert.ok((await stat(left)).isDirectory());
    await utimes(left, new Date(0), new Date(0));
    await setup.read(mirror);
    await assert.rejects(stat(left), { code: 'ENOENT' });
  });

  it('leaves nothing but files of fixed names in directories named by hash', async () => {
    repository.publish(SECOND);
    await setup.read(mirror);
    const entries = await readdir(await setup.directory(), { recursive: true });
    const [key = '', ...files] = entries.sort();
    assert.match(key, /^[0-9a-f]{64}$/);
    assert.deepEqual(
      files.map((file) => file.slice(key.length + 1)),
      ['known.json', 'root.json', 'snapshot.json', 'targets.json', 'timestamp.json'],
    );
  });

  it('B13: is asked without credentials, whatever the environment holds', async () => {
    await setup.read(mirror);
    for (const { headers } of mirror.seen) {
      assert.equal(headers.authorization, undefined);
      assert.equal(headers.cookie, undefined);
    }
  });
});

describe('the public-good repository', () => {
  const setup = setupEach();

  it('has a seed that is a trusted root and a root', () => {
    const { text, fromSeed, expires } = seedTrustedRoot();
    assert.equal(fromSeed, true);
    assert.equal(expires, undefined);
    assert.match(
      (JSON.parse(text) as { mediaType: string }).mediaType,
      /^application\/vnd\.dev\.sigstore\.trustedroot/,
    );
    assert.equal(publicGoodSeed().mirror, 'https://tuf-repo-cdn.sigstore.dev');
  });

  it('is known from its seed, and stale where there is no network', async () => {
    const resolve = (_: string, answer: (error: Error | null, found: []) => void): void =>
      answer(new Error('no network'), []);
    const source = await setup.source([], { resolve });
    const repository = { kind: 'public-good' } as const;
    await assert.rejects(source.trustedRoot(repository, never()), STALE);
    assert.deepEqual(await source.knownTrustedRoot(repository), seedTrustedRoot());
  });

  it('is read like any other, and then known as read', async () => {
    const repository = new TestTufRepository();
    repository.publish(SECOND);
    const mirror = await setup.mirror(repository);
    const seed = {
      mirror: `http://${mirror.host}`,
      root: repository.firstRoot,
      trustedRoot: FIRST,
    };
    const source = await setup.source([mirror], { seed });
    const asked = { kind: 'public-good' } as const;
    assert.deepEqual(await source.knownTrustedRoot(asked), { text: FIRST, fromSeed: true });
    const read = await source.trustedRoot(asked, never());
    assert.deepEqual(read, { text: SECOND, expires: repository.expires, fromSeed: false });
    assert.deepEqual(await source.knownTrustedRoot(asked), read);
  });

  it('takes its seed where the first root has expired, and goes on to a newer one', async () => {
    const repository = new TestTufRepository(PAST);
    const mirror = await setup.mirror(repository);
    await assert.rejects(setup.read(mirror), STALE);
    repository.rotateRoot({}, { expires: { root: '2199-01-01T00:00:00Z' } });
    const far = '2199-01-01T00:00:00Z';
    repository.publish(FIRST, { expires: { timestamp: far, snapshot: far, targets: far } });
    assert.equal((await setup.read(mirror)).text, FIRST);
  });
});

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setTimeout(resolve, 5));
}

async function only(directory: string, name: string): Promise<string> {
  const [key = ''] = await readdir(directory);
  return join(directory, key, name);
}
