// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'mocha';
import pLimit from 'p-limit';
import { namespace, sharedWorld } from '../world/index.ts';
import { readSchema, type Schema } from './crds/schema.ts';
import { sharedSigstore } from '../sigstore/index.ts';
import { APPROVAL_TRIALS, APPROVED_EXCEPTION_TRIALS } from './fields/approval-trials.ts';
import { ATTESTATION_TRIALS } from './fields/attestation-trials.ts';
import { AUTHORITY_TRIALS } from './fields/authority-trials.ts';
import { COVERAGE_TRIALS } from './fields/coverage-trials.ts';
import { EXCEPTION_TRIALS } from './fields/exception-trials.ts';
import { Ground, LABELS, type Backdrop } from './fields/ground.ts';
import { INTERVAL_TRIAL } from './fields/interval-trial.ts';
import { openCutWay, type CutWay } from './fields/cut-way.ts';
import { differingLeaves, leafPaths } from './fields/leaves.ts';
import { MATERIAL_TRIALS } from './fields/material-trials.ts';
import { startMirror, type Mirror } from './fields/mirror.ts';
import { OUTAGE_TRIALS } from './fields/outage-trials.ts';
import { REMEDIATION_TRIAL } from './fields/remediation-trial.ts';
import { REQUIREMENT_TRIALS } from './fields/requirement-trials.ts';
import { STATUS_TRIALS } from './fields/status-trials.ts';
import { startTlsRegistry, type TlsRegistry } from './fields/tls-registry.ts';
import type { Kind, Trial, Tried } from './fields/trial.ts';

const TRIALS: Readonly<Record<Kind, readonly Trial[]>> = {
  ImageTrustPolicy: [
    ...COVERAGE_TRIALS,
    ...MATERIAL_TRIALS,
    ...AUTHORITY_TRIALS,
    ...REQUIREMENT_TRIALS,
    ...ATTESTATION_TRIALS,
    ...APPROVAL_TRIALS,
    INTERVAL_TRIAL,
    REMEDIATION_TRIAL,
    ...OUTAGE_TRIALS,
  ],
  SigningException: [...EXCEPTION_TRIALS, ...APPROVED_EXCEPTION_TRIALS],
  'SigningException status': STATUS_TRIALS,
};
const SCHEMAS = {
  ImageTrustPolicy: readSchema('imagetrustpolicies', 'spec'),
  SigningException: readSchema('signingexceptions', 'spec'),
  'SigningException status': writtenByPeople(readSchema('signingexceptions', 'status')),
};
/** Trials wait more than they work. */
const AT_ONCE = 3;
const PREFIX = {
  ImageTrustPolicy: 'itp',
  SigningException: 'sigex',
  'SigningException status': 'sigex-status',
};

/** The rest of the status tells what the operator observed. */
function writtenByPeople(status: Schema): Schema {
  const written = ['approvals', 'revoked', 'reviews'];
  const fields = Object.entries(status.properties ?? {});
  return { ...status, properties: Object.fromEntries(fields.filter(([n]) => written.includes(n))) };
}

function nameOf({ kind, path }: Trial): string {
  const words = path.toLowerCase().replaceAll(/[^a-z0-9]+/g, '-');
  return `${PREFIX[kind]}-${words.replace(/-$/, '')}`;
}

describe('every field of the two kinds has an effect on a real API server', function () {
  this.timeout(120_000);
  let registry: Promise<TlsRegistry> | undefined;
  let mirror: Mirror;
  let way: Promise<CutWay> | undefined;
  const running = new Map<Trial, Promise<readonly Tried[]>>();

  before(async () => {
    const [world, sigstore] = await Promise.all([sharedWorld(), sharedSigstore()]);
    mirror = await startMirror(world.mirrorHost);
    const me = await world.kubectl.whoAmI();
    const tls = (): Promise<TlsRegistry> => (registry ??= startTlsRegistry(world));
    const open = (): Promise<CutWay> => (way ??= openCutWay(world));
    const backdrop: Backdrop = { world, sigstore, mirror, me, tls, way: open };
    // Those that take longest first.
    const trials = [...new Set([...OUTAGE_TRIALS.toReversed(), ...Object.values(TRIALS).flat()])];
    await world.kubectl.apply(trials.map((trial) => namespace(nameOf(trial), LABELS)));
    const limit = pLimit(AT_ONCE);
    for (const trial of trials) {
      const run = limit(() => trial.run(new Ground(backdrop, nameOf(trial))));
      run.catch(() => undefined); // its test tells
      running.set(trial, run);
    }
  });

  after(async () => {
    await Promise.all([mirror.stop(), (await registry)?.stop(), (await way)?.stop()]);
  });

  for (const kind of Object.keys(PREFIX) as Kind[]) {
    describe(kind, () => {
      it('has exactly one trial for each of its fields', () => {
        const fields = leafPaths(SCHEMAS[kind]);
        const tried = TRIALS[kind].map(({ path }) => path);
        assert.deepEqual(
          {
            missing: fields.filter((path) => !tried.includes(path)),
            superfluous: tried.filter((path) => !fields.includes(path)),
            twice: tried.filter((path, index) => tried.indexOf(path) !== index),
          },
          { missing: [], superfluous: [], twice: [] },
        );
      });

      for (const trial of TRIALS[kind]) {
        it(`${trial.path}: ${trial.shows}`, async () => {
          const tried = (await running.get(trial)) ?? [];
          const [first, ...others] = tried;
          assert.ok(first !== undefined && others.length > 0);
          assert.equal(new Set(tried.map(({ seen }) => seen)).size, tried.length);
          for (const other of others) {
            const differing = differingLeaves(SCHEMAS[kind], first.spec, other.spec);
            assert.deepEqual(differing, [trial.path, ...trial.alongside].sort());
          }
        });
      }
    });
  }
});
