// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { beforeEach, describe, it } from 'mocha';
import { KubeError } from '../../../runtime/kube/index.ts';
import { PolicySnapshot } from '../../../runtime/program/index.ts';
import { ExceptionIndex, parseImageReference, type Digest } from '../../../verification/index.ts';
import { FakeApi } from '../../__fixtures__/fake-api.ts';
import {
  judgedWith,
  observedImage,
  policyNamed,
  resultWith,
  verdictWith,
} from '../../__fixtures__/findings.ts';
import { pathTo, workload } from '../../__fixtures__/workloads.ts';
import type { ObjectEvent } from '../../status/events.ts';
import type { ImageAt } from '../workload/index.ts';
import type { Convicted } from './guilty.ts';
import { Rollback, type RollbackOptions } from './rollback.ts';

const imageOf = (letter: string): string => `registry.example/app@sha256:${letter.repeat(64)}`;
const digestOf = (letter: string): Digest => `sha256:${letter.repeat(64)}`;
const [BAD, OLD, OLDER] = ['a', 'b', 'c'].map(imageOf) as [string, string, string];
const { signal } = new AbortController();
const team = policyNamed('team');

describe('a rollback', () => {
  let api: FakeApi;
  let events: ObjectEvent[];
  let outcomes: string[];
  let verified: Set<Digest>;
  let unread: Set<Digest>;
  let isStillSo: boolean;
  let rollback: Rollback;

  /** Judges as told by `verified` and `unread`. */
  const judge = {
    refresh: (input: Input) => Promise.resolve(!unread.has(input.use.image.digest)),
    judge: ({ use }: Input) => {
      const outcome = verified.has(use.image.digest) ? 'verified' : 'rejected';
      const verdict = verdictWith('team', resultWith(outcome));
      const policies = [{ policy: team, mode: 'Enforce' as const, verdict }];
      return Promise.resolve({ use, policies, defaultAction: 'Allow' as const });
    },
  };
  const ground = {
    snapshot: new PolicySnapshot(1, 'Allow', [team]),
    exceptions: new ExceptionIndex(),
    namespace: 'checkout',
    namespaceLabels: {},
  };
  const inputOf = ({ image, digest }: ImageAt) => {
    const use = {
      image: { ...parseImageReference(image), digest },
      namespace: 'checkout',
      namespaceLabels: {},
      serviceAccount: 'web',
    };
    const keychain = { identity: 'anonymous', credentialFor: () => undefined };
    return Promise.resolve({ ...ground, use, keychain });
  };
  const convicted = async (
    kind: 'Deployment' | 'Job' = 'Deployment',
    process: 'template' | 'background' = 'template',
  ): Promise<Convicted> => {
    const object = workload(kind, 'web', { images: { web: BAD } });
    const observed = observedImage({ written: BAD, process });
    const judged = judgedWith(resultWith('rejected'), { observed, policy: team });
    const charges = [{ policy: team, requirement: 'signed', cause: 'TrustRevoked' as const }];
    const guilty = [{ judged, input: await inputOf(judged), charges }];
    return { workload: object, ground, guilty, isStillSo: () => Promise.resolve(isStillSo) };
  };
  const live = (): { readonly spec: { readonly template: unknown } } | undefined =>
    api.at('/apis/apps/v1/namespaces/checkout/deployments/web');
  const template = (image: string) => ({ spec: { containers: [{ name: 'web', image }] } });
  const seed = (metadata: object = {}, image = BAD): void => {
    const object = workload('Deployment', 'web');
    api.seed(pathTo(object), {
      metadata: { ...object.metadata, generation: 3, ...metadata },
      ...{ spec: { template: template(image) } },
    });
    for (const [revision, was] of [
      [1, OLDER],
      [2, OLD],
      [3, BAD],
    ] as const)
      api.seed(`/apis/apps/v1/namespaces/checkout/replicasets/web-${revision.toString()}`, {
        metadata: {
          name: `web-${revision.toString()}`,
          namespace: 'checkout',
          annotations: { 'deployment.kubernetes.io/revision': revision.toString() },
          ownerReferences: [
            {
              apiVersion: 'apps/v1',
              kind: 'Deployment',
              name: 'web',
              uid: object.metadata.uid ?? '',
              controller: true,
            },
          ],
        },
        ...{ spec: { template: template(was) } },
      });
  };

  beforeEach(() => {
    api = new FakeApi();
    [events, outcomes] = [[], []];
    [verified, unread] = [new Set(), new Set()];
    isStillSo = true;
    const options = {
      api,
      judge,
      examiner: { inputOf },
      events: { record: (_object: unknown, event: ObjectEvent) => events.push(event) },
      onOutcome: (action: string, outcome: string) => outcomes.push(`${action} ${outcome}`),
    };
    rollback = new Rollback(options as unknown as RollbackOptions);
  });

  it('puts the newest earlier image there that verifies now, held to version and present image', async () => {
    seed();
    verified = new Set([digestOf('b'), digestOf('c')]);
    const { metadata } = live() as unknown as { metadata: { resourceVersion: string } };
    await rollback.run(await convicted(), signal);
    const at = '/spec/template/spec/containers/0/image';
    assert.deepEqual(api.writes.at(-1)?.body, [
      { op: 'test', path: '/metadata/resourceVersion', value: metadata.resourceVersion },
      { op: 'test', path: at, value: BAD },
      { op: 'replace', path: at, value: OLD },
    ]);
    assert.deepEqual(outcomes, ['rollback done']);
    assert.equal(events[0]?.reason, 'RolledBack');
  });

  it('passes over an earlier image that does not verify now', async () => {
    seed();
    verified = new Set([digestOf('c')]);
    await rollback.run(await convicted(), signal);
    assert.deepEqual(live()?.spec.template, template(OLDER));
  });

  it('is not made where no earlier image verifies', async () => {
    seed();
    await rollback.run(await convicted(), signal);
    assert.deepEqual(
      [outcomes, events[0]?.reason],
      [['rollback impossible'], 'RollbackImpossible'],
    );
    assert.deepEqual(live()?.spec.template, template(BAD));
  });

  it('waits where an earlier image cannot be read', async () => {
    seed();
    unread = new Set([digestOf('b')]);
    verified = unread;
    await rollback.run(await convicted(), signal);
    assert.deepEqual([outcomes, api.writes], [[], []]);
  });

  it('is not made where Flux owns the workload', async () => {
    seed({ labels: { 'kustomize.toolkit.fluxcd.io/name': 'apps' } });
    verified = new Set([digestOf('b')]);
    await rollback.run(await convicted(), signal);
    assert.deepEqual([outcomes, events[0]?.reason], [['rollback skipped'], 'RollbackSkipped']);
    assert.deepEqual(api.writes, []);
  });

  it('is not made once it is not rejected any more', async () => {
    seed();
    verified = new Set([digestOf('b')]);
    isStillSo = false;
    await rollback.run(await convicted(), signal);
    assert.deepEqual([outcomes, api.writes], [[], []]);
  });

  it('is not made of a template that is another by now, nor for pods that a rollout replaces', async () => {
    seed({}, OLD);
    verified = new Set([digestOf('b'), digestOf('c')]);
    await rollback.run(await convicted(), signal);
    await rollback.run(await convicted('Deployment', 'background'), signal);
    assert.deepEqual([outcomes, api.writes], [[], []]);
  });

  it('is not made of kinds that keep nothing', async () => {
    await rollback.run(await convicted('Job'), signal);
    assert.deepEqual(outcomes, ['rollback impossible']);
  });

  it('is made once of what we wrote ourselves, and again when somebody else wrote', async () => {
    seed();
    verified = new Set([digestOf('b')]);
    await rollback.run(await convicted(), signal);
    seed({ generation: 3 });
    await rollback.run(await convicted(), signal);
    assert.deepEqual(outcomes, ['rollback done', 'rollback impossible']);
    seed({ generation: 4 });
    await rollback.run(await convicted(), signal);
    assert.equal(outcomes.at(-1), 'rollback done');
  });

  it('leaves it to the next round where somebody else wrote meanwhile, and fails where it may not', async () => {
    seed();
    verified = new Set([digestOf('b')]);
    for (const status of [409, 422]) {
      api.fault = (verb) => (verb === 'patch' ? new KubeError(status, 'no') : undefined);
      await rollback.run(await convicted(), signal);
    }
    assert.deepEqual(outcomes, []);
    api.fault = (verb) => (verb === 'patch' ? new KubeError(403, 'no') : undefined);
    await assert.rejects(rollback.run(await convicted(), signal), { status: 403 });
    assert.deepEqual(outcomes, ['rollback failed']);
  });
});

interface Input {
  readonly use: { readonly image: { readonly digest: Digest } };
}
