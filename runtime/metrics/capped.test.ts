// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { CappedCounter, CappedGauge } from './capped.ts';
import { define } from './definition.ts';
import { Metrics } from './metrics.ts';

const LABELS = { name: { open: 'name of a thing', most: 2 }, state: ['on', 'off'] } as const;

describe('metrics with open labels', () => {
  it('F4: count what comes beyond the bound in one series', async () => {
    const metrics = new Metrics('t_');
    const definition = define('counter', { name: 'a_total', help: 'A.', labels: LABELS });
    const counter = new CappedCounter(metrics, definition);
    for (const name of ['a', 'b', 'c', 'd', 'a']) counter.with({ name, state: 'on' }).inc();
    const { body } = await metrics.render();
    assert.match(body, /^t_a_total\{name="a",state="on"\} 2$/m);
    assert.match(body, /^t_a_total\{name="_other",state="on"\} 2$/m);
    assert.doesNotMatch(body, /name="[cd]"/);
  });

  it('show a list as it is now, up to the bound, and tell how many are left out', async () => {
    const metrics = new Metrics('t_');
    const gauge = new CappedGauge(
      metrics,
      define('gauge', { name: 'g', help: 'G.', labels: LABELS }),
    );
    const of = (...names: readonly string[]): number =>
      gauge.show(names.map((name) => ({ labels: { name, state: 'on' }, value: 1 })));
    assert.equal(of('a', 'b', 'c'), 1);
    assert.equal(of('b'), 0);
    const { body } = await metrics.render();
    assert.deepEqual(body.match(/^t_g\{.*$/gm), ['t_g{name="b",state="on"} 1']);
  });

  it('need an open label', () => {
    const definition = define('counter', { name: 'a_total', help: 'A.', labels: { s: ['x'] } });
    assert.throws(() => new CappedCounter(new Metrics('t_'), definition), /a_total: has no open/);
  });
});

describe('the definition of a metric', () => {
  it('names the series that begin at 0', async () => {
    const metrics = new Metrics('t_');
    const labels = { a: ['1', '2'], b: ['x', 'y'] } as const;
    metrics.counter(define('counter', { name: 'all_total', help: 'A.', labels, initial: 'all' }));
    const some = { where: { b: ['x'] } };
    metrics.gauge(define('gauge', { name: 'some', help: 'S.', labels, initial: some }));
    metrics.counter(define('counter', { name: 'none_total', help: 'N.', labels }));
    const parts = { name: 'd_seconds', help: 'D.', labels: { a: ['1'] }, buckets: [1] } as const;
    metrics.histogram(define('histogram', { ...parts, initial: 'all' }));
    const { body } = await metrics.render();
    assert.equal(body.match(/^t_all_total\{.*\} 0$/gm)?.length, 4);
    assert.deepEqual(body.match(/^t_some\{.*$/gm), [
      't_some{a="1",b="x"} 0',
      't_some{a="2",b="x"} 0',
    ]);
    assert.equal(body.match(/^t_none_total\{/gm), null);
    assert.match(body, /^t_d_seconds_count\{a="1"\} 0$/m);
  });
});
