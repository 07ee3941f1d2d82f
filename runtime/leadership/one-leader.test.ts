// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import fc from 'fast-check';
import { describe, it } from 'mocha';
import { fixedClock, type FixedClock } from '../clock-testing.ts';
import { silentLogger } from '../log/index.ts';
import { LeaseApi, LeaseServer, type CallFault } from './__fixtures__/lease-api.ts';
import { PausableClock } from './__fixtures__/pausable-clock.ts';
import { FencedClient } from './fenced-client.ts';
import { Leadership } from './leadership.ts';
import type { Term } from './term.ts';

/** A stretch of time, and what goes wrong in it for each of two candidates. */
interface Stretch {
  readonly ms: number;
  readonly troubles: readonly [Trouble, Trouble];
}
interface Trouble extends CallFault {
  /** Stopped at the begin of the stretch, continued at its end. */
  readonly paused?: boolean;
}

const delay = fc.integer({ min: 1, max: 20_000 });
const trouble: fc.Arbitrary<Trouble> = fc.oneof(
  { weight: 6, arbitrary: fc.constant({}) },
  { weight: 3, arbitrary: fc.constant({ paused: true }) },
  { weight: 2, arbitrary: fc.record({ toMs: delay, fromMs: delay }) },
  { weight: 1, arbitrary: fc.record({ paused: fc.constant(true), toMs: delay }) },
  { weight: 2, arbitrary: fc.record({ lost: fc.constantFrom('request' as const, 'answer') }) },
  { weight: 1, arbitrary: fc.record({ status: fc.constantFrom(403, 500) }) },
);
const stretch: fc.Arbitrary<Stretch> = fc.record({
  ms: fc.integer({ min: 1, max: 40_000 }),
  troubles: fc.tuple(trouble, trouble),
});

/** A process that writes all the time while it leads. */
class Writer {
  readonly clock: PausableClock;
  readonly terms: Term[] = [];
  readonly stop = new AbortController();
  /** What goes wrong with its calls. */
  fault: CallFault = {};
  /** Told of every write through the fence at the moment that it is sent. */
  onWrite: (term: Term) => void = () => undefined;
  readonly #server: LeaseServer;
  readonly #network: FixedClock;
  readonly #leadership: Leadership;

  constructor(identity: string, server: LeaseServer, network: FixedClock) {
    this.clock = new PausableClock(network);
    this.#server = server;
    this.#network = network;
    this.#leadership = new Leadership({
      client: this.#calls(),
      clock: this.clock,
      logger: silentLogger,
      namespace: 'ns',
      name: 'countersign-operator',
      identity,
      random: () => 0.5,
    });
  }

  run(): Promise<void> {
    return this.#leadership.run(this.stop.signal, (term) => this.#lead(term));
  }

  async #lead(term: Term): Promise<void> {
    this.terms.push(term);
    const api = this.#calls();
    api.onSend = () => this.onWrite(term);
    const fenced = new FencedClient(api, term);
    // Goes on after the end of the term, as something that nobody can abort would.
    for (let late = 0; late < 20; late += term.signal.aborted ? 1 : 0) {
      const call = fenced.delete('/x', { preconditions: { uid: 'u' } });
      void call.catch(() => undefined);
      await this.clock.sleep(700);
    }
  }

  /** Calls wait for a token before they are sent; nothing happens while the process is paused. */
  #calls(): LeaseApi {
    const api = new LeaseApi(this.#server, this.#network);
    api.fault = () => this.fault;
    api.before = () => this.clock.sleep(20);
    api.after = () => this.clock.running();
    return api;
  }
}

/** Two such processes at one API server. */
class Pair {
  readonly network = fixedClock();
  readonly server = new LeaseServer();
  readonly writers: readonly [Writer, Writer];
  readonly faults: unknown[] = [];
  writes = 0;

  constructor() {
    const make = (name: string) => new Writer(name, this.server, this.network);
    this.writers = [make('one'), make('two')];
    for (const writer of this.writers) {
      writer.onWrite = (term) => {
        this.writes += 1;
        if (!this.held().includes(term)) this.faults.push('a write after the term');
        this.check('at a write');
      };
    }
  }

  /** The terms that are held, as those who run see it: one that is paused sees nothing. */
  held(): readonly Term[] {
    const running = this.writers.filter(({ clock }) => !clock.isPaused);
    return running.flatMap(({ terms }) => terms).filter((term) => term.held());
  }

  check(when: string): void {
    if (this.held().length > 1) this.faults.push(`both lead ${when}`);
  }

  async pass({ ms, troubles }: Stretch): Promise<void> {
    for (const [index, writer] of this.writers.entries()) {
      const { paused = false, ...fault } = troubles[index] ?? {};
      writer.fault = fault;
      if (paused) writer.clock.pause();
    }
    for (let passed = 0; passed < ms; passed += 500) {
      await this.network.advance(Math.min(500, ms - passed));
      this.check('in between');
    }
    for (const writer of this.writers) writer.clock.resume();
    this.check('after a pause');
    await this.network.advance(0);
    this.check('when all ran that was due');
  }
}

describe('two candidates', () => {
  it('fault 4: never lead at once, and neither sends a write when its term has run out', async function () {
    this.timeout(120_000);
    const property = fc.asyncProperty(
      fc.array(stretch, { minLength: 1, maxLength: 8 }),
      async (stretches) => {
        const pair = new Pair();
        const { network, writers, server } = pair;
        const runs = writers.map((writer) => writer.run());
        await network.advance(3_000);
        for (const one of stretches) await pair.pass(one);
        for (const writer of writers) writer.fault = {};
        // When all is well again, one of them leads and writes.
        const before = pair.writes;
        await network.advance(60_000);
        assert.equal(pair.held().length, 1);
        assert.ok(pair.writes > before);
        for (const { stop } of writers) stop.abort();
        await network.advance(30_000);
        await Promise.all(runs);
        assert.deepEqual(pair.faults, []);
        assert.equal(server.lease?.spec?.holderIdentity, undefined);
      },
    );
    await fc.assert(property, { numRuns: 40 });
  });
});
