// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { limits } from '../../verification/index.ts';
import { createReceiver, type Receiver } from '../../verification/sources/receiver/index.ts';
import { testException } from '../../verification/testing/index.ts';
import { systemClock } from '../clock.ts';
import { createLogger } from '../log/index.ts';
import { Hook, HOOK_NAME } from './__fixtures__/hook.ts';
import { NotificationEvent, notificationOf, type Notification } from './notification.ts';
import { NotificationSender, type DeliveryOutcome, type SenderOptions } from './sender.ts';

const KEY = 'a key of sixteen bytes and more';
const DIGEST = `sha256:${'a'.repeat(64)}`;

function notificationCalled(name: string): Notification {
  const occasion = { event: NotificationEvent.Activated, instant: '1', message: 'has effect' };
  const now = new Date('2026-11-20T00:00:00Z');
  return notificationOf(testException([DIGEST], {}, name), occasion, { now, cluster: 'prod' });
}

async function until(holds: () => boolean): Promise<void> {
  for (let turn = 0; turn < 2000 && !holds(); turn += 1)
    await new Promise((resolve) => setTimeout(resolve, 5));
  assert.ok(holds());
}

describe('the sender of notifications, over real TLS', () => {
  let hook: Hook;
  let outcomes: DeliveryOutcome[];
  let lines: string[];
  let ends: (() => Promise<void>)[];

  beforeEach(async () => {
    hook = await Hook.start();
    hook.file('key', KEY);
    outcomes = [];
    lines = [];
    ends = [];
  });
  afterEach(async () => {
    for (const end of ends.reverse()) await end();
    await hook.stop();
  });

  interface Case extends Partial<SenderOptions> {
    readonly url?: string;
    readonly privateHosts?: readonly string[];
    readonly plainHttpHosts?: readonly string[];
    readonly address?: string;
  }
  const receiverFor = (given: Case): Receiver => {
    const receiver = createReceiver({
      url: given.url ?? hook.url,
      plainHttpHosts: given.plainHttpHosts ?? [],
      privateHosts: given.privateHosts ?? [hook.host],
      limits: limits(),
      resolve: (_name, answer) =>
        answer(null, [{ address: given.address ?? '127.0.0.1', family: 4 }]),
    });
    ends.push(() => receiver.close());
    return receiver;
  };
  const senderFor = (given: Case = {}): NotificationSender => {
    const sink = (line: string): void => void lines.push(line);
    const sender = new NotificationSender({
      receiver: receiverFor(given),
      secretFile: `${hook.directory}/key`,
      caFile: hook.caFile,
      clock: systemClock,
      logger: createLogger({ level: 'debug', format: 'json', sink }),
      random: () => 0,
      onOutcome: (outcome) => outcomes.push(outcome),
      ...given,
    });
    ends.push(() => sender.close(0));
    return sender;
  };

  it('posts the body and signs it, so that whoever has the key can tell', async () => {
    const notification = notificationCalled('hotfix');
    senderFor().notify(notification);
    await until(() => outcomes.length > 0);
    assert.deepEqual(outcomes, ['delivered']);
    const [post] = hook.seen;
    assert.ok(post !== undefined && hook.seen.length === 1);
    const { headers, body } = post;
    assert.deepEqual([post.method, post.path], ['POST', '/notify']);
    assert.equal(headers['content-type'], 'application/json');
    assert.equal(headers['user-agent'], 'countersign');
    assert.equal(headers['countersign-event'], 'ExceptionActivated');
    assert.equal(headers['countersign-delivery'], notification.id);
    const timestamp = String(headers['countersign-timestamp']);
    assert.ok(Math.abs(Number(timestamp) - Date.now() / 1000) < 60);
    const expected = createHmac('sha256', KEY).update(`${timestamp}.${body}`).digest('hex');
    assert.equal(headers['countersign-signature'], `v1=${expected}`);
    assert.deepEqual(JSON.parse(body), notification);
    assert.ok(!JSON.stringify(post).includes(KEY));
  });

  it('reads the key anew, and takes no line break at its end for a part of it', async () => {
    const sender = senderFor();
    for (const end of ['', '\n', '\r\n']) {
      hook.file('key', `another key of sixteen bytes${end}`);
      const before = hook.seen.length;
      sender.notify(notificationCalled(`key-${before.toString()}`));
      await until(() => outcomes.length > before);
      const { headers, body } = hook.seen[before]!;
      const text = `${String(headers['countersign-timestamp'])}.${body}`;
      const expected = createHmac('sha256', 'another key of sixteen bytes').update(text);
      assert.equal(headers['countersign-signature'], `v1=${expected.digest('hex')}`);
    }
  });

  it('sends nothing with a key that is too short, and goes on when it is put right', async () => {
    hook.file('key', 'fifteen bytes..\n');
    senderFor().notify(notificationCalled('hotfix'));
    await until(() => outcomes.length > 0);
    assert.equal(hook.seen.length, 0);
    assert.match(lines.join(''), /a key has at least 16 bytes/);
    hook.file('key', KEY);
    await until(() => outcomes.length > 1);
    assert.deepEqual(outcomes, ['retried', 'delivered']);
    assert.ok(!lines.join('').includes('fifteen'));
  });

  it('D7: gives nothing to a receiver whose CA nobody knows, and reads the certificates anew', async () => {
    const other = await Hook.start();
    ends.push(() => other.stop());
    senderFor({ caFile: hook.file('trusted.pem', other.ca) }).notify(notificationCalled('hotfix'));
    await until(() => outcomes.length > 0);
    assert.equal(hook.seen.length, 0);
    assert.deepEqual(outcomes, ['retried']);
    hook.file('trusted.pem', hook.ca);
    await until(() => outcomes.length > 1);
    assert.deepEqual([outcomes, hook.seen.length], [['retried', 'delivered'], 1]);
  });

  for (const status of [301, 302, 303, 307, 308]) {
    it(`X37: follows no redirect (${status.toString()}) to a metadata service, nor anywhere`, async () => {
      hook.handler = ({ path }, response) => {
        const location = path === '/notify' ? '/elsewhere' : 'http://169.254.169.254/latest';
        response.writeHead(status, { location }).end();
      };
      senderFor().notify(notificationCalled('hotfix'));
      await until(() => outcomes.length > 0);
      assert.deepEqual([outcomes, hook.seen.map((s) => s.path)], [['failed'], ['/notify']]);
    });
  }

  for (const status of [400, 401, 403, 404, 410, 413, 422]) {
    it(`gives up where it is refused with ${status.toString()}`, async () => {
      hook.handler = (_seen, response) => void response.writeHead(status).end('no');
      senderFor().notify(notificationCalled('hotfix'));
      await until(() => outcomes.length > 0);
      assert.deepEqual([outcomes, hook.seen.length], [['failed'], 1]);
    });
  }

  for (const status of [408, 429, 500, 502, 503, 504]) {
    it(`tries again after ${status.toString()}`, async () => {
      hook.handler = (_seen, response) =>
        void response.writeHead(hook.seen.length === 1 ? status : 200).end();
      senderFor().notify(notificationCalled('hotfix'));
      await until(() => outcomes.length > 1);
      assert.deepEqual(outcomes, ['retried', 'delivered']);
    });
  }

  it('makes the same delivery of each attempt, with a signature of its own time', async () => {
    hook.handler = (_seen, response) =>
      void response.writeHead(hook.seen.length === 1 ? 500 : 200).end();
    senderFor({ random: () => 1 }).notify(notificationCalled('hotfix'));
    await until(() => outcomes.length > 1);
    const [first, second] = hook.seen.map(({ headers }) => headers);
    assert.equal(first!['countersign-delivery'], second!['countersign-delivery']);
    assert.notEqual(first!['countersign-timestamp'], second!['countersign-timestamp']);
    assert.notEqual(first!['countersign-signature'], second!['countersign-signature']);
  });

  it('leaves a receiver alone for as long as it asks with 429', async () => {
    let askedAt = 0;
    hook.handler = (_seen, response) => {
      if (hook.seen.length > 1) response.writeHead(200).end();
      else {
        askedAt = Date.now();
        response.writeHead(429, { 'retry-after': '2' }).end();
      }
    };
    senderFor().notify(notificationCalled('hotfix'));
    await until(() => outcomes.length > 1);
    assert.deepEqual(outcomes, ['retried', 'delivered']);
    assert.ok(Date.now() - askedAt >= 1990);
  });

  it('waits for no receiver beyond the time of one attempt', async () => {
    hook.handler = ({ body }, response) => {
      if (body.includes('"stuck"')) return;
      response.writeHead(200).end();
    };
    const sender = senderFor({ attemptMs: 200 });
    sender.notify(notificationCalled('stuck'));
    sender.notify(notificationCalled('hotfix'));
    await until(() => outcomes.includes('delivered'));
    assert.equal(outcomes[0], 'retried');
  });

  it('takes the status of an answer whose body never ends, and reads little of it', async () => {
    let sent = 0;
    let ended = false;
    hook.handler = (_seen, response) => {
      response.writeHead(200);
      const more = (): void => {
        while (!ended && response.write(Buffer.alloc(65_536))) sent += 65_536;
      };
      response.on('drain', more).on('close', () => (ended = true));
      more();
    };
    senderFor().notify(notificationCalled('hotfix'));
    await until(() => outcomes.length > 0 && ended);
    assert.deepEqual(outcomes, ['delivered']);
    assert.ok(sent < 16 * 1024 * 1024, sent.toString());
  });

  it('takes the status of an answer whose body trickles, without waiting for it', async () => {
    hook.handler = (_seen, response) => void response.writeHead(200).write('.');
    const sender = senderFor({ attemptMs: 60_000 });
    sender.notify(notificationCalled('one'));
    sender.notify(notificationCalled('two'));
    await until(() => outcomes.length > 1);
    assert.deepEqual(outcomes, ['delivered', 'delivered']);
  });

  it('X37: connects to no loopback address behind a name that nobody listed', async () => {
    senderFor({ privateHosts: [`${HOOK_NAME}:1`] }).notify(notificationCalled('hotfix'));
    await until(() => outcomes.length > 0);
    assert.deepEqual([outcomes, hook.seen.length], [['retried'], 0]);
    assert.match(lines.join(''), /is at an address that may not be contacted/);
  });

  it('speaks plain HTTP to a listed host, and to no other', async () => {
    const bodies: string[] = [];
    const plain = createServer((request, response) => {
      request.on('data', (chunk: Buffer) => bodies.push(chunk.toString()));
      request.on('end', () => response.writeHead(200).end());
    });
    plain.listen(0, '127.0.0.1');
    await once(plain, 'listening');
    ends.push(async () => {
      plain.closeAllConnections();
      plain.close();
      await once(plain, 'close');
    });
    const host = `127.0.0.1:${(plain.address() as AddressInfo).port.toString()}`;
    const url = `http://${host}/`;
    assert.throws(() => senderFor({ url, privateHosts: [host] }), { code: 'REF_INVALID' });
    senderFor({ url, plainHttpHosts: [host] }).notify(notificationCalled('hotfix'));
    await until(() => outcomes.length > 0);
    assert.deepEqual([outcomes, bodies.length], [['delivered'], 1]);
  });

  it('tells nothing of URL and key in the log but the host', async () => {
    hook.handler = (_seen, response) => void response.writeHead(403).end('hunter2');
    senderFor({ url: `${hook.url}/hunter2?token=hunter2` }).notify(notificationCalled('hotfix'));
    await until(() => outcomes.length > 0);
    assert.match(lines.join(''), new RegExp(`"receiver":"${hook.host}"`));
    assert.doesNotMatch(lines.join(''), /hunter2|a key of sixteen/);
  });
});
