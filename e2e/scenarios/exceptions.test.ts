// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { before, describe, it } from 'mocha';
import { pushImage, waitFor, type PushedImage } from '../harness/index.ts';
import {
  assertAdmitted,
  assertDenied,
  exception,
  keyPolicySpec,
  namespace,
  pod,
  policy,
  sharedWorld,
  type ExceptionOptions,
  type World,
} from '../world/index.ts';

const NS = 'exceptions';

interface ExceptionStatus {
  readonly status?: {
    readonly conditions?: readonly {
      readonly type: string;
      readonly status: string;
      readonly reason: string;
    }[];
  };
}

describe('exceptions on a real API server', function () {
  this.timeout(120_000);
  let world: World;
  let me: string;
  let image: PushedImage;
  let sequence = 0;

  const create = (
    options: { image?: string; namespace?: string; serviceAccount?: string } = {},
  ) => {
    sequence += 1;
    return world.kubectl.create(
      pod({ name: `pod-${sequence.toString()}`, namespace: NS, image: image.pinned, ...options }),
    );
  };
  const grant = async (options: Partial<ExceptionOptions> & { name: string }): Promise<void> => {
    const defaults = {
      namespace: NS,
      policy: 'waivable',
      digests: [image.digest],
      requestedBy: me,
      expiresAt: new Date(Date.now() + 600_000),
    };
    await world.kubectl.apply(exception({ ...defaults, ...options }));
  };
  const active = async (name: string): Promise<string | undefined> => {
    const object = await world.kubectl.get<ExceptionStatus>('signingexception', name, NS);
    return object.status?.conditions?.find((c) => c.type === 'Active')?.reason;
  };
  const eventually = async (
    code: string,
    options: Parameters<typeof create>[0] = {},
  ): Promise<void> => {
    await waitFor(
      async () => {
        const answer = await create(options);
        if (code === 'admitted') assertAdmitted(answer);
        else assertDenied(answer, code);
        return true;
      },
      { timeoutMs: 5_000, message: `answer ${code}` },
    );
  };

  before(async () => {
    world = await sharedWorld();
    me = await world.kubectl.whoAmI();
    await world.kubectl.apply([namespace(NS), namespace('exceptions-other')]);
    await world.kubectl.must(['create', 'serviceaccount', 'other'], { namespace: NS });
    const images = [`${world.registry.host}/exceptions/**`];
    const keys = [world.key.publicKey];
    await world.kubectl.apply([
      policy(
        'waivable',
        keyPolicySpec({ images, keys, exceptions: { allowed: true, approval: 'NotRequired' } }),
      ),
      policy(
        'strict',
        keyPolicySpec({ images: [`${world.registry.host}/exceptions-strict/**`], keys }),
      ),
    ]);
    image = await pushImage(world.registry, 'exceptions/app', '1.0');
    await world.enforced('waivable');
    await world.enforced('strict');
  });

  it('lets in exactly the digest, namespace and service account that it names', async () => {
    assertDenied(await create(), 'NO_SIGNATURE');
    await grant({ name: 'narrow' });
    await eventually('admitted');
    await waitFor(async () => (await active('narrow')) === 'InEffect', {
      timeoutMs: 5_000,
      message: 'Active',
    });
    assertDenied(await create({ serviceAccount: 'other' }), 'EXCEPTION_OUT_OF_SCOPE');
    assertDenied(await create({ namespace: 'exceptions-other' }), 'NO_SIGNATURE');
    const other = await pushImage(world.registry, 'exceptions/app', '2.0');
    assertDenied(await create({ image: other.pinned }), 'NO_SIGNATURE');
    await world.kubectl.delete('signingexception', 'narrow', NS);
    await eventually('NO_SIGNATURE');
  });

  it('has no effect for another policy than the one it names', async () => {
    const strict = await pushImage(world.registry, 'exceptions-strict/app', '1.0');
    await grant({ name: 'other-policy', digests: [strict.digest] });
    await new Promise((resolve) => setTimeout(resolve, 500));
    assertDenied(await create({ image: strict.pinned }), 'NO_SIGNATURE');
    await world.kubectl.delete('signingexception', 'other-policy', NS);
  });

  it('has no effect for a policy that allows no exceptions', async () => {
    const strict = await pushImage(world.registry, 'exceptions-strict/app', '2.0');
    await grant({ name: 'not-allowed', policy: 'strict', digests: [strict.digest] });
    await eventually('EXCEPTION_INVALID', { image: strict.pinned });
    await waitFor(async () => (await active('not-allowed')) === 'NotAllowedByPolicy', {
      timeoutMs: 5_000,
      message: 'status',
    });
    await world.kubectl.delete('signingexception', 'not-allowed', NS);
  });

  it('X25: ends within a second of its deadline, by itself', async () => {
    const expiresAt = new Date(Date.now() + 5_000);
    await grant({ name: 'short', expiresAt });
    await eventually('admitted');
    await new Promise((resolve) => setTimeout(resolve, expiresAt.getTime() - Date.now() + 5));
    const asked = Date.now();
    assertDenied(await create(), 'EXCEPTION_EXPIRED');
    assert.ok(asked - expiresAt.getTime() < 1_000);
    await waitFor(async () => (await active('short')) === 'Expired', {
      timeoutMs: 5_000,
      message: 'status',
    });
    const object = await world.kubectl.get<ExceptionStatus>('signingexception', 'short', NS);
    assert.equal(object.status?.conditions?.find((c) => c.type === 'Ready')?.status, 'True');
    await world.kubectl.delete('signingexception', 'short', NS);
  });

  it('has no effect before it begins', async () => {
    const notBefore = new Date(Date.now() + 3_600_000);
    await grant({ name: 'later', notBefore, expiresAt: new Date(notBefore.getTime() + 3_600_000) });
    await eventually('EXCEPTION_OUT_OF_SCOPE');
    await world.kubectl.delete('signingexception', 'later', NS);
  });

  it('ends when it is revoked', async () => {
    await grant({ name: 'revoked' });
    await eventually('admitted');
    const revoked = { at: new Date().toISOString(), by: me, reason: 'the image is bad' };
    await world.kubectl.patch(
      { kind: 'signingexception', name: 'revoked', namespace: NS },
      { spec: { revoked } },
    );
    await eventually('EXCEPTION_EXPIRED');
    await world.kubectl.delete('signingexception', 'revoked', NS);
  });

  it('is refused where it is longer than the policy allows', async () => {
    const expiresAt = new Date(Date.now() + 800 * 3_600_000);
    await grant({ name: 'too-long', notBefore: new Date(), expiresAt });
    await eventually('EXCEPTION_INVALID');
    await waitFor(async () => (await active('too-long')) === 'TooLong', {
      timeoutMs: 5_000,
      message: 'status',
    });
    await world.kubectl.delete('signingexception', 'too-long', NS);
  });

  it('has no effect for a requirement that its policy does not have, and says so', async () => {
    await grant({ name: 'unknown', requirements: ['scanned'] });
    await eventually('EXCEPTION_OUT_OF_SCOPE');
    await waitFor(async () => (await active('unknown')) === 'UnknownRequirement', {
      timeoutMs: 5_000,
      message: 'status',
    });
    await world.kubectl.delete('signingexception', 'unknown', NS);
  });

  it('may come before its policy, and has effect as soon as that is there', async () => {
    const late = await pushImage(world.registry, 'exceptions-late/app', '1.0');
    await grant({ name: 'early', policy: 'late', digests: [late.digest] });
    const reason = (wanted: string): Promise<boolean> =>
      waitFor(async () => (await active('early')) === wanted, {
        timeoutMs: 5_000,
        message: wanted,
      });
    await reason('PolicyNotFound');
    const images = [`${world.registry.host}/exceptions-late/**`];
    const keys = [world.key.publicKey];
    const spec = keyPolicySpec({
      images,
      keys,
      exceptions: { allowed: true, approval: 'NotRequired' },
    });
    await world.kubectl.apply(policy('late', spec));
    await world.enforced('late');
    await reason('InEffect');
    assertAdmitted(await create({ image: late.pinned }));
    await world.kubectl.delete('itp', 'late');
    await reason('PolicyNotFound');
    await world.kubectl.delete('signingexception', 'early', NS);
  });
});
