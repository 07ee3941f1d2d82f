// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { beforeEach, describe, it } from 'mocha';
import type { FakeRegistry } from './__fixtures__/registry.ts';
import { collect, putBundle, putImage, setupEach } from './__fixtures__/setup.ts';

describe('exchanges that are traced', () => {
  const setup = setupEach();
  let registry: FakeRegistry;
  beforeEach(async () => {
    registry = await setup.registry();
  });

  it('carry what the trace gives them, each its own, and tell how they ended', async () => {
    const image = putImage(registry);
    registry.list(image.digest, putBundle(registry, image.digest, 'lost'));
    registry.handle(/blobs/, (_, response) => void response.writeHead(500).end());
    const told: string[] = [];
    let begun = 0;
    const source = setup.source([registry], {
      trace: ({ method, host, registry: name }) => {
        begun += 1;
        const traceparent = `span-${begun.toString()}`;
        return {
          headers: { traceparent },
          end: (outcome, status) => void told.push([method, host, name, outcome, status].join(' ')),
        };
      },
    });
    await collect(source, image);
    const carried = registry.seen.map(({ headers }) => headers['traceparent']);
    assert.ok(begun > 2);
    assert.deepEqual(
      carried.toSorted(),
      Array.from({ length: begun }, (_, n) => `span-${(n + 1).toString()}`).sort(),
    );
    assert.equal(told.length, begun);
    const at = `GET ${registry.host} ${registry.host}`;
    assert.ok(told.includes(`${at} answered 200`));
    assert.ok(told.includes(`${at} failed 500`));
  });

  it('tell of a host that cannot be reached, without a status', async () => {
    const image = putImage(registry);
    const told: unknown[] = [];
    const source = setup.source([registry], {
      trace: () => ({
        headers: {},
        end: (outcome, status) => void told.push([outcome, status]),
      }),
    });
    await setup.stop();
    await assert.rejects(collect(source, image), { code: 'REGISTRY_UNAVAILABLE' });
    assert.deepEqual(told.at(-1), ['unreachable', undefined]);
  });
});
