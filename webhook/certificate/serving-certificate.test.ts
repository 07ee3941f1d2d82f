// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { before, beforeEach, describe, it } from 'mocha';
import { fixedClock, type FixedClock } from '../../runtime/clock-testing.ts';
import { createLogger } from '../../runtime/log/index.ts';
import {
  chainsTo,
  createCa,
  fingerprintOf,
  type CertifiedKey,
  type Leaf,
} from '../../runtime/tls/index.ts';
import { CaLeafSource } from './from-ca.ts';
import { ServingCertificate } from './serving-certificate.ts';
import { serviceNames } from './source.ts';

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
  /** Looks at once and when a new leaf has been accepted for long enough. */
  const settled = async (): Promise<void> => {
    await certificate.refresh();
    await clock.advance(3_000);
    await certificate.refresh();
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
    const client = {
      get: async <T>(path: string) => {
        paths.push(path);
        return (await secret()) as T | undefined;
      },
    };
    const namespace = 'countersign-system';
    const dnsNames = serviceNames({ name: 'countersign-webhook', namespace });
    certificate = new ServingCertificate({
      source: new CaLeafSource({ client, namespace, dnsNames }),
      clock,
      logger: createLogger({ level: 'debug', format: 'json', sink: (line) => log.push(line) }),
      accepts: (leafPem) => bundle.some((ca) => chainsTo(ca.certPem, leafPem, clock.now())),
      onLeaf: (leaf) => served.push(leaf),
    });
  });

  it('is minted from the CA, for the names of the Service, and read from one secret', async () => {
    assert.equal(certificate.leaf, undefined);
    assert.equal(certificate.problem, 'no certificate was read yet');
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
    await settled();
    assert.equal(served.length, 2);
    assert.ok((served[1]?.notAfter ?? 0) > (served[0]?.notAfter ?? 0));
  });

  it('is served although nobody trusts it yet where there is none: a configuration may come', async () => {
    bundle = [];
    await certificate.refresh();
    assert.equal(served.length, 1);
  });

  it('fault 23: changes with the CA once the configurations have trusted the new one for a moment, and not before', async () => {
    await certificate.refresh();
    withCa(second);
    await settled();
    assert.equal(served.length, 1);
    assert.ok(isBy(certificate.leaf, first));
    bundle = [first, second];
    await certificate.refresh();
    await clock.advance(2_999);
    await certificate.refresh();
    assert.equal(served.length, 1);
    bundle = [first];
    await certificate.refresh();
    bundle = [first, second];
    await clock.advance(1);
    await certificate.refresh();
    assert.equal(served.length, 1, 'counted although it was not accepted all along');
    await clock.advance(3_000);
    await certificate.refresh();
    assert.equal(served.length, 2);
    assert.ok(isBy(certificate.leaf, second));
    assert.equal(certificate.leaf?.issuer, fingerprintOf(new X509Certificate(second.certPem)));
  });

  it('fault 22: is minted anew where the clock was set back to before it begins', async () => {
    await certificate.refresh();
    const late = fixedClock('2026-12-01T00:00:00Z');
    const source = new CaLeafSource({
      client: { get: async <T>() => (await secret()) as T | undefined },
      namespace: 'countersign-system',
      dnsNames: ['x.svc'],
    });
    const future = await source.renewed(undefined, late.now());
    assert.equal(await source.renewed(future, late.now()), undefined);
    const again = await source.renewed(future, clock.now());
    assert.ok(isBy(again, first));
  });

  it('changes at once where the old one is not accepted any more: it is of no use', async () => {
    for (const trusted of [[], [second]]) {
      bundle = [first];
      withCa(first);
      await settled();
      withCa(second);
      bundle = trusted;
      await certificate.refresh();
      assert.ok(isBy(certificate.leaf, second));
    }
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

  it('is looked for every second until there is one, then every five seconds', async () => {
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
    await clock.advance(3_500);
    assert.equal(paths.length, length);
    stop.abort();
    await running;
    await clock.advance(120_000);
    assert.equal(paths.length, length);
  });
});
