// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { beforeEach, describe, it } from 'mocha';
import { HandlerFixture } from '../__fixtures__/handlers.ts';
import { HOST } from '../__fixtures__/registry.ts';
import { createOf, podObject } from '../__fixtures__/requests.ts';

describe('X53: a dry run', () => {
  let fixture: HandlerFixture;
  beforeEach(() => {
    fixture = new HandlerFixture();
    fixture.enforce({ team: {} });
  });

  it('gets the verdict of the real request, and leaves nothing behind that changes it', async () => {
    const signed = `${HOST}/team/a@${fixture.registry.push('team/a', [fixture.key])}`;
    const unsigned = `${HOST}/team/b@${fixture.registry.push('team/b')}`;
    for (const image of [signed, unsigned, `${HOST}/team/a:1`, 'a b', `${HOST}/x`]) {
      const object = podObject({ containers: [image] });
      const dry = await fixture.judge(createOf(object, { dryRun: true }));
      assert.deepEqual(await fixture.judge(createOf(object)), dry, image);
    }
  });

  it('is pinned as the real request is', async () => {
    fixture.registry.push('team/a:1', [fixture.key]);
    const object = podObject({ containers: [`${HOST}/team/a:1`] });
    const dry = await fixture.pinned(createOf(object, { dryRun: true }));
    assert.notEqual(dry.patch, undefined);
    assert.deepEqual(await fixture.pinned(createOf(object)), dry);
  });
});
