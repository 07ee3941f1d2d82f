// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'mocha';
import {
  OPERATOR_METRICS,
  WEBHOOK_METRICS,
  type MetricDefinition,
} from '../../runtime/metrics/index.ts';
import {
  pushImage,
  signBundle,
  waitFor,
  type KubernetesObject,
  type PushedImage,
} from '../harness/index.ts';
import {
  assertAdmitted,
  assertDenied,
  deployment,
  exception,
  keyPolicySpec,
  namespace,
  pod,
  policy,
  startWorld,
  type Component,
  type World,
} from '../world/index.ts';
import { AuditPipe, type Line } from './observability/audit-pipe.ts';
import { startCollector, type CollectedSpan, type Collector } from './observability/collector.ts';
import { familiesOf, sampleOf, type Family } from './observability/exposition.ts';

const NS = 'observed';
const DOCS: string = join(import.meta.dirname, '..', '..', 'docs');
const RUN = { 'ci.example/run': 'build-4711' };

/** A family is as the catalogue has it: type, words, labels and, where these are closed, their values. */
function assertDefined(family: Family | undefined, definition: MetricDefinition): void {
  const { name, type, help, labels, domains } = definition;
  assert.deepEqual([family?.type, family?.help], [type, help], name);
  const values = (family?.series ?? []).flatMap((series) => {
    assert.deepEqual(Object.keys(series).sort(), [...labels].sort(), name);
    return Object.entries(series);
  });
  for (const [label, value] of values) {
    const domain = domains[label];
    if (domain === undefined || 'open' in domain) continue;
    assert.ok(domain.includes(value), `${name}: ${label}=${value} is not in the catalogue`);
  }
}

describe('what operator and webhook tell of their work, on a real API server', function () {
  this.timeout(120_000);
  let world: World;
  let pipe: AuditPipe;
  let collector: Collector;
  let signed: PushedImage;
  let unsigned: PushedImage;
  let excused: PushedImage;

  const metrics = async (component: Component): Promise<string> =>
    (await component.probe('/metrics')).body;
  /** The records of admission about a workload, when they are there. */
  const told = async (name: string, timeoutMs = 10_000): Promise<readonly Line[]> => {
    let lines: readonly Line[] = [];
    await waitFor(
      () => {
        lines = pipe
          .lines()
          .filter((l) => l.workload?.name === name && l['process'] === 'admission');
        return Promise.resolve(lines.length > 0);
      },
      { timeoutMs, intervalMs: 20, message: `an audit record of ${name}` },
    );
    return lines;
  };
  const created = (name: string, image: PushedImage, ...args: readonly string[]) =>
    createOf(pod({ name, namespace: NS, image: image.pinned, annotations: RUN }), args);
  const createOf = async (object: KubernetesObject, args: readonly string[]) =>
    world.kubectl.run(['create', ...args, '-f', '-'], { input: JSON.stringify(object) });

  before(async () => {
    [pipe, collector] = [new AuditPipe(), await startCollector()];
    world = await startWorld({
      nodes: 0,
      env: {
        COUNTERSIGN_AUDIT_LOG: pipe.path,
        COUNTERSIGN_AUDIT_ANNOTATIONS: 'ci.example/run,ci.example/change',
        OTEL_EXPORTER_OTLP_ENDPOINT: collector.endpoint,
      },
    });
    await world.kubectl.apply(namespace(NS));
    [signed, unsigned, excused] = await Promise.all([
      pushImage(world.registry, 'observed/signed', '1.0'),
      pushImage(world.registry, 'observed/unsigned', '1.0'),
      pushImage(world.registry, 'observed/excused', '1.0'),
    ]);
    await signBundle(world.key, signed.pinned);
    const images = [`${world.registry.host}/observed/**`];
    const keys = [world.key.publicKey];
    const spec = keyPolicySpec({
      images,
      keys,
      exceptions: { allowed: true, approval: 'NotRequired' },
    });
    await world.kubectl.apply(policy('observed', spec));
    await world.enforced('observed');
    const digests = [excused.digest];
    const expiresAt = new Date(Date.now() + 600_000);
    const scope = { namespace: NS, policy: 'observed', digests, requestedBy: 'e2e-admin' };
    await world.kubectl.apply(exception({ name: 'until-later', ...scope, expiresAt }));
    await world.kubectl.must([
      ...['wait', '--for=condition=Active', '--timeout=20s', '-n', NS],
      'signingexception/until-later',
    ]);
  });
  after(async () => {
    await world.stop();
    pipe.close();
    collector.close();
  });

  it('an allowed request has a record with who, what, by whom it was signed, and the run behind it', async () => {
    assertAdmitted(await created('allowed', signed));
    const [record, ...more] = await told('allowed');
    assert.deepEqual(more, []);
    const { time, uid, identity, ...rest } = record ?? {};
    assert.deepEqual(rest, {
      apiVersion: 'audit.countersign.dev/v1alpha1',
      kind: 'AuditRecord',
      process: 'admission',
      webhook: 'verify',
      user: 'e2e-admin',
      operation: 'CREATE',
      dryRun: false,
      decision: 'allowed',
      namespace: NS,
      workload: { kind: 'Pod', name: 'allowed' },
      change: RUN,
      image: signed.pinned,
      digest: signed.digest,
      policy: 'observed',
      requirement: 'signed',
      mode: 'Enforce',
      verdict: 'verified',
      authority: 'release-key',
    });
    assert.ok(Math.abs(Date.parse(String(time)) - Date.now()) < 60_000);
    assert.match(String(uid), /^[0-9a-f-]{36}$/);
    assert.match(String(identity), /^sha256:/);
  });

  it('a denied, an exempt and a dry-run request have theirs', async () => {
    assertDenied(await created('denied', unsigned), 'NO_SIGNATURE');
    assertAdmitted(await created('excused', excused));
    assertDenied(await created('tried', unsigned, '--dry-run=server'), 'NO_SIGNATURE');
    const shortOf = async (name: string): Promise<unknown> =>
      (await told(name)).map((l) => [l['decision'], l['verdict'], l['reason'], l['dryRun']]);
    const no = ['denied', 'rejected', 'NO_SIGNATURE'];
    assert.deepEqual(await shortOf('denied'), [[...no, false]]);
    assert.deepEqual(await shortOf('tried'), [[...no, true]]);
    assert.deepEqual(await shortOf('excused'), [['allowed', 'exempt', undefined, false]]);
    const [record] = await told('excused');
    assert.equal(record?.['exception'], `${NS}/until-later`);
    assert.match(String(record['exceptionExpires']), /^\d{4}-/);
  });

  it('pods of a Deployment are told under their ReplicaSet, with the user of the controller', async () => {
    const web = deployment({ name: 'web', namespace: NS, image: unsigned.pinned });
    assertAdmitted(await world.kubectl.create(web));
    const byOwner = (): Line | undefined =>
      pipe.lines().find((l) => l.workload?.kind === 'ReplicaSet' && l['decision'] === 'denied');
    await waitFor(() => Promise.resolve(byOwner() !== undefined), {
      timeoutMs: 20_000,
      message: 'a record of the denied pods of a ReplicaSet',
    });
    assert.match(byOwner()?.workload?.name ?? '', /^web-/);
    assert.equal(byOwner()?.['user'], 'system:serviceaccount:kube-system:replicaset-controller');
  });

  it('re-verification tells what changed, once, and an Event on the top owner says it too', async () => {
    const ofWeb = (): readonly Line[] =>
      pipe.lines().filter((l) => l['process'] === 'background' && l.workload?.name === 'web');
    await waitFor(() => Promise.resolve(ofWeb().length > 0), {
      timeoutMs: 20_000,
      message: 'a record of re-verification',
    });
    const [record, ...more] = ofWeb();
    assert.deepEqual(more, []);
    assert.deepEqual(
      [record?.workload, record?.['verdict'], record?.['reason'], record?.['policy']],
      [{ kind: 'Deployment', name: 'web' }, 'rejected', 'NO_SIGNATURE', 'observed'],
    );
    interface Event {
      readonly reason: string;
      readonly involvedObject: { readonly kind: string; readonly name: string };
    }
    const hasEvent = async (): Promise<boolean> => {
      const events = await world.kubectl.list<Event>('events', NS);
      return events.some(
        ({ reason, involvedObject: { kind, name } }) =>
          reason === 'ImageRejected' && kind === 'Deployment' && name === 'web',
      );
    };
    await waitFor(hasEvent, { timeoutMs: 10_000, message: 'an Event on the Deployment' });
  });

  it('the metrics of both processes are those of the page, with labels of closed sets', async () => {
    const page = readFileSync(join(DOCS, 'metrics.md'), 'utf8');
    const cases = [
      [world.webhook, WEBHOOK_METRICS, '## Webhook'],
      [world.operator, OPERATOR_METRICS, '## Operator'],
    ] as const;
    for (const [component, catalogue, heading] of cases) {
      const families = familiesOf(await metrics(component));
      const definitions: readonly MetricDefinition[] = Object.values(catalogue);
      const names = definitions.map(({ name }) => name);
      assert.deepEqual([...families.keys()].sort(), names.sort());
      const [, part = ''] = page.split(heading);
      const [table = ''] = part.split('\n## ');
      for (const definition of definitions) {
        const { name, type } = definition;
        assert.match(table, new RegExp(`^\\| \`countersign_${name}\` +\\| ${type} +\\|`, 'm'));
        assertDefined(families.get(name), definition);
      }
    }
  });

  it('the metrics say what happened', async () => {
    const webhook = await metrics(world.webhook);
    const request = { webhook: 'verify', operation: 'CREATE', kind: 'Pod' };
    const requests = (labels: object): number =>
      sampleOf(webhook, 'admission_requests_total', { ...request, ...labels });
    assert.equal(requests({ decision: 'deny', dry_run: 'true' }), 1);
    assert.ok(requests({ decision: 'allow', dry_run: 'false' }) >= 2);
    const uses = { namespace: NS, name: 'until-later' };
    assert.equal(sampleOf(webhook, 'exception_uses_total', uses), 1);
    assert.equal(sampleOf(webhook, 'audit_records_total', { outcome: 'dropped' }), 0);
    const operator = await metrics(world.operator);
    assert.equal(sampleOf(operator, 'workloads', { result: 'fail' }), 1);
    assert.equal(sampleOf(operator, 'workloads', { result: 'skip' }), 1);
    assert.equal(sampleOf(operator, 'exceptions', { state: 'InEffect' }), 1);
    const left = sampleOf(operator, 'exception_expiration_timestamp_seconds', {
      ...{ namespace: NS, name: 'until-later', policy: 'observed' },
    });
    assert.ok(left > Date.now() / 1000 && left < Date.now() / 1000 + 600);
    const info = { policy: 'observed', mode: 'Enforce', state: 'compiled' };
    assert.equal(sampleOf(operator, 'policy_info', info), 1);
    assert.ok(sampleOf(operator, 'report_writes_total', { outcome: 'created' }) >= 3);
    assert.equal(sampleOf(operator, 'reverification_interval_seconds'), 3600);
    const oldest = sampleOf(operator, 'workload_oldest_verification_timestamp_seconds');
    assert.ok(Math.abs(oldest - Date.now() / 1000) < 120);
  });

  it('a review is a span, and what it asked a registry for are calls in it', async () => {
    const fresh = await pushImage(world.registry, 'observed/fresh', '1.0');
    assertDenied(await created('fresh', fresh), 'NO_SIGNATURE');
    const review = () =>
      collector.spans.find(
        ({ name, attributes }) =>
          name === 'review verify' && attributes['oci.manifest.digest'] === fresh.digest,
      );
    await waitFor(() => Promise.resolve(review() !== undefined), {
      timeoutMs: 15_000,
      message: 'the span of a review',
    });
    const span = review();
    assert.equal(span?.service, 'countersign-webhook');
    assert.deepEqual(
      [span.kind, span.attributes['k8s.namespace.name'], span.attributes['countersign.reason']],
      [2, NS, 'NO_SIGNATURE'],
    );
    const calls = collector.spans.filter(
      ({ traceId, kind }) => traceId === span.traceId && kind === 3,
    );
    assert.ok(calls.length > 0);
    for (const call of calls) {
      assert.equal(call.parentSpanId, span.spanId);
      assert.equal(call.attributes['server.address'], world.registry.host);
    }
    // Each process sends what it has in batches of its own time.
    const isOfOperator = ({ service }: CollectedSpan) => service === 'countersign-operator';
    await waitFor(() => Promise.resolve(collector.spans.some(isOfOperator)), {
      timeoutMs: 15_000,
      message: 'a span of the operator',
    });
  });

  it('a reader that is stuck loses records, which is counted, and holds up nobody', async () => {
    pipe.reset();
    const images = Array.from(
      { length: 250 },
      (_, n) => `unmatched.example/${'long-name/'.repeat(20)}${n.toString()}:1`,
    );
    const containers = images.map((image, n) => ({ name: `c${n.toString()}`, image }));
    const pods = Array.from({ length: 60 }, (_, n) =>
      pod({ name: `many-${n.toString()}`, namespace: NS, containers }),
    );
    const list = { apiVersion: 'v1', kind: 'List', items: pods } as KubernetesObject;
    const dropped = async (): Promise<number> =>
      sampleOf(await metrics(world.webhook), 'audit_records_total', { outcome: 'dropped' });
    assertAdmitted(await createOf(list, ['--dry-run=server', '-o', 'name']));
    const lost = await dropped();
    assert.ok(lost > 0);
    assertAdmitted(await created('meanwhile', signed));
    assert.ok((await dropped()) > lost);
    // What fitted comes when somebody reads again, and so does what is new.
    await waitFor(
      () => {
        pipe.reset();
        return metrics(world.webhook).then(
          (body) => sampleOf(body, 'audit_records_total', { outcome: 'written' }) > 1000,
        );
      },
      { timeoutMs: 30_000, message: 'the records that waited' },
    );
    assertAdmitted(await created('afterwards', signed));
    assert.equal((await told('afterwards', 40_000))[0]?.['verdict'], 'verified');
  });

  it('the API server counts what it let pass without an answer, by the name that the alert asks for', async () => {
    const failedOpen = async (): Promise<boolean> =>
      (await world.kubectl.must(['get', '--raw', '/metrics'])).includes(
        'apiserver_admission_webhook_fail_open_count{name="pin.countersign.dev"',
      );
    assert.equal(await failedOpen(), false);
    await world.webhook.stop();
    const tagged = pod({ name: 'tagged', namespace: NS, image: signed.reference });
    assert.notEqual((await createOf(tagged, ['--dry-run=server'])).code, 0);
    assert.equal(await failedOpen(), true);
  });
});
