// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'mocha';
import { parse, parseAllDocuments } from 'yaml';
import {
  OPERATOR_METRICS,
  WEBHOOK_METRICS,
  type LabelDomain,
} from '../../runtime/metrics/index.ts';
import { parseExpression, type Selector } from './promql.ts';

const ROOT: string = join(import.meta.dirname, '..', '..');
const RUNBOOKS: string = join(ROOT, 'docs', 'runbooks');
/** Labels that Prometheus gives to all series of a target. */
const TARGET_LABELS = ['pod', 'container', 'job', 'instance'];
/** Metrics of others: of the API server (a scenario asks it for them), and of Node. */
const FOREIGN: Readonly<Record<string, readonly string[]>> = {
  apiserver_admission_webhook_fail_open_count: ['name', 'type'],
  nodejs_eventloop_lag_p99_seconds: [],
};

type Domains = ReadonlyMap<string, LabelDomain | undefined>;

/** Labels of everything that is exposed, by the name that a query uses. */
const KNOWN: ReadonlyMap<string, Domains> = known();

function known(): ReadonlyMap<string, Domains> {
  const all = new Map<string, Map<string, LabelDomain | undefined>>();
  const open = (labels: readonly string[]): Map<string, LabelDomain | undefined> =>
    new Map([...labels, ...TARGET_LABELS].map((label) => [label, undefined]));
  for (const definition of [
    ...Object.values(OPERATOR_METRICS),
    ...Object.values(WEBHOOK_METRICS),
  ]) {
    const name = `countersign_${definition.name}`;
    const suffixes = definition.type === 'histogram' ? ['_bucket', '_sum', '_count'] : [''];
    for (const suffix of suffixes) {
      const labels = all.get(name + suffix) ?? open(suffix === '_bucket' ? ['le'] : []);
      for (const [label, domain] of Object.entries(definition.domains)) {
        const before = labels.get(label);
        labels.set(label, before === undefined ? domain : united(before, domain));
      }
      all.set(name + suffix, labels);
    }
  }
  for (const [name, labels] of Object.entries(FOREIGN)) all.set(name, open(labels));
  return all;
}

/** Both processes may have a metric of one name. */
function united(a: LabelDomain, b: LabelDomain): LabelDomain {
  return 'open' in a || 'open' in b ? a : [...a, ...b];
}

function assertKnown(selector: Selector): void {
  const labels = KNOWN.get(selector.metric);
  assert.ok(labels !== undefined, `no metric ${selector.metric}`);
  for (const { label, op, value } of selector.matchers) {
    assert.ok(labels.has(label), `${selector.metric} has no label ${label}`);
    const domain = labels.get(label);
    if (domain === undefined || 'open' in domain) continue;
    const values = op.endsWith('~') ? value.split('|') : [value];
    for (const one of values)
      assert.ok(domain.includes(one), `${selector.metric}: ${label} is never ${one}`);
  }
}

/** Every metric, label and value in the expression is one that exists; answers the labels that may come out. */
function assertExists(expression: string): ReadonlySet<string> {
  const { selectors, groupings } = parseExpression(expression);
  assert.ok(selectors.length > 0, `no metric in ${expression}`);
  const labels = new Set<string>();
  for (const selector of selectors) {
    assertKnown(selector);
    for (const label of KNOWN.get(selector.metric)?.keys() ?? []) labels.add(label);
  }
  for (const { label, metrics } of groupings)
    for (const metric of metrics)
      assert.ok(KNOWN.get(metric)?.has(label), `${metric} has no label ${label}`);
  return labels;
}

interface Rule {
  readonly alert: string;
  readonly expr: string;
  readonly labels: { readonly severity: string };
  readonly annotations: { readonly summary: string; readonly runbook_url: string };
}

function rules(): readonly Rule[] {
  const file = readFileSync(join(ROOT, 'config', 'prometheus', 'rules.yaml'), 'utf8');
  const { spec } = parse(file) as { spec: { groups: { rules: Rule[] }[] } };
  return spec.groups.flatMap((group) => group.rules);
}

describe('the alerts', () => {
  for (const { alert, expr, labels, annotations } of rules()) {
    it(`${alert} asks for metrics, labels and values that exist`, () => {
      const may = assertExists(expr);
      const named = [...annotations.summary.matchAll(/\$labels\.(\w+)/g)].map(([, label]) => label);
      for (const label of named) assert.ok(may.has(label ?? ''), `no label ${label ?? ''}`);
      assert.match(labels.severity, /^(critical|warning)$/);
    });
  }

  it('have a runbook each, and every runbook its alert', () => {
    const names = rules().map((rule) => rule.alert);
    assert.deepEqual(new Set(names).size, names.length);
    assert.deepEqual(readdirSync(RUNBOOKS).sort(), names.map((name) => `${name}.md`).sort());
    for (const { alert, annotations } of rules()) {
      assert.ok(annotations.runbook_url.endsWith(`/docs/runbooks/${alert}`));
      const page = readFileSync(join(RUNBOOKS, `${alert}.md`), 'utf8');
      assert.ok(page.startsWith(`# ${alert}\n`));
      for (const heading of ['## How to look', '## What to do']) assert.ok(page.includes(heading));
    }
  });

  it('send nobody to metrics that do not exist', () => {
    for (const name of readdirSync(RUNBOOKS)) {
      const page = readFileSync(join(RUNBOOKS, name), 'utf8');
      for (const [metric] of page.matchAll(/\b(?:countersign|apiserver|nodejs)_\w+/g)) {
        const exists = KNOWN.has(metric) || KNOWN.has(`${metric}_bucket`);
        assert.ok(exists, `${name}: no metric ${metric}`);
      }
    }
  });
});

describe('the dashboard', () => {
  interface Panel {
    readonly title: string;
    readonly type: string;
    readonly targets?: readonly { readonly expr: string }[];
  }
  const file = join(ROOT, 'config', 'components', 'dashboards', 'countersign.json');
  const { panels } = JSON.parse(readFileSync(file, 'utf8')) as { panels: readonly Panel[] };

  for (const { title, targets = [] } of panels.filter((panel) => panel.type !== 'row'))
    it(`asks for metrics, labels and values that exist: ${title}`, () => {
      assert.ok(targets.length > 0);
      for (const { expr } of targets) assertExists(expr);
    });

  it('shows status, decisions, latency, admission beside background, registries and exceptions', () => {
    assert.deepEqual(
      panels.filter((panel) => panel.type === 'row').map((panel) => panel.title),
      [
        'Status',
        'Decisions',
        'Admission latency',
        'Admission and background',
        'Registries',
        'Exceptions and expiry',
        'Audit log and faults',
      ],
    );
  });
});

describe('the reader of expressions', () => {
  it('refuses what it does not know', () => {
    for (const text of [
      'sum(',
      'a{b=1}',
      'a{b="c"',
      'a[x]',
      'quantile_over_time(0.9, a[5m])',
      'a b',
    ])
      assert.throws(() => parseExpression(text), Error, text);
  });

  it('finds metrics, labels and groupings wherever they stand', () => {
    const text =
      'sum by (x) (rate(a{b="c",d=~"e|f"}[5m])) / 2 > 0.5 unless (min(g) by (y) or time() < h)';
    assert.deepEqual(
      parseExpression(text).selectors.map((s) => s.metric),
      ['a', 'g', 'h'],
    );
    assert.deepEqual(parseExpression(text).groupings, [
      { label: 'x', metrics: ['a'] },
      { label: 'y', metrics: ['g'] },
    ]);
    assert.throws(() => assertExists('countersign_workloads{result="bad"}'), /result is never bad/);
    assert.throws(() => assertExists('sum by (x) (countersign_workloads)'), /has no label x/);
    assert.throws(() => assertExists('countersign_nothing > 0'), /no metric/);
  });
});

describe('what is scraped', () => {
  it('is the port of each Deployment that serves metrics', () => {
    const read = (...path: readonly string[]): readonly Record<string, never>[] =>
      parseAllDocuments(readFileSync(join(ROOT, 'config', ...path), 'utf8')).map(
        (document) => document.toJS() as Record<string, never>,
      );
    for (const monitor of read('prometheus', 'pod-monitors.yaml') as unknown as Monitor[]) {
      const component = monitor.spec.selector.matchLabels['app.kubernetes.io/component'] ?? '';
      const [deployment] = read('manager', `${component}.yaml`) as unknown as Deployment[];
      assert.ok(deployment !== undefined);
      const { metadata, spec } = deployment.spec.template;
      for (const [label, value] of Object.entries(monitor.spec.selector.matchLabels))
        assert.equal(metadata.labels[label], value);
      const ports = spec.containers.flatMap((container) => container.ports.map((p) => p.name));
      for (const { port } of monitor.spec.podMetricsEndpoints) assert.ok(ports.includes(port));
    }
  });
});

interface Monitor {
  readonly spec: {
    readonly selector: { readonly matchLabels: Readonly<Record<string, string>> };
    readonly podMetricsEndpoints: readonly { readonly port: string }[];
  };
}
interface Deployment {
  readonly spec: {
    readonly template: {
      readonly metadata: { readonly labels: Readonly<Record<string, string>> };
      readonly spec: {
        readonly containers: readonly { readonly ports: readonly { readonly name: string }[] }[];
      };
    };
  };
}
