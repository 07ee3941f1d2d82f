// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { createServer } from 'node:net';
import { brotliCompressSync, gzipSync } from 'node:zlib';
import { beforeEach, describe, it } from 'mocha';
import { digestOf, OCI_INDEX, OCI_MANIFEST } from '../../image/index.ts';
import type { ReasonCode } from '../../reasons.ts';
import type { FakeRegistry } from './__fixtures__/registry.ts';
import {
  collect,
  keychainFor,
  manifestDocument,
  putBundle,
  putImage,
  resolve,
  setupEach,
} from './__fixtures__/setup.ts';

function coded(code: ReasonCode): object {
  return { name: 'VerificationError', code };
}

/** Ends also where the other side closes. */
async function drained(response: ServerResponse): Promise<void> {
  const done = new AbortController();
  const either = ['drain', 'close'].map(async (name) =>
    once(response, name, { signal: done.signal }),
  );
  await Promise.race(either).finally(() => done.abort());
  await Promise.allSettled(either);
}

describe('a faulty registry', () => {
  const setup = setupEach();
  let registry: FakeRegistry;
  beforeEach(async () => {
    registry = await setup.registry();
  });

  it('that does not have the image is not a rejection of it', async () => {
    const image = { name: `${registry.host}/app`, digest: digestOf(Buffer.from('x')) };
    await assert.rejects(collect(setup.source([registry]), image), {
      ...coded('REGISTRY_UNAVAILABLE'),
      message: /not found/,
      isAbsence: true,
    });
  });

  it('that lost the bytes of a signature, or fails to serve them: a gap tells which', async () => {
    const image = putImage(registry);
    registry.list(image.digest, putBundle(registry, image.digest, 'lost'));
    const gaps: unknown[] = [];
    let status = 0;
    registry.handle(/blobs/, (_, response) => void response.writeHead(status).end());
    for (status of [404, 500]) {
      const evidence = await collect(setup.source([registry]), image);
      gaps.push(evidence.gaps.map(({ code, isAbsence }) => [code, isAbsence]));
    }
    assert.deepEqual(gaps, [
      [['REGISTRY_UNAVAILABLE', true]],
      [['REGISTRY_UNAVAILABLE', undefined]],
    ]);
  });

  it('B2: that serves other bytes for a digest is caught', async () => {
    const image = putImage(registry);
    registry.handle(/manifests\/sha256:/, (_, response) => {
      response.writeHead(200, {
        'content-type': OCI_MANIFEST,
        'docker-content-digest': image.digest,
      });
      response.end(JSON.stringify(manifestDocument()));
      return true;
    });
    await assert.rejects(collect(setup.source([registry]), image), coded('DIGEST_MISMATCH'));
  });

  for (const type of [
    OCI_INDEX,
    'application/json',
    'text/html',
    `${OCI_MANIFEST}, ${OCI_INDEX}`,
    'application/vnd.docker.distribution.manifest.v1+prettyjws',
    '',
  ]) {
    it(`D1: that calls a manifest ${JSON.stringify(type)} is refused`, async () => {
      const image = putImage(registry);
      const stored = registry.manifests.get(`app ${image.digest}`)!;
      registry.handle(/manifests\/sha256:/, (_, response) => {
        response.writeHead(200, type === '' ? {} : { 'content-type': type }).end(stored.bytes);
        return true;
      });
      await assert.rejects(collect(setup.source([registry]), image), coded('MANIFEST_UNSUPPORTED'));
    });
  }

  for (const encoding of ['gzip', 'br', 'deflate', 'gzip, gzip, gzip, gzip, gzip', 'x-unknown']) {
    it(`F1: that compresses by ${encoding} is refused`, async () => {
      const image = putImage(registry);
      const { bytes } = registry.manifests.get(`app ${image.digest}`)!;
      registry.handle(/manifests\/sha256:/, (_, response) => {
        response.writeHead(200, { 'content-type': OCI_MANIFEST, 'content-encoding': encoding });
        response.end(encoding === 'br' ? brotliCompressSync(bytes) : gzipSync(bytes));
        return true;
      });
      await assert.rejects(collect(setup.source([registry]), image), coded('REGISTRY_UNSAFE'));
    });
  }

  it('A9: that sends a manifest without end is cut off at the limit', async () => {
    const image = putImage(registry);
    let sent = 0;
    registry.handle(/manifests\/sha256:/, async (_, response) => {
      response.writeHead(200, { 'content-type': OCI_MANIFEST });
      while (!response.destroyed) {
        sent += 65_536;
        if (!response.write(Buffer.alloc(65_536, 32))) await drained(response);
      }
      return true;
    });
    const source = setup.source([registry], { limits: { manifestBytes: 1024 * 1024 } });
    await assert.rejects(collect(source, image), coded('LIMIT_EXCEEDED'));
    assert.ok(sent < 16 * 1024 * 1024, sent.toString());
  });

  it('A9: that announces a manifest over the limit is not read', async () => {
    const image = putImage(registry);
    registry.handle(/manifests\/sha256:/, (_, response) => {
      response
        .writeHead(200, { 'content-type': OCI_MANIFEST, 'content-length': 2 ** 31 })
        .flushHeaders();
      return true;
    });
    await assert.rejects(collect(setup.source([registry]), image), coded('LIMIT_EXCEEDED'));
  });

  it('D8: that sends a 1 GiB refusal is cut off', async () => {
    const image = putImage(registry);
    let sent = 0;
    registry.handle(/./, async (_, response) => {
      response.writeHead(401, { 'content-length': 2 ** 30 });
      const chunk = randomBytes(65_536);
      while (!response.destroyed && sent < 2 ** 30) {
        sent += chunk.length;
        if (!response.write(chunk)) await drained(response);
      }
      return true;
    });
    await assert.rejects(collect(setup.source([registry]), image), coded('REGISTRY_UNAUTHORIZED'));
    assert.ok(sent < 64 * 1024 * 1024, sent.toString());
  });

  it('A9: that lies about the size of a signature is cut off at what it announced', async () => {
    const image = putImage(registry);
    registry.list(image.digest, putBundle(registry, image.digest, 'short'));
    registry.handle(
      /blobs/,
      (_, response) => void response.writeHead(200).end(Buffer.alloc(10_000)),
    );
    const evidence = await collect(setup.source([registry]), image);
    assert.deepEqual(
      evidence.gaps.map((g) => g.code),
      ['LIMIT_EXCEEDED'],
    );
  });

  it('that never answers is unavailable after the time of a request', async () => {
    const image = putImage(registry);
    registry.handle(/manifests\/sha256:/, async () => new Promise<boolean>(() => undefined));
    const source = setup.source([registry], { limits: { requestMs: 200 } });
    const start = performance.now();
    await assert.rejects(collect(source, image), {
      ...coded('REGISTRY_UNAVAILABLE'),
      isAbsence: false,
    });
    assert.ok(performance.now() - start < 1500);
  });

  it('X38: that drips a body byte by byte is unavailable after the time of a request', async () => {
    const image = putImage(registry);
    registry.handle(/manifests\/sha256:/, async (_, response) => {
      response.writeHead(200, { 'content-type': OCI_MANIFEST });
      while (!response.destroyed) {
        response.write(' ');
        await new Promise((resume) => setTimeout(resume, 20));
      }
      return true;
    });
    const source = setup.source([registry], { limits: { requestMs: 300 } });
    await assert.rejects(collect(source, image), coded('REGISTRY_UNAVAILABLE'));
  });

  it('that drips the body of an absence is still absent', async () => {
    const image = putImage(registry);
    registry.handle(/referrers/, async (_, response) => {
      response.writeHead(404);
      while (!response.destroyed) {
        response.write(' ');
        await new Promise((resume) => setTimeout(resume, 20));
      }
      return true;
    });
    const evidence = await collect(setup.source([registry], { limits: { requestMs: 300 } }), image);
    assert.deepEqual(evidence.gaps, []);
  });

  it('X37: that cannot be reached is unavailable, and the message does not tell why', async () => {
    const closed = createServer().listen(0, '127.0.0.1');
    await once(closed, 'listening');
    const { port } = closed.address() as { port: number };
    closed.close();
    const name = `127.0.0.1:${port.toString()}/app:v1`;
    const source = setup.source([], { plainHttpHosts: [`127.0.0.1:${port.toString()}`] });
    await assert.rejects(resolve(source, name), (thrown: unknown) => {
      assert.ok(thrown instanceof Error && 'code' in thrown);
      assert.equal(thrown.code, 'REGISTRY_UNAVAILABLE');
      assert.doesNotMatch(thrown.message, /REFUSED|timeout|socket/i);
      return true;
    });
  });

  it('that breaks one connection is asked once more', async () => {
    const { name, digest } = putImage(registry);
    let broken = 0;
    registry.handle(/v1$/, (_, response) => {
      broken += 1;
      if (broken > 1) return false;
      response.socket?.destroy();
      return true;
    });
    assert.equal(await resolve(setup.source([registry]), `${name}:v1`), digest);
    assert.deepEqual(
      setup.events.map((e) => e.outcome),
      ['unreachable', 'answered'],
    );
  });

  for (const [status, tries] of [
    [503, 2],
    [502, 2],
    [504, 2],
    [500, 1],
    [429, 1],
    [418, 1],
  ] as const) {
    it(`that answers ${status.toString()} is unavailable after ${tries.toString()} tries`, async () => {
      registry.handle(/./, (_, response) => void response.writeHead(status).end());
      await assert.rejects(
        resolve(setup.source([registry]), `${registry.host}/app:v1`),
        coded('REGISTRY_UNAVAILABLE'),
      );
      assert.equal(registry.seen.length, tries);
    });
  }

  it('that asks for patience is given it once, where it fits into the time of a request', async () => {
    const { name, digest } = putImage(registry);
    const waits: number[] = [];
    registry.handle(/v1$/, (_, response) => {
      if (waits.length > 0) return false;
      response.writeHead(429, { 'retry-after': '1' }).end();
      return true;
    });
    const sleep = (milliseconds: number): Promise<void> => {
      waits.push(milliseconds);
      return Promise.resolve();
    };
    assert.equal(await resolve(setup.source([registry], { sleep }), `${name}:v1`), digest);
    assert.deepEqual(waits, [1000]);
  });

  it('that asks for more patience than there is time is unavailable at once', async () => {
    registry.handle(
      /./,
      (_, response) => void response.writeHead(503, { 'retry-after': '3600' }).end(),
    );
    const start = performance.now();
    await assert.rejects(
      resolve(setup.source([registry]), `${registry.host}/app:v1`),
      coded('REGISTRY_UNAVAILABLE'),
    );
    assert.ok(performance.now() - start < 1000);
  });

  it('ends at once where the caller does', async () => {
    const image = putImage(registry);
    registry.handle(/./, async () => new Promise<boolean>(() => undefined));
    const start = performance.now();
    await assert.rejects(
      collect(setup.source([registry]), image, { signal: AbortSignal.timeout(50) }),
      coded('DEADLINE_EXCEEDED'),
    );
    await assert.rejects(
      collect(setup.source([registry]), image, { signal: AbortSignal.abort() }),
      coded('DEADLINE_EXCEEDED'),
    );
    assert.ok(performance.now() - start < 1000);
  });

  it('that is slow with some parts beyond the time of a collection leaves gaps', async () => {
    const image = putImage(registry);
    registry.list(image.digest, putBundle(registry, image.digest, 'slow'));
    registry.handle(/blobs/, async () => new Promise<boolean>(() => undefined));
    const source = setup.source([registry], { limits: { collectionMs: 400 } });
    const evidence = await collect(source, image);
    assert.deepEqual(
      evidence.gaps.map((g) => g.code),
      ['DEADLINE_EXCEEDED'],
    );
  });

  it('sees no more requests at once than the limit', async () => {
    const image = putImage(registry);
    let now = 0;
    let most = 0;
    for (let i = 0; i < 20; i += 1)
      registry.list(image.digest, putBundle(registry, image.digest, `b${i.toString()}`));
    registry.handle(/./, async () => {
      now += 1;
      most = Math.max(most, now);
      await new Promise((resume) => setTimeout(resume, 5));
      now -= 1;
      return false;
    });
    const evidence = await collect(
      setup.source([registry], { limits: { hostConcurrency: 3 } }),
      image,
    );
    assert.equal(evidence.signatures.length, 20);
    assert.equal(most, 3);
  });
});

describe('a registry that breaks HTTP', () => {
  const setup = setupEach();

  async function raw(answer: string): Promise<string> {
    const server = createServer((socket) => {
      socket.on('error', () => undefined).once('data', () => socket.end(answer));
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    server.unref();
    return `127.0.0.1:${(server.address() as { port: number }).port.toString()}`;
  }

  const cases: readonly (readonly [string, string, ReasonCode])[] = [
    [
      'with two lengths',
      'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nab',
      'REGISTRY_UNSAFE',
    ],
    [
      'with length and chunks',
      'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
      'REGISTRY_UNSAFE',
    ],
    ['with a header that has no name', 'HTTP/1.1 200 OK\r\n: x\r\n\r\n', 'REGISTRY_UNSAFE'],
    [
      'with too many headers',
      `HTTP/1.1 200 OK\r\n${'abcdef: ghijkl\r\n'.repeat(10_000)}\r\n`,
      'REGISTRY_UNSAFE',
    ],
    ['with something else altogether', 'SSH-2.0-OpenSSH_9.9\r\n', 'REGISTRY_UNSAFE'],
    [
      'by ending too soon',
      'HTTP/1.1 200 OK\r\nContent-Length: 200\r\n\r\nab',
      'REGISTRY_UNAVAILABLE',
    ],
    ['by saying nothing', '', 'REGISTRY_UNAVAILABLE'],
  ];
  for (const [how, answer, code] of cases) {
    it(`G4: ${how} is ${code}`, async () => {
      const host = await raw(answer);
      await assert.rejects(
        resolve(setup.source([], { plainHttpHosts: [host] }), `${host}/app:v1`),
        coded(code),
      );
    });
  }
});

describe('redirects', () => {
  const setup = setupEach();
  let registry: FakeRegistry;
  let storage: FakeRegistry;
  beforeEach(async () => {
    registry = await setup.registry();
    storage = await setup.registry();
  });

  function redirect(path: RegExp, location: string, status = 307): void {
    registry.handle(path, (_, response) => void response.writeHead(status, { location }).end());
  }

  it('D3: to another host are followed without credentials', async () => {
    const image = putImage(registry);
    registry.list(image.digest, putBundle(registry, image.digest, 'stored elsewhere'));
    storage.handle(/./, (_, response) => void response.writeHead(200).end('stored elsewhere'));
    redirect(/blobs/, `http://${storage.host}/bucket/blob?signature=x`);
    registry.handle(/./, (request, response) => {
      if (request.headers.authorization !== undefined) return false;
      response.writeHead(401, { 'www-authenticate': 'Basic realm="r"' }).end();
      return true;
    });
    const evidence = await collect(setup.source([registry, storage]), image, {
      keychain: keychainFor(registry.host),
    });
    assert.equal(evidence.signatures.length, 1);
    assert.deepEqual(
      storage.seen.map((r) => [r.path, r.headers.authorization]),
      [['/bucket/blob?signature=x', undefined]],
    );
  });

  it('D3: away and back do not bring the credentials again', async () => {
    const { name } = putImage(registry);
    registry.handle(/manifests/, (request, response) => {
      if (request.headers.authorization === undefined) {
        response.writeHead(401, { 'www-authenticate': 'Basic realm="r"' }).end();
      } else response.writeHead(302, { location: `http://${storage.host}/away` }).end();
      return true;
    });
    storage.handle(
      '/away',
      (_, response) =>
        void response.writeHead(302, { location: `http://${registry.host}/back` }).end(),
    );
    registry.handle(
      '/back',
      (_, response) =>
        void response.writeHead(401, { 'www-authenticate': 'Basic realm="r"' }).end(),
    );
    const asked = { keychain: keychainFor(registry.host) };
    await assert.rejects(
      resolve(setup.source([registry, storage]), `${name}:v1`, asked),
      coded('REGISTRY_UNAUTHORIZED'),
    );
    assert.deepEqual(
      registry.seen.filter((r) => r.path === '/back').map((r) => r.headers.authorization),
      [undefined],
    );
    assert.ok(storage.seen.every((r) => r.headers.authorization === undefined));
  });

  it('D3: to a host that asks for credentials are not answered', async () => {
    const { name } = putImage(registry);
    redirect(/manifests/, `http://${storage.host}/x`);
    storage.handle(
      /./,
      (_, response) =>
        void response
          .writeHead(401, { 'www-authenticate': `Bearer realm="http://${storage.host}/token"` })
          .end(),
    );
    const asked = { keychain: keychainFor(registry.host) };
    await assert.rejects(
      resolve(setup.source([registry, storage]), `${name}:v1`, asked),
      coded('REGISTRY_UNAUTHORIZED'),
    );
    assert.deepEqual(
      storage.seen.map((r) => r.path),
      ['/x'],
    );
  });

  it('within the registry keep the credentials', async () => {
    const { name, digest } = putImage(registry);
    redirect(/v1$/, `/v2/app/manifests/${digest}`);
    assert.equal(await resolve(setup.source([registry]), `${name}:v1`), digest);
  });

  const unsafe = [
    'https://169.254.169.254/latest/meta-data',
    'https://169.254.170.2/',
    'https://[fd00:ec2::254]/',
    'https://[::ffff:169.254.169.254]/',
    'https://[::]/',
    'https://0.0.0.0/',
    'https://0/',
    'https://2852039166/',
    'https://0xa9fea9fe/',
    'http://example.com/',
    'ftp://example.com/',
    'file:///etc/passwd',
    'https://user:password@example.com/',
    'https://kubernetes.default.svc/',
    'https://kubernetes.default.svc.cluster.local:443/',
    'http://[',
    '',
  ];
  for (const location of unsafe) {
    it(`D3: to ${JSON.stringify(location)} are refused`, async () => {
      redirect(/./, location);
      const found = { address: '10.96.0.1', family: 4 };
      const source = setup.source([registry], { resolve: (_, answer) => answer(null, [found]) });
      await assert.rejects(resolve(source, `${registry.host}/app:v1`), coded('REGISTRY_UNSAFE'));
    });
  }

  it('X38: beyond the limit are refused', async () => {
    redirect(/./, '/again');
    await assert.rejects(
      resolve(setup.source([registry]), `${registry.host}/app:v1`),
      coded('REGISTRY_UNSAFE'),
    );
    assert.equal(registry.seen.length, 6);
  });
});
