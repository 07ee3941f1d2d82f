// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, it } from 'mocha';
import type { ExceptionEntry, ReviewDocument } from '../exceptions/document.ts';
import { entryNamed } from './__fixtures__/entry.ts';
import { pageOf } from './html.ts';

const HOSTILE =
  '</script></noscript><script>alert(1)</script><!--\u2028 & "quoted" \u202e\u001b[31m';

function page(...exceptions: readonly ExceptionEntry[]): string {
  return pageOf(documentOf(exceptions));
}

function documentOf(exceptions: readonly ExceptionEntry[]): ReviewDocument {
  return { formatVersion: 1, at: '2026-11-27T09:30:00Z', cluster: 'prod-eu-1', exceptions };
}

function between(text: string, start: string, end: string): string {
  const from = text.indexOf(start) + start.length;
  assert.ok(from >= start.length, start);
  return text.slice(from, text.indexOf(end, from));
}

function hashOf(text: string): string {
  return `'sha256-${createHash('sha256').update(text).digest('base64')}'`;
}

describe('pageOf', () => {
  it('allows exactly the script and the style that are in the page, and nothing else', () => {
    const html = page(entryNamed('a'));
    const policy = between(html, 'http-equiv="Content-Security-Policy" content="', '"');
    assert.deepEqual(policy.split('; '), [
      "default-src 'none'",
      `script-src ${hashOf(between(html, '<script>', '</script>'))}`,
      `style-src ${hashOf(between(html, '<style>', '</style>'))}`,
      'img-src data:',
      "base-uri 'none'",
      "form-action 'none'",
      "require-trusted-types-for 'script'",
      "trusted-types 'none'",
    ]);
  });

  it('gives the same bytes for the same document', () => {
    assert.equal(page(entryNamed('a'), entryNamed('b')), page(entryNamed('a'), entryNamed('b')));
  });

  it('carries the document as it is, whatever is in it', () => {
    const entry = entryNamed('a', { reason: HOSTILE, owner: HOSTILE, ticket: HOSTILE });
    const data = between(page(entry), 'id="document">', '</script>');
    assert.deepEqual(JSON.parse(data), documentOf([entry]));
    assert.doesNotMatch(data, /[<>&\u2028\u2029]/);
  });

  it('has no more elements with a hostile value in every field than with a harmless one', () => {
    const count = (value: string): number => {
      const entry = entryNamed(value, {
        namespace: value,
        policy: value,
        state: value,
        owner: value,
        reason: value,
        approvedBy: value,
        notBefore: value,
        expiresAt: value,
      });
      const html = pageOf({ ...documentOf([entry]), cluster: value, at: value });
      return html.split(/<[a-z!/]/i).length;
    };
    assert.equal(count(HOSTILE), count('harmless'));
  });

  it('says in its title where and when', () => {
    const html = pageOf({ ...documentOf([]), cluster: 'a<b\u202e' });
    assert.equal(
      between(html, '<title>', '</title>'),
      'Signing exceptions of a&lt;b\\u{202e}, 2026-11-27 09:30 UTC',
    );
    const nameless = { ...documentOf([]) };
    delete nameless.cluster;
    assert.equal(
      between(pageOf(nameless), '<title>', '</title>'),
      'Signing exceptions, 2026-11-27 09:30 UTC',
    );
  });

  it('has a plain table for readers without scripts', () => {
    const groups = ['unused', 'expired-in-use'] as const;
    const table = between(page(entryNamed('a', { groups })), '<tbody>', '</tbody>');
    assert.deepEqual(
      [...table.matchAll(/<td>(.*?)<\/td>/g)].map(([, cell]) => cell),
      [
        'team-a',
        'a',
        'team-images',
        'In effect',
        'Expired, in use; Unused',
        'Planned',
        'approved by lead@example.com',
        'team-a@example.com',
        '2026-11-20 00:00 UTC',
        '2026-12-04 00:00 UTC',
        '2026-11-26',
        'The vendor ships the fix unsigned.',
      ],
    );
  });
});
