// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import type { SigningException } from '../../crds/index.ts';
import { fixedClock } from '../../runtime/clock-testing.ts';
import type { Notification } from '../../runtime/notification/index.ts';
import { testException } from '../../verification/testing/index.ts';
import { FakeApi } from '../__fixtures__/fake-api.ts';
import { addExceptionNotices } from './exception-notices.ts';

const COLLECTION = '/apis/countersign.dev/v1alpha1/signingexceptions';
const PATH = '/apis/countersign.dev/v1alpha1/namespaces/checkout/signingexceptions/hotfix';

function inStanding(status: 'True' | 'False', reason: string): SigningException {
  const message = `is ${reason}`;
  const since = { lastTransitionTime: '2026-11-20T00:00:00Z' };
  const active = { type: 'Active', status, reason, message, ...since };
  return { ...testException([]), status: { observedGeneration: 1, conditions: [active] } };
}

function setup(given: { readonly isTold?: boolean } = {}) {
  const api = new FakeApi();
  const sent: Notification[] = [];
  const store = api.mirror<SigningException>(COLLECTION);
  const exceptions = { store, hasSynced: false };
  const notifications = { notify: (notification: Notification) => void sent.push(notification) };
  const options = {
    clock: fixedClock('2026-11-20T00:00:00Z'),
    cluster: 'prod',
    ...(given.isTold === false ? {} : { notifications }),
  };
  addExceptionNotices({ options }, { mirrors: { exceptions } });
  const put = (object: SigningException): void => api.seed(PATH, object);
  return { api, exceptions, put, sent };
}

describe('who follows exceptions for notifications', () => {
  it('tells nothing of what the first list brings, however it stands', () => {
    const { put, sent } = setup();
    put(inStanding('True', 'InEffect'));
    assert.deepEqual(sent, []);
  });

  it('tells of every change after that, with cluster and time', () => {
    const { put, sent, exceptions, api } = setup();
    put(inStanding('True', 'InEffect'));
    exceptions.hasSynced = true;
    put(inStanding('False', 'Expired'));
    put(inStanding('True', 'InEffect'));
    api.remove(PATH);
    assert.deepEqual(
      sent.map(({ event, message }) => [event, message]),
      [
        ['ExceptionExpired', 'is Expired'],
        ['ExceptionActivated', 'has effect: is InEffect'],
        ['ExceptionRevoked', 'deleted while it had effect'],
      ],
    );
    const [first] = sent;
    assert.deepEqual([first!.cluster, first!.time], ['prod', '2026-11-20T00:00:00.000Z']);
    assert.equal(new Set(sent.map(({ id }) => id)).size, 3);
  });

  it('follows nothing where nobody is told', () => {
    const { put, sent, exceptions } = setup({ isTold: false });
    exceptions.hasSynced = true;
    put(inStanding('True', 'InEffect'));
    assert.deepEqual(sent, []);
  });
});
