// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'mocha';
import { pushImage, signBundle, waitFor, type PushedImage } from '../harness/index.ts';
import {
  assertAdmitted,
  assertDenied,
  exception,
  keyInConfigMap,
  keyPolicySpec,
  namespace,
  pod,
  policy,
  startWorld,
  type World,
} from '../world/index.ts';

const NS = 'resilience';
const SYSTEM = 'countersign-system';
const AS_OPERATOR = '--as=system:serviceaccount:countersign-system:countersign-operator';

interface Configuration {
  readonly apiVersion: string;
  readonly kind: string;
  readonly webhooks: readonly unknown[];
}

describe('when parts are missing, nothing opens', function () {
  this.timeout(180_000);
  let world: World;
  let me: string;
  let signed: PushedImage;
  let unsigned: PushedImage;
  let sequence = 0;

  const create = (image: PushedImage) => {
    sequence += 1;
    return world.kubectl.create(
      pod({ name: `pod-${sequence.toString()}`, namespace: NS, image: image.pinned }),
    );
  };
  const stillEnforced = async (): Promise<void> => {
    assertDenied(await create(unsigned), 'NO_SIGNATURE');
    assertAdmitted(await create(signed));
  };
  const programNames = async (): Promise<readonly string[]> => {
    const maps = await world.kubectl.list('configmaps', SYSTEM, 'countersign.dev/program');
    return maps.map((m) => m.metadata?.name ?? '');
  };

  before(async () => {
    world = await startWorld({ nodes: 0 });
    me = await world.kubectl.whoAmI();
    await world.kubectl.apply(namespace(NS));
    [signed, unsigned] = await Promise.all([
      pushImage(world.registry, 'resilience/signed', '1.0'),
      pushImage(world.registry, 'resilience/unsigned', '1.0'),
    ]);
    await signBundle(world.key, signed.pinned);
    const images = [`${world.registry.host}/resilience/**`];
    await world.kubectl.apply(
      policy(
        'resilience',
        keyPolicySpec({
          images,
          keys: [world.key.publicKey],
          exceptions: { allowed: true, approval: 'NotRequired' },
        }),
      ),
    );
    await world.enforced('resilience');
    await stillEnforced();
  });
  after(async () => {
    await world.stop();
  });

  it('a replica that is started while the operator is down enforces the last program', async () => {
    await world.operator.stop();
    await world.webhook.kill();
    assert.notEqual((await create(signed)).code, 0, 'admitted although no webhook runs');
    await world.webhook.start();
    await world.webhook.ready();
    await stillEnforced();
  });

  it('an exception that is deleted while the operator is down has no effect any more', async () => {
    const expiresAt = new Date(Date.now() + 600_000);
    const granted = {
      namespace: NS,
      policy: 'resilience',
      digests: [unsigned.digest],
      requestedBy: me,
      expiresAt,
    };
    await world.kubectl.apply(exception({ name: 'deleted', ...granted }));
    await waitFor(async () => (await create(unsigned)).code === 0, {
      timeoutMs: 5_000,
      message: 'admitted',
    });
    await world.kubectl.delete('signingexception', 'deleted', NS);
    await waitFor(async () => (await create(unsigned)).code !== 0, {
      timeoutMs: 5_000,
      message: 'denied',
    });
    assertDenied(await create(unsigned), 'NO_SIGNATURE');
  });

  it('an exception that is revoked while the operator is down has no effect any more', async () => {
    const expiresAt = new Date(Date.now() + 600_000);
    const granted = {
      namespace: NS,
      policy: 'resilience',
      digests: [unsigned.digest],
      requestedBy: me,
      expiresAt,
    };
    await world.kubectl.apply(exception({ name: 'revoked', ...granted }));
    await waitFor(async () => (await create(unsigned)).code === 0, {
      timeoutMs: 5_000,
      message: 'admitted',
    });
    const revoked = { at: new Date().toISOString(), by: me, reason: 'found to be bad' };
    await world.kubectl.patch(
      { kind: 'signingexception', name: 'revoked', namespace: NS },
      { spec: { revoked } },
    );
    await waitFor(async () => (await create(unsigned)).code !== 0, {
      timeoutMs: 5_000,
      message: 'denied',
    });
    assertDenied(await create(unsigned), 'EXCEPTION_EXPIRED');
    await world.kubectl.delete('signingexception', 'revoked', NS);
  });

  it("the program is nobody's to edit or delete but the operator's, not even an administrator's", async () => {
    const names = await programNames();
    assert.ok(names.includes('countersign-program'));
    assert.ok(names.length >= 2);
    for (const name of names) {
      const deleted = await world.kubectl.run(['delete', 'configmap', name, '-n', SYSTEM]);
      assert.match(deleted.stderr, /written by the operator alone/);
    }
    const edited = await world.kubectl.patch(
      { kind: 'configmap', name: 'countersign-program', namespace: SYSTEM },
      { data: { 'index.json': '{}' } },
    );
    assert.match(edited.stderr, /written by the operator alone/);
    await stillEnforced();
  });

  it('a malformed index keeps the last program', async () => {
    const before = await world.kubectl.get<{ data: Record<string, string> }>(
      'configmap',
      'countersign-program',
      SYSTEM,
    );
    for (const text of ['{', '{}', JSON.stringify({ formatVersion: 99 }), '']) {
      const patch = JSON.stringify({ data: { 'index.json': text } });
      await world.kubectl.must([
        'patch',
        'configmap',
        'countersign-program',
        '-n',
        SYSTEM,
        '--type=merge',
        `--patch=${patch}`,
        AS_OPERATOR,
      ]);
      await new Promise((resolve) => setTimeout(resolve, 300));
      await stillEnforced();
    }
    const patch = JSON.stringify({ data: before.data });
    await world.kubectl.must([
      'patch',
      'configmap',
      'countersign-program',
      '-n',
      SYSTEM,
      '--type=merge',
      `--patch=${patch}`,
      AS_OPERATOR,
    ]);
  });

  it('a replica that holds a program keeps it when every object of it is deleted; a new one denies', async () => {
    for (const name of await programNames()) {
      await world.kubectl.must(['delete', 'configmap', name, '-n', SYSTEM, AS_OPERATOR]);
    }
    await new Promise((resolve) => setTimeout(resolve, 500));
    await stillEnforced();
    assert.equal(await world.webhook.isReady(), true);
    await world.webhook.kill();
    await world.webhook.start();
    await waitFor(async () => (await world.webhook.probe('/readyz')).status === 503, {
      timeoutMs: 15_000,
      message: 'not ready',
    });
    const answer = await waitFor(
      async () => {
        const denied = await create(signed);
        return denied.stderr.includes('NOT_PROGRAMMED') ? denied : undefined;
      },
      { timeoutMs: 10_000, message: 'denied as not programmed' },
    );
    assertDenied(answer, 'NOT_PROGRAMMED');
  });

  it('the operator publishes the program again, with a higher revision, and everything is as before', async () => {
    await world.operator.start();
    await world.operator.ready();
    await world.webhook.ready();
    await world.enforced('resilience');
    await stillEnforced();
  });

  it('a policy that stops compiling keeps its last program, and says so', async () => {
    const { configMap, authority } = keyInConfigMap('broken', 'not a key');
    const broken = keyPolicySpec({
      images: [`${world.registry.host}/resilience/**`],
      keys: [],
      authorities: [authority],
      exceptions: { allowed: true, approval: 'NotRequired' },
    });
    await world.kubectl.apply(configMap);
    await world.kubectl.apply(policy('resilience', broken));
    const stalled = await waitFor(
      async () => {
        const object = await world.kubectl.get<{
          status: { conditions: { type: string; message: string; reason: string }[] };
        }>('itp', 'resilience');
        return object.status.conditions.find((c) => c.type === 'Stalled');
      },
      { timeoutMs: 10_000, message: 'Stalled' },
    );
    assert.equal(stalled.reason, 'CompileFailed');
    assert.match(stalled.message, /spec\.authorities\[0\]\.key\.material/);
    await stillEnforced();
    await world.operator.stop();
    await world.operator.start();
    await world.operator.ready();
    await stillEnforced();
  });

  it('a tag is denied where the pinning webhook is absent', async () => {
    const name = 'countersign';
    const { webhooks, apiVersion, kind } = await world.kubectl.get<Configuration>(
      'mutatingwebhookconfiguration',
      name,
    );
    await world.kubectl.delete('mutatingwebhookconfiguration', name);
    const answer = await world.kubectl.create(
      pod({ name: 'unpinned', namespace: NS, image: signed.reference }),
    );
    assertDenied(answer, 'DIGEST_REQUIRED');
    await world.kubectl.apply({ apiVersion, kind, metadata: { name }, webhooks });
    await waitFor(
      async () =>
        (
          await world.kubectl.create(
            pod({ name: 'pinned', namespace: NS, image: signed.reference }),
          )
        ).code === 0,
      { timeoutMs: 5_000, message: 'pinned and admitted' },
    );
  });

  it('a policy that is deleted is enforced no more', async () => {
    await world.kubectl.delete('itp', 'resilience');
    await waitFor(async () => (await create(unsigned)).code === 0, {
      timeoutMs: 10_000,
      message: 'admitted',
    });
  });

  it('the caBundle is repaired, and a configuration that is deleted stays deleted', async () => {
    const target = { kind: 'validatingwebhookconfiguration', name: 'countersign' };
    const clear = [
      {
        op: 'replace',
        path: '/webhooks/0/clientConfig/caBundle',
        value: Buffer.from('garbage').toString('base64'),
      },
    ];
    await world.kubectl.patch(target, clear, { type: 'json' });
    await waitFor(
      async () => {
        const object = await world.kubectl.get<{
          webhooks: { clientConfig: { caBundle?: string } }[];
        }>(target.kind, target.name);
        return Buffer.from(object.webhooks[0]?.clientConfig.caBundle ?? '', 'base64')
          .toString()
          .includes('BEGIN CERTIFICATE');
      },
      { timeoutMs: 5_000, message: 'caBundle repaired' },
    );
    await world.kubectl.delete('mutatingwebhookconfiguration', 'countersign');
    await new Promise((resolve) => setTimeout(resolve, 2_000));
    assert.equal(
      await world.kubectl.find('mutatingwebhookconfiguration', 'countersign'),
      undefined,
    );
  });
});
