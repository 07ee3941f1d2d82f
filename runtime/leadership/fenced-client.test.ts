// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { beforeEach, describe, it } from 'mocha';
import { fixedClock, type FixedClock } from '../clock-testing.ts';
import { KubeError, type CallOptions } from '../kube/index.ts';
import { FencedClient, FenceError } from './fenced-client.ts';
import { instantOf, LeaseTerm } from './term.ts';

const PATH = '/api/v1/namespaces/ns/configmaps/x';
const version = { metadata: { name: 'x', resourceVersion: '7' } };

/** Takes every call; asks the last question when a test says that the connection is there. */
class Wire {
  readonly sent: string[] = [];
  connected: Promise<void> = Promise.resolve();
  options: CallOptions | undefined;

  get = <T>(path: string): Promise<T> => this.#send('get', path);
  list = (path: string): Promise<never> => this.#send('list', path);
  stream = (path: string): Promise<never> => this.#send('stream', path);
  create = <T>(path: string, _body: unknown, options?: CallOptions): Promise<T> =>
    this.#send('create', path, options);
  replace = <T>(path: string, _body: unknown, options?: CallOptions): Promise<T> =>
    this.#send('replace', path, options);
  patch = <T>(path: string, _body: unknown, type: string, options?: CallOptions): Promise<T> =>
    this.#send(`patch ${type}`, path, options);
  delete = (path: string, options?: CallOptions): Promise<boolean> =>
    this.#send('delete', path, options);

  async #send(verb: string, path: string, options: CallOptions = {}): Promise<never> {
    this.options = options;
    await this.connected;
    try {
      options.beforeSend?.();
    } catch (cause) {
      throw new KubeError(0, 'not sent', { cause });
    }
    this.sent.push(`${verb} ${path}`);
    return true as never;
  }
}

describe('the fenced client', () => {
  let clock: FixedClock;
  let term: LeaseTerm;
  let wire: Wire;
  let fenced: FencedClient;

  const writes = (): readonly (() => Promise<unknown>)[] => [
    () => fenced.create('/api/v1/namespaces/ns/configmaps', version),
    () => fenced.replace(PATH, version),
    () => fenced.patch(PATH, version, 'merge'),
    () => fenced.delete(PATH, { preconditions: { resourceVersion: '7' } }),
  ];
  const isCode =
    (code: string) =>
    (thrown: unknown): boolean =>
      thrown instanceof FenceError && thrown.code === code;

  beforeEach(() => {
    clock = fixedClock();
    term = new LeaseTerm(clock, instantOf(clock));
    wire = new Wire();
    fenced = new FencedClient(wire, term);
  });

  it('passes writes that are conditional while the term is held, and reads always', async () => {
    for (const write of writes()) await write();
    assert.deepEqual(
      wire.sent.map((line) => line.split(' /')[0]),
      ['create', 'replace', 'patch merge', 'delete'],
    );
    await clock.advance(20_000);
    await fenced.get(PATH);
    await fenced.list(PATH);
    await fenced.stream(PATH, { query: {}, signal: term.signal, stallMs: 1 });
    assert.equal(wire.sent.length, 7);
  });

  it('sends nothing when the lease has run out, whether or not anything told it so', async () => {
    await clock.advance(9_999);
    await writes()[1]?.();
    await clock.advance(1);
    assert.equal(term.signal.aborted, false);
    for (const write of writes()) await assert.rejects(write(), isCode('NOT_LEADING'));
    assert.equal(wire.sent.length, 1);
    assert.equal(term.signal.aborted, true);
  });

  it('sends nothing when the term was given up', async () => {
    term.end(new Error('stop'));
    for (const write of writes()) await assert.rejects(write(), isCode('NOT_LEADING'));
    assert.deepEqual(wire.sent, []);
  });

  it('asks again when the connection is there: what waited for it longer than the lease is not sent', async () => {
    for (const write of writes()) {
      term = new LeaseTerm(clock, instantOf(clock));
      fenced = new FencedClient(wire, term);
      const connected = Promise.withResolvers<undefined>();
      wire.connected = connected.promise;
      const call = write();
      await clock.advance(12_000);
      connected.resolve(undefined);
      await assert.rejects(call, isCode('NOT_LEADING'));
    }
    assert.deepEqual(wire.sent, []);
  });

  it('asks what the caller wants to be asked, too', async () => {
    const beforeSend = (): void => {
      throw new RangeError('mine');
    };
    await assert.rejects(fenced.replace(PATH, version, { beforeSend }), (thrown) => {
      return thrown instanceof KubeError && thrown.cause instanceof RangeError;
    });
  });

  it('aborts what is under way with the term, or when the caller wants', async () => {
    await fenced.replace(PATH, version);
    const first = wire.options?.signal;
    const own = new AbortController();
    await fenced.delete(PATH, { preconditions: { uid: 'u' }, signal: own.signal, timeoutMs: 5 });
    const second = wire.options;
    assert.equal(second?.timeoutMs, 5);
    own.abort();
    assert.deepEqual([first?.aborted, second.signal?.aborted], [false, true]);
    term.end(new Error('stop'));
    assert.equal(first?.aborted, true);
  });

  for (const [what, write] of [
    ['a replacement without a version', () => fenced.replace(PATH, { metadata: { name: 'x' } })],
    [
      'a replacement with an empty version',
      () => fenced.replace(PATH, { metadata: { resourceVersion: '' } }),
    ],
    ['a replacement with nothing', () => fenced.replace(PATH, null)],
    ['a merge patch without a version', () => fenced.patch(PATH, { status: {} }, 'merge')],
    ['an apply without a version', () => fenced.patch(PATH, { metadata: {} }, 'apply')],
    [
      'a JSON patch without a test of the version',
      () =>
        fenced.patch(
          PATH,
          [
            { op: 'test', path: '/webhooks/0/name', value: 'x' },
            { op: 'add', path: '/metadata/resourceVersion', value: '7' },
          ],
          'json',
        ),
    ],
    ['a JSON patch that is no list', () => fenced.patch(PATH, version, 'json')],
    ['a deletion without preconditions', () => fenced.delete(PATH)],
    [
      'a deletion with empty preconditions',
      () => fenced.delete(PATH, { preconditions: { uid: '' } }),
    ],
    [
      'an eviction without preconditions',
      () => fenced.create('/api/v1/namespaces/ns/pods/p/eviction', { deleteOptions: {} }),
    ],
  ] as const) {
    it(`never sends ${what}`, async () => {
      await assert.rejects(write(), isCode('UNCONDITIONAL'));
      assert.deepEqual(wire.sent, []);
    });
  }

  it('sends JSON patches that test the version, and evictions of one pod alone', async () => {
    const test = { op: 'test', path: '/metadata/resourceVersion', value: '7' };
    await fenced.patch(PATH, [test, { op: 'add', path: '/a', value: 1 }], 'json');
    await fenced.create('/api/v1/namespaces/ns/pods/p/eviction', {
      deleteOptions: { preconditions: { uid: 'u' } },
    });
    assert.equal(wire.sent.length, 2);
  });
});
