// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { connect, type Socket } from 'node:net';
import { after, before, describe, it } from 'mocha';
import { readBody } from './body.ts';
import { healthRoutes } from './health.ts';
import { WebServer } from './server.ts';

describe('the web server', () => {
  const errors: unknown[] = [];
  let ready = true;
  let server: WebServer;
  let base: string;
  let port: number;

  before(async () => {
    server = new WebServer({
      routes: {
        'POST /echo': async (request, response) => {
          const body = await readBody(request, 1024);
          response.end(body);
        },
        'GET /throw': () => {
          throw new Error('secret detail');
        },
        'GET /reject': () => Promise.reject(new Error('secret detail')),
        ...healthRoutes({
          ready: () => ({ ok: ready, reasons: ready ? [] : ['no program', 'not synced'] }),
          metrics: () => Promise.resolve({ contentType: 'text/plain', body: 'a 1\n' }),
        }),
      },
      onError: (error) => errors.push(error),
    });
    port = await server.listen({ host: '127.0.0.1', port: 0 });
    base = `http://127.0.0.1:${port.toString()}`;
  });
  after(async () => {
    await server.close(1000);
  });

  const post = (body: string | Buffer, headers: Record<string, string> = {}): Promise<Response> =>
    fetch(`${base}/echo`, {
      method: 'POST',
      body: typeof body === 'string' ? body : new Uint8Array(body),
      headers,
    });
  const raw = (text: string): Promise<string> =>
    new Promise((resolve, reject) => {
      let answer = '';
      const socket: Socket = connect(port, '127.0.0.1', () => {
        socket.write(text);
      });
      socket.on('data', (chunk) => (answer += chunk.toString('latin1')));
      socket.on('close', () => {
        resolve(answer);
      });
      socket.on('error', reject);
      socket.setTimeout(500, () => {
        socket.end();
      });
    });

  it('reads a body up to its cap', async () => {
    const response = await post('x'.repeat(1024));
    assert.equal((await response.text()).length, 1024);
  });

  it('B36: answers 413 for a larger body, announced or not', async () => {
    assert.equal((await post('x'.repeat(1025))).status, 413);
    const chunked = `POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n${'400\r\n' + 'x'.repeat(1024) + '\r\n'}${'400\r\n' + 'x'.repeat(1024) + '\r\n'}`;
    assert.match(await raw(chunked), /^HTTP\/1\.1 413 /);
  });

  it('B36: lets a client that writes on see the answer, within bounds', async () => {
    for (let attempt = 0; attempt < 3; attempt += 1) {
      const response = await post(Buffer.alloc(20 * 1024 * 1024));
      assert.equal(response.status, 413);
      assert.match(await response.text(), /exceeds/);
    }
    const endless = connect(port, '127.0.0.1');
    const closed = new Promise((resolve) => endless.once('close', resolve));
    endless.on('error', () => undefined);
    endless.write('POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999\r\n\r\n');
    const chunk = Buffer.alloc(1024 * 1024);
    const more = (): void => {
      while (!endless.destroyed && endless.write(chunk));
    };
    endless.on('drain', more);
    more();
    await closed;
  });

  it('refuses an encoded body', async () => {
    assert.equal((await post('x', { 'content-encoding': 'gzip' })).status, 415);
  });

  it('answers 404 for an unknown path and 405 for another method, and never redirects', async () => {
    assert.equal((await fetch(`${base}/elsewhere`)).status, 404);
    assert.equal((await fetch(`${base}/echo`)).status, 405);
    assert.equal(
      (await fetch(`${base}//echo`, { method: 'POST', redirect: 'manual' })).status,
      404,
    );
  });

  it('answers 500 without detail for whatever a handler throws, and lives', async () => {
    for (const path of ['throw', 'reject']) {
      const response = await fetch(`${base}/${path}`);
      assert.equal(response.status, 500);
      assert.doesNotMatch(await response.text(), /secret/);
    }
    assert.equal(errors.length >= 2, true);
    assert.equal((await post('still here')).status, 200);
  });

  it('answers 400 for what is not HTTP', async () => {
    assert.match(await raw('nonsense\r\n\r\n'), /^HTTP\/1\.1 400 /);
  });

  it('serves health, readiness with its reasons, and metrics', async () => {
    assert.equal((await fetch(`${base}/healthz`)).status, 200);
    assert.equal((await fetch(`${base}/readyz`)).status, 200);
    ready = false;
    const response = await fetch(`${base}/readyz`);
    assert.equal(response.status, 503);
    assert.equal(await response.text(), 'no program\nnot synced\n');
    ready = true;
    assert.equal(await (await fetch(`${base}/metrics`)).text(), 'a 1\n');
  });
});
