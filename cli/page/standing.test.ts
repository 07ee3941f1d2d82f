// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { ExceptionReason } from '../../crds/index.ts';
import { kindOf, STANDING_KINDS, stateLabel } from './standing.ts';

describe('how a state is shown', () => {
  it('tells effect, waiting, ended and revoked apart, and takes whatever else as held', () => {
    assert.equal(kindOf(ExceptionReason.InEffect), 'effect');
    assert.equal(kindOf(ExceptionReason.NotYetActive), 'pending');
    assert.equal(kindOf(ExceptionReason.Expired), 'ended');
    assert.equal(kindOf(ExceptionReason.Revoked), 'revoked');
    assert.equal(kindOf(ExceptionReason.AwaitingApproval), 'held');
    assert.equal(kindOf('SomethingNew'), 'held');
    assert.equal(kindOf('constructor'), 'held');
  });

  it('has one line in the legend for each kind', () => {
    const kinds = Object.values(ExceptionReason).map(kindOf);
    assert.deepEqual(new Set(STANDING_KINDS.map(({ kind }) => kind)), new Set(kinds));
  });

  it('is words', () => {
    assert.equal(stateLabel('AwaitingApproval'), 'Awaiting approval');
    assert.equal(stateLabel('InEffect'), 'In effect');
    assert.equal(stateLabel(''), '');
  });
});
