// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'mocha';
import { loadKubeConfig } from './connection.ts';

const CONFIG = {
  apiVersion: 'v1',
  kind: 'Config',
  clusters: ['one', 'two'].map((name) => ({
    name,
    cluster: { server: `https://${name}.example/` },
  })),
  users: ['ann', 'bob'].map((name) => ({ name, user: { token: `token-of-${name}` } })),
  contexts: [
    { name: 'first', context: { cluster: 'one', user: 'ann' } },
    { name: 'second', context: { cluster: 'two', user: 'bob', namespace: 'team' } },
  ],
  'current-context': 'first',
};

describe('a kubeconfig', () => {
  let folder: string;
  let kubeconfigPath: string;

  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'kubeconfig-'));
    kubeconfigPath = join(folder, 'config');
    writeFileSync(kubeconfigPath, JSON.stringify(CONFIG));
  });
  after(() => {
    rmSync(folder, { recursive: true });
  });

  it('names server and namespace by its current context, or by another one', () => {
    const first = loadKubeConfig({ kubeconfigPath });
    assert.deepEqual([first.server, first.namespace], ['https://one.example', undefined]);
    const second = loadKubeConfig({ kubeconfigPath, context: 'second' });
    assert.deepEqual([second.server, second.namespace], ['https://two.example', 'team']);
  });

  it('refuses a context that it does not have', () => {
    assert.throws(() => loadKubeConfig({ kubeconfigPath, context: 'third' }), {
      message: 'kubeconfig: there is no context "third"',
    });
  });

  it('acts as another user, by the right of its own', async () => {
    const config = loadKubeConfig({ kubeconfigPath, context: 'second', impersonate: 'lead' });
    const { headers } = await config.authorize();
    assert.deepEqual(headers, { Authorization: 'Bearer token-of-bob', 'Impersonate-User': 'lead' });
    const { headers: own } = await loadKubeConfig({ kubeconfigPath }).authorize();
    assert.deepEqual(own, { Authorization: 'Bearer token-of-ann' });
    await config.close();
  });
});
