// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { beforeEach, describe, it } from 'mocha';
import {
  FenceError,
  type FencedClient,
  type Lead,
  type Term,
} from '../runtime/leadership/index.ts';
import { FakeApi } from './__fixtures__/fake-api.ts';
import { FakeClient } from './__fixtures__/fake-client.ts';
import { OperatorMetrics } from './metrics.ts';
import { OperatorTerms, type Operator } from './terms.ts';

const MAPS = '/api/v1/namespaces/ns/configmaps';

/** Leads when a test says so. */
class Election {
  leads = false;
  inContact = false;
  lead: Lead = () => Promise.resolve();
  readonly #over = Promise.withResolvers<undefined>();
  #ended = new AbortController();

  run(_signal: AbortSignal, lead: Lead): Promise<void> {
    this.lead = lead;
    return this.#over.promise.then(() => undefined);
  }

  stop(): void {
    this.#over.resolve(undefined);
  }

  /** Begins a term; answers its work. */
  win(): Promise<void> {
    this.leads = true;
    this.inContact = true;
    this.#ended = new AbortController();
    const { signal } = this.#ended;
    const term: Term = { signal, held: () => !signal.aborted };
    return this.lead(term);
  }

  lose(): void {
    this.leads = false;
    this.#ended.abort();
  }
}

/** The operator of one term, and what became of it. */
class FakeOperator implements Operator {
  readonly client: FencedClient;
  readonly log: string[] = [];
  readonly #metrics: OperatorMetrics;
  startFails = false;

  constructor(client: FencedClient, metrics: OperatorMetrics) {
    this.client = client;
    this.#metrics = metrics;
  }

  start(): Promise<void> {
    this.log.push('start');
    this.#metrics.policies({ compiled: 3, keptLast: 0, notEnforced: 0 });
    return this.startFails ? Promise.reject(new Error('no')) : Promise.resolve();
  }

  shutDown(): Promise<void> {
    this.log.push('shut down');
    return Promise.resolve();
  }

  readiness = () => ({ ok: false, reasons: ['pods: not listed yet'] });

  renderMetrics = () => this.#metrics.expose();
}

describe('an operator that works in terms', () => {
  let election: Election;
  let metrics: OperatorMetrics;
  let operators: FakeOperator[];
  let startFails: boolean;
  let terms: OperatorTerms;
  let api: FakeApi;

  beforeEach(() => {
    election = new Election();
    metrics = new OperatorMetrics();
    operators = [];
    startFails = false;
    api = new FakeApi();
    const create = (client: FencedClient): FakeOperator => {
      const operator = new FakeOperator(client, metrics);
      operator.startFails = startFails;
      operators.push(operator);
      return operator;
    };
    terms = new OperatorTerms({
      leadership: election,
      client: new FakeClient(api),
      metrics,
      create,
    });
    void terms.run(new AbortController().signal);
  });

  const series = async (name: string): Promise<readonly string[]> => {
    const { body } = await terms.renderMetrics();
    return body.split('\n').filter((line) => line.startsWith(`countersign_${name}`));
  };

  it('stands by, ready where it sees the Lease', () => {
    assert.deepEqual(terms.readiness(), {
      ok: false,
      reasons: ['the lease cannot be seen'],
      standing: 'standby',
    });
    election.inContact = true;
    assert.deepEqual(terms.readiness(), { ok: true, reasons: [], standing: 'standby' });
    assert.equal(operators.length, 0);
  });

  it('is as ready as its operator while it leads', async () => {
    const work = election.win();
    const expected = { ok: false, reasons: ['pods: not listed yet'], standing: 'leader' };
    assert.deepEqual(terms.readiness(), expected);
    election.lose();
    await work;
    assert.deepEqual(terms.readiness(), { ok: true, reasons: [], standing: 'standby' });
  });

  it('takes a new operator for every term, and shuts it down with the term', async () => {
    const first = election.win();
    await new Promise((resolve) => setImmediate(resolve));
    assert.deepEqual(operators[0]?.log, ['start']);
    election.lose();
    await first;
    const second = election.win();
    await new Promise((resolve) => setImmediate(resolve));
    assert.deepEqual(
      operators.map(({ log }) => log),
      [['start', 'shut down'], ['start']],
    );
    election.lose();
    await second;
  });

  it('lets the operator of a term that is over write nothing, while that of the next one writes', async () => {
    const first = election.win();
    const object = { metadata: { name: 'x', namespace: 'ns' } };
    await operators[0]?.client.create(MAPS, object);
    election.lose();
    await first;
    const second = election.win();
    await assert.rejects(
      operators[0]?.client.create(MAPS, object) ?? Promise.resolve(),
      (thrown) => thrown instanceof FenceError && thrown.code === 'NOT_LEADING',
    );
    await operators[1]?.client.create(MAPS, { metadata: { name: 'y', namespace: 'ns' } });
    assert.deepEqual(
      api.writes.map(({ path }) => path),
      [`${MAPS}/x`, `${MAPS}/y`],
    );
    election.lose();
    await second;
  });

  it('shows by its metrics whether it leads, and nothing of a term that is over', async () => {
    assert.deepEqual(await series('leader'), ['countersign_leader 0']);
    assert.deepEqual(await series('published_program_revision'), []);
    const work = election.win();
    await new Promise((resolve) => setImmediate(resolve));
    assert.deepEqual(await series('leader'), ['countersign_leader 1']);
    assert.ok((await series('policies')).includes('countersign_policies{state="compiled"} 3'));
    election.lose();
    await work;
    assert.deepEqual(await series('leader'), ['countersign_leader 0']);
    assert.ok(!(await series('policies')).includes('countersign_policies{state="compiled"} 3'));
  });

  it('gives the term up where its operator cannot start, and shuts it down', async () => {
    startFails = true;
    await assert.rejects(election.win(), /no/);
    assert.deepEqual(operators[0]?.log, ['start', 'shut down']);
    election.leads = false;
    assert.equal(terms.readiness().standing, 'standby');
  });
});
