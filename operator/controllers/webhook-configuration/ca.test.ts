// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { before, describe, it } from 'mocha';
import { fixedClock } from '../../../runtime/clock-testing.ts';
import { KubeError, type KubeObject } from '../../../runtime/kube/index.ts';
import { silentLogger } from '../../../runtime/log/index.ts';
import {
  certificatesOf,
  createCa,
  fingerprintOf,
  issueLeaf,
  type CertifiedKey,
} from '../../../runtime/tls/index.ts';
import { FakeApi } from '../../__fixtures__/fake-api.ts';
import { CaStore } from './ca.ts';

const NAMESPACE = 'countersign-system';
const SECRETS = `/api/v1/namespaces/${NAMESPACE}/secrets`;
const PATH = `${SECRETS}/countersign-webhook-ca`;
const NOW = '2026-11-20T00:00:00Z';
const DAY = 86_400_000;
const STEP = 30_000;
const ROTATE = 'countersign.dev/rotate-ca';

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
  /** What the mirrors show: for how long the cluster has followed. */
  const seen = { published: 0, followed: 0 };
  const make = (): CaStore =>
    new CaStore({
      api,
      namespace: NAMESPACE,
      clock,
      logger: silentLogger,
      observed: { publishedMs: () => seen.published, followedMs: () => seen.followed },
      stepMs: STEP,
    });
  const text = (key: string): string =>
    Buffer.from(api.at<Secret>(PATH)?.data?.[key] ?? '', 'base64').toString('utf8');
  const stored = (): CertifiedKey => ({ certPem: text('tls.crt'), keyPem: text('tls.key') });
  const annotate = (annotations: Readonly<Record<string, string>>): void => {
    const { metadata, data: present } = api.at<Secret>(PATH) ?? secret;
    api.seed(PATH, { metadata: { ...metadata, annotations }, ...{ data: present } });
  };
  const keys = (): readonly string[] => Object.keys(api.at<Secret>(PATH)?.data ?? {}).sort();
  const annotation = (name: string): string | undefined =>
    api.at<Secret>(PATH)?.metadata.annotations?.[name];
  return { api, clock, seen, store: make(), make, text, stored, annotate, annotation, keys };
}

/** Fingerprints of the certificates in a PEM text. */
function printsOf(pem: string): readonly string[] {
  return certificatesOf(pem).map(fingerprintOf);
}

function without(key: string, data: Secret['data'] = {}): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(data).filter(([name]) => name !== key));
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
    const { bundle: pem } = await store.look();
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
    assert.deepEqual(printsOf((await store.look()).bundle), printsOf(good.certPem));
    assert.deepEqual(printsOf((await store.look()).bundle), printsOf(good.certPem));
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
    assert.deepEqual(printsOf((await store.look()).bundle), printsOf(good.certPem));
    assert.deepEqual(api.writes, []);
  });

  it('is told to fail where the Secret of who was faster is gone again, again and again', async () => {
    const { api, store } = setup();
    api.fault = (verb) =>
      verb === 'create' ? new KubeError(409, 'exists', { reason: 'AlreadyExists' }) : undefined;
    await assert.rejects(store.look(), /keeps changing/);
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
      const { bundle } = await store.look();
      const { certPem } = stored();
      assert.ok(await canSign(stored()));
      assert.notEqual(certPem, good.certPem);
      assert.ok(printsOf(bundle).includes(printsOf(certPem)[0] ?? ''));
      assert.deepEqual(
        api.writes.map(({ verb, path }) => [verb, path]),
        [['replace', PATH]],
      );
      assert.equal((await store.look()).bundle, bundle);
      assert.equal(api.writes.length, 1);
      assert.deepEqual(api.at<Secret>(PATH)?.metadata.labels, { kept: 'yes' });
    });
  }

  it('is made anew at the instant it expires, where no rotation could take place before', async () => {
    const { api, clock, seen, store, stored } = setup(dataOf(good));
    await store.look();
    await clock.advance(365 * DAY);
    seen.published = 0;
    await store.look();
    assert.notEqual(stored().certPem, good.certPem);
    assert.deepEqual(
      api.writes.map(({ verb }) => verb),
      ['replace'],
    );
  });

  it('fault 22: is made anew where it begins in the future, and the old one stays trusted', async () => {
    const future = await createCa(new Date(new Date(NOW).getTime() + 30 * DAY));
    const { store, stored } = setup(dataOf(future));
    const { bundle } = await store.look();
    assert.ok(await canSign(stored()));
    assert.deepEqual(printsOf(bundle), [
      ...printsOf(stored().certPem),
      ...printsOf(future.certPem),
    ]);
  });

  it('two writers: the second is refused, and takes what the first wrote', async () => {
    const { api, store } = setup({});
    api.fault = (verb) => {
      if (verb !== 'replace') return undefined;
      api.fault = () => undefined;
      api.seed(PATH, { metadata: { name: 'x' }, ...{ data: dataOf(good) } });
      return undefined;
    };
    assert.deepEqual(printsOf((await store.look()).bundle), printsOf(good.certPem));
    assert.deepEqual(api.writes, []);
  });

  it('is given up for now where the Secret changes at every write', async () => {
    const { api, store } = setup({});
    api.fault = (verb) =>
      verb === 'replace' ? new KubeError(409, 'conflict', { reason: 'Conflict' }) : undefined;
    await assert.rejects(store.look(), /keeps changing/);
    assert.equal(api.reads.length, 4);
  });

  it('is not made where the API server refuses to tell whether there is one', async () => {
    for (const status of [403, 500]) {
      const { api, store } = setup();
      api.fault = () => new KubeError(status, 'no', { reason: 'Forbidden' });
      await assert.rejects(store.look(), { name: 'KubeError' });
      assert.deepEqual(api.writes, []);
    }
  });
});

describe('the rotation of the CA', () => {
  let good: CertifiedKey;
  before(async () => {
    good = await createCa(new Date(NOW));
  });
  const DUE = (366 / 3) * 2 * DAY;

  it('begins when two thirds of its life have passed: the next one is published and signs nothing', async () => {
    const { api, clock, store, stored, text, keys } = setup(dataOf(good));
    await clock.advance(DUE - 2 * DAY);
    await store.look();
    assert.deepEqual(api.writes, []);
    await clock.advance(2 * DAY);
    const { bundle, notAfter, waitMs } = await store.look();
    assert.deepEqual(stored(), good);
    assert.deepEqual(printsOf(bundle), [...printsOf(good.certPem), ...printsOf(text('next.crt'))]);
    assert.equal(notAfter.getTime(), new X509Certificate(good.certPem).validToDate.getTime());
    assert.equal(waitMs, STEP);
    assert.deepEqual(keys(), ['next.crt', 'next.key', 'tls.crt', 'tls.key']);
  });

  it('goes on only when the next one has been published for a step, then when all replicas have followed for a step', async () => {
    const { api, seen, store, stored, annotate, annotation, keys } = setup(dataOf(good));
    annotate({ [ROTATE]: 'now', theirs: 'stays' });
    const { bundle } = await store.look();
    assert.equal(annotation(ROTATE), undefined);
    assert.equal(annotation('theirs'), 'stays');
    seen.published = STEP - 1;
    assert.equal((await store.look()).waitMs, 1);
    assert.equal(stored().certPem, good.certPem);

    seen.published = STEP;
    const promoted = await store.look();
    assert.notEqual(stored().certPem, good.certPem);
    assert.ok(await canSign(stored()));
    assert.equal(promoted.bundle, bundle, 'the change of roles changed what is trusted');
    assert.deepEqual(keys(), ['previous.crt', 'tls.crt', 'tls.key']);
    assert.equal(annotation('countersign.dev/signs-since'), '2026-11-20T00:00:00.000Z');

    seen.followed = STEP - 1;
    assert.equal((await store.look()).bundle, bundle);
    seen.followed = STEP;
    const { bundle: alone, waitMs } = await store.look();
    assert.equal(alone, stored().certPem);
    assert.equal(waitMs, undefined);
    assert.deepEqual(keys(), ['tls.crt', 'tls.key']);
    assert.equal(api.writes.length, 3);
    await store.look();
    assert.equal(api.writes.length, 3);
  });

  it('keeps the old one no longer than its leaves can live, whatever replicas say', async () => {
    const { clock, seen, store, annotate, keys } = setup(dataOf(good));
    annotate({ [ROTATE]: '' });
    await store.look();
    seen.published = STEP;
    await store.look();
    await clock.advance(7 * DAY);
    await store.look();
    assert.ok(keys().includes('previous.crt'));
    await clock.advance(3_600_001);
    await store.look();
    assert.deepEqual(keys(), ['tls.crt', 'tls.key']);
  });

  it('is resumed by another process at every step, with no memory but the Secret', async () => {
    const { api, seen, make, annotate, keys } = setup(dataOf(good));
    annotate({ [ROTATE]: '' });
    seen.published = STEP;
    seen.followed = STEP;
    const fault = (): KubeError => new KubeError(0, 'the process was killed here');
    for (let step = 0; step < 3; step += 1) {
      // Dies right after its next write.
      const before = api.writes.length;
      api.fault = () => (api.writes.length > before ? fault() : undefined);
      await assert.rejects(make().look(), /killed/);
      assert.equal(api.writes.length, before + 1);
    }
    api.fault = () => undefined;
    await make().look();
    assert.deepEqual(keys(), ['tls.crt', 'tls.key']);
    assert.equal(api.writes.length, 3);
  });

  it('writes for the version that it read, at every step', async () => {
    const { api, seen, store, annotate } = setup(dataOf(good));
    annotate({ [ROTATE]: '' });
    seen.published = STEP;
    seen.followed = STEP;
    await store.look();
    const versions = api.writes.map(
      ({ body }) => (body as KubeObject | undefined)?.metadata.resourceVersion,
    );
    assert.equal(versions.length, 3);
    assert.ok(versions.every((version) => version !== undefined && version !== ''));
  });

  it('asked for again while one is under way begins when that is done', async () => {
    const { seen, store, annotate, annotation, keys } = setup(dataOf(good));
    annotate({ [ROTATE]: '1' });
    await store.look();
    annotate({ [ROTATE]: '2' });
    await store.look();
    assert.equal(annotation(ROTATE), '2');
    seen.published = STEP;
    seen.followed = STEP;
    await store.look().catch(() => undefined);
    await store.look();
    await store.look();
    assert.equal(annotation(ROTATE), undefined);
    assert.deepEqual(keys(), ['tls.crt', 'tls.key']);
  });

  it('keeps at most four CAs that signed before, and begins no further while three are', async () => {
    const { seen, store, annotate, annotation } = setup(dataOf(good));
    seen.published = STEP;
    for (let turn = 0; turn < 5; turn += 1) {
      annotate({ [ROTATE]: turn.toString(), 'countersign.dev/signs-since': NOW });
      await store.look();
    }
    assert.equal(annotation(ROTATE), '4');
    assert.equal(printsOf((await store.look()).bundle).length, 4);
  });

  it('fault 23: keeps the leaves of replicas trusted where the Secret is deleted or its key is lost', async () => {
    for (const lose of ['secret', 'key'] as const) {
      const { api, store, stored, seen } = setup(dataOf(good));
      await store.look();
      if (lose === 'secret') api.remove(PATH);
      else
        api.seed(PATH, {
          metadata: { name: 'x' },
          ...{ data: { 'tls.crt': dataOf(good)['tls.crt'] } },
        });
      const { bundle } = await store.look();
      assert.ok(await canSign(stored()));
      assert.notEqual(stored().certPem, good.certPem);
      assert.deepEqual(
        new Set(printsOf(bundle)),
        new Set(printsOf(good.certPem + stored().certPem)),
      );
      seen.followed = STEP;
      assert.equal((await store.look()).bundle, stored().certPem);
    }
  });

  it('lets the next one sign at once where the one that signs is lost', async () => {
    const { store, text, stored, annotate, api } = setup(dataOf(good));
    annotate({ [ROTATE]: '' });
    await store.look();
    const next = text('next.crt');
    const data = without('tls.key', api.at<Secret>(PATH)?.data);
    api.seed(PATH, { metadata: { name: 'x' }, ...{ data } });
    const { bundle } = await store.look();
    assert.equal(stored().certPem, next);
    assert.equal(printsOf(bundle).length, 2);
  });

  it('begins anew where the next one is damaged, and keeps its certificate trusted as before', async () => {
    const { store, text, annotate, api, stored } = setup(dataOf(good));
    annotate({ [ROTATE]: '' });
    await store.look();
    const damaged = text('next.crt');
    const data = without('next.key', api.at<Secret>(PATH)?.data);
    api.seed(PATH, { metadata: { name: 'x', annotations: { [ROTATE]: '' } }, ...{ data } });
    await store.look();
    const { bundle } = await store.look();
    assert.deepEqual(stored(), good);
    assert.notEqual(text('next.crt'), damaged);
    assert.equal(printsOf(bundle).length, 3);
  });
});
