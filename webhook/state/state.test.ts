// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { before, describe, it } from 'mocha';
import { KubeError, type CallOptions, type KubeObject } from '../../runtime/kube/index.ts';
import { createLogger, silentLogger } from '../../runtime/log/index.ts';
import { createCa, issueLeaf, type CertifiedKey } from '../../runtime/tls/index.ts';
import { ConfigurationState, type WebhookConfiguration } from './configurations.ts';
import { labelsOnly, NamespaceState } from './namespaces.ts';
import { readinessProblems, type ReadinessInput } from './readiness.ts';

const NOW = new Date('2026-11-20T12:00:00Z');

describe('what the configurations accept', () => {
  let ours: CertifiedKey;
  let other: CertifiedKey;
  let leaf: string;
  before(async () => {
    ours = await createCa(NOW);
    other = await createCa(NOW);
    leaf = (await issueLeaf(ours, { dnsNames: ['x.y.svc'], now: NOW })).certPem;
  });

  const state = (...bundles: readonly (readonly (string | undefined)[])[]): ConfigurationState =>
    new ConfigurationState(
      bundles.map((configuration) => ({
        get: (name): WebhookConfiguration | undefined => {
          assert.equal(name, 'countersign');
          return {
            metadata: { name },
            webhooks: configuration.map((pem, i) => ({
              name: `w${i.toString()}.countersign.dev`,
              clientConfig:
                pem === undefined ? {} : { caBundle: Buffer.from(pem).toString('base64') },
            })),
          };
        },
      })),
    );

  it('is a leaf of the CA, alone or among others', () => {
    const bundles = [ours.certPem, other.certPem + ours.certPem];
    assert.deepEqual(state(bundles, [ours.certPem]).refusing(leaf, NOW), []);
  });

  it('is no leaf where the bundle is another one, broken, empty or missing', () => {
    const found = state([other.certPem, 'junk', ''], [undefined, ours.certPem]);
    assert.deepEqual(
      found.refusing(leaf, NOW),
      [0, 1, 2, 0].map((i) => `w${i.toString()}.countersign.dev`),
    );
  });

  it('is no leaf outside of its time, and nothing that is no leaf', () => {
    const late = new Date(NOW.getTime() + 8 * 86_400_000);
    assert.deepEqual(state([ours.certPem]).refusing(leaf, late), ['w0.countersign.dev']);
    assert.deepEqual(state([ours.certPem]).refusing('junk', NOW), ['w0.countersign.dev']);
  });

  it('is anything where there is no configuration, or one without webhooks', () => {
    const none = new ConfigurationState([{ get: () => undefined }]);
    assert.deepEqual(none.refusing(leaf, NOW), []);
    const empty = new ConfigurationState([{ get: () => ({ metadata: { name: 'countersign' } }) }]);
    assert.deepEqual(empty.refusing(leaf, NOW), []);
  });

  it('is not asked of webhooks that somebody added: they are not called here', () => {
    const foreign = ['countersign.dev.evil.example', 'inject.example.com', undefined].map((name) =>
      name === undefined ? {} : { name },
    );
    const found = new ConfigurationState([
      { get: () => ({ metadata: { name: 'countersign' }, webhooks: foreign }) },
    ]);
    assert.deepEqual(found.refusing(leaf, NOW), []);
  });
});

describe('labels of namespaces', () => {
  const { signal } = new AbortController();
  const known: Readonly<Record<string, KubeObject>> = {
    team: { metadata: { name: 'team', labels: { env: 'dev' } } },
    bare: { metadata: { name: 'bare' } },
  };
  const stateWith = (
    answer: (path: string, options?: CallOptions) => unknown,
    log: string[] = [],
  ): NamespaceState =>
    new NamespaceState(
      { get: (key) => (Object.hasOwn(known, key) ? known[key] : undefined) },
      {
        get: async <T>(path: string, options?: CallOptions) =>
          Promise.resolve().then(() => answer(path, options) as T | undefined),
      },
      createLogger({ level: 'debug', format: 'json', sink: (line) => log.push(line) }),
    );

  it('come from the mirror, and are none where the namespace has none', () => {
    const state = stateWith(() => assert.fail('nothing is read'));
    assert.deepEqual(state.cached('team'), { env: 'dev' });
    assert.deepEqual(state.cached('bare'), {});
  });

  it('B8: are unknown where the namespace is not in the mirror, not none', () => {
    const state = stateWith(() => undefined);
    for (const name of ['new', 'constructor', '__proto__', ''])
      assert.equal(state.cached(name), undefined, name);
  });

  it('are read once, by name and within the time of the caller', async () => {
    const asked: unknown[] = [];
    const state = stateWith((path, options) => {
      asked.push([path, options?.signal]);
      return { metadata: { name: 'new', labels: { a: 'b' } } };
    });
    assert.deepEqual(await state.read('new', signal), { a: 'b' });
    assert.deepEqual(asked, [['/api/v1/namespaces/new', signal]]);
    assert.deepEqual(
      await stateWith(() => ({ metadata: { name: 'new' } })).read('new', signal),
      {},
    );
  });

  it('B8: are unknown where reading fails in any way, and nothing is thrown', async () => {
    for (const status of [0, 403, 404, 500]) {
      const log: string[] = [];
      const state = stateWith(() => {
        throw new KubeError(status, 'no');
      }, log);
      assert.equal(await state.read('new', signal), undefined);
      assert.equal(log.length, 1);
    }
    assert.equal(await stateWith(() => undefined).read('gone', signal), undefined);
  });

  it('B14: are never looked for at another path', async () => {
    const paths: string[] = [];
    const state = new NamespaceState(
      { get: () => undefined },
      {
        get: (path) => {
          paths.push(path);
          return Promise.resolve(undefined);
        },
      },
      silentLogger,
    );
    for (const name of ['..', '.', '', '../nodes', 'a/b?c']) await state.read(name, signal);
    assert.deepEqual(paths, ['/api/v1/namespaces/..%2Fnodes', '/api/v1/namespaces/a%2Fb%3Fc']);
  });

  it('are kept without the rest of the namespace', () => {
    const metadata = { name: 'n', uid: 'u', resourceVersion: '1', labels: { a: 'b' } };
    assert.deepEqual(
      labelsOnly({ metadata: { ...metadata, annotations: { big: 'x' }, finalizers: ['f'] } }),
      { metadata },
    );
    assert.deepEqual(labelsOnly({ metadata: { name: 'n' } }), { metadata: { name: 'n' } });
  });
});

describe('readiness', () => {
  const ready: ReadinessInput = {
    programmed: true,
    mirrors: { exceptions: { hasSynced: true }, namespaces: { hasSynced: true } },
    exceptionsSilentSeconds: 120,
    serving: true,
    refusing: [],
  };

  it('needs program, mirrors, a live watch of exceptions and a certificate that is accepted', () => {
    assert.deepEqual(readinessProblems(ready), []);
  });

  for (const [change, problem] of [
    [{ programmed: false }, 'no program of policies yet'],
    [{ mirrors: { namespaces: { hasSynced: false } } }, 'namespaces are not read yet'],
    [{ exceptionsSilentSeconds: 120.1 }, 'the watch of exceptions is stale'],
    [{ exceptionsSilentSeconds: Infinity }, 'the watch of exceptions is stale'],
    [{ serving: false }, 'no serving certificate yet'],
    [
      { refusing: ['pods.countersign.dev'] },
      'the caBundle of pods.countersign.dev does not accept the serving certificate',
    ],
  ] as const) {
    it(`is not given where ${problem}`, () => {
      assert.deepEqual(readinessProblems({ ...ready, ...change }), [problem]);
    });
  }
});
