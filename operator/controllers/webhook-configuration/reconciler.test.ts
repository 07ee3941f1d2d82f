// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { KubeError } from '../../../runtime/kube/index.ts';
import { silentLogger } from '../../../runtime/log/index.ts';
import { FakeApi } from '../../__fixtures__/fake-api.ts';
import type { CaView } from './ca.ts';
import type { Webhook, WebhookConfiguration } from './configuration.ts';
import type { ConfigurationType } from './drift.ts';
import { CONFIGURATIONS, WebhookConfigurationReconciler } from './reconciler.ts';

const GROUP = '/apis/admissionregistration.k8s.io/v1';
const COLLECTIONS = {
  validating: `${GROUP}/validatingwebhookconfigurations`,
  mutating: `${GROUP}/mutatingwebhookconfigurations`,
} as const;
const VALIDATING = `${COLLECTIONS.validating}/countersign`;
const MUTATING = `${COLLECTIONS.mutating}/countersign`;
const PEM = 'CERTIFICATE OF THE CA';
const BUNDLE = Buffer.from(PEM).toString('base64');
const ENDS = new Date('2027-11-20T00:00:00Z');
const RULES = [
  {
    apiGroups: [''],
    apiVersions: ['v1'],
    operations: ['CREATE', 'UPDATE'],
    resources: ['pods', 'pods/ephemeralcontainers'],
  },
];

function webhook(name: string, caBundle?: string): Webhook {
  const clientConfig = caBundle === undefined ? {} : { caBundle };
  return { name, clientConfig, failurePolicy: 'Fail', rules: RULES };
}

interface Told {
  readonly type: ConfigurationType;
  readonly exists: boolean;
  readonly drift: number;
}

function setup() {
  const api = new FakeApi();
  const told: Told[] = [];
  const ends: Date[] = [];
  const view: CaView = { bundle: PEM, notAfter: ENDS };
  const ca: { look: () => CaView | Promise<CaView> } = { look: () => view };
  const events: string[] = [];
  const warnings: unknown[] = [];
  const reconciler = new WebhookConfigurationReconciler({
    api,
    stores: {
      validating: api.mirror<WebhookConfiguration>(COLLECTIONS.validating),
      mutating: api.mirror<WebhookConfiguration>(COLLECTIONS.mutating),
    },
    ca: { look: async () => Promise.resolve(await ca.look()) },
    ourselves: () => ({ kind: 'Deployment', metadata: { name: 'countersign-operator' } }),
    events: {
      record: ({ metadata }, { reason, message }) =>
        events.push(`${metadata.name} ${reason}: ${message}`),
    },
    observer: {
      configuration: (type, state) => told.push({ type, ...state }),
      authority: (notAfter) => ends.push(notAfter),
    },
    logger: {
      ...silentLogger,
      warn: (_message, fields) => warnings.push(fields?.['problem']),
    },
  });
  const apply = (...webhooks: readonly Webhook[]): void => {
    api.seed(VALIDATING, { metadata: { name: 'countersign' }, ...{ webhooks } });
  };
  const bundles = (): unknown =>
    api.at<WebhookConfiguration>(VALIDATING)?.webhooks?.map((w) => w.clientConfig?.caBundle);
  return { api, reconciler, ca, told, ends, events, warnings, apply, bundles };
}

describe('the reconciler of webhook configurations', () => {
  it('sets the caBundle of our webhooks where it differs, with tests on name and version, and nothing else', async () => {
    const { api, reconciler, ends, apply, bundles } = setup();
    apply(
      webhook('pods.countersign.dev'),
      webhook('pods.example.com', 'theirs'),
      webhook('templates.countersign.dev', BUNDLE),
      webhook('own-kinds.countersign.dev', 'old'),
      webhook('countersign.dev.evil.example', 'theirs'),
    );
    const value = api.at<WebhookConfiguration>(VALIDATING)?.metadata.resourceVersion;
    assert.deepEqual(await reconciler.reconcile('validating'), { requeueAfterMs: 10_000 });
    assert.deepEqual(ends, [ENDS]);
    assert.deepEqual(api.writes, [
      {
        verb: 'patch',
        path: VALIDATING,
        body: [
          { op: 'test', path: '/metadata/resourceVersion', value },
          { op: 'test', path: '/webhooks/0/name', value: 'pods.countersign.dev' },
          { op: 'add', path: '/webhooks/0/clientConfig/caBundle', value: BUNDLE },
          { op: 'test', path: '/webhooks/3/name', value: 'own-kinds.countersign.dev' },
          { op: 'add', path: '/webhooks/3/clientConfig/caBundle', value: BUNDLE },
        ],
      },
    ]);
    assert.deepEqual(bundles(), [BUNDLE, 'theirs', BUNDLE, BUNDLE, 'theirs']);
  });

  it('writes nothing where the caBundle is right', async () => {
    const { api, reconciler, apply } = setup();
    apply(webhook('pods.countersign.dev'));
    await reconciler.reconcile('validating');
    await reconciler.reconcile('validating');
    assert.equal(api.writes.length, 1);
  });

  it('X54: sets a caBundle again that somebody changed or removed', async () => {
    const { api, reconciler, apply, bundles } = setup();
    for (const tampered of ['other', undefined]) {
      apply(webhook('pods.countersign.dev', tampered));
      await reconciler.reconcile('validating');
      assert.deepEqual(bundles(), [BUNDLE]);
    }
    assert.equal(api.writes.length, 2);
  });

  it('never creates a configuration, and tells that it is missing, once in the log', async () => {
    const { api, reconciler, told, events, warnings } = setup();
    for (const type of [...CONFIGURATIONS, ...CONFIGURATIONS]) {
      assert.deepEqual(await reconciler.reconcile(type), { requeueAfterMs: 10_000 });
    }
    assert.deepEqual(api.writes, []);
    assert.deepEqual(told.slice(0, 2), [
      { type: 'validating', exists: false, drift: 0 },
      { type: 'mutating', exists: false, drift: 0 },
    ]);
    assert.equal(told.length, 4);
    assert.deepEqual(warnings, ['it does not exist', 'it does not exist']);
    assert.equal(events.length, 4, 'the recorder decides what is a repetition');
    assert.match(
      events[0] ?? '',
      /^countersign-operator ConfigurationMissing: ValidatingWebhookConfiguration countersign does not exist: pods are not judged/,
    );
    assert.match(
      events[1] ?? '',
      /^countersign-operator ConfigurationMissing: MutatingWebhookConfiguration countersign does not exist: tags are not pinned/,
    );
  });

  it('looks after each of the two by itself', async () => {
    const { api, reconciler, told, apply } = setup();
    apply(webhook('pods.countersign.dev'));
    const webhooks = [webhook('pin.countersign.dev')];
    api.seed(MUTATING, { metadata: { name: 'countersign' }, ...{ webhooks } });
    await reconciler.reconcile('mutating');
    assert.deepEqual(
      api.writes.map((write) => write.path),
      [MUTATING],
    );
    assert.deepEqual(told, [{ type: 'mutating', exists: true, drift: 1 }]);
  });

  it('X54: tells drift by metric, log and event: once, and again when it comes back', async () => {
    const { api, reconciler, told, events, warnings, apply } = setup();
    const good = webhook('pods.countersign.dev', BUNDLE);
    const open: Webhook = { ...good, failurePolicy: 'Ignore' };
    for (const state of [open, open, good, open]) {
      apply(state);
      await reconciler.reconcile('validating');
    }
    const text = 'pods.countersign.dev: failurePolicy is not Fail';
    assert.deepEqual(
      told.map(({ drift }) => drift),
      [1, 1, 0, 1],
    );
    assert.deepEqual(warnings, [text, text]);
    assert.deepEqual(events, [
      `countersign ConfigurationDrift: ${text}`,
      `countersign ConfigurationDrift: ${text}`,
    ]);
    assert.deepEqual(api.writes, []);
  });

  it('sets nothing in a configuration that changed meanwhile, and tries again at once with what it is now', async () => {
    const { api, reconciler, apply, bundles } = setup();
    apply(webhook('pods.countersign.dev'));
    api.fault = (verb) => {
      if (verb !== 'patch') return undefined;
      api.fault = () => undefined;
      apply(webhook('pods.example.com', 'theirs'), webhook('pods.countersign.dev'));
      return undefined;
    };
    await reconciler.reconcile('validating');
    assert.deepEqual(bundles(), ['theirs', BUNDLE]);
    assert.equal(api.writes.length, 1);
  });

  it('gives up after four attempts, until the queue comes back to it', async () => {
    const { api, reconciler, apply } = setup();
    apply(webhook('pods.countersign.dev'));
    let attempts = 0;
    api.fault = (verb) => {
      if (verb !== 'patch') return undefined;
      attempts += 1;
      return new KubeError(attempts % 2 === 0 ? 409 : 422, 'changed', { reason: 'Conflict' });
    };
    await assert.rejects(reconciler.reconcile('validating'), { status: 409 });
    assert.equal(attempts, 4);
  });

  it('never undoes with an old look at the CA what a newer one set', async () => {
    const { api, reconciler, ca, apply, bundles } = setup();
    apply(webhook('pods.countersign.dev', 'eA=='));
    let looks = 0;
    ca.look = () => {
      looks += 1;
      // While the first look is on its way, another operator begins a rotation and publishes it.
      if (looks > 1) return { bundle: 'old and new', notAfter: ENDS };
      apply(webhook('pods.countersign.dev', Buffer.from('old and new').toString('base64')));
      return { bundle: 'old', notAfter: ENDS };
    };
    await reconciler.reconcile('validating');
    assert.deepEqual(bundles(), [Buffer.from('old and new').toString('base64')]);
    assert.deepEqual(api.writes, []);
    assert.equal(looks, 2);
  });

  it('comes back as soon as a rotation may go on', async () => {
    const { reconciler, ca } = setup();
    ca.look = () => ({ bundle: PEM, notAfter: ENDS, waitMs: 1_500 });
    assert.deepEqual(await reconciler.reconcile('mutating'), { requeueAfterMs: 1_500 });
    ca.look = () => ({ bundle: PEM, notAfter: ENDS, waitMs: 60_000 });
    assert.deepEqual(await reconciler.reconcile('mutating'), { requeueAfterMs: 10_000 });
  });

  it('tells drift also where the CA cannot be read', async () => {
    const { reconciler, ca, told, apply } = setup();
    apply({ ...webhook('pods.countersign.dev', BUNDLE), failurePolicy: 'Ignore' });
    ca.look = () => Promise.reject(new KubeError(403, 'forbidden'));
    await assert.rejects(reconciler.reconcile('validating'), { status: 403 });
    assert.deepEqual(told, [{ type: 'validating', exists: true, drift: 1 }]);
  });

  it('leaves caBundle alone where somebody else keeps the CA, and tells drift all the same', async () => {
    const { api, told, apply, warnings } = setup();
    const reconciler = new WebhookConfigurationReconciler({
      api,
      stores: {
        validating: api.mirror<WebhookConfiguration>(COLLECTIONS.validating),
        mutating: api.mirror<WebhookConfiguration>(COLLECTIONS.mutating),
      },
      ourselves: () => undefined,
      events: { record: () => undefined },
      observer: {
        configuration: (type, state) => told.push({ type, ...state }),
        authority: () => assert.fail('there is no CA of ours'),
      },
      logger: { ...silentLogger, warn: (message) => warnings.push(message) },
    });
    apply({ ...webhook('pods.countersign.dev', 'theirs'), failurePolicy: 'Ignore' });
    for (const type of CONFIGURATIONS) await reconciler.reconcile(type);
    assert.deepEqual(api.writes, []);
    assert.deepEqual(told, [
      { type: 'validating', exists: true, drift: 1 },
      { type: 'mutating', exists: false, drift: 0 },
    ]);
    assert.equal(warnings.length, 2);
  });

  it('does not mind a configuration that is deleted while it is being set', async () => {
    const { api, reconciler, apply } = setup();
    apply(webhook('pods.countersign.dev'));
    api.remove(VALIDATING, { silently: true });
    await reconciler.reconcile('validating');
    assert.equal(api.at(VALIDATING), undefined);
  });

  it('throws where the API server refuses the patch', async () => {
    const { api, reconciler, apply } = setup();
    apply(webhook('pods.countersign.dev'));
    api.fault = () => new KubeError(403, 'forbidden', { reason: 'Forbidden' });
    await assert.rejects(reconciler.reconcile('validating'), KubeError);
  });
});
