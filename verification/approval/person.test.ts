// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { isSamePerson } from './person.ts';

describe('two user names', () => {
  for (const [what, one, other] of [
    ['are the same', 'dev@example.com', 'dev@example.com'],
    ['differ in case', 'dev@example.com', 'DEV@Example.com'],
    ['are composed and decomposed', 'ren\u00e9@example.com', 'rene\u0301@example.com'],
    ['differ in width', 'dev@example.com', '\uff44\uff45\uff56\uff20example.com'],
    ['differ in a letter for Kelvin', 'kim', '\u212aim'],
    ['differ in a long s', 'boss', 'bo\u017fs'],
    ['differ in a sharp s', 'stra\u00dfe', 'STRASSE'],
    ['differ in a dotless i', 'admin', 'adm\u0131n'],
    ['differ in a final sigma', '\u03bf\u03c2', '\u039f\u03a3'],
    ['differ in a character that does not show', 'dev@example.com', 'dev\u200b@example.com'],
    ['differ in a soft hyphen and a mark of direction', 'dev', '\u202ed\u00adev'],
    ['differ in white space around', 'dev', ' dev\u00a0\n'],
  ] as const) {
    it(`X26: are of one person where they ${what}`, () => {
      assert.equal(isSamePerson(one, other), true);
      assert.equal(isSamePerson(other, one), true);
    });
  }

  for (const [one, other] of [
    ['dev@example.com', 'lead@example.com'],
    ['dev@example.com', 'dev@example.org'],
    ['dev', 'dev2'],
    ['system:serviceaccount:a:b', 'system:serviceaccount:ab'],
  ] as const) {
    it(`are of two people: ${one}, ${other}`, () => assert.equal(isSamePerson(one, other), false));
  }
});
