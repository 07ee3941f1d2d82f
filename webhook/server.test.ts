// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { fixedClock, type FixedClock } from '../runtime/clock-testing.ts';
import { WebServer } from '../runtime/http/index.ts';
import { createLogger, silentLogger } from '../runtime/log/index.ts';
import type { AdmissionRequest } from './admission/decode.ts';
import { allowed, denied } from './admission/respond.ts';
import type { Deadline } from './deadline.ts';
import type { Folded } from './handlers/fold.ts';
import { WebhookMetrics } from './metrics.ts';
import { admissionRoutes, budgetOf } from './server.ts';

const REVIEW = {
  apiVersion: 'admission.k8s.io/v1',
  kind: 'AdmissionReview',
  request: {
    uid: 'uid-1',
    operation: 'CREATE',
    kind: { group: '', version: 'v1', kind: 'Pod' },
    namespace: 'team',
    object: {},
  },
};
const JSON_TYPE: Readonly<Record<string, string>> = { 'content-type': 'application/json' };
const IDLE = {
  revision: undefined,
  programProblem: false,
  policies: 0,
  exceptions: 0,
  invalidExceptions: 0,
  leafNotAfter: undefined,
  refusing: 0,
  ready: false,
  silentSeconds: {},
};

interface Answer {
  readonly response: {
    readonly uid: string;
    readonly allowed: boolean;
    readonly status?: { readonly code: number; readonly message: string };
  };
}

describe('the admission server', () => {
  let clock: FixedClock;
  let server: WebServer;
  let metrics: WebhookMetrics;
  let base: string;
  let log: string[];
  let audited: string[];
  let asked: { request: AdmissionRequest; deadline: Deadline }[];
  let answer: (request: AdmissionRequest) => Promise<Folded>;

  beforeEach(async () => {
    clock = fixedClock();
    metrics = new WebhookMetrics();
    log = [];
    asked = [];
    audited = [];
    answer = ({ uid }) => Promise.resolve({ response: allowed(uid) });
    const handler = {
      handle: (request: AdmissionRequest, deadline: Deadline): Promise<Folded> => {
        asked.push({ request, deadline });
        return answer(request);
      },
    };
    const logger = createLogger({
      level: 'info',
      format: 'json',
      sink: (line) => log.push(line),
    });
    const audit = {
      decided: (webhook: string, request: AdmissionRequest, { response }: Folded): void =>
        void audited.push(`${webhook} ${request.uid} ${response.allowed.toString()}`),
      unreadable: (webhook: string, uid: string): void =>
        void audited.push(`${webhook} ${uid} unreadable`),
    };
    const handlers = { verify: handler, pin: handler, resources: handler };
    const options = { ...handlers, clock, logger, metrics, audit };
    server = new WebServer({
      routes: admissionRoutes({ ...options, longestMs: 9000, bodyBytes: 10_000 }),
    });
    base = `http://127.0.0.1:${(await server.listen({ host: '127.0.0.1', port: 0 })).toString()}`;
  });
  afterEach(async () => server.close(100));

  const post = async (
    body: string | Uint8Array<ArrayBuffer>,
    { path = '/verify', headers = JSON_TYPE } = {},
  ): Promise<Response> => fetch(base + path, { method: 'POST', body, headers, redirect: 'manual' });
  const reviewed = async (body: object): Promise<Answer['response']> => {
    const response = await post(JSON.stringify(body));
    assert.equal(response.status, 200);
    return ((await response.json()) as Answer).response;
  };
  const rendered = async (): Promise<string> => (await metrics.render(IDLE)).body;

  it('serves a review in a span that goes on with what the caller began, and tells what came of it', async () => {
    const told: unknown[] = [];
    const tracer = {
      serve: <T>(name: string, caller: string | undefined, work: () => Promise<T>): Promise<T> => {
        told.push([name, caller]);
        return work();
      },
      annotate: (attributes: object, failed?: boolean): void =>
        void told.push([attributes, failed]),
    };
    const handler = {
      handle: (): Promise<Folded> =>
        Promise.resolve({ response: denied('uid-1', 'no', []), code: 'NO_SIGNATURE' }),
    };
    const logger = silentLogger;
    const handlers = { verify: handler, pin: handler, resources: handler };
    const options = { ...handlers, clock, logger, metrics, tracer };
    const traced = new WebServer({
      routes: admissionRoutes({ ...options, longestMs: 9000, bodyBytes: 10_000 }),
    });
    const port = await traced.listen({ host: '127.0.0.1', port: 0 });
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
    const url = `http://127.0.0.1:${port.toString()}/verify`;
    const headers = { ...JSON_TYPE, traceparent };
    await (await fetch(url, { method: 'POST', headers, body: JSON.stringify(REVIEW) })).text();
    await traced.close(100);
    const attributes = {
      'k8s.namespace.name': 'team',
      'countersign.admission.uid': 'uid-1',
      'countersign.admission.operation': 'CREATE',
      'countersign.admission.kind': 'Pod',
      'countersign.admission.dry_run': false,
      'countersign.admission.allowed': false,
      'countersign.reason': 'NO_SIGNATURE',
    };
    assert.deepEqual(told, [
      ['review verify', traceparent],
      [attributes, false],
    ]);
  });

  it('tells every answer to the audit log, and nothing that has no answer', async () => {
    await reviewed(REVIEW);
    answer = ({ uid }) => Promise.resolve({ response: denied(uid, 'no', []) });
    await reviewed(REVIEW);
    answer = () => Promise.reject(new Error('fault'));
    await reviewed(REVIEW);
    await reviewed({ ...REVIEW, request: { ...REVIEW.request, kind: null } });
    await post('no JSON');
    assert.deepEqual(audited, [
      'verify uid-1 true',
      'verify uid-1 false',
      'verify uid-1 false',
      'verify uid-1 unreadable',
    ]);
  });

  it('answers a review, and counts it', async () => {
    assert.deepEqual(await reviewed(REVIEW), { uid: 'uid-1', allowed: true });
    assert.match(
      await rendered(),
      /admission_requests_total\{[^}]*decision="allow"[^}]*dry_run="false"[^}]*\} 1/,
    );
    assert.deepEqual(log, []);
  });

  it('serves both webhooks', async () => {
    for (const path of ['/verify', '/pin', '/pin?timeout=10s'])
      assert.equal((await post(JSON.stringify(REVIEW), { path })).status, 200);
    assert.equal(asked.length, 3);
  });

  it('A33: answers a handler that throws with a denial and the UID, tells no detail, and lives', async () => {
    answer = () => Promise.reject(new Error('password=hunter2'));
    const { uid, allowed: isAllowed, status } = await reviewed(REVIEW);
    assert.deepEqual([uid, isAllowed, status?.code], ['uid-1', false, 500]);
    assert.doesNotMatch(status?.message ?? '', /hunter2/);
    answer = () => {
      throw new TypeError('at once');
    };
    assert.equal((await reviewed(REVIEW)).allowed, false);
    assert.match(await rendered(), /internal_errors_total\{where="handler"\} 2/);
    answer = ({ uid: id }) => Promise.resolve({ response: allowed(id) });
    assert.equal((await reviewed(REVIEW)).allowed, true);
  });

  it('logs a denial with what explains it, in one line', async () => {
    answer = ({ uid }) =>
      Promise.resolve({
        response: denied(uid, 'first\nsecond', []),
        code: 'NO_SIGNATURE',
      });
    await reviewed({ ...REVIEW, request: { ...REVIEW.request, namespace: 'team\nforged' } });
    assert.equal(log.length, 1);
    assert.doesNotMatch(log[0]?.trimEnd() ?? '', /\n/);
    const told = JSON.parse(log[0] ?? '') as Record<string, unknown>;
    assert.deepEqual(
      [told['code'], told['reason'], told['uid']],
      ['NO_SIGNATURE', 'first', 'uid-1'],
    );
  });

  it('B16: denies what has a UID and cannot be read, without asking a handler', async () => {
    const {
      uid,
      allowed: isAllowed,
      status,
    } = await reviewed({
      ...REVIEW,
      request: { ...REVIEW.request, object: null },
    });
    assert.deepEqual([uid, isAllowed, status?.code], ['uid-1', false, 403]);
    assert.match(status?.message ?? '', /^REQUEST_MALFORMED: /);
    assert.deepEqual(asked, []);
  });

  it('B36, X30: takes nothing without a body, beyond the limit, encoded or of another type', async () => {
    const text = JSON.stringify(REVIEW);
    const long = JSON.stringify({ ...REVIEW, pad: 'x'.repeat(10_000) });
    const statuses = [
      await post(''),
      await post('{'),
      await post('[1,2]'),
      await post(long),
      await post(new Uint8Array(gzipSync(text)), {
        headers: { ...JSON_TYPE, 'content-encoding': 'gzip' },
      }),
      await post(text, { headers: { 'content-type': 'text/plain' } }),
      await post(text, { headers: { 'content-type': 'application/jsonp' } }),
    ].map((response) => response.status);
    assert.deepEqual(statuses, [400, 400, 400, 413, 415, 415, 415]);
    assert.deepEqual(asked, []);
    assert.match(await rendered(), /admission_unreadable_total\{status="400"\} 3/);
  });

  it('takes JSON with parameters', async () => {
    const headers = { 'content-type': 'application/json; charset=utf-8' };
    assert.equal((await post(JSON.stringify(REVIEW), { headers })).status, 200);
  });

  it('E4: never redirects', async () => {
    for (const path of ['/', '//evil.example/', '/verify/', '/verify/..', '/PIN', '/x?timeout=1s'])
      assert.equal((await post(JSON.stringify(REVIEW), { path })).status, 404, path);
    const got = await fetch(`${base}/verify`, { redirect: 'manual' });
    assert.equal(got.status, 405);
  });

  it('F4: counts kinds that it does not know as one', async () => {
    for (const kind of ['A', 'B', 'constructor'])
      await reviewed({ ...REVIEW, request: { ...REVIEW.request, kind: { group: '', kind } } });
    assert.match(await rendered(), /admission_requests_total\{[^}]*kind="other"[^}]*\} 3/);
  });

  it('X29: gives the handler a second less than the API server grants', async () => {
    await post(JSON.stringify(REVIEW), { path: '/verify?timeout=5s' });
    assert.equal(asked[0]?.deadline.remainingMs, 4000);
    const { signal } = asked[0].deadline;
    await clock.advance(3999);
    assert.equal(signal.aborted, false);
    await clock.advance(1);
    assert.equal(signal.aborted, true);
    assert.equal(asked[0].deadline.remainingMs, 1);
  });
});

describe('X29: the budget of a request', () => {
  for (const [url, budget] of [
    ['/verify?timeout=10s', 9000],
    ['/verify?timeout=5s', 4000],
    ['/verify?timeout=1s', 500],
    ['/verify?timeout=1.5s', 750],
    ['/verify?timeout=30s', 9000],
    ['/verify?timeout=1m0s', 9000],
    ['/verify?a=b&timeout=3s&c=d', 2000],
    ['/verify', 9000],
    ['/verify?timeout=', 9000],
    ['/verify?timeout=-5s', 9000],
    ['/verify?timeout=5', 9000],
    ['/verify?timeout=99999s', 9000],
    ['/verify?mytimeout=3s', 9000],
  ] as const) {
    it(`is ${budget.toString()} ms for ${url}`, () => {
      assert.equal(budgetOf(url, 9000), budget);
    });
  }
});
