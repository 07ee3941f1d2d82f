// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'mocha';
import { parse } from 'yaml';
import type { Webhook, WebhookConfiguration } from './configuration.ts';
import { driftOf, type ConfigurationType } from './drift.ts';

/** The manifest that we ship. */
function shipped(type: ConfigurationType): WebhookConfiguration {
  const url = new URL(`../../../config/admission/${type}.yaml`, import.meta.url);
  return parse(readFileSync(url, 'utf8')) as WebhookConfiguration;
}

/** What is found when one webhook of the manifest is changed. */
function driftWith(
  type: ConfigurationType,
  name: string,
  edits: { readonly [K in keyof Webhook]?: Webhook[K] | undefined },
): readonly string[] {
  const configuration = shipped(type);
  const webhooks = (configuration.webhooks ?? []).map((webhook) =>
    webhook.name === name ? ({ ...webhook, ...edits } as Webhook) : webhook,
  );
  return driftOf(type, { ...configuration, webhooks });
}

const PODS = 'pods.countersign.dev';
const PIN = 'pin.countersign.dev';
const POD_RULE = {
  apiGroups: [''],
  apiVersions: ['v1'],
  operations: ['CREATE', 'UPDATE'],
  resources: ['pods'],
};
const EPHEMERAL_RULE = {
  apiGroups: [''],
  apiVersions: ['v1'],
  operations: ['UPDATE'],
  resources: ['pods/ephemeralcontainers'],
};

describe('X54: the drift of webhook configurations', () => {
  it('is none in the manifests that we ship', () => {
    assert.deepEqual(driftOf('validating', shipped('validating')), []);
    assert.deepEqual(driftOf('mutating', shipped('mutating')), []);
  });

  it('is none where an administrator chose other selectors, expressions and time-outs', () => {
    const edits = {
      namespaceSelector: { matchLabels: { env: 'prod' } },
      matchConditions: [{ name: 'images-changed', expression: 'true' }],
      timeoutSeconds: 5,
      objectSelector: {},
    };
    assert.deepEqual(driftWith('validating', PODS, edits), []);
    assert.deepEqual(driftWith('validating', PODS, { matchConditions: undefined }), []);
    assert.deepEqual(driftWith('validating', PODS, { timeoutSeconds: undefined }), []);
  });

  it('is a webhook that is missing, whatever others there are', () => {
    const other = { ...shipped('validating'), webhooks: [{ name: 'pods.example.com' }] };
    assert.deepEqual(driftOf('validating', other), [`${PODS} is missing`]);
    assert.deepEqual(driftOf('validating', { metadata: { name: 'x' } }), [`${PODS} is missing`]);
    assert.deepEqual(driftOf('mutating', { metadata: { name: 'x' } }), [`${PIN} is missing`]);
    assert.deepEqual(driftOf('mutating', shipped('validating')), [`${PIN} is missing`]);
  });

  it('X28: is a failure policy that lets pods through, or that makes pinning block them', () => {
    for (const failurePolicy of ['Ignore', undefined]) {
      assert.deepEqual(driftWith('validating', PODS, { failurePolicy }), [
        `${PODS}: failurePolicy is not Fail`,
      ]);
    }
    assert.deepEqual(driftWith('mutating', PIN, { failurePolicy: 'Fail' }), [
      `${PIN}: failurePolicy is not Ignore`,
    ]);
  });

  it('is an object selector: who writes a pod writes its labels', () => {
    const objectSelector = { matchLabels: { judge: 'yes' } };
    assert.deepEqual(driftWith('validating', PODS, { objectSelector }), [
      `${PODS}: objectSelector lets objects through`,
    ]);
  });

  it('is a time-out that leaves no time for a registry', () => {
    assert.deepEqual(driftWith('validating', PODS, { timeoutSeconds: 4 }), [
      `${PODS}: timeoutSeconds is too short`,
    ]);
  });

  it('is a match condition that is not ours', () => {
    const matchConditions = [{ name: 'images-changed' }, { name: 'not-on-fridays' }];
    assert.deepEqual(driftWith('validating', PODS, { matchConditions }), [
      `${PODS}: matchCondition not-on-fridays is not ours`,
    ]);
    const other = [{ name: 'images-changed' }];
    assert.deepEqual(driftWith('mutating', PIN, { matchConditions: other }), [
      `${PIN}: matchCondition images-changed is not ours`,
    ]);
  });

  it('is every operation on pods and ephemeral containers that no rule covers', () => {
    for (const rules of [undefined, []]) {
      assert.deepEqual(driftWith('validating', PODS, { rules }), [
        `${PODS}: CREATE of pods is not covered`,
        `${PODS}: UPDATE of pods is not covered`,
        `${PODS}: UPDATE of pods/ephemeralcontainers is not covered`,
      ]);
    }
    const rules = [{ ...POD_RULE, operations: ['CREATE'] }, EPHEMERAL_RULE];
    assert.deepEqual(driftWith('validating', PODS, { rules }), [
      `${PODS}: UPDATE of pods is not covered`,
    ]);
    assert.deepEqual(driftWith('mutating', PIN, { rules: [POD_RULE] }), [
      `${PIN}: UPDATE of pods/ephemeralcontainers is not covered`,
    ]);
  });

  it('is a rule that names the pods of another group, version or scope', () => {
    for (const edit of [
      { apiGroups: ['metrics.k8s.io'] },
      { apiGroups: [] },
      { apiVersions: ['v1beta1'] },
      { scope: 'Cluster' },
    ]) {
      const drift = driftWith('validating', PODS, {
        rules: [{ ...POD_RULE, ...edit }, EPHEMERAL_RULE],
      });
      assert.deepEqual(drift, [
        `${PODS}: CREATE of pods is not covered`,
        `${PODS}: UPDATE of pods is not covered`,
      ]);
    }
  });

  it('is none where rules cover pods by wildcards, which mean what Kubernetes means by them', () => {
    const wide = { apiGroups: ['*'], apiVersions: ['*'], operations: ['*'], scope: '*' };
    for (const resources of [['*/*'], ['*', 'pods/*'], ['pods', '*/ephemeralcontainers']]) {
      assert.deepEqual(driftWith('validating', PODS, { rules: [{ ...wide, resources }] }), []);
    }
    const gap = [`${PODS}: UPDATE of pods/ephemeralcontainers is not covered`];
    assert.deepEqual(
      driftWith('validating', PODS, { rules: [{ ...wide, resources: ['*'] }] }),
      gap,
    );
    const subresources = driftWith('validating', PODS, {
      rules: [{ ...wide, resources: ['pods/*'] }],
    });
    assert.deepEqual(subresources, [
      `${PODS}: CREATE of pods is not covered`,
      `${PODS}: UPDATE of pods is not covered`,
    ]);
  });
});
