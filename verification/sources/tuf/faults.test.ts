// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import { beforeEach, describe, it } from 'mocha';
import fc from 'fast-check';
import { VerificationError } from '../../error.ts';
import type { TufRepository } from '../../ports.ts';
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

describe('a faulty TUF repository', () => {
  const setup = setupEach();
  let mirror: MirrorServer;
  let repository: TestTufRepository;
  beforeEach(async () => {
    repository = new TestTufRepository();
    repository.publish(FIRST);
    mirror = await setup.mirror(repository);
  });

  /** What an earlier read kept is still there. */
  async function assertKept(): Promise<void> {
    const source = await setup.source([mirror]);
    assert.equal((await source.knownTrustedRoot(mirror.asked))?.text, FIRST);
  }

  for (const role of ['timestamp', 'snapshot', 'targets'] as const) {
    it(`that serves expired ${role} metadata is stale`, async () => {
      await setup.read(mirror);
      repository.publish(SECOND, { expires: { [role]: PAST } });
      await assert.rejects(setup.read(mirror), { ...STALE, message: /expired/ });
      await assertKept();
    });
  }

  it('whose last root has expired is stale', async () => {
    await setup.read(mirror);
    repository.rotateRoot({}, { expires: { root: PAST } });
    repository.publish(SECOND);
    await assert.rejects(setup.read(mirror), { ...STALE, message: /root.json expired/ });
    await assertKept();
  });

  it('F5: that goes back to an older timestamp is refused, also after a restart', async () => {
    const older = new Map(repository.files);
    repository.publish(FIRST);
    await setup.read(mirror);
    for (const [path, bytes] of older) repository.files.set(path, bytes);
    await assert.rejects(setup.read(mirror), INVALID);
    await assertKept();
  });

  it('F5: that goes back to an older snapshot is refused', async () => {
    repository.publish(FIRST);
    await setup.read(mirror);
    repository.versions.snapshot = 1;
    repository.stamp();
    await assert.rejects(setup.read(mirror), INVALID);
    await assertKept();
  });

  it('F5: that goes back to older targets is refused', async () => {
    repository.publish(FIRST);
    await setup.read(mirror);
    repository.versions.targets = 0;
    repository.publish(SECOND);
    await assert.rejects(setup.read(mirror), INVALID);
    await assertKept();
  });

  it('F5: that serves a next root it may not is refused, also after a restart, and not kept', async () => {
    await setup.read(mirror);
    const good = new Map(repository.files);
    const intruder = new TestTufRepository();
    intruder.rotateRoot();
    intruder.publish(SECOND);
    repository.files.set('/2.root.json', intruder.files.get('/2.root.json')!);
    await assert.rejects(setup.read(mirror), INVALID);
    await assert.rejects(setup.read(mirror), INVALID);
    await assertKept();
    repository.files.clear();
    for (const [path, bytes] of good) repository.files.set(path, bytes);
    assert.equal((await setup.read(mirror)).text, FIRST);
  });

  it('F5: whose next root skips a version, or signs itself alone, is refused', async () => {
    const skipped = new TestTufRepository();
    skipped.versions.root = 2;
    const own = skipped.putRoot(skipped.signers.root);
    repository.files.set('/2.root.json', own);
    await assert.rejects(setup.read(mirror), INVALID);
    repository.versions.root = 1;
    repository.signers.root = [new TufSigner(), new TufSigner()];
    repository.putRoot(repository.signers.root);
    await assert.rejects(setup.read(mirror), INVALID);
  });

  it('whose timestamp stands still is good until it expires', async () => {
    await setup.read(mirror);
    assert.equal((await setup.read(mirror)).text, FIRST);
    let milliseconds = Date.parse('2198-12-31T00:00:00Z');
    const source = await setup.source([mirror], { now: () => milliseconds });
    await source.trustedRoot(mirror.asked, never());
    milliseconds = Date.parse('2199-01-02T00:00:00Z');
    await assert.rejects(source.trustedRoot(mirror.asked, never()), STALE);
  });

  it('F9: that names a target outside of its directory is refused, and writes nothing', async () => {
    for (const name of ['../../x', '/etc/x', 'a/../../x', 'a\\..\\x', '..%2fx', 'a//b', '']) {
      repository.publish(SECOND, {
        edit: (role, signed) => {
          if (role !== 'targets') return;
          const targets = signed['targets'] as TufJson;
          targets[name] = targets['trusted_root.json'];
        },
      });
      await assert.rejects(setup.read(mirror), { ...INVALID, message: /leads out/ });
    }
    assert.equal((await readdir(await setup.directory())).length, 1);
  });

  it('whose target has another hash or length than its metadata says is refused', async () => {
    const [path = ''] = [...repository.files.keys()].filter((file) => file.startsWith('/targets/'));
    for (const text of [
      SECOND.padEnd(FIRST.length),
      FIRST.replace('first', 'fIrst'),
      FIRST + ' ',
      '{',
    ]) {
      repository.files.set(path, Buffer.from(text));
      await assert.rejects(setup.read(mirror), INVALID);
    }
  });

  it('F8: that delegates the trusted root is refused, and its delegate is not read', async () => {
    const delegate = new TufSigner();
    const role = { name: 'other', keyids: [delegate.id], threshold: 1, terminating: false };
    repository.publish(SECOND, {
      edit: (kind, signed) => {
        if (kind === 'snapshot') (signed['meta'] as TufJson)['other.json'] = { version: 1 };
        if (kind !== 'targets') return;
        const { targets } = signed;
        const signedByOther = { ...signed, targets, version: 1 };
        const envelope = { signatures: [delegate.sign(signedByOther)], signed: signedByOther };
        repository.files.set('/1.other.json', Buffer.from(JSON.stringify(envelope)));
        signed['targets'] = {};
        signed['delegations'] = {
          keys: { [delegate.id]: delegate.json },
          roles: [{ ...role, paths: ['*'] }],
        };
      },
    });
    await assert.rejects(setup.read(mirror), { ...INVALID, message: /does not name/ });
    assert.ok(mirror.seen.every(({ path }) => !path.includes('other')));
  });

  it('F6: whose next root counts one key under two ids is refused', async () => {
    const [one] = repository.signers.root;
    repository.rotateRoot(
      {},
      {
        edit: (_, signed) => {
          const { keys, roles } = signed as Record<string, Record<string, TufJson>>;
          keys!['again'] = { ...one!.json, 'x-note': 'the same' };
          roles!['timestamp']!['keyids'] = [one!.id, 'again'];
          roles!['timestamp']!['threshold'] = 2;
        },
      },
    );
    await assert.rejects(setup.read(mirror), { ...INVALID, message: /counts one key twice/ });
  });

  it('that does not answer, answers an error or lacks a file is stale', async () => {
    mirror.handler = (_, response) => {
      response.writeHead(500).end();
      return true;
    };
    await assert.rejects(setup.read(mirror), STALE);
    mirror.handler = undefined;
    repository.files.delete('/1.snapshot.json');
    await assert.rejects(setup.read(mirror), STALE);
    await mirror.stop();
    const source = await setup.source([], { plainHttpHosts: ['127.0.0.1:9'] });
    const asked: TufRepository = {
      kind: 'mirror',
      mirror: 'http://127.0.0.1:9',
      root: repository.firstRoot,
    };
    await assert.rejects(source.trustedRoot(asked, never()), STALE);
  });

  it('that sends without end is refused at the limit, announced or not', async () => {
    for (const path of ['/2.root.json', '/timestamp.json', '/1.snapshot.json', '/1.targets.json']) {
      let sent = 0;
      mirror.handler = (request, response) => {
        if (request.url !== path) return false;
        const more = (): void => {
          sent += 65_536;
          if (!response.destroyed) response.write(Buffer.alloc(65_536, 32), more);
        };
        more();
        return true;
      };
      await assert.rejects(setup.read(mirror), { ...INVALID, message: /larger than/ });
      assert.ok(sent < 16 * 1024 * 1024);
    }
  });

  it('that sends slowly without end is stale when the time is up', async () => {
    mirror.handler = (_, response) => {
      const timer = setInterval(() => response.write(' '), 20);
      response.on('close', () => clearInterval(timer));
      return true;
    };
    const source = await setup.source([mirror], { tufLimits: { refreshMs: 200 } });
    await assert.rejects(source.trustedRoot(mirror.asked, never()), STALE);
  });

  it('that compresses its answers is refused', async () => {
    mirror.handler = (_, response) => {
      response.writeHead(200, { 'content-encoding': 'gzip' }).end('x');
      return true;
    };
    await assert.rejects(setup.read(mirror), INVALID);
  });

  it('that redirects to plain HTTP elsewhere or to a metadata service is refused', async () => {
    for (const location of [
      'http://example.com/x',
      'https://169.254.169.254/x',
      'https://10.0.0.1/x',
    ]) {
      mirror.handler = (_, response) => {
        response.writeHead(302, { location }).end();
        return true;
      };
      await assert.rejects(setup.read(mirror), INVALID);
    }
  });

  for (const [what, asked] of [
    ['plain HTTP to a host that is not listed', 'http://example.com'],
    ['a file', 'file:///etc/passwd'],
    ['credentials in the URL', 'https://user:secret@example.com'],
    ['a query', 'https://example.com/?x=1'],
    ['nothing', ''],
  ] as const) {
    it(`at a mirror by ${what} is refused without a request`, async () => {
      const source = await setup.source([mirror]);
      await assert.rejects(
        source.trustedRoot({ ...mirror.asked, mirror: asked } as TufRepository, never()),
        (error: Error) => {
          assert.deepEqual({ name: error.name, code: (error as { code?: string }).code }, INVALID);
          assert.ok(!error.message.includes('secret'));
          return true;
        },
      );
      assert.equal(mirror.seen.length, 0);
    });
  }

  it('at a link-local or loopback address that is not listed is not contacted', async () => {
    for (const address of ['169.254.169.254', '127.0.0.1', 'fd00:ec2::254']) {
      const source = await setup.source([], {
        resolve: (_, answer) => answer(null, [{ address, family: address.includes(':') ? 6 : 4 }]),
      });
      const asked = { ...mirror.asked, mirror: 'https://tuf.example.com' } as TufRepository;
      await assert.rejects(source.trustedRoot(asked, never()), INVALID);
    }
  });

  it('ends at once when its caller does', async () => {
    mirror.handler = () => true;
    const source = await setup.source([mirror]);
    const end = new AbortController();
    const reading = source.trustedRoot(mirror.asked, end.signal);
    setTimeout(() => end.abort(), 20);
    await assert.rejects(reading, STALE);
    await assert.rejects(source.trustedRoot(mirror.asked, end.signal), STALE);
  });

  it('changed in any byte gives the text that was published, or none', async () => {
    const good = new Map(repository.files);
    const paths = [...good.keys()].filter((path) => path !== '/1.root.json');
    const source = await setup.source([mirror]);
    const change = fc.tuple(fc.constantFrom(...paths), fc.nat(), fc.integer({ min: 1, max: 255 }));
    await fc.assert(
      fc.asyncProperty(change, async ([path, position, bits]) => {
        const bytes = Buffer.from(good.get(path)!);
        const at = position % bytes.length;
        bytes[at] = bytes.readUInt8(at) ^ bits;
        repository.files.set(path, bytes);
        try {
          assert.equal((await source.trustedRoot(mirror.asked, never())).text, FIRST);
        } catch (thrown) {
          assert.ok(thrown instanceof VerificationError, String(thrown));
          assert.match(thrown.code, /^TRUST_ROOT_/);
        } finally {
          repository.files.set(path, good.get(path)!);
        }
      }),
      { numRuns: 60 },
    );
  });

  it('says so where the cache cannot be written', async () => {
    const source = await setup.source([mirror], { cacheDirectory: '/dev/null/none' });
    await assert.rejects(source.trustedRoot(mirror.asked, never()), {
      code: 'INTERNAL',
      message: 'the cache directory cannot be used (ENOTDIR)',
    });
    assert.equal(await source.knownTrustedRoot(mirror.asked), undefined);
  });
});
