// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { VerificationError } from '../error.ts';
import { parseStrictJson } from './strict-json.ts';

function parse(text: string): unknown {
  const options = { code: 'PAYLOAD_MALFORMED', maxDepth: 8, what: 'statement' } as const;
  return parseStrictJson(Buffer.from(text), options);
}

function refusal(text: string): unknown {
  try {
    parse(text);
    return 'parsed';
  } catch (thrown) {
    assert.ok(thrown instanceof VerificationError);
    return [thrown.code, thrown.message];
  }
}

describe('the limits of strict JSON', () => {
  it('refuse more objects and arrays than a parser has memory for', () => {
    const list = (count: number): string => `[${Array(count).fill('{}').join(',')}]`;
    assert.equal((parse(list(499_999)) as unknown[]).length, 499_999);
    const expected = 'statement: more than 500000 objects and arrays';
    assert.deepEqual(refusal(list(500_000)), ['LIMIT_EXCEEDED', expected]);
  });

  it('refuse more different keys than a parser has memory for, wherever they are', () => {
    const keys = (count: number): string =>
      Array.from({ length: count }, (_, n) => `{"k${n.toString()}":0}`).join(',');
    assert.equal((parse(`[${keys(200_000)}]`) as unknown[]).length, 200_000);
    const expected = 'statement: more than 200000 different keys';
    assert.deepEqual(refusal(`[${keys(200_001)}]`), ['LIMIT_EXCEEDED', expected]);
  });
});
