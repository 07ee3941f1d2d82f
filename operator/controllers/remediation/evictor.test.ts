// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { beforeEach, describe, it } from 'mocha';
import { fixedClock, type FixedClock } from '../../../runtime/clock-testing.ts';
import { KubeError } from '../../../runtime/kube/index.ts';
import type { JudgeInput } from '../../../runtime/judge/index.ts';
import { PolicySnapshot } from '../../../runtime/program/index.ts';
import { ExceptionIndex } from '../../../verification/index.ts';
import { DIGEST, judgedWith, policyNamed, resultWith } from '../../__fixtures__/findings.ts';
import { pod, workload } from '../../__fixtures__/workloads.ts';
import type { ObjectEvent } from '../../status/events.ts';
import { Evictor, type EvictorOptions } from './evictor.ts';
import type { Convicted } from './guilty.ts';

const MINUTE = 60_000;
const policy = policyNamed('team', { reverification: { onRejected: 'Evict' } });
const { signal } = new AbortController();

describe('rounds of evictions', () => {
  let clock: FixedClock;
  let asked: string[];
  let events: ObjectEvent[];
  let outcomes: string[];
  /** Answers of the API server, the next one first; all is well when there are none. */
  let answers: (KubeError | undefined)[];
  /** How often it is still so. */
  let convictions: number;
  let evictor: Evictor;

  const convicted = (): Convicted => {
    const judged = judgedWith(resultWith('rejected'), { policy });
    const charges = [{ policy, requirement: 'signed', cause: 'TrustRevoked' as const }];
    return {
      workload: workload('Deployment', 'web'),
      ground: {
        snapshot: new PolicySnapshot(1, 'Allow', [policy]),
        exceptions: new ExceptionIndex(),
        namespace: 'checkout',
        namespaceLabels: {},
      },
      guilty: [{ judged, input: {} as JudgeInput, charges }],
      isStillSo: () => Promise.resolve((convictions -= 1) >= 0),
    };
  };
  const round = async (): Promise<number> => {
    asked = [];
    await evictor.round(convicted(), signal);
    return asked.length;
  };

  beforeEach(async () => {
    clock = fixedClock();
    [asked, events, outcomes, answers] = [[], [], [], []];
    convictions = 100;
    const images = { web: `registry.example/app@${DIGEST}` };
    const pods = Array.from({ length: 8 }, (_, n) => pod(`web-${n.toString()}`, { images }));
    const options = {
      api: {
        create: (path: string) => {
          asked.push(path);
          const answer = answers.shift();
          return answer === undefined ? Promise.resolve({}) : Promise.reject(answer);
        },
      },
      inventory: { podsOf: () => pods },
      events: { record: (_object: unknown, event: ObjectEvent) => events.push(event) },
      clock,
      onOutcome: (action: string, outcome: string) => outcomes.push(`${action} ${outcome}`),
      roundMs: MINUTE,
    };
    evictor = new Evictor(options as EvictorOptions);
    assert.equal(await round(), 0);
    await clock.advance(MINUTE);
  });

  it('begin a minute after the start, and are a minute apart', async () => {
    assert.equal(await round(), 2);
    assert.deepEqual(outcomes, ['evict done', 'evict done']);
    await clock.advance(MINUTE - 1);
    assert.equal(await round(), 0);
    await clock.advance(1);
    assert.equal(await round(), 2);
  });

  it('tell each eviction, and why', async () => {
    await round();
    assert.deepEqual(events[0], {
      type: 'Warning',
      reason: 'Evicted',
      message: `evicted web-0: registry.example/app@${DIGEST}: TrustRevoked [team/signed]`,
    });
  });

  it('end as soon as the image is not rejected any more', async () => {
    convictions = 1;
    assert.equal(await round(), 1);
  });

  it('ask in vain where a budget does not let them, and ask again in the next one', async () => {
    answers = [new KubeError(429, 'no'), new KubeError(404, 'gone')];
    assert.equal(await round(), 2);
    assert.deepEqual(outcomes, ['evict blocked']);
    assert.equal(events[0]?.reason, 'RemediationHeld');
    assert.equal(await round(), 0);
    await clock.advance(MINUTE);
    assert.equal(await round(), 2);
  });

  it('fail where they may not be asked for, and are not tried at once again', async () => {
    answers = [new KubeError(403, 'forbidden')];
    await assert.rejects(round(), { status: 403 });
    assert.deepEqual(outcomes, ['evict failed']);
    assert.equal(await round(), 0);
  });
});
