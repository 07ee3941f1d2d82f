// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { loadSettings } from './settings.ts';

const ENDPOINT = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://collector:4318/' };

describe('the settings of tracing', () => {
  it('are none without an endpoint, and where tracing is disabled', () => {
    assert.equal(loadSettings({}).tracing, undefined);
    assert.equal(loadSettings({ OTEL_SERVICE_NAME: 'x' }).tracing, undefined);
    assert.equal(loadSettings({ ...ENDPOINT, OTEL_SDK_DISABLED: 'TRUE' }).tracing, undefined);
    assert.equal(loadSettings({ OTEL_EXPORTER_OTLP_ENDPOINT: '' }).tracing, undefined);
  });

  it('are those of OpenTelemetry, under its names and with its defaults', () => {
    assert.deepEqual(loadSettings(ENDPOINT).tracing, {
      endpoint: 'http://collector:4318/v1/traces',
      headers: {},
      timeoutMs: 10_000,
      serviceName: undefined,
      resource: {},
      sampler: { parentBased: true, ratio: 1 },
    });
    const { tracing } = loadSettings({
      ...ENDPOINT,
      OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'https://other/spans',
      OTEL_EXPORTER_OTLP_HEADERS: 'a=b',
      OTEL_EXPORTER_OTLP_TRACES_HEADERS: 'authorization=Bearer%20x, k=v=w',
      OTEL_EXPORTER_OTLP_TIMEOUT: '500',
      OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json',
      OTEL_SERVICE_NAME: 'gate',
      OTEL_RESOURCE_ATTRIBUTES: 'k8s.cluster.name=prod',
      OTEL_TRACES_SAMPLER: 'traceidratio',
      OTEL_TRACES_SAMPLER_ARG: '0.25',
      OTEL_SOMETHING_ELSE: 'not ours',
    });
    assert.deepEqual(tracing, {
      endpoint: 'https://other/spans',
      headers: { authorization: 'Bearer x', k: 'v=w' },
      timeoutMs: 500,
      serviceName: 'gate',
      resource: { 'k8s.cluster.name': 'prod' },
      sampler: { parentBased: false, ratio: 0.25 },
    });
    const off = { ...ENDPOINT, OTEL_TRACES_SAMPLER: 'parentbased_always_off' };
    assert.deepEqual(loadSettings(off).tracing?.sampler, { parentBased: true, ratio: 0 });
  });

  for (const [name, value] of [
    ['OTEL_EXPORTER_OTLP_ENDPOINT', 'collector:4318'],
    ['OTEL_EXPORTER_OTLP_ENDPOINT', 'file:///etc/passwd'],
    ['OTEL_EXPORTER_OTLP_PROTOCOL', 'grpc'],
    ['OTEL_EXPORTER_OTLP_HEADERS', 'a'],
    ['OTEL_EXPORTER_OTLP_HEADERS', 'a=%zz'],
    ['OTEL_EXPORTER_OTLP_TIMEOUT', '0'],
    ['OTEL_TRACES_SAMPLER', 'xray'],
    ['OTEL_TRACES_SAMPLER_ARG', '2'],
  ] as const) {
    it(`refuse ${name}=${value} by name`, () => {
      const given = { ...ENDPOINT, [name]: value };
      assert.throws(() => loadSettings(given), new RegExp(`^SettingsError: ${name}: `));
    });
  }
});
