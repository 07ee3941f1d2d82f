// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { orWhenAborted } from './abort.ts';

const never = new Promise<string>(() => undefined);

describe('work that somebody waits for until a signal', () => {
  it('is answered as it comes', async () => {
    const { signal } = new AbortController();
    assert.equal(await orWhenAborted(Promise.resolve('done'), signal, () => 'late'), 'done');
    const failing = Promise.reject<string>(new Error('broken'));
    await assert.rejects(
      orWhenAborted(failing, signal, () => 'late'),
      /broken/,
    );
  });

  it('is given up when the signal aborts, also before', async () => {
    const stop = new AbortController();
    const waiting = orWhenAborted(never, stop.signal, () => 'late');
    stop.abort();
    assert.equal(await waiting, 'late');
    assert.equal(await orWhenAborted(never, stop.signal, () => 'late'), 'late');
  });

  it('may be given up with an error', async () => {
    const fail = (): string => {
      throw new Error('too late');
    };
    await assert.rejects(orWhenAborted(never, AbortSignal.abort(), fail), /too late/);
  });

  it('harms nobody when it fails after that', async () => {
    const { promise, reject } = Promise.withResolvers<string>();
    assert.equal(await orWhenAborted(promise, AbortSignal.abort(), () => 'late'), 'late');
    reject(new Error('nobody listens'));
    await new Promise((resolve) => setTimeout(resolve, 5));
  });
});
