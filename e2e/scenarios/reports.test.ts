// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { before, describe, it } from 'mocha';
import { pushImage, signBundle, waitFor, type PushedImage } from '../harness/index.ts';
import { reportOf, resultsOf, type Report } from '../story/index.ts';
import {
  assertAdmitted,
  deployment,
  keyPolicySpec,
  namespace,
  pod,
  policy,
  sharedWorld,
  type World,
} from '../world/index.ts';

const NS = 'reports';

describe('reports on what runs, on a real API server', function () {
  this.timeout(120_000);
  let world: World;
  let signed: PushedImage;
  let unsigned: PushedImage;

  const imageId = (image: PushedImage): Readonly<Record<string, string>> => ({
    'imageid.kwok.test/app': image.pinned.replace(/:[^:/@]+@/, '@'),
  });
  const saysOf = async (
    kind: string,
    name: string,
    inNamespace = NS,
  ): Promise<readonly string[]> => {
    const report = await reportOf(world, { kind, name, namespace: inNamespace });
    return resultsOf(report)
      .map((r) => [r.result, r.properties['reason']].join(' ').trim())
      .sort();
  };
  const says = async (
    kind: string,
    name: string,
    wanted: readonly string[],
    inNamespace = NS,
  ): Promise<void> => {
    const message = `report of ${name}: ${wanted.join(', ')}`;
    let said: readonly string[] = [];
    await waitFor(
      async () => {
        said = await saysOf(kind, name, inNamespace);
        return JSON.stringify(said) === JSON.stringify(wanted);
      },
      { timeoutMs: 10_000, message },
    ).catch((error: unknown) => {
      throw new Error(`${message}; it says ${said.join(', ')}`, { cause: error });
    });
  };
  const existing = async (kind: string, name: string): Promise<Report> => {
    const report = await reportOf(world, { kind, name, namespace: NS });
    assert.ok(report !== undefined);
    return report;
  };

  before(async () => {
    world = await sharedWorld();
    await world.kubectl.apply(namespace(NS));
    [signed, unsigned] = await Promise.all([
      pushImage(world.registry, 'reports/signed', '1.0'),
      pushImage(world.registry, 'reports/unsigned', '1.0'),
    ]);
    await signBundle(world.key, signed.pinned);
    const old = pod({
      name: 'old',
      namespace: NS,
      image: unsigned.reference,
      annotations: imageId(unsigned),
    });
    assertAdmitted(await world.kubectl.create(old));
    await waitFor(
      async () =>
        (await world.kubectl.get<{ status: { phase?: string } }>('pod', 'old', NS)).status.phase ===
        'Running',
      { timeoutMs: 20_000, message: 'a pod that runs before there is a policy' },
    );
    const images = [`${world.registry.host}/reports/**`];
    await world.kubectl.apply(
      policy('reports', keyPolicySpec({ images, keys: [world.key.publicKey] })),
    );
    await world.enforced('reports');
  });

  it('judges a pod that is older than the policy by the digest that its node reports', async () => {
    await says('Pod', 'old', ['fail NO_SIGNATURE']);
  });

  it('judges what a node reports beside the named image as a second one', async () => {
    const odd = pod({
      name: 'odd',
      namespace: NS,
      image: signed.pinned,
      annotations: imageId(unsigned),
    });
    assertAdmitted(await world.kubectl.create(odd));
    await says('Pod', 'odd', ['fail NO_SIGNATURE', 'pass']);
  });

  it('names workload, policy, rule, image, digest, authority and key', async () => {
    assertAdmitted(
      await world.kubectl.create(
        deployment({ name: 'web', namespace: NS, image: signed.reference }),
      ),
    );
    await says('Deployment', 'web', ['pass']);
    const report = await existing('Deployment', 'web');
    const [result] = resultsOf(report);
    assert.ok(result !== undefined);
    const { source, rule, category, properties } = result;
    assert.deepEqual(
      [source, result.policy, rule, category],
      ['countersign', 'reports', 'signed', 'Image Signature'],
    );
    assert.deepEqual(
      [properties['digest'], properties['authority']],
      [signed.digest, 'release-key'],
    );
    assert.match(properties['identity'] ?? '', /^sha256:/);
    assert.deepEqual(report.summary, { pass: 1, fail: 0, warn: 0, error: 0, skip: 0 });
  });

  it('is not written again where nothing changed', async () => {
    await waitFor(async () => (await world.kubectl.list('pods', NS, 'app=web')).length === 1, {
      timeoutMs: 10_000,
      message: 'pod',
    });
    await says('Deployment', 'web', ['pass']);
    const before = await existing('Deployment', 'web');
    await world.kubectl.must(['label', 'namespace', NS, 'touched=1']);
    await world.kubectl.must(['annotate', 'deployment', 'web', 'touched=1'], { namespace: NS });
    await world.kubectl.apply(
      policy(
        'reports-other',
        keyPolicySpec({ images: ['elsewhere.example/**'], keys: [world.key.publicKey] }),
      ),
    );
    await world.enforced('reports-other');
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    assert.equal(
      (await existing('Deployment', 'web')).metadata.resourceVersion,
      before.metadata.resourceVersion,
    );
  });

  it('is put right where somebody edits or deletes it', async () => {
    const { metadata } = await existing('Deployment', 'web');
    await world.kubectl.patch(
      { kind: 'policyreport', name: metadata.name, namespace: NS },
      { results: [] },
      { type: 'merge' },
    );
    await says('Deployment', 'web', ['pass']);
    await world.kubectl.delete('policyreport', metadata.name, NS);
    await says('Deployment', 'web', ['pass']);
  });

  it('goes with its workload', async () => {
    await world.kubectl.delete('deployment', 'web', NS);
    await says('Deployment', 'web', []);
  });

  it('speaks of exempt namespaces too, without scoring', async () => {
    const exempt = pod({ name: 'exempt', namespace: 'kube-system', image: unsigned.pinned });
    assertAdmitted(await world.kubectl.create(exempt));
    await says('Pod', 'exempt', ['warn NO_SIGNATURE'], 'kube-system');
    await world.kubectl.delete('pod', 'exempt', 'kube-system');
  });
});
