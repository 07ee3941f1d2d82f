// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { beforeEach, describe, it } from 'mocha';
import { VerificationError } from '../../error.ts';
import type { ReasonCode } from '../../reasons.ts';
import { HostGate } from './host-gate.ts';
import type { Reply } from './reply.ts';

const LIMITS = { hostConcurrency: 2, hostFailures: 3, hostPauseMs: 40, patienceMs: 60_000 };

function answer(status: number, headers: Record<string, string> = {}): Reply {
  const listed = new Map(Object.entries(headers).map(([name, value]) => [name, [value]]));
  return { status, headers: listed, body: Buffer.alloc(0), isForeign: false };
}

describe('the gate before a registry host', () => {
  let now: number;
  let sent: number;
  let gate: HostGate;

  const pass = async (what: Reply | ReasonCode): Promise<string> => {
    try {
      const reply = await gate.pass(() => {
        sent += 1;
        if (typeof what === 'string') return Promise.reject(new VerificationError(what, 'as told'));
        return Promise.resolve(what);
      });
      return reply.status.toString();
    } catch (thrown) {
      assert.ok(thrown instanceof VerificationError);
      return `${thrown.code}: ${thrown.message}`;
    }
  };
  const CLOSED =
    'REGISTRY_UNAVAILABLE: registry.example failed again and again: it is not asked for a moment';
  const PATIENT =
    'REGISTRY_UNAVAILABLE: registry.example asked for patience: it is not asked for a moment';

  beforeEach(() => {
    now = Date.parse('2026-11-20T00:00:00Z');
    sent = 0;
    gate = new HostGate({ host: 'registry.example', limits: LIMITS, now: () => now });
  });

  it('lets so many through at a time', async () => {
    let most = 0;
    let inside = 0;
    const slow = async (): Promise<Reply> => {
      inside += 1;
      most = Math.max(most, inside);
      await new Promise((resolve) => setImmediate(resolve));
      inside -= 1;
      return answer(200);
    };
    await Promise.all(Array.from({ length: 9 }, () => gate.pass(slow)));
    assert.equal(most, 2);
  });

  for (const failure of ['REGISTRY_UNAVAILABLE', 502, 503, 504] as const) {
    it(`fault 13: asks no more for a moment after ${failure.toString()} again and again, then tries once`, async () => {
      const failing = typeof failure === 'string' ? failure : answer(failure);
      for (let i = 0; i < 3; i += 1) assert.doesNotMatch(await pass(failing), /again and again/);
      assert.equal(await pass(answer(200)), CLOSED);
      assert.equal(sent, 3);
      await new Promise((resolve) => setTimeout(resolve, 60));
      const tries = await Promise.all([pass(failing), pass(failing), pass(failing)]);
      assert.equal(sent, 4);
      assert.equal(tries.filter((said) => said === CLOSED).length, 2);
      await new Promise((resolve) => setTimeout(resolve, 60));
      assert.equal(await pass(answer(200)), '200');
      assert.equal(await pass(answer(200)), '200');
      assert.equal(sent, 6);
    });
  }

  for (const failure of [
    'DEADLINE_EXCEEDED',
    'REGISTRY_UNSAFE',
    'LIMIT_EXCEEDED',
    500,
    429,
    404,
  ] as const) {
    it(`is not closed by ${failure.toString()}, which who owns one image can bring about`, async () => {
      for (let i = 0; i < 9; i += 1)
        await pass(typeof failure === 'string' ? failure : answer(failure));
      assert.equal(await pass(answer(200)), '200');
    });
  }

  it('forgives failures once anything is answered', async () => {
    for (let i = 0; i < 9; i += 1) {
      await pass('REGISTRY_UNAVAILABLE');
      await pass('REGISTRY_UNAVAILABLE');
      assert.equal(await pass(answer(401)), '401');
    }
  });

  for (const status of [429, 503]) {
    it(`fault 14: sends nothing while the host asks for patience with ${status.toString()}, and not for ever`, async () => {
      assert.equal(await pass(answer(status, { 'retry-after': '5' })), status.toString());
      now += 4_999;
      assert.equal(await pass(answer(200)), PATIENT);
      now += 1;
      assert.equal(await pass(answer(200)), '200');
      await pass(answer(status, { 'retry-after': '3600' }));
      now += 59_999;
      assert.equal(await pass(answer(200)), PATIENT);
      now += 1;
      assert.equal(await pass(answer(200)), '200');
      assert.equal(sent, 4);
    });
  }

  for (const told of ['', '-5', '1e9', 'Fri, 20 Nov 2026 00:10:00 GMT', '12345678901']) {
    it(`asks on where patience is asked for as ${JSON.stringify(told)}`, async () => {
      await pass(answer(429, { 'retry-after': told }));
      assert.equal(await pass(answer(200)), '200');
    });
  }

  it('does not wait longer because the clock was set back', async () => {
    await pass(answer(429, { 'retry-after': '5' }));
    now -= 3_600_000;
    assert.equal(await pass(answer(200)), '200');
  });
});
