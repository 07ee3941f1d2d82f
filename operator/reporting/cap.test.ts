// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { capped, REPORT_LIMITS } from './cap.ts';
import { summaryOf, type ReportResult } from './result.ts';

function results(
  count: number,
  result: ReportResult['result'],
  message = '',
): readonly ReportResult[] {
  return Array.from({ length: count }, (_, i) => ({
    source: 'countersign',
    policy: 'team',
    category: 'Image Signature',
    severity: 'high',
    result,
    scored: true,
    message,
    properties: { resultID: `${result}-${i}` },
  }));
}

describe('the bound of a report', () => {
  it('leaves alone what is within it', () => {
    const all = [...results(100, 'pass'), ...results(100, 'fail')];
    assert.equal(capped(all), all);
  });

  it('keeps every failure and as much of the rest as fits, in order, and counts the others', () => {
    const all = [...results(300, 'pass'), ...results(150, 'fail'), ...results(10, 'warn')];
    const listed = capped(all);
    assert.equal(listed.length, 200);
    const closing = listed.at(-1);
    assert.equal(closing?.message, 'too many results to list; of the others: 261 pass');
    assert.deepEqual([closing.result, closing.severity], ['pass', 'high']);
    assert.deepEqual(summaryOf(listed), { pass: 40, fail: 150, warn: 10, error: 0, skip: 0 });
    const kept = listed.slice(0, -1);
    assert.deepEqual(
      kept,
      all.filter((one) => kept.includes(one)),
    );
    assert.deepEqual(capped(all), listed);
  });

  it('is as bad as the worst that it does not list', () => {
    const listed = capped([...results(500, 'fail'), ...results(3, 'skip')]);
    const closing = listed.at(-1);
    assert.deepEqual([listed.length, closing?.result, closing?.scored], [200, 'fail', true]);
    assert.match(closing?.message ?? '', /301 fail, 3 skip$/);
  });

  it('keeps a report below 500 KB however long its words are', () => {
    const listed = capped([...results(150, 'fail', 'ü'.repeat(4_096)), ...results(20, 'pass')]);
    const bytes = Buffer.byteLength(JSON.stringify(listed));
    assert.ok(bytes < 500_000 && bytes > 400_000, bytes.toString());
    assert.equal(listed.at(-1)?.result, 'fail');
    assert.ok(REPORT_LIMITS.bytes < 500_000);
  });

  it('tells of results none of which fits', () => {
    const listed = capped(results(2, 'fail', 'long'), { results: 200, bytes: 10 });
    assert.deepEqual(
      listed.map(({ message }) => message),
      ['too many results to list; of the others: 2 fail'],
    );
  });
});
