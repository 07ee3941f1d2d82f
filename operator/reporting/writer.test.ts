// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { setImmediate as turn } from 'node:timers/promises';
import { FakeApi } from '../__fixtures__/fake-api.ts';
import { REPORT_APIS } from './api.ts';
import { ReportWriter } from './writer.ts';

const [API] = REPORT_APIS;
const REPORT = { apiVersion: 'wgpolicyk8s.io/v1alpha2', kind: 'PolicyReport' };

describe('the writer of reports', () => {
  it('burdens a slow API server with eight writes at a time, and does the others after them', async () => {
    const answers: (() => void)[] = [];
    let written = 0;
    const api = Object.assign(new FakeApi(), {
      create: () => new Promise<void>((resolve) => answers.push(resolve)),
    });
    const writer = new ReportWriter({ api, onWrite: () => (written += 1) });
    assert.ok(API !== undefined);
    const writes = Array.from({ length: 20 }, (_, n) =>
      writer.put(API.reports, { ...REPORT, metadata: { name: n.toString(), namespace: 'shop' } }),
    );
    await turn();
    assert.equal(answers.length, 8);
    answers[0]?.();
    await turn();
    assert.equal(answers.length, 9);
    assert.equal(written, 1);
    for (let n = 1; n < writes.length; n += 1) {
      answers[n]?.();
      await turn();
    }
    await Promise.all(writes);
    assert.equal(written, 20);
  });
});
