// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { healthRoutes, type Readiness } from './health.ts';
import { WebServer } from './server.ts';

const PLAIN = 'text/plain; charset=utf-8';

describe('the health of a process', () => {
  let readiness: () => Readiness;
  let metrics: () => Promise<{ readonly contentType: string; readonly body: string }>;
  let errors: unknown[];
  let server: WebServer;
  let base: string;

  beforeEach(async () => {
    readiness = () => ({ ok: true, reasons: [] });
    metrics = () => Promise.resolve({ contentType: 'text/plain; version=0.0.4', body: 'up 1\n' });
    errors = [];
    const routes = healthRoutes({ ready: () => readiness(), metrics: () => metrics() });
    server = new WebServer({ routes, onError: (error) => errors.push(error) });
    base = `http://127.0.0.1:${await server.listen({ host: '127.0.0.1', port: 0 })}`;
  });
  afterEach(() => server.close(1000));

  /** Status, content type and body. */
  const ask = async (path: string): Promise<readonly [number, string | null, string]> => {
    const response = await fetch(base + path);
    return [response.status, response.headers.get('content-type'), await response.text()];
  };

  it('is told alive as long as the event loop turns, ready or not', async () => {
    readiness = () => ({ ok: false, reasons: ['not synced'] });
    assert.deepEqual(await ask('/healthz'), [200, PLAIN, 'ok\n']);
    readiness = () => {
      throw new Error('broken');
    };
    assert.deepEqual(await ask('/healthz'), [200, PLAIN, 'ok\n']);
    assert.deepEqual(errors, []);
  });

  it('is told ready or not with every reason, asked for anew each time', async () => {
    assert.deepEqual(await ask('/readyz'), [200, PLAIN, 'ok\n']);
    readiness = () => ({ ok: false, reasons: ['no program', 'pods: not synced'] });
    assert.deepEqual(await ask('/readyz'), [503, PLAIN, 'no program\npods: not synced\n']);
    readiness = () => ({ ok: true, reasons: [] });
    assert.deepEqual(await ask('/readyz?verbose'), [200, PLAIN, 'ok\n']);
  });

  it('is ready by what it says, not by having no reasons or some', async () => {
    readiness = () => ({ ok: false, reasons: [] });
    assert.equal((await ask('/readyz'))[0], 503);
    readiness = () => ({ ok: true, reasons: ['pods: silent for 20 s'] });
    assert.deepEqual(await ask('/readyz'), [200, PLAIN, 'ok\n']);
  });

  it('says what it is, where it is ready and says so', async () => {
    readiness = () => ({ ok: true, reasons: [], standing: 'standby' });
    assert.deepEqual(await ask('/readyz'), [200, PLAIN, 'standby\n']);
    readiness = () => ({ ok: false, reasons: ['lost'], standing: 'standby' });
    assert.deepEqual(await ask('/readyz'), [503, PLAIN, 'lost\n']);
  });

  it('is not ready where telling it fails', async () => {
    readiness = () => {
      throw new Error('secret detail');
    };
    const [status, , body] = await ask('/readyz');
    assert.equal(status, 500);
    assert.doesNotMatch(body, /secret/);
    assert.deepEqual(errors.map(String), ['Error: secret detail']);
  });

  it('is measured in the form that the metrics say', async () => {
    assert.deepEqual(await ask('/metrics'), [200, 'text/plain; version=0.0.4', 'up 1\n']);
  });

  it('answers 500 without detail where metrics fail, and lives', async () => {
    for (const fault of [
      () => Promise.reject(new Error('secret detail')),
      () => assert.fail('secret detail'),
    ]) {
      metrics = fault;
      const [status, , body] = await ask('/metrics');
      assert.equal(status, 500);
      assert.doesNotMatch(body, /secret/);
    }
    assert.equal(errors.length, 2);
    assert.equal((await ask('/healthz'))[0], 200);
  });

  it('is told to those who only ask', async () => {
    for (const path of ['/healthz', '/readyz', '/metrics']) {
      const response = await fetch(base + path, { method: 'POST', body: 'x' });
      assert.equal(response.status, 405);
      await response.text();
    }
  });
});
