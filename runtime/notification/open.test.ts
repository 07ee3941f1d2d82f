// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'mocha';
import { fixedClock } from '../clock-testing.ts';
import { silentLogger } from '../log/index.ts';
import type { NotificationSettings } from '../settings/index.ts';
import { createCa } from '../tls/index.ts';
import { openNotifications } from './open.ts';

const directory = mkdtempSync(join(tmpdir(), 'notifications-'));

function file(name: string, content: string): string {
  const path = join(directory, name);
  writeFileSync(path, content);
  return path;
}

async function open(settings: NotificationSettings | undefined) {
  const stops: string[] = [];
  const urls: string[] = [];
  const sink = await openNotifications(
    {
      settings,
      createReceiver: (url) => {
        urls.push(url);
        const post = () => Promise.resolve({ status: 200 });
        return { host: 'hooks.example', post, close: () => Promise.resolve() };
      },
      clock: fixedClock(),
      logger: silentLogger,
      random: Math.random,
      onOutcome: () => undefined,
    },
    { onStop: (name) => void stops.push(name) },
  );
  return { sink, stops, urls };
}

describe('opening notifications', () => {
  const url = 'https://hooks.example/';
  const secretFile = file('key', '0123456789abcdef');

  it('does nothing where the settings name no URL', async () => {
    assert.deepEqual(await open(undefined), { sink: undefined, stops: [], urls: [] });
  });

  it('sends to the URL, and ends the connections after what sends', async () => {
    const { sink, stops, urls } = await open({ url, secretFile, caFile: undefined });
    assert.ok(sink !== undefined);
    assert.deepEqual(urls, [url]);
    // Hooks run from the last to the first.
    assert.deepEqual(stops, ['connections of notifications', 'notifications']);
  });

  it('rejects where key or certificates cannot be used: nobody is to believe that they are told', async () => {
    const caFile = undefined;
    const missing = join(directory, 'missing');
    await assert.rejects(open({ url, caFile, secretFile: missing }), { code: 'ENOENT' });
    await assert.rejects(open({ url, secretFile, caFile: missing }), { code: 'ENOENT' });
    for (const key of ['', '\n', 'fifteen bytes..', 'fifteen bytes..\r\n'])
      await assert.rejects(open({ url, caFile, secretFile: file('short', key) }), {
        message: `${directory}/short: a key has at least 16 bytes`,
      });
    const long = file('long', 'x'.repeat(4097));
    await assert.rejects(open({ url, caFile, secretFile: long }), {
      message: `${long}: longer than 4096 bytes`,
    });
  });

  it('takes a file of certificates, and rejects one that has none or a broken one', async () => {
    const { certPem } = await createCa(new Date());
    const garbled = '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n';
    const fine = file('fine.pem', `# ours\n${certPem}${certPem}`);
    assert.ok((await open({ url, secretFile, caFile: fine })).sink !== undefined);
    const cut = certPem.slice(0, -40);
    for (const text of ['', 'garbage', garbled, certPem + garbled, certPem + cut, cut]) {
      const caFile = file('broken.pem', text);
      await assert.rejects(open({ url, secretFile, caFile }), {
        message: `${caFile}: holds no certificate, or a broken one`,
      });
    }
  });
});
