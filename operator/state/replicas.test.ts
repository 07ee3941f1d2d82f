// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { fixedClock } from '../../runtime/clock-testing.ts';
import { ObjectStore } from '../../runtime/kube/index.ts';
import { ReplicaTracker, type Lease } from './replicas.ts';

function setup() {
  const clock = fixedClock();
  const store = new ObjectStore<Lease>({ onFault: (thrown) => assert.fail(String(thrown)) });
  const leases = { store, hasSynced: false };
  let changes = 0;
  const tracker = new ReplicaTracker({ leases, clock, onChange: () => (changes += 1) });
  let version = 0;
  const renew = (name: string, revision: string | undefined, renewTime?: string): void => {
    version += 1;
    const annotations =
      revision === undefined ? {} : { 'countersign.dev/program-revision': revision };
    const metadata = { name, namespace: 'ns', resourceVersion: version.toString(), annotations };
    store.put({ metadata, spec: { renewTime: renewTime ?? version.toString() } });
  };
  return { clock, store, leases, tracker, renew, changes: () => changes };
}

describe('webhook replicas', () => {
  it('count as long as their Lease was seen to change within 30 s', async () => {
    const { clock, leases, tracker, renew } = setup();
    leases.hasSynced = true;
    renew('a', '3');
    await clock.advance(25_000);
    renew('a', '3');
    await clock.advance(30_000);
    assert.deepEqual(tracker.alive(), [{ name: 'ns/a', revision: 3, observed: true }]);
    await clock.advance(1);
    assert.deepEqual(tracker.alive(), []);
  });

  it('are told to be dead exactly when they are', async () => {
    const { clock, leases, tracker, renew } = setup();
    leases.hasSynced = true;
    assert.equal(tracker.msToNextDeath(), undefined);
    renew('a', '3');
    const ms = tracker.msToNextDeath() ?? 0;
    await clock.advance(ms - 1);
    assert.equal(tracker.alive().length, 1);
    await clock.advance(1);
    assert.equal(tracker.alive().length, 0);
    assert.equal(tracker.msToNextDeath(), undefined);
  });

  it('that were there before us are not observed until they renew, and die when they never do', async () => {
    const { clock, leases, tracker, renew } = setup();
    renew('a', '3');
    renew('b', '3');
    leases.hasSynced = true;
    assert.deepEqual(
      tracker.alive().map((r) => r.observed),
      [false, false],
    );
    await clock.advance(10_000);
    renew('a', '3');
    assert.deepEqual(
      tracker.alive().map((r) => r.observed),
      [true, false],
    );
    await clock.advance(20_001);
    assert.deepEqual(
      tracker.alive().map((r) => r.name),
      ['ns/a'],
    );
  });

  it('do not count a change of a Lease that is no renewal', async () => {
    const { clock, leases, tracker, renew } = setup();
    leases.hasSynced = true;
    renew('a', '3', 't0');
    await clock.advance(30_001);
    renew('a', '4', 't0');
    assert.deepEqual(tracker.alive(), []);
  });

  it('make themselves heard when they come, acknowledge, go or come back, not when they renew', async () => {
    const { clock, store, leases, renew, changes } = setup();
    leases.hasSynced = true;
    renew('a', undefined);
    assert.equal(changes(), 1);
    renew('a', undefined);
    assert.equal(changes(), 1);
    renew('a', '1');
    assert.equal(changes(), 2);
    await clock.advance(40_000);
    renew('a', '1');
    assert.equal(changes(), 3);
    store.remove('ns/a');
    assert.equal(changes(), 4);
  });

  it('are believed only revisions that can be one, and the highest is remembered', () => {
    const { store, leases, tracker, renew } = setup();
    leases.hasSynced = true;
    for (const text of ['-1', '0', '1e9', '99999999999999999999', '']) renew('a', text);
    assert.equal(tracker.alive()[0]?.revision, undefined);
    renew('a', '41');
    store.remove('ns/a');
    assert.equal(tracker.highestRevision, 41);
  });
});
