// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { systemClock } from '../clock.ts';
import { createLogger } from '../log/index.ts';
import { FakeApiServer, type Intercepted, type SeenRequest } from './__fixtures__/api-server.ts';
import { KubeClient } from './client.ts';
import type { PooledKubeConfig } from './connection.ts';
import type { KubeObject, ObjectMetadata } from './objects.ts';
import { Reflector, type ReflectorOptions } from './reflector.ts';
import { allSynced } from './synced.ts';

const PODS = { group: '', version: 'v1', plural: 'pods' };
const pathOf = (name: string, namespace = 'shop'): string =>
  `/api/v1/namespaces/${namespace}/pods/${name}`;
const EXPIRED = {
  kind: 'Status',
  reason: 'Expired',
  message: 'too old resource version',
  code: 410,
};
const NO_SUCH_TYPE: Intercepted = { status: 404, body: '404 page not found\n' };

/** Resolves once it is so; fails after some seconds. */
async function until(holds: () => boolean, what = holds.toString()): Promise<void> {
  const end = performance.now() + 5_000;
  while (!holds()) {
    assert.ok(performance.now() < end, `it never came to: ${what}`);
    await sleep(2);
  }
}

describe('the reflector', () => {
  let server: FakeApiServer;
  let config: PooledKubeConfig;
  let reflector: Reflector<KubeObject>;
  let log: string[];

  const make = (options: Partial<ReflectorOptions<KubeObject>> = {}): Reflector<KubeObject> =>
    (reflector = new Reflector<KubeObject>({
      client: new KubeClient(config),
      clock: systemClock,
      logger: createLogger({ level: 'debug', format: 'json', sink: (line) => log.push(line) }),
      resource: PODS,
      backoffMs: { first: 4, most: 20 },
      missingMs: 20,
      ...options,
    }));
  /** Starts one, and waits until it has listed and watches. */
  const following = async (
    options?: Partial<ReflectorOptions<KubeObject>>,
  ): Promise<Reflector<KubeObject>> => {
    const { watchers } = server;
    make(options).start();
    await reflector.synced;
    await until(() => server.watchers > watchers);
    return reflector;
  };
  const put = (name: string, metadata: Partial<ObjectMetadata> = {}): KubeObject =>
    server.put(pathOf(name), {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { ...metadata, name, namespace: 'shop' },
    });
  const isWatch = ({ query }: SeenRequest): boolean => query.get('watch') === 'true';
  const lists = (): readonly SeenRequest[] =>
    server.requests.filter((request) => !isWatch(request));
  const watches = (): readonly SeenRequest[] => server.requests.filter(isWatch);
  const versionOf = (name: string): string | undefined =>
    reflector.store.get(`shop/${name}`)?.metadata.resourceVersion;

  beforeEach(async () => {
    server = await FakeApiServer.start();
    config = server.kubeConfig();
    log = [];
  });
  afterEach(async () => {
    await reflector.stop();
    await config.close();
    await server.close();
  });

  it('mirrors what is there, and then what is new, changed and gone', async () => {
    put('web');
    await following();
    assert.equal(reflector.hasSynced, true);
    assert.deepEqual(reflector.store.keys(), ['shop/web']);
    put('db');
    await until(() => reflector.store.size === 2);
    const changed = put('web', { labels: { a: 'b' } });
    await until(() => versionOf('web') === changed.metadata.resourceVersion);
    assert.deepEqual(reflector.store.get('shop/web')?.metadata.labels, { a: 'b' });
    server.remove(pathOf('web'));
    await until(() => reflector.store.size === 1);
    assert.deepEqual([lists().length, watches().length], [1, 1]);
    assert.equal(reflector.status().problem, undefined);
  });

  it('watches from the version of the list, with bookmarks and an end', async () => {
    const { metadata } = put('web');
    await following({ labelSelector: 'a=b', fieldSelector: 'spec.nodeName=n' });
    const [query] = watches().map((request) => Object.fromEntries(request.query));
    assert.deepEqual(query, {
      labelSelector: 'a=b',
      fieldSelector: 'spec.nodeName=n',
      resourceVersion: metadata.resourceVersion,
      watch: 'true',
      allowWatchBookmarks: 'true',
      timeoutSeconds: '300',
    });
    assert.deepEqual(
      [lists()[0]?.query.get('labelSelector'), lists()[0]?.query.get('limit')],
      ['a=b', '500'],
    );
  });

  it('stays in its namespace', async () => {
    put('web');
    server.put(pathOf('web', 'other'), { metadata: { name: 'web', namespace: 'other' } });
    await following({ namespace: 'shop' });
    assert.deepEqual(reflector.store.keys(), ['shop/web']);
    assert.equal(lists()[0]?.path, '/api/v1/namespaces/shop/pods');
  });

  it('lists in pages, and takes away what none of them holds', async () => {
    for (let n = 0; n < 501; n += 1) put(`pod-${n}`);
    await following({ relistMs: 0 });
    assert.deepEqual([reflector.store.size, lists().length], [501, 2]);
    server.forget(pathOf('pod-7'));
    server.bookmark();
    server.endWatches();
    await until(() => reflector.store.size === 500);
    assert.equal(reflector.store.get('shop/pod-7'), undefined);
  });

  it('keeps and indexes what the transform makes of an object', async () => {
    put('web', { labels: { app: 'shop' }, annotations: { long: 'text' } });
    await following({
      transform: ({ metadata: { annotations, ...metadata } }) => ({
        metadata: {
          ...metadata,
          ...(annotations === undefined ? {} : { labels: { app: 'trimmed' } }),
        },
      }),
      indexes: { app: ({ metadata }) => metadata.labels?.['app']?.split(',') ?? [] },
    });
    const [found] = reflector.store.byIndex('app', 'trimmed');
    assert.deepEqual([found?.metadata.name, found?.metadata.annotations], ['web', undefined]);
  });

  it('leaves out an object that the transform cannot take, and goes on', async () => {
    put('odd');
    await following({
      transform: (object) => {
        if (object.metadata.name === 'odd') throw new Error('too odd');
        return object;
      },
    });
    put('web');
    await until(() => reflector.store.size === 1);
    assert.match(log.join('\n'), /object could not be taken over.*"name":"odd".*too odd/);
  });

  it('goes on from the newest version where a watch ends, also from that of a bookmark', async () => {
    await following();
    const version = server.bookmark();
    const changed = put('web');
    await until(() => reflector.store.size === 1);
    server.endWatches('abruptly');
    await until(() => watches().length === 2);
    assert.ok(Number(changed.metadata.resourceVersion) > Number(version));
    assert.equal(watches()[1]?.query.get('resourceVersion'), changed.metadata.resourceVersion);
    const next = server.bookmark();
    server.endWatches();
    await until(() => watches().length === 3);
    assert.equal(watches()[2]?.query.get('resourceVersion'), next);
    assert.equal(lists().length, 1);
  });

  it('lists again at once where its version has expired, as an event or as an answer', async () => {
    put('web');
    put('gone');
    await following();
    server.forget(pathOf('gone'));
    server.send({ type: 'ERROR', object: EXPIRED });
    await until(() => reflector.store.size === 1);
    assert.deepEqual(reflector.store.keys(), ['shop/web']);
    await until(() => server.watchers === 1 && watches().length === 2);
    let refused = false;
    server.intercept = (request) => {
      if (refused || !isWatch(request)) return undefined;
      refused = true;
      return { status: 410, body: EXPIRED };
    };
    server.endWatches('abruptly');
    await until(() => lists().length === 3);
    assert.equal(reflector.hasSynced, true);
  });

  it('lists all at once where the pages of a list expire before their end', async () => {
    for (let n = 0; n < 501; n += 1) put(`pod-${n}`);
    server.intercept = ({ query }) =>
      query.has('continue') ? { status: 410, body: EXPIRED } : undefined;
    await following();
    assert.equal(reflector.store.size, 501);
    assert.deepEqual(
      lists().map(({ query }) => query.get('limit')),
      ['500', '500', null],
    );
  });

  it('connects again where a watch is silent, from where it was', async () => {
    put('web');
    await following({ stallMs: 60 });
    const seen = watches()[0]?.query.get('resourceVersion');
    await until(() => watches().length >= 2);
    put('db');
    await until(() => reflector.store.size === 2);
    assert.equal(watches()[1]?.query.get('resourceVersion'), seen);
    assert.match(log.join('\n'), /watch failed, trying again/);
  });

  it('connects again where events are garbled, cut, or end at once, and no faster than it may', async () => {
    await following({ backoffMs: { first: 20, most: 40 }, random: () => 0 });
    server.endWatches('abruptly');
    await until(() => server.watchers === 1);
    server.intercept = (request) =>
      isWatch(request) ? { status: 200, body: '{"type":"ADDED","obj' } : undefined;
    server.endWatches();
    const before = server.requests.length;
    await sleep(200);
    assert.ok(server.requests.length - before <= 20, `${server.requests.length - before} requests`);
    assert.match(reflector.status().problem ?? '', /watch: ended within an event/);
    server.intercept = (request) => (isWatch(request) ? { status: 200, body: '' } : undefined);
    await until(() => reflector.status().problem === 'the watch ended at once');
    server.intercept = () => undefined;
    await until(() => server.watchers === 1);
    put('web');
    await until(() => reflector.store.size === 1);
    assert.equal(reflector.status().problem, undefined);
  });

  it('keeps what it mirrored while the API server refuses, then believes in its version no more', async () => {
    put('web');
    put('gone');
    await following();
    server.intercept = () => ({ status: 503, body: 'overloaded' });
    server.forget(pathOf('gone'));
    server.endWatches('abruptly');
    await until(() => lists().length > 2);
    assert.deepEqual([reflector.store.size, reflector.hasSynced], [2, true]);
    assert.match(reflector.status().problem ?? '', /503: overloaded/);
    server.intercept = () => undefined;
    await until(() => reflector.store.size === 1);
    assert.equal(reflector.status().problem, undefined);
  });

  for (const { what, intercepted, waits } of [
    {
      what: 'five seconds at most while the API server refuses',
      intercepted: { status: 503, body: 'overloaded' },
      waits: [200, 400, 800, 1600, 3200, 5000, 5000],
    },
    {
      what: 'half a minute where the type is not served',
      intercepted: NO_SUCH_TYPE,
      waits: [30_000],
    },
  ])
    it(`fault 6: waits ${what}`, async () => {
      const waited: number[] = [];
      const clock = {
        ...systemClock,
        sleep: (ms: number, signal?: AbortSignal): Promise<void> => {
          waited.push(ms);
          return systemClock.sleep(1, signal);
        },
      };
      server.intercept = () => intercepted;
      const logger = createLogger({ level: 'error', format: 'json', sink: () => undefined });
      const client = new KubeClient(config);
      const random = (): number => 1;
      reflector = new Reflector({ client, clock, logger, resource: PODS, random });
      reflector.start();
      await until(() => waited.length >= waits.length);
      assert.deepEqual(waited.slice(0, waits.length), waits);
    });

  it('tells how long the API server has been silent', async () => {
    await following();
    const silent = reflector.secondsSinceContact();
    await sleep(20);
    assert.ok(reflector.secondsSinceContact() >= silent + 0.015);
    server.bookmark();
    await until(() => reflector.secondsSinceContact() < 0.015);
  });

  it('is not synced as long as the type is not served, and catches up when it is', async () => {
    server.intercept = () => NO_SUCH_TYPE;
    make().start();
    await until(() => reflector.status().problem !== undefined);
    assert.deepEqual([reflector.hasSynced, reflector.status().synced], [false, false]);
    assert.match(reflector.status().problem ?? '', /^the resource type is not served: /);
    put('web');
    server.intercept = () => undefined;
    await reflector.synced;
    assert.deepEqual(
      [reflector.store.size, reflector.hasSynced, reflector.status().problem],
      [1, true, undefined],
    );
  });

  it('is synced no more where the type is taken away, keeps what it has, and waits long', async () => {
    put('web');
    await following({ missingMs: 60, random: () => 1 });
    server.intercept = () => NO_SUCH_TYPE;
    server.endWatches('abruptly');
    await until(() => !reflector.hasSynced);
    assert.equal(reflector.store.size, 1);
    const before = server.requests.length;
    await sleep(150);
    assert.ok(server.requests.length - before <= 3);
    server.intercept = () => undefined;
    await until(() => reflector.hasSynced);
  });

  it('lets a handler that throws harm nobody', async () => {
    put('web');
    const told: string[] = [];
    make();
    reflector.store.onChange(() => {
      throw new Error('handler');
    });
    reflector.store.onChange((key) => told.push(key));
    reflector.start();
    await until(() => server.watchers === 1);
    put('db');
    await until(() => told.length === 2);
    assert.deepEqual(told, ['shop/web', 'shop/db']);
    assert.match(log.join('\n'), /handler of a watch failed/);
    assert.deepEqual([watches().length, reflector.status().problem], [1, undefined]);
  });

  it('stops for good during its first list, and touches nothing any more', async () => {
    put('web');
    server.intercept = () => 'hang';
    make().start();
    await until(() => server.requests.length === 1);
    await reflector.stop();
    server.intercept = () => undefined;
    await sleep(30);
    assert.deepEqual(
      [server.requests.length, reflector.store.size, reflector.hasSynced],
      [1, 0, false],
    );
  });

  it('takes nothing of a list that comes after its stop', async () => {
    const page = Promise.withResolvers<{ metadata: object; items: readonly KubeObject[] }>();
    const client = {
      list: () => page.promise as Promise<never>,
      stream: () => Promise.reject(new Error('not watched in this test')),
    };
    make({ client }).start();
    const stopping = reflector.stop();
    page.resolve({ metadata: { resourceVersion: '1' }, items: [{ metadata: { name: 'late' } }] });
    await stopping;
    assert.deepEqual([reflector.store.size, reflector.hasSynced], [0, false]);
  });

  it('stops while it waits to try again', async () => {
    server.intercept = () => ({ status: 500, body: 'no' });
    make({ backoffMs: { first: 60_000, most: 60_000 } }).start();
    await until(() => reflector.status().problem !== undefined);
    await reflector.stop();
    assert.equal(server.requests.length, 1);
  });

  it('starts once, keeps what it has when stopped, and can be started again', async () => {
    put('web');
    await following();
    reflector.start();
    await reflector.stop();
    await reflector.stop();
    put('db');
    await sleep(20);
    assert.deepEqual([reflector.store.size, watches().length], [1, 1]);
    reflector.start();
    await until(() => server.watchers === 1);
    put('api');
    await until(() => reflector.store.get('shop/api') !== undefined);
  });
});

describe('waiting for several reflectors', () => {
  const synced = { synced: Promise.resolve() };
  const open = { synced: new Promise<void>(() => undefined) };

  it('ends when all have synced, or with the reason of the signal', async () => {
    await allSynced([], new AbortController().signal);
    await allSynced([synced, synced], new AbortController().signal);
    const stop = new AbortController();
    const waiting = allSynced([synced, open], stop.signal);
    stop.abort(new Error('enough'));
    await assert.rejects(waiting, /^Error: enough$/);
    await assert.rejects(
      allSynced([synced], AbortSignal.abort(new Error('before'))),
      /^Error: before$/,
    );
    const odd = new AbortController();
    const other = allSynced([open], odd.signal);
    odd.abort('text');
    await assert.rejects(other, /^Error: stopped before all was synced$/);
  });
});
