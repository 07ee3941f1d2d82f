// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { fixedClock } from '../../runtime/clock-testing.ts';
import { KubeError, type KubeObject } from '../../runtime/kube/index.ts';
import { silentLogger } from '../../runtime/log/index.ts';
import { FakeApi } from '../__fixtures__/fake-api.ts';
import { EventRecorder } from './event-recorder.ts';
import type { ObjectEvent } from './events.ts';

const EVENTS = '/api/v1/namespaces/checkout/events';
const REJECTED: ObjectEvent = { type: 'Warning', reason: 'ImageRejected', message: 'no signature' };

function object(edits: Partial<KubeObject['metadata']> = {}): KubeObject {
  const metadata = {
    name: 'web',
    namespace: 'checkout',
    uid: 'u1',
    resourceVersion: '7',
    ...edits,
  };
  return { apiVersion: 'apps/v1', kind: 'Deployment', metadata };
}

interface Body {
  readonly metadata: { readonly name: string; readonly namespace: string };
  readonly involvedObject: Readonly<Record<string, unknown>>;
  readonly message: string;
}

function setup() {
  const api = new FakeApi();
  const clock = fixedClock('2026-11-20T00:00:00.500Z');
  const logged: string[] = [];
  const logger = { ...silentLogger, debug: (message: string) => void logged.push(message) };
  const recorder = new EventRecorder({ api, clock, logger, instance: 'operator-1' });
  const bodies = (): readonly Body[] => api.writes.map((write) => write.body as Body);
  return { api, clock, logged, recorder, bodies };
}

describe('the recorder of events', () => {
  it('writes an event beside the object, as people look for it', async () => {
    const { api, clock, recorder } = setup();
    recorder.record(object(), REJECTED);
    await clock.advance(0);
    const [write] = api.writes;
    const { metadata, ...rest } = write?.body as Body;
    assert.match(metadata.name, /^web\.[0-9a-f]+$/);
    assert.equal(write?.path, `${EVENTS}/${metadata.name}`);
    assert.deepEqual(rest, {
      apiVersion: 'v1',
      kind: 'Event',
      involvedObject: {
        apiVersion: 'apps/v1',
        kind: 'Deployment',
        name: 'web',
        namespace: 'checkout',
        uid: 'u1',
        resourceVersion: '7',
      },
      type: 'Warning',
      reason: 'ImageRejected',
      message: 'no signature',
      source: { component: 'countersign-operator' },
      reportingComponent: 'countersign-operator',
      reportingInstance: 'operator-1',
      firstTimestamp: '2026-11-20T00:00:00Z',
      lastTimestamp: '2026-11-20T00:00:00Z',
      count: 1,
    });
  });

  it('writes events of objects without a namespace into default', async () => {
    const { api, clock, recorder } = setup();
    const { metadata, ...rest } = object();
    const { name, uid = '' } = metadata;
    recorder.record({ ...rest, metadata: { name, uid } }, REJECTED);
    await clock.advance(0);
    assert.equal(api.writesTo('/api/v1/namespaces/default/events').length, 1);
  });

  it('leaves out the same event on the same object for ten minutes, and only that', async () => {
    const { api, clock, recorder } = setup();
    const record = async (): Promise<number> => {
      recorder.record(object(), REJECTED);
      await clock.advance(0);
      return api.writes.length;
    };
    assert.equal(await record(), 1);
    await clock.advance(599_999);
    assert.equal(await record(), 1);
    recorder.record(object({ uid: 'u2' }), REJECTED);
    recorder.record(object(), { ...REJECTED, reason: 'Other' });
    recorder.record(object(), { ...REJECTED, message: 'other words' });
    await clock.advance(1);
    assert.equal(api.writes.length, 4);
    assert.equal(await record(), 5);
  });

  it('gives every event a name of its own, also within one millisecond', async () => {
    const { bodies, clock, recorder } = setup();
    for (let i = 0; i < 5; i += 1) recorder.record(object({ uid: `u${i}` }), REJECTED);
    await clock.advance(0);
    assert.equal(new Set(bodies().map(({ metadata }) => metadata.name)).size, 5);
  });

  it('cuts long names and messages to what the API server takes', async () => {
    const { bodies, clock, recorder } = setup();
    const message = 'x'.repeat(5000);
    recorder.record(object({ name: 'n'.repeat(253) }), { ...REJECTED, message });
    await clock.advance(0);
    const [body] = bodies();
    assert.ok((body?.metadata.name.length ?? 999) <= 253);
    assert.equal(body?.message.length, 1024);
    assert.equal(body.involvedObject['name'], 'n'.repeat(253));
  });

  it('only logs what the API server refuses, and goes on', async () => {
    const { api, clock, logged, recorder } = setup();
    api.fault = () => new KubeError(403, 'forbidden', { reason: 'Forbidden' });
    for (let i = 0; i < 40; i += 1) {
      recorder.record(object({ uid: `u${i}` }), REJECTED);
      await clock.advance(0);
    }
    assert.equal(logged.length, 40);
    api.fault = () => undefined;
    recorder.record(object({ uid: 'last' }), REJECTED);
    await clock.advance(0);
    assert.equal(api.writes.length, 1);
  });

  it('drops what comes on top of 16 writes under way, and takes it when it comes again', async () => {
    const { api, clock, recorder } = setup();
    for (let i = 0; i < 20; i += 1) recorder.record(object({ uid: `u${i}` }), REJECTED);
    await clock.advance(0);
    assert.equal(api.writes.length, 16);
    for (let i = 0; i < 20; i += 1) recorder.record(object({ uid: `u${i}` }), REJECTED);
    await clock.advance(0);
    assert.equal(api.writes.length, 20);
  });
});
