// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { before, beforeEach, describe, it } from 'mocha';
import { fixedClock, type FixedClock } from '../runtime/clock-testing.ts';
import { createLogger } from '../runtime/log/index.ts';
import { chainsTo, createCa, type CertifiedKey, type Leaf } from '../runtime/tls/index.ts';
import { ServingCertificate } from './certificate.ts';
import { ServingSwitch, tlsOf } from './serving.ts';

const START = '2026-11-20T12:00:00Z';
const DAY_MS = 86_400_000;
const base64 = (text: string): string => Buffer.from(text).toString('base64');

describe('the serving certificate', () => {
  let first: CertifiedKey;
  let second: CertifiedKey;
  let clock: FixedClock;
  let served: Leaf[];
  let log: string[];
  let paths: string[];
  /** CAs that the API server trusts. */
  let bundle: readonly CertifiedKey[];
  let secret: () => Promise<unknown>;
  let certificate: ServingCertificate;

  before(async () => {
    first = await createCa(new Date(START));
    second = await createCa(new Date(START));
  });

  const holding = (data: Readonly<Record<string, string>> | undefined) => () =>
    Promise.resolve({ metadata: { name: 'x' }, ...(data === undefined ? {} : { data }) });
  const withCa = (ca: CertifiedKey): void => {
    secret = holding({ 'tls.crt': base64(ca.certPem), 'tls.key': base64(ca.keyPem) });
  };
  const newest = (): string => served.at(-1)?.certPem ?? '';
  const isBy = (leaf: Leaf | undefined, ca: CertifiedKey): boolean =>
    chainsTo(ca.certPem, leaf?.certPem ?? '', clock.now());

  beforeEach(() => {
    clock = fixedClock(START);
    served = [];
    log = [];
    paths = [];
    bundle = [first];
    withCa(first);
    certificate = new ServingCertificate({
      client: {
        get: async <T>(path: string) => {
          paths.push(path);
          return (await secret()) as T | undefined;
        },
      },
      clock,
      logger: createLogger({ level: 'debug', format: 'json', sink: (line) => log.push(line) }),
      namespace: 'countersign-system',
      service: 'countersign-webhook',
      accepts: (leafPem) => bundle.some((ca) => chainsTo(ca.certPem, leafPem, clock.now())),
      onLeaf: (leaf) => served.push(leaf),
    });
  });

  it('is minted from the CA, for the names of the Service, and read from one secret', async () => {
    assert.equal(certificate.leaf, undefined);
    assert.equal(certificate.problem, 'the CA was not read yet');
    await certificate.refresh();
    assert.equal(certificate.problem, undefined);
    assert.deepEqual(served, [certificate.leaf]);
    assert.ok(isBy(certificate.leaf, first));
    const { subjectAltName } = new X509Certificate(newest());
    assert.equal(
      subjectAltName,
      'DNS:countersign-webhook.countersign-system.svc, DNS:countersign-webhook.countersign-system.svc.cluster.local',
    );
    assert.deepEqual(paths, [
      '/api/v1/namespaces/countersign-system/secrets/countersign-webhook-ca',
    ]);
  });

  it('stays as it is while nothing changes', async () => {
    for (let i = 0; i < 5; i += 1) await certificate.refresh();
    assert.equal(served.length, 1);
  });

  it('is renewed long before it ends', async () => {
    await certificate.refresh();
    const days = ((certificate.leaf?.notAfter ?? 0) - clock.now().getTime()) / DAY_MS;
    assert.ok(days > 6 && days <= 7);
    await clock.advance(4 * DAY_MS);
    await certificate.refresh();
    assert.equal(served.length, 1);
    await clock.advance(DAY_MS);
    await certificate.refresh();
    assert.equal(served.length, 2);
    assert.ok((served[1]?.notAfter ?? 0) > (served[0]?.notAfter ?? 0));
  });

  it('is served although nobody trusts it yet where there is none: a configuration may come', async () => {
    bundle = [];
    await certificate.refresh();
    assert.equal(served.length, 1);
  });

  it('changes with the CA once the configurations trust the new one, and not before', async () => {
    await certificate.refresh();
    withCa(second);
    await certificate.refresh();
    assert.equal(served.length, 1);
    assert.ok(isBy(certificate.leaf, first));
    bundle = [first, second];
    await certificate.refresh();
    assert.equal(served.length, 2);
    assert.ok(isBy(certificate.leaf, second));
  });

  it('changes where the configurations trust neither: the old one is of no use any more', async () => {
    await certificate.refresh();
    withCa(second);
    bundle = [];
    await certificate.refresh();
    assert.ok(isBy(certificate.leaf, second));
  });

  it('changes at its end at the latest', async () => {
    await certificate.refresh();
    withCa(second);
    await certificate.refresh();
    await clock.advance(8 * DAY_MS);
    await certificate.refresh();
    assert.ok(isBy(certificate.leaf, second));
  });

  const broken: readonly (readonly [string, () => unknown])[] = [
    ['is missing', () => undefined],
    ['holds nothing', () => ({ metadata: { name: 'x' } })],
    ['holds no key', () => ({ data: { 'tls.crt': base64(first.certPem) } })],
    ['holds junk', () => ({ data: { 'tls.crt': base64('x'), 'tls.key': base64('y') } })],
    [
      'holds the key of another',
      () => ({ data: { 'tls.crt': base64(first.certPem), 'tls.key': base64(second.keyPem) } }),
    ],
    [
      'cannot be read',
      () => {
        throw new Error('forbidden');
      },
    ],
  ];
  for (const [what, answer] of broken) {
    it(`stays where the secret ${what}, and tells so once, without the key`, async () => {
      await certificate.refresh();
      secret = async () => Promise.resolve().then(answer);
      for (let i = 0; i < 3; i += 1) await certificate.refresh();
      assert.equal(served.length, 1);
      assert.notEqual(certificate.problem, undefined);
      const warnings = log.filter((line) => line.includes('"level":"warn"'));
      assert.equal(warnings.length, 1);
      assert.doesNotMatch(warnings.join(''), /PRIVATE KEY/);
      withCa(first);
      await certificate.refresh();
      assert.equal(certificate.problem, undefined);
    });
  }

  it('is looked for every second until there is one, then every half minute', async () => {
    secret = () => Promise.resolve(undefined);
    const stop = new AbortController();
    const running = certificate.run(stop.signal);
    await clock.advance(2_500);
    assert.equal(paths.length, 3);
    withCa(first);
    while (certificate.leaf === undefined) {
      await clock.advance(1_000);
      await new Promise((resolve) => setImmediate(resolve));
    }
    const { length } = paths;
    await clock.advance(28_000);
    assert.equal(paths.length, length);
    stop.abort();
    await running;
    await clock.advance(120_000);
    assert.equal(paths.length, length);
  });
});

describe('the switch of certificates', () => {
  const leaf = (name: string): Leaf => ({ certPem: name, keyPem: `key of ${name}`, notAfter: 1 });

  it('opens with the first one, and hands the latest to a server that comes later', async () => {
    const loaded: unknown[] = [];
    const server = new ServingSwitch();
    server.take(leaf('a'));
    server.take(leaf('b'));
    assert.equal((await server.firstLeaf).certPem, 'a');
    server.attach({ reloadTls: (material) => loaded.push(material) });
    server.take(leaf('c'));
    assert.deepEqual(loaded, [tlsOf(leaf('b')), tlsOf(leaf('c'))]);
  });

  it('gives a server nothing as long as there is nothing', () => {
    const server = new ServingSwitch();
    server.attach({ reloadTls: () => assert.fail('there is no certificate') });
  });
});
