// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { before, describe, it } from 'mocha';
import { fixedClock } from '../../../runtime/clock-testing.ts';
import { KubeError, type KubeObject } from '../../../runtime/kube/index.ts';
import { silentLogger } from '../../../runtime/log/index.ts';
import { createCa, issueLeaf, type CertifiedKey } from '../../../runtime/tls/index.ts';
import { FakeApi } from '../../__fixtures__/fake-api.ts';
import { CaStore } from './ca.ts';

const NAMESPACE = 'countersign-system';
const SECRETS = `/api/v1/namespaces/${NAMESPACE}/secrets`;
const PATH = `${SECRETS}/countersign-webhook-ca`;
const NOW = '2026-11-20T00:00:00Z';
const DAY = 86_400_000;

interface Secret extends KubeObject {
  readonly type?: string;
  readonly data?: Readonly<Record<string, string>>;
}

const base64 = (text: string): string => Buffer.from(text).toString('base64');

function dataOf({ certPem, keyPem }: CertifiedKey): Readonly<Record<string, string>> {
  return { 'tls.crt': base64(certPem), 'tls.key': base64(keyPem) };
}

function setup(data?: Readonly<Record<string, string>>) {
  const api = new FakeApi();
  const clock = fixedClock(NOW);
  const secret: Secret = {
    metadata: { name: 'countersign-webhook-ca', namespace: NAMESPACE, labels: { kept: 'yes' } },
    type: 'Opaque',
    ...(data === undefined ? {} : { data }),
  };
  if (data !== undefined) api.seed(PATH, secret);
  const store = new CaStore({ api, namespace: NAMESPACE, clock, logger: silentLogger });
  const stored = (): CertifiedKey => {
    const text = (key: string): string =>
      Buffer.from(api.at<Secret>(PATH)?.data?.[key] ?? '', 'base64').toString('utf8');
    return { certPem: text('tls.crt'), keyPem: text('tls.key') };
  };
  return { api, clock, store, stored };
}

async function canSign(ca: CertifiedKey): Promise<boolean> {
  const leaf = await issueLeaf(ca, { dnsNames: ['x.svc'], now: new Date(NOW) });
  return new X509Certificate(leaf.certPem).verify(new X509Certificate(ca.certPem).publicKey);
}

describe('the CA of the webhook', () => {
  let good: CertifiedKey;
  let other: CertifiedKey;
  before(async () => {
    [good, other] = await Promise.all([createCa(new Date(NOW)), createCa(new Date(NOW))]);
  });

  it('is made where there is none, with what replicas need to sign their certificates', async () => {
    const { api, store, stored } = setup();
    const pem = await store.certificates();
    assert.equal(pem, stored().certPem);
    assert.ok(await canSign(stored()));
    assert.deepEqual(
      api.writes.map(({ verb, path }) => [verb, path]),
      [['create', PATH]],
    );
    assert.equal(api.at<Secret>(PATH)?.type, 'Opaque');
  });

  it('is kept where it is good: nothing is written, however often it is asked for', async () => {
    const { api, store } = setup(dataOf(good));
    assert.equal(await store.certificates(), good.certPem);
    assert.equal(await store.certificates(), good.certPem);
    assert.deepEqual(api.writes, []);
  });

  it('is the one of whoever was faster', async () => {
    const { api, store } = setup();
    api.fault = (verb) => {
      if (verb !== 'create') return undefined;
      api.seed(PATH, { metadata: { name: 'x' }, ...{ data: dataOf(good) } });
      api.fault = () => undefined;
      return undefined;
    };
    assert.equal(await store.certificates(), good.certPem);
    assert.deepEqual(api.writes, []);
  });

  it('is told to fail where the Secret of who was faster is gone again', async () => {
    const { api, store } = setup();
    api.fault = (verb) =>
      verb === 'create' ? new KubeError(409, 'exists', { reason: 'AlreadyExists' }) : undefined;
    await assert.rejects(store.certificates(), /comes and goes/);
  });

  const leafAsCa = async (): Promise<CertifiedKey> =>
    await issueLeaf(good, { dnsNames: ['x.svc'], now: new Date(NOW) });
  const BROKEN: Readonly<Record<string, () => object | Promise<object>>> = {
    'is empty': () => ({}),
    'holds no key': () => ({ 'tls.crt': base64(good.certPem) }),
    'holds no certificate': () => ({ 'tls.key': base64(good.keyPem) }),
    'holds a certificate that cannot be parsed': () => ({ ...dataOf(good), 'tls.crt': 'AAAA' }),
    'holds a key that cannot be parsed': () => ({ ...dataOf(good), 'tls.key': base64('key') }),
    'holds the key of another CA': () => ({ ...dataOf(good), 'tls.key': base64(other.keyPem) }),
    'holds a certificate that is no CA': async () => dataOf(await leafAsCa()),
  };
  for (const [problem, data] of Object.entries(BROKEN)) {
    it(`is made anew where the Secret ${problem}`, async () => {
      const { api, store, stored } = setup((await data()) as Record<string, string>);
      const pem = await store.certificates();
      assert.notEqual(pem, good.certPem);
      assert.equal(pem, stored().certPem);
      assert.ok(await canSign(stored()));
      assert.deepEqual(
        api.writes.map(({ verb, path }) => [verb, path]),
        [['replace', PATH]],
      );
      assert.equal(await store.certificates(), pem);
      assert.deepEqual(api.at<Secret>(PATH)?.metadata.labels, { kept: 'yes' });
    });
  }

  it('is made anew at the instant it expires, and not before', async () => {
    const { api, clock, store } = setup(dataOf(good));
    await clock.advance(3650 * DAY - 1000);
    assert.equal(await store.certificates(), good.certPem);
    await clock.advance(1000);
    assert.notEqual(await store.certificates(), good.certPem);
    assert.equal(api.writes.length, 1);
  });

  it('is not overwritten where somebody else changed it meanwhile', async () => {
    const { api, store } = setup({});
    api.fault = (verb) => {
      if (verb === 'replace')
        api.seed(PATH, { metadata: { name: 'x' }, ...{ data: dataOf(good) } });
      return undefined;
    };
    await assert.rejects(store.certificates(), { name: 'KubeError' });
    assert.equal(await store.certificates(), good.certPem);
  });

  it('is not made where the API server refuses to tell whether there is one', async () => {
    for (const status of [403, 500]) {
      const { api, store } = setup();
      api.fault = () => new KubeError(status, 'no', { reason: 'Forbidden' });
      await assert.rejects(store.certificates(), { name: 'KubeError' });
      assert.deepEqual(api.writes, []);
    }
  });
});
