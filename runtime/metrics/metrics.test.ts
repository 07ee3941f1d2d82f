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
});
