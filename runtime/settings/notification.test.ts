// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { loadSettings } from './settings.ts';

const URL_NAME = 'COUNTERSIGN_NOTIFICATION_URL';
const SECRET_NAME = 'COUNTERSIGN_NOTIFICATION_SECRET_FILE';
const CA_NAME = 'COUNTERSIGN_NOTIFICATION_CA_FILE';
const GIVEN = { [URL_NAME]: 'https://hooks.example/x?token=t', [SECRET_NAME]: '/etc/key' };

describe('the settings of notifications', () => {
  it('are none where nothing of them is set', () => {
    assert.equal(loadSettings({}).notification, undefined);
    assert.equal(loadSettings({ [URL_NAME]: '', [SECRET_NAME]: '' }).notification, undefined);
  });

  it('are none where certificates alone are named: they send nothing and hide nothing', () => {
    assert.equal(loadSettings({ [CA_NAME]: '/etc/ca' }).notification, undefined);
  });

  it('name URL, key and certificates', () => {
    const url = GIVEN[URL_NAME];
    const files = { secretFile: '/etc/key', caFile: undefined };
    assert.deepEqual(loadSettings(GIVEN).notification, { url, ...files });
    const { notification } = loadSettings({ ...GIVEN, [CA_NAME]: '/etc/ca' });
    assert.deepEqual(notification, { url, ...files, caFile: '/etc/ca' });
  });

  for (const [name, given] of [
    [SECRET_NAME, { [URL_NAME]: GIVEN[URL_NAME] }],
    [URL_NAME, { [SECRET_NAME]: '/etc/key' }],
    [SECRET_NAME, { ...GIVEN, [SECRET_NAME]: 'key' }],
    [CA_NAME, { ...GIVEN, [CA_NAME]: 'ca' }],
    [URL_NAME, { ...GIVEN, [URL_NAME]: 'hooks.example' }],
    [URL_NAME, { ...GIVEN, [URL_NAME]: 'file:///etc/passwd' }],
    [URL_NAME, { ...GIVEN, [URL_NAME]: 'https://user:hunter2@hooks.example/' }],
    [URL_NAME, { ...GIVEN, [URL_NAME]: 'https://hunter2@hooks.example/' }],
  ] as const) {
    it(`refuse ${JSON.stringify(given)} by the name ${name}, and repeat no value`, () => {
      assert.throws(
        () => loadSettings(given),
        ({ message }: Error) => message.startsWith(`${name}: `) && !message.includes('hunter2'),
      );
    });
  }
});
