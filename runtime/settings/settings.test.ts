// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { loadSettings } from './settings.ts';

describe('settings', () => {
  it('have a default for everything', () => {
    const settings = loadSettings({});
    assert.equal(settings.namespace, 'countersign-system');
    assert.equal(settings.webhook.port, 9443);
    assert.deepEqual(settings.exemptNamespaces, ['kube-system', 'countersign-system']);
    assert.deepEqual(settings.registry.plainHttpHosts, []);
    assert.equal(settings.cacheDirectory, '/tmp/countersign');
    assert.equal(settings.reportApi, 'auto');
  });
  it('read lists, numbers and flags', () => {
    const settings = loadSettings({
      COUNTERSIGN_PLAIN_HTTP_HOSTS: '127.0.0.1:5000, localhost:5001',
      COUNTERSIGN_WEBHOOK_PORT: '443',
      COUNTERSIGN_PULL_SECRETS: 'true',
      COUNTERSIGN_TAG_CACHE_SECONDS: '3',
    });
    assert.deepEqual(settings.registry.plainHttpHosts, ['127.0.0.1:5000', 'localhost:5001']);
    assert.equal(settings.webhook.port, 443);
    assert.equal(settings.registry.pullSecrets, true);
    assert.equal(settings.caches.tagMs, 3000);
  });
  it('say who keeps the certificates of the webhook, and how long a rotation takes', () => {
    const { certificateDirectory, caStepMs } = loadSettings({}).webhook;
    assert.deepEqual([certificateDirectory, caStepMs], [undefined, 30_000]);
    const settings = loadSettings({
      COUNTERSIGN_WEBHOOK_CERTIFICATE_DIRECTORY: '/etc/countersign/certificate',
      COUNTERSIGN_WEBHOOK_CA_STEP_SECONDS: '5',
    });
    assert.equal(settings.webhook.certificateDirectory, '/etc/countersign/certificate');
    assert.equal(settings.webhook.caStepMs, 5_000);
  });
  it('say how often exceptions are to be reviewed', () => {
    assert.equal(loadSettings({}).exceptionReviewMs, 168 * 3_600_000);
    const settings = loadSettings({ COUNTERSIGN_EXCEPTION_REVIEW_INTERVAL_HOURS: '24' });
    assert.equal(settings.exceptionReviewMs, 24 * 3_600_000);
  });
  it('say where audit records go, and which annotations they carry', () => {
    assert.deepEqual(loadSettings({}).audit, { destination: undefined, annotations: [] });
    const settings = loadSettings({
      COUNTERSIGN_AUDIT_LOG: '-',
      COUNTERSIGN_AUDIT_ANNOTATIONS: 'ci.example/run, change-id',
    });
    assert.deepEqual(settings.audit, {
      destination: '-',
      annotations: ['ci.example/run', 'change-id'],
    });
  });
  it('take an empty variable for one that is not set', () => {
    assert.equal(loadSettings({ COUNTERSIGN_LOG_LEVEL: '' }).log.level, 'info');
  });
  for (const [name, value] of [
    ['COUNTERSIGN_WEBHOOK_PORT', 'x'],
    ['COUNTERSIGN_WEBHOOK_PORT', '70000'],
    ['COUNTERSIGN_DEFAULT_ACTION', 'allow'],
    ['COUNTERSIGN_WEBHOOK_DEADLINE_MS', '0'],
    ['COUNTERSIGN_WEBHOOK_DEADLINE_MS', '-1'],
    ['COUNTERSIGN_PULL_SECRETS', 'yes'],
    ['COUNTERSIGN_CACHE_DIRECTORY', 'cache'],
    ['COUNTERSIGN_REPORT_API', 'both'],
    ['COUNTERSIGN_PLAIN_HTTP_HOST', 'a'],
    ['COUNTERSIGN_WEBHOOK_CERTIFICATE_DIRECTORY', 'certificate'],
    ['COUNTERSIGN_WEBHOOK_CA_STEP_SECONDS', '0'],
    ['COUNTERSIGN_AUDIT_LOG', 'audit.log'],
    ['COUNTERSIGN_AUDIT_ANNOTATIONS', '__proto__'],
    ['COUNTERSIGN_AUDIT_ANNOTATIONS', 'a,'.repeat(17)],
  ] as const) {
    it(`refuse ${name}=${value} by name`, () => {
      assert.throws(() => loadSettings({ [name]: value }), new RegExp(`^SettingsError: ${name}: `));
    });
  }
});
