// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { fixedClock, type FixedClock } from '../clock-testing.ts';
import type { Clock } from '../clock.ts';
import { createLogger } from '../log/index.ts';
import { LeaseApi, LeaseServer } from './__fixtures__/lease-api.ts';
import { Leadership, type Lead } from './leadership.ts';
import type { Lease } from './lease.ts';
import type { Term } from './term.ts';

const NAME = 'countersign-operator';

describe('leadership', () => {
  let clock: FixedClock;
  let server: LeaseServer;
  let log: string[];
  let candidates: Candidate[];

  /** One process: its terms, and how they ended. */
  class Candidate {
    readonly api: LeaseApi;
    readonly leadership: Leadership;
    readonly terms: Term[] = [];
    readonly stop = new AbortController();
    ended = false;

    constructor(identity: string, options: { readonly clock?: Clock; readonly lead?: Lead } = {}) {
      const { clock: own = clock } = options;
      this.api = new LeaseApi(server, own);
      this.leadership = new Leadership({
        client: this.api,
        clock: own,
        logger: createLogger({ level: 'debug', format: 'json', sink: (line) => log.push(line) }),
        namespace: 'ns',
        name: NAME,
        identity,
        random: () => 0.5,
      });
      const lead = options.lead ?? untilItEnds;
      const run = this.leadership.run(this.stop.signal, (term) => {
        this.terms.push(term);
        return lead(term);
      });
      void run.then(() => (this.ended = true));
      candidates.push(this);
    }

    get leads(): boolean {
      return this.leadership.leads;
    }
  }

  const untilItEnds: Lead = (term) =>
    new Promise((resolve) => {
      term.signal.addEventListener('abort', () => resolve());
    });
  const leaders = (): readonly boolean[] => candidates.map(({ leads }) => leads);
  const edit = (change: (lease: Lease) => Lease): void => {
    assert.ok(server.lease !== undefined);
    server.write('replace', change(server.lease));
  };

  beforeEach(() => {
    clock = fixedClock('2026-11-20T12:00:00.123Z');
    server = new LeaseServer();
    log = [];
    candidates = [];
  });
  afterEach(async () => {
    for (const { stop } of candidates) stop.abort();
    await clock.advance(20_000);
    assert.deepEqual(
      candidates.map(({ ended }) => ended),
      candidates.map(() => true),
    );
  });

  it('is won at once where there is no Lease, and written into it', async () => {
    const one = new Candidate('one');
    await clock.advance(0);
    assert.equal(one.leads, true);
    assert.deepEqual(server.lease, {
      apiVersion: 'coordination.k8s.io/v1',
      kind: 'Lease',
      metadata: { name: NAME, namespace: 'ns', resourceVersion: '1' },
      spec: {
        holderIdentity: 'one',
        leaseDurationSeconds: 15,
        acquireTime: '2026-11-20T12:00:00.123000Z',
        renewTime: '2026-11-20T12:00:00.123000Z',
        leaseTransitions: 1,
      },
    });
  });

  it('is kept by renewals, each over the version before', async () => {
    const one = new Candidate('one');
    await clock.advance(60_000);
    assert.equal(one.leads, true);
    assert.equal(one.terms.length, 1);
    assert.equal(server.lease?.spec?.acquireTime, '2026-11-20T12:00:00.123000Z');
    assert.equal(server.lease.spec.renewTime, '2026-11-20T12:01:00.123000Z');
    assert.equal(server.lease.spec.leaseTransitions, 1);
    assert.equal(one.api.sent.length, 25);
  });

  it('has one winner of many', async () => {
    for (const name of ['a', 'b', 'c', 'd']) new Candidate(name);
    await clock.advance(60_000);
    assert.equal(leaders().filter(Boolean).length, 1);
  });

  it('is taken from one that died when no renewal was seen for 15 s', async () => {
    const one = new Candidate('one');
    await clock.advance(0);
    const two = new Candidate('two');
    await clock.advance(20_000);
    assert.deepEqual(leaders(), [true, false]);
    one.api.fault = () => ({ lost: 'request' });
    await clock.advance(17_000);
    assert.deepEqual(leaders(), [false, true]);
    assert.equal(server.lease?.spec?.holderIdentity, 'two');
    assert.equal(server.lease.spec.leaseTransitions, 2);
    assert.equal(two.terms.length, 1);
  });

  it('is not taken on the word of a Lease about time: only what was seen counts', async () => {
    server.write('create', {
      metadata: { name: NAME, namespace: 'ns' },
      spec: {
        holderIdentity: 'long ago',
        leaseDurationSeconds: 15,
        renewTime: '2020-01-01T00:00:00Z',
      },
    });
    const one = new Candidate('one');
    await clock.advance(14_999);
    assert.equal(one.leads, false);
    await clock.advance(300);
    assert.equal(one.leads, true);
  });

  it('waits as long as the Lease says that it lasts, but not for ever', async () => {
    const spec = { holderIdentity: 'x', leaseDurationSeconds: 30 };
    server.write('create', { metadata: { name: NAME }, spec });
    const one = new Candidate('one');
    await clock.advance(29_900);
    assert.equal(one.leads, false);
    await clock.advance(500);
    assert.equal(one.leads, true);
    edit((lease) => ({ ...lease, spec: { holderIdentity: 'y', leaseDurationSeconds: 10 ** 9 } }));
    await clock.advance(10_000);
    assert.equal(one.leads, false);
    await clock.advance(55_000);
    assert.equal(one.leads, true);
  });

  it('waits until a Lease that was deleted would have run out: its holder may not know', async () => {
    const one = new Candidate('one');
    await clock.advance(0);
    const two = new Candidate('two');
    await clock.advance(3_000);
    one.api.fault = () => ({ lost: 'request' });
    server.lease = undefined;
    await clock.advance(6_000);
    assert.deepEqual(leaders(), [true, false]);
    await clock.advance(9_500);
    assert.deepEqual(leaders(), [false, true]);
    assert.equal(two.terms.length, 1);
  });

  it('ends with a Lease that was deleted, and begins anew', async () => {
    const one = new Candidate('one');
    await clock.advance(0);
    server.lease = undefined;
    await clock.advance(6_000);
    assert.equal(one.leads, true);
    assert.equal(one.terms.length, 2);
    assert.equal(one.terms[0]?.held(), false);
  });

  it('ends at once where another one is found in the Lease', async () => {
    const one = new Candidate('one');
    await clock.advance(0);
    edit((lease) => ({ ...lease, spec: { ...lease.spec, holderIdentity: 'thief' } }));
    await clock.advance(2_500);
    assert.equal(one.leads, false);
    assert.equal(one.terms[0]?.signal.aborted, true);
    assert.match(log.join('\n'), /the lease was taken/);
  });

  it('survives an edit that leaves it in the Lease, and keeps what was edited', async () => {
    const one = new Candidate('one');
    await clock.advance(0);
    edit((lease) => ({ ...lease, metadata: { ...lease.metadata, labels: { a: 'b' } } }));
    await clock.advance(30_000);
    assert.equal(one.terms.length, 1);
    assert.equal(one.leads, true);
    assert.deepEqual(server.lease?.metadata.labels, { a: 'b' });
  });

  it('survives renewals whose answers are lost', async () => {
    const one = new Candidate('one');
    await clock.advance(0);
    let calls = 0;
    one.api.fault = (verb) => {
      if (verb === 'replace') calls += 1;
      return verb === 'replace' && calls === 1 ? { lost: 'answer' } : {};
    };
    await clock.advance(30_000);
    assert.equal(one.leads, true);
    assert.equal(one.terms.length, 1);
  });

  for (const [what, fault] of [
    ['answers 403', { status: 403 }],
    ['answers 500', { status: 500 }],
    ['answers nothing', { lost: 'request' }],
    ['answers after 9 s', { fromMs: 9_000 }],
    ['is reached after 20 s', { toMs: 20_000 }],
  ] as const) {
    it(`fault 5: ends 10 s after the last renewal where the API server ${what}, and comes back with it`, async () => {
      const one = new Candidate('one');
      await clock.advance(0);
      one.api.fault = () => fault;
      await clock.advance(9_999);
      assert.equal(one.leads, true);
      assert.equal(one.terms[0]?.signal.aborted, false);
      await clock.advance(1);
      assert.equal(one.leads, false);
      assert.equal(one.terms[0].signal.aborted, true);
      await clock.advance(30_000);
      assert.equal(one.leads, false);
      assert.equal(one.leadership.inContact, false);
      one.api.fault = () => ({});
      await clock.advance(30_000);
      assert.equal(one.leads, true);
      assert.equal(one.terms.length, 2);
      const warnings = log.filter((line) => line.includes('"level":"warn"')).length;
      assert.ok(warnings > 0 && warnings <= 3, log.join('\n'));
    });
  }

  it('is kept through answers that take 3 s, counted from when they were asked for', async () => {
    const one = new Candidate('one');
    one.api.fault = () => ({ toMs: 1_500, fromMs: 1_500 });
    await clock.advance(60_000);
    assert.equal(one.leads, true);
    assert.equal(one.terms.length, 1);
  });

  it('is handed over when its holder is told to end, after its work has wound up', async () => {
    const order: string[] = [];
    const one = new Candidate('one', {
      lead: async (term) => {
        await untilItEnds(term);
        order.push(
          `held: ${String(term.held())}, Lease: ${server.lease?.spec?.holderIdentity ?? ''}`,
        );
        await clock.sleep(500);
        order.push('wound up');
      },
    });
    await clock.advance(0);
    const two = new Candidate('two');
    await clock.advance(5_000);
    one.stop.abort();
    await clock.advance(400);
    assert.equal(server.lease?.spec?.holderIdentity, 'one');
    await clock.advance(200);
    assert.equal(server.lease.spec.holderIdentity, undefined);
    assert.deepEqual(order, ['held: false, Lease: one', 'wound up']);
    assert.equal(one.ended, true);
    await clock.advance(2_200);
    assert.equal(two.leads, true);
    assert.equal(server.lease.spec.leaseTransitions, 2);
  });

  it('is released though work does not wind up in time, and though somebody edits the Lease', async () => {
    const one = new Candidate('one', { lead: () => new Promise(() => undefined) });
    await clock.advance(0);
    let reads = 0;
    one.api.fault = (verb) => {
      if (verb === 'get' && (reads += 1) === 1) queueMicrotask(() => edit((lease) => lease));
      return {};
    };
    one.stop.abort();
    await clock.advance(5_100);
    assert.equal(server.lease?.spec?.holderIdentity, undefined);
    assert.match(log.join('\n'), /it can write nothing/);
    assert.equal(one.ended, true);
  });

  it("is not released for somebody else, nor where it was never one's own", async () => {
    const one = new Candidate('one');
    await clock.advance(0);
    const two = new Candidate('two');
    await clock.advance(5_000);
    two.stop.abort();
    edit((lease) => ({ ...lease, spec: { ...lease.spec, holderIdentity: 'three' } }));
    one.stop.abort();
    await clock.advance(1_000);
    assert.equal(server.lease?.spec?.holderIdentity, 'three');
    assert.deepEqual(two.api.sent, []);
  });

  it('ends in time though the Lease cannot be released', async () => {
    const one = new Candidate('one');
    await clock.advance(0);
    one.api.fault = () => ({ lost: 'request' });
    one.stop.abort();
    await clock.advance(2_000);
    assert.equal(one.ended, true);
  });

  it('is given up where leading fails, so that another one can try', async () => {
    let calls = 0;
    const one = new Candidate('one', {
      lead: () => {
        calls += 1;
        return Promise.reject(new Error('no start'));
      },
    });
    await clock.advance(0);
    assert.equal(one.leads, false);
    assert.equal(server.lease?.spec?.holderIdentity, undefined);
    const two = new Candidate('two');
    await clock.advance(10_000);
    assert.equal(two.leads, true);
    assert.equal(calls, 1);
    assert.match(log.join('\n'), /leading failed.*no start/);
  });

  it('tells whether the Lease is seen, leading or not', async () => {
    const one = new Candidate('one');
    assert.equal(one.leadership.inContact, false);
    await clock.advance(0);
    const two = new Candidate('two');
    await clock.advance(30_000);
    assert.equal(two.leadership.inContact, true);
    two.api.fault = () => ({ status: 403 });
    await clock.advance(13_000);
    assert.equal(two.leadership.inContact, true);
    await clock.advance(5_000);
    assert.equal(two.leadership.inContact, false);
    assert.equal(one.leadership.inContact, true);
  });

  it('ends where the wall clock jumps ahead, as after a suspended machine wakes, and is won again', async () => {
    let jumped = 0;
    const own: Clock = {
      ...clock,
      now: () => new Date(clock.now().getTime() + jumped),
      monotonic: () => clock.monotonic(),
    };
    const one = new Candidate('one', { clock: own });
    await clock.advance(1_000);
    jumped = 3_600_000;
    assert.equal(one.leads, false);
    assert.equal(one.terms[0]?.held(), false);
    await clock.advance(6_000);
    assert.equal(one.leads, true);
    assert.equal(one.terms.length, 2);
    jumped = -86_400_000;
    await clock.advance(60_000);
    assert.equal(one.terms.length, 2);
    one.api.fault = () => ({ status: 500 });
    await clock.advance(10_000);
    assert.equal(one.leads, false);
  });
});
