// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { systemClock } from '../clock.ts';
import { fixedClock } from '../clock-testing.ts';
import { silentLogger } from '../log/index.ts';
import { exchangeTracer } from './exchange.ts';
import { SpanExporter, type SpanOutcome } from './exporter.ts';
import { openTracing } from './open.ts';
import { encodeTraces } from './otlp.ts';
import { parseTraceparent, type EndedSpan } from './span.ts';
import { Tracer } from './tracer.ts';

const TRACE = '0af7651916cd43dd8448eb211c80319c';
const SPAN = 'b7ad6b7169203331';
const CALLER = `00-${TRACE}-${SPAN}-01`;
const ALWAYS = { parentBased: true, ratio: 1 };

describe('spans', () => {
  let ended: EndedSpan[];
  const tracerWith = (sampling = ALWAYS): Tracer =>
    new Tracer(fixedClock(), sampling, (span) => ended.push(span));
  beforeEach(() => (ended = []));

  it('go on with what the caller began, and calls belong to them, also after a wait', async () => {
    const tracer = tracerWith();
    let sent: Readonly<Record<string, string>> = {};
    await tracer.serve('review verify', CALLER, async () => {
      await Promise.resolve();
      const call = tracer.call('GET', { host: 'r.example' });
      sent = call.headers;
      call.end({ status: 200 }, false);
      tracer.annotate({ decision: 'deny' }, true);
    });
    const [client, server] = ended;
    assert.deepEqual(
      [server?.context.traceId, server?.parentSpanId, server?.kind, server?.failed],
      [TRACE, SPAN, 'server', true],
    );
    assert.deepEqual(server?.attributes, { decision: 'deny' });
    assert.deepEqual([client?.context.traceId, client?.kind], [TRACE, 'client']);
    assert.equal(client?.parentSpanId, server.context.spanId);
    assert.deepEqual(client.attributes, { host: 'r.example', status: 200 });
    assert.equal(sent['traceparent'], `00-${TRACE}-${client.context.spanId}-01`);
  });

  it('begin anew without a caller, apart for requests at the same time', async () => {
    const tracer = tracerWith();
    const one = async (): Promise<void> =>
      await tracer.serve('a', undefined, async () => {
        await Promise.resolve();
        tracer.call('GET', {}).end({}, false);
      });
    await Promise.all([one(), one()]);
    const traces = ended.map((span) => span.context.traceId);
    assert.equal(new Set(traces).size, 2);
    const servers = ended.filter((span) => span.kind === 'server');
    for (const client of ended.filter((span) => span.kind === 'client'))
      assert.ok(servers.some((server) => server.context.spanId === client.parentSpanId));
    tracer.call('GET', {}).end({}, false);
    assert.equal(ended.at(-1)?.parentSpanId, undefined);
  });

  it('tell a fault, and let it through', async () => {
    const fault = new Error('no');
    await assert.rejects(
      tracerWith().serve('a', undefined, () => Promise.reject(fault)),
      fault,
    );
    assert.equal(ended[0]?.failed, true);
  });

  it('are kept as the caller or the ratio says', async () => {
    const kept = async (sampling: typeof ALWAYS, traceparent?: string): Promise<boolean> => {
      ended = [];
      const tracer = tracerWith(sampling);
      await tracer.serve('a', traceparent, () => {
        tracer.call('b', {}).end({}, false);
        return Promise.resolve();
      });
      return ended.length === 2;
    };
    assert.equal(await kept({ parentBased: true, ratio: 0 }, CALLER), true);
    assert.equal(await kept({ parentBased: true, ratio: 0 }), false);
    assert.equal(await kept(ALWAYS, `00-${TRACE}-${SPAN}-00`), false);
    assert.equal(await kept({ parentBased: false, ratio: 1 }, `00-${TRACE}-${SPAN}-00`), true);
    // The last eight bytes of the trace are 0.517 of what they can be.
    assert.equal(await kept({ parentBased: false, ratio: 0.5 }, CALLER), false);
    assert.equal(await kept({ parentBased: false, ratio: 0.53 }, CALLER), true);
  });

  it('read no header that is none', () => {
    const zero = '0'.repeat(32);
    for (const header of [undefined, '', 'x', `01-${TRACE}-${SPAN}-01`, `00-${zero}-${SPAN}-01`])
      assert.equal(parseTraceparent(header), undefined);
  });

  it('of exchanges with registries tell what became of them', () => {
    assert.equal(exchangeTracer(undefined), undefined);
    const trace = exchangeTracer(tracerWith());
    const exchange = { method: 'GET', host: 'cdn.example', registry: 'r.example' };
    trace?.(exchange).end('absent', 404);
    trace?.(exchange).end('unreachable', undefined);
    assert.deepEqual(
      ended.map(({ name, failed, attributes }) => [name, failed, attributes]),
      [
        [
          'GET',
          false,
          {
            'http.request.method': 'GET',
            'server.address': 'cdn.example',
            'countersign.registry': 'r.example',
            'http.response.status_code': 404,
            'countersign.outcome': 'absent',
          },
        ],
        [
          'GET',
          true,
          {
            'http.request.method': 'GET',
            'server.address': 'cdn.example',
            'countersign.registry': 'r.example',
            'countersign.outcome': 'unreachable',
          },
        ],
      ],
    );
  });

  it('are written as OTLP has them in JSON', () => {
    const context = { traceId: TRACE, spanId: SPAN, sampled: true };
    const span: EndedSpan = {
      context,
      parentSpanId: undefined,
      name: 'a',
      kind: 'server',
      startMs: 1_700_000_000_000.25,
      endMs: 1_700_000_000_001,
      attributes: { text: 'x'.repeat(5000), whole: 3, part: 0.5, yes: true },
      failed: true,
    };
    const body = JSON.parse(encodeTraces([span], { 'service.name': 's' })) as object;
    assert.deepEqual(body, {
      resourceSpans: [
        {
          resource: { attributes: [{ key: 'service.name', value: { stringValue: 's' } }] },
          scopeSpans: [
            {
              scope: { name: 'countersign' },
              spans: [
                {
                  traceId: TRACE,
                  spanId: SPAN,
                  name: 'a',
                  kind: 2,
                  startTimeUnixNano: '1700000000000250000',
                  endTimeUnixNano: '1700000000001000000',
                  attributes: [
                    { key: 'text', value: { stringValue: 'x'.repeat(1024) } },
                    { key: 'whole', value: { intValue: '3' } },
                    { key: 'part', value: { doubleValue: 0.5 } },
                    { key: 'yes', value: { boolValue: true } },
                  ],
                  status: { code: 2 },
                },
              ],
            },
          ],
        },
      ],
    });
  });
});

describe('sending spans', () => {
  let server: Server;
  let endpoint: string;
  let received: { headers: Readonly<Record<string, unknown>>; body: string }[];
  let status: number;
  let counts: Record<SpanOutcome, number>;

  beforeEach(async () => {
    received = [];
    status = 200;
    counts = { exported: 0, dropped: 0 };
    server = createServer((request, response) => {
      let body = '';
      request.on('data', (chunk: Buffer) => (body += chunk.toString()));
      request.on('end', () => {
        received.push({ headers: request.headers, body });
        response.writeHead(status).end('{}');
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port.toString()}/v1/traces`;
  });
  afterEach(() => {
    server.closeAllConnections();
    server.close();
  });
  const span = (): EndedSpan => ({
    context: { traceId: TRACE, spanId: SPAN, sampled: true },
    parentSpanId: undefined,
    name: 'a',
    kind: 'server',
    startMs: 0,
    endMs: 1,
    attributes: {},
    failed: false,
  });
  const exporterTo = (to: string, headers = {}): SpanExporter =>
    new SpanExporter({
      endpoint: to,
      headers,
      timeoutMs: 2000,
      resource: {},
      clock: systemClock,
      logger: silentLogger,
      onSpans: (outcome, count) => (counts[outcome] += count),
    });

  it('goes to the collector with the headers that the settings name, by the end at the latest', async () => {
    const exporter = exporterTo(endpoint, { authorization: 'Bearer x' });
    exporter.take(span());
    exporter.take(span());
    await exporter.close(5000);
    assert.equal(received.length, 1);
    assert.equal(received[0]?.headers['authorization'], 'Bearer x');
    assert.equal(received[0].headers['content-type'], 'application/json');
    assert.equal(received[0].body.match(/"traceId"/g)?.length, 2);
    assert.deepEqual(counts, { exported: 2, dropped: 0 });
  });

  it('sends once more what a collector cannot take now, and not what it refuses', async () => {
    status = 503;
    const busy = exporterTo(endpoint);
    busy.take(span());
    await busy.close(5000);
    assert.equal(received.length, 2);
    status = 400;
    const refused = exporterTo(endpoint);
    refused.take(span());
    await refused.close(5000);
    assert.equal(received.length, 3);
    assert.deepEqual(counts, { exported: 0, dropped: 2 });
  });

  it('loses nothing to a connection that breaks', async () => {
    server.once('connection', (socket) => socket.destroy());
    const exporter = exporterTo(endpoint);
    exporter.take(span());
    await exporter.close(5000);
    assert.deepEqual(counts, { exported: 1, dropped: 0 });
  });

  it('drops and counts what a collector refuses, what nobody takes and what is too much', async () => {
    status = 503;
    const refused = exporterTo(endpoint);
    refused.take(span());
    await refused.close(5000);
    const nowhere = exporterTo('http://127.0.0.1:1/');
    nowhere.take(span());
    await nowhere.close(5000);
    assert.deepEqual(counts, { exported: 0, dropped: 2 });
    status = 200;
    const busy = exporterTo(endpoint);
    for (let n = 0; n < 3000; n += 1) busy.take(span());
    assert.deepEqual(counts, { exported: 0, dropped: 2 + 3000 - 2048 });
    await busy.close(5000);
    assert.equal(counts.exported, 2048);
  });

  it('is opened by the settings, and is nothing without them', async () => {
    const stops: (() => Promise<void>)[] = [];
    const context = { onStop: (_name: string, stop: () => Promise<void>) => void stops.push(stop) };
    const common = {
      serviceName: 'countersign-webhook',
      instance: 'pod-1',
      clock: systemClock,
      logger: silentLogger,
      onSpans: (outcome: SpanOutcome, count: number) => void (counts[outcome] += count),
    };
    assert.equal(await openTracing({ ...common, settings: undefined }, context), undefined);
    assert.equal(stops.length, 0);
    const settings = {
      endpoint,
      headers: {},
      timeoutMs: 2000,
      serviceName: undefined,
      resource: { 'k8s.cluster.name': 'prod' },
      sampler: ALWAYS,
    };
    const tracer = await openTracing({ ...common, settings }, context);
    await tracer?.serve('a', undefined, () => Promise.resolve());
    for (const stop of stops) await stop();
    assert.match(received[0]?.body ?? '', /countersign-webhook.*|k8s\.cluster\.name/);
    assert.equal(counts.exported, 1);
  });
});
