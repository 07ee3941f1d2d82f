// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { Metrics } from './metrics.ts';

describe('metrics', () => {
  it('render counters, gauges and histograms under one prefix', async () => {
    const metrics = new Metrics('t_');
    const counter = metrics.counter({ name: 'a_total', help: 'A.', labels: ['code'] });
    counter.with({ code: 'x' }).inc();
    counter.with({ code: 'x' }).inc(2);
    metrics.gauge({ name: 'b', help: 'B.', labels: ['kind'] }).set({ kind: 'k' }, 7);
    metrics
      .histogram({ name: 'c_seconds', help: 'C.', buckets: [1, 2] })
      .with({})
      .observe(1.5);
    const { body } = await metrics.render();
    assert.match(body, /^t_a_total\{code="x"\} 3$/m);
    assert.match(body, /^t_b\{kind="k"\} 7$/m);
    assert.match(body, /^t_c_seconds_bucket\{le="2"\} 1$/m);
    assert.match(body, /^process_cpu_seconds_total/m);
  });

  it('keep two instances apart', async () => {
    const one = new Metrics('t_');
    one.counter({ name: 'a_total', help: 'A.' }).with({}).inc();
    const other = new Metrics('t_');
    other.counter({ name: 'a_total', help: 'A.' });
    assert.match((await other.render()).body, /^t_a_total 0$/m);
  });

  it('forget what gauges show: what begins at 0 is 0 again, all else is absent until it is set', async () => {
    const metrics = new Metrics('t_');
    const plain = metrics.gauge({ name: 'plain', help: 'P.' });
    const initial = [{ kind: 'a' }];
    const labelled = metrics.gauge({ name: 'labelled', help: 'L.', labels: ['kind'], initial });
    const count = metrics.counter({ name: 'n_total', help: 'N.' }).with({});
    plain.set({}, 1);
    labelled.set({ kind: 'a' }, 1);
    labelled.set({ kind: 'b' }, 1);
    count.inc();
    metrics.forgetGauges();
    const series = async (): Promise<readonly string[]> =>
      (await metrics.render()).body.split('\n').filter((line) => line.startsWith('t_'));
    assert.deepEqual(await series(), ['t_labelled{kind="a"} 0', 't_n_total 1']);
    plain.set({}, 5);
    labelled.set({ kind: 'b' }, 2);
    count.inc();
    assert.deepEqual(await series(), [
      't_plain 5',
      't_labelled{kind="a"} 0',
      't_labelled{kind="b"} 2',
      't_n_total 2',
    ]);
  });
});
