// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, describe, it } from 'mocha';
import { parseAllDocuments } from 'yaml';
import type { SigningException } from '../../crds/index.ts';
import { approvalOf, compileException, compilePolicy } from '../../verification/index.ts';
import { TestCertificateAuthority, TestTufRepository } from '../../verification/testing/index.ts';
import { waitFor, type KubernetesObject } from '../harness/index.ts';
import { sharedSigstore } from '../sigstore/index.ts';
import { sharedWorld, type World } from '../world/index.ts';

const SAMPLES: string = join(import.meta.dirname, '..', '..', 'config', 'samples');
/** Its mirror does not exist: the only sample that cannot be in force. */
const UNREACHABLE = 'tuf-mirror';

interface Status {
  readonly status?: { readonly conditions?: readonly Condition[] };
}

interface Condition {
  readonly type: string;
  readonly status: string;
  readonly reason: string;
  readonly message: string;
}

describe('the samples on a real API server', function () {
  this.timeout(120_000);
  let world: World;
  let objects: readonly KubernetesObject[];

  const policies = (): readonly string[] =>
    objects
      .filter(({ kind }) => kind === 'ImageTrustPolicy')
      .map(({ metadata }) => metadata?.name ?? '');

  /** A condition of a policy, once it has that status. */
  const condition = async (policy: string, type: string, status: string): Promise<Condition> => {
    let seen: readonly Condition[] = [];
    await waitFor(
      async () => {
        const object = await world.kubectl.get<Status>('imagetrustpolicy', policy);
        seen = object.status?.conditions ?? [];
        return seen.some((c) => c.type === type && c.status === status);
      },
      { timeoutMs: 60_000, message: `${policy}: ${type}=${status}` },
    ).catch((error: unknown) => {
      throw new Error(`${policy}: ${JSON.stringify(seen)}`, { cause: error });
    });
    const found = seen.find((c) => c.type === type);
    assert.ok(found !== undefined);
    return found;
  };

  before(async () => {
    const [started, sigstore] = await Promise.all([sharedWorld(), sharedSigstore()]);
    world = started;
    const text = await world.kubectl.must(['kustomize', SAMPLES]);
    objects = parseAllDocuments(text).map((document) => document.toJS() as KubernetesObject);
    const { pem } = new TestCertificateAuthority();
    const material: Readonly<Record<string, Readonly<Record<string, string>>>> = {
      'private-sigstore': { 'trusted_root.json': sigstore.trustedRoot },
      'github-sigstore': { 'trusted_root.json': sigstore.trustedRoot },
      'own-pki': { 'roots.pem': pem, 'timestamp-roots.pem': pem },
      'tuf-root': { 'root.json': new TestTufRepository().firstRoot },
    };
    await world.kubectl.apply(
      Object.entries(material).map(([name, data]) => ({
        apiVersion: 'v1',
        kind: 'ConfigMap',
        metadata: { name, namespace: 'countersign-system' },
        data,
      })),
    );
  });

  after(async () => {
    // One of them speaks of every image.
    await world.kubectl.must(['delete', '--kustomize', SAMPLES, '--ignore-not-found']);
  });

  it('are accepted, by webhooks too, in the name of who requests the exception', async () => {
    const as = ['--as=dev@example.com', '--as-group=system:masters'];
    const args = ['apply', '--kustomize', SAMPLES, '--validate=strict', ...as];
    const { code, stdout, stderr } = await world.kubectl.run(args);
    assert.deepEqual([code, stderr], [0, '']);
    // Another scenario may have left one of the same name.
    assert.equal(stdout.match(/ (created|configured|unchanged)$/gm)?.length, objects.length);
  });

  it('hold a signed approval that counts for the cluster that it names, and no other', () => {
    const specOf = (kind: string, name: string): unknown =>
      objects.find((object) => object.kind === kind && object.metadata?.name === name)?.['spec'];
    const policy = compilePolicy('shop-images', specOf('ImageTrustPolicy', 'shop-images'));
    const name = 'checkout-approved';
    const sample: SigningException = {
      metadata: { name, namespace: 'default' },
      spec: specOf('SigningException', name) as SigningException['spec'],
    };
    const approvedIn = (cluster: string): string =>
      approvalOf(compileException(sample), policy, {
        now: Date.parse('2026-11-21T00:00:00Z'),
        cluster,
      }).state;
    assert.equal(approvedIn('production'), 'approved');
    assert.equal(approvedIn('staging'), 'unapproved');
  });

  it('are in force, those of the public good by what was shipped', async () => {
    for (const name of policies().filter((policy) => policy !== UNREACHABLE)) {
      const { reason, message } = await condition(name, 'Ready', 'True');
      assert.equal(reason, 'Enforced', `${name}: ${message}`);
    }
  });

  it('say so where the mirror of a trust root has never answered', async () => {
    const { reason, message } = await condition(UNREACHABLE, 'Stalled', 'True');
    assert.equal(reason, 'TrustRootStale');
    assert.match(message, /^spec\.authorities\[0\]\.keyless\.trustRoot: /);
    assert.equal((await condition(UNREACHABLE, 'Ready', 'False')).reason, 'TrustRootStale');
  });
});
