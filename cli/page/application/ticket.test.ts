// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { ticketAddress } from './ticket.ts';

describe('ticketAddress', () => {
  it('is that of a ticket in the web', () => {
    assert.equal(ticketAddress('https://t.example.com/SEC-1'), 'https://t.example.com/SEC-1');
    assert.equal(ticketAddress('http://t.example.com/a b'), 'http://t.example.com/a%20b');
  });

  it('is none for whatever else a browser could follow, or reads otherwise', () => {
    for (const ticket of [
      'javascript:alert(1)',
      'JaVaScRiPt:alert(1)',
      ' \tjava\nscript:alert(1)',
      'data:text/html,<script>alert(1)</script>',
      'vbscript:msgbox(1)',
      'file:///etc/passwd',
      'blob:https://t.example.com/1',
      '//t.example.com/1',
      '/SEC-1',
      'SEC-1',
      '',
    ])
      assert.equal(ticketAddress(ticket), undefined, ticket);
  });
});
