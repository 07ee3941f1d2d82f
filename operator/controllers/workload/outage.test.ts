// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { beforeEach, describe, it } from 'mocha';
import { VerificationError } from '../../../verification/index.ts';
import { KeyIssuer, testManifest, testPolicy } from '../../../verification/testing/index.ts';
import { World, snapshotOf } from '../../__fixtures__/world.ts';
import { workload } from '../../__fixtures__/workloads.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const START = '2026-11-21T00:00:00.000Z';
const APP = 'registry.example/app';
const issuer = new KeyIssuer();
const other = new KeyIssuer();
const signed = testManifest('signed');
const KEEPING = { onInconclusive: { action: 'AllowLastVerified', maxAge: '90m' } } as const;
const DOWN = new VerificationError('REGISTRY_UNAVAILABLE', '503');

describe('re-verification, where the registry is away and evidence was kept', () => {
  let world: World;

  const said = (): readonly unknown[] =>
    (world.reportOf('Deployment', 'web')?.results ?? []).map(({ result, properties = {} }) => [
      result,
      properties['reason'],
      properties['evidenceFrom'],
    ]);

  beforeEach(async () => {
    world = new World({ start: START });
    world.registry.push(APP, signed, issuer);
    world.apply(workload('Deployment', 'web', { images: { web: `${APP}@${signed.digest}` } }));
    world.enforce(snapshotOf({ team: testPolicy([issuer], KEEPING) }));
    await world.pass();
    assert.deepEqual(said(), [['pass', undefined, undefined]]);
    world.registry.fault = DOWN;
  });

  it('passes by it once it is due, says since when, and says error at the instant it is too old', async () => {
    await world.pass(HOUR - 1);
    assert.deepEqual(said(), [['pass', undefined, undefined]]);
    await world.pass(1);
    assert.deepEqual(said(), [['pass', 'REGISTRY_UNAVAILABLE', START]]);
    await world.pass(30 * MINUTE);
    assert.deepEqual(said(), [['pass', 'REGISTRY_UNAVAILABLE', START]]);
    await world.pass(2);
    assert.deepEqual(said(), [['error', 'REGISTRY_UNAVAILABLE', undefined]]);
    assert.deepEqual(world.reportWrites, ['create', 'replace', 'replace']);
  });

  it('asks the registry once a minute, and says pass as before when it answers again', async () => {
    await world.pass(HOUR);
    const before = world.registry.collected.length;
    await world.pass(10 * MINUTE);
    assert.equal(world.registry.collected.length, before + 10);
    world.registry.fault = undefined;
    await world.pass(MINUTE);
    assert.deepEqual(said(), [['pass', undefined, undefined]]);
    await world.pass(HOUR - 1);
    assert.equal(world.registry.collected.length, before + 11);
  });

  it('fails by the truth when the registry answers again without the signature', async () => {
    await world.pass(HOUR);
    world.registry.push(APP, signed);
    world.registry.fault = undefined;
    await world.pass(MINUTE);
    assert.deepEqual(said(), [['fail', 'NO_SIGNATURE', undefined]]);
    world.registry.fault = DOWN;
    await world.pass(HOUR);
    assert.deepEqual(said(), [['error', 'REGISTRY_UNAVAILABLE', undefined]]);
  });

  it('cannot tell as soon as the key is taken from the policy', async () => {
    await world.pass(HOUR);
    world.enforce(snapshotOf({ team: testPolicy([other], KEEPING) }));
    await world.pass();
    assert.deepEqual(said(), [['error', 'REGISTRY_UNAVAILABLE', undefined]]);
  });
});
