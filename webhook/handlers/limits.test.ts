// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { beforeEach, describe, it } from 'mocha';
import { assertAllowed, assertDenied, codes } from '../__fixtures__/answers.ts';
import { HandlerFixture } from '../__fixtures__/handlers.ts';
import { HOST } from '../__fixtures__/registry.ts';
import { createOf, podObject, templateObject } from '../__fixtures__/requests.ts';

/** Whoever may create a pod decides how many images it names, and whose registries they are in. */
describe('X38: one request', () => {
  let fixture: HandlerFixture;
  const range = (count: number): readonly number[] => [...Array(count).keys()];
  const reads = (kind: string): number =>
    fixture.registry.calls.filter((call) => call.startsWith(kind)).length;
  const signed = (index: number): string => {
    const name = `team/app${index.toString()}`;
    return `${HOST}/${name}@${fixture.registry.push(name, [fixture.key])}`;
  };

  beforeEach(() => {
    fixture = new HandlerFixture();
    fixture.enforce({ team: {} });
  });

  it('makes us read 64 images at most, and the rest is denied', async () => {
    const response = await fixture.judge(
      createOf(podObject({ containers: range(70).map(signed) })),
    );
    assertDenied(response, 'LIMIT_EXCEEDED');
    assert.deepEqual(codes(response), Array(6).fill('LIMIT_EXCEEDED'));
    assert.equal(response.status?.details?.causes[0]?.field, 'spec.containers[64].image');
    assert.equal(reads('collect'), 64);
  });

  it('makes us read 64 images of a template at most', async () => {
    fixture.enforce({ team: { templates: 'Deny' } });
    const object = templateObject('Deployment', { containers: range(70).map(signed) });
    assertDenied(await fixture.judge(createOf(object)), 'LIMIT_EXCEEDED');
    assert.equal(reads('collect'), 64);
  });

  it('counts equal images once, and none that is known', async () => {
    const images = range(40).map(signed);
    assertAllowed(
      await fixture.judge(createOf(podObject({ containers: [...images, ...images, ...images] }))),
    );
    const more = range(60).map((i) => signed(100 + i));
    assertAllowed(await fixture.judge(createOf(podObject({ containers: [...images, ...more] }))));
    assert.equal(reads('collect'), 100);
  });

  it('makes us resolve 64 tags at most, and the rest stays without digest', async () => {
    const images = range(70).map((i) => {
      fixture.registry.push(`team/app${i.toString()}:1`);
      return `${HOST}/team/app${i.toString()}:1`;
    });
    const response = await fixture.pinned(
      createOf(podObject({ containers: [...images, ...images] })),
    );
    assert.equal(response.allowed, true);
    const patch = JSON.parse(
      Buffer.from(response.patch ?? '', 'base64').toString('utf8'),
    ) as unknown[];
    assert.equal(patch.length, 128);
    assert.deepEqual(
      response.warnings,
      range(6).map((i) => `${HOST}/team/app${(64 + i).toString()}:1: not pinned: LIMIT_EXCEEDED`),
    );
    assert.equal(reads('resolve'), 64);
  });
});
