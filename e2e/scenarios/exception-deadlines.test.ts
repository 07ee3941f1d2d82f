// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { after, before, describe, it } from 'mocha';
import { KubeClient, KubeError, loadKubeConfig } from '../../runtime/kube/index.ts';
import { pushImage, waitFor, type PushedImage } from '../harness/index.ts';
import { reportOf, resultsOf } from '../story/index.ts';
import {
  deployment,
  exception,
  keyPolicySpec,
  namespace,
  pod,
  policy,
  startWorld,
  type World,
} from '../world/index.ts';

const NS = 'deadlines';
const COUNT = 20;
/** From the first deadline to the last. */
const SPREAD_MS = 10_000;
const LEAD_MS = 15_000;
/** What the product promises. */
const DENIED_WITHIN_MS = 1_000;
const REPORTED_WITHIN_MS = 5_000;

interface Trial {
  readonly name: string;
  readonly image: PushedImage;
  readonly endsAt: number;
}

interface Passed {
  /** The last admission, and the first denial, by when they were asked for; relative to the deadline. */
  readonly admittedAt: number;
  readonly deniedAt: number;
}

describe('the deadlines of exceptions, on a real API server', function () {
  this.timeout(180_000);
  let world: World;
  let connection: ReturnType<typeof loadKubeConfig>;
  let client: KubeClient;
  let requestedBy: string;

  /** Asks for a pod as a dry run: what is denied by us answers the message, what is admitted `admitted`. */
  const ask = async (pinned: string): Promise<string> => {
    const body = pod({ name: 'asked', namespace: NS, image: pinned });
    try {
      await client.create(`/api/v1/namespaces/${NS}/pods`, body, { query: { dryRun: 'All' } });
      return 'admitted';
    } catch (thrown) {
      if (thrown instanceof KubeError) return thrown.message;
      throw thrown;
    }
  };
  const prepare = async (
    prefix: string,
    { count, leadMs }: { readonly count: number; readonly leadMs: number },
  ): Promise<readonly Trial[]> => {
    const images = await Promise.all(
      Array.from({ length: count }, async (_, n) => {
        const name = `${prefix}-${n.toString()}`;
        return { name, image: await pushImage(world.registry, `deadlines/${name}`, '1.0') };
      }),
    );
    await world.kubectl.apply(
      images.map(({ name, image }) =>
        deployment({ name, namespace: NS, image: image.pinned, replicas: 0 }),
      ),
    );
    const start = Date.now() + leadMs;
    return images.map((trial, n) => ({
      ...trial,
      // No two on the same second, and none on a whole one.
      endsAt: start + Math.round((n * SPREAD_MS) / count) + 137,
    }));
  };
  const grant = async (trials: readonly Trial[]): Promise<void> => {
    await world.kubectl.apply(
      trials.map(({ name, image, endsAt }) =>
        exception({
          name,
          namespace: NS,
          policy: 'deadlines',
          digests: [image.digest],
          expiresAt: new Date(endsAt),
          requestedBy,
        }),
      ),
    );
  };
  /** Asks again and again around the deadline, and tells when the answer changed. */
  const pass = async ({ image, endsAt, name }: Trial): Promise<Passed> => {
    await waitFor(async () => (await ask(image.pinned)) === 'admitted', {
      timeoutMs: LEAD_MS,
      message: `${name} admitted`,
    });
    await sleep(Math.max(0, endsAt - 300 - Date.now()));
    let admittedAt = -Infinity;
    for (;;) {
      const askedAt = Date.now() - endsAt;
      const answer = await ask(image.pinned);
      if (answer !== 'admitted') {
        assert.ok(Date.now() >= endsAt, `${name} is denied early`);
        assert.match(answer, /EXCEPTION_EXPIRED/);
        assert.match(answer, new RegExp(`exception ${NS}/${name} ended at`));
        return { admittedAt, deniedAt: askedAt };
      }
      admittedAt = askedAt;
      assert.ok(askedAt < DENIED_WITHIN_MS, `${name} is admitted ${askedAt.toString()} ms late`);
      await sleep(20);
    }
  };
  const flips = async ({ name, endsAt }: Trial): Promise<number> => {
    const words = async (): Promise<readonly string[]> =>
      resultsOf(await reportOf(world, { kind: 'Deployment', name, namespace: NS })).map(
        ({ result, properties }) => `${result} ${properties['exception'] ?? ''}`,
      );
    await waitFor(async () => (await words()).join() === `skip ${NS}/${name}`, {
      timeoutMs: LEAD_MS,
      message: `${name} is reported as skipped`,
    });
    await sleep(Math.max(0, endsAt - Date.now()));
    await waitFor(async () => (await words()).join() === `fail ${NS}/${name}`, {
      timeoutMs: 20_000,
      intervalMs: 100,
      message: `${name} is reported as failed, naming the exception`,
    });
    return Date.now() - endsAt;
  };

  before(async () => {
    world = await startWorld({ nodes: 0 });
    connection = loadKubeConfig({ kubeconfigPath: world.plane.kubeconfig });
    client = new KubeClient(connection);
    requestedBy = await world.kubectl.whoAmI();
    await world.kubectl.apply(namespace(NS));
    const images = [`${world.registry.host}/deadlines/**`];
    const exceptions = { allowed: true, approval: 'NotRequired' };
    const spec = keyPolicySpec({ images, keys: [world.key.publicKey], exceptions });
    await world.kubectl.apply(policy('deadlines', spec));
    await world.enforced('deadlines');
  });
  after(async () => {
    await connection.close();
    await world.stop();
  });

  it('X25: end twenty exceptions within a second in admission and five in reports, never early', async () => {
    const trials = await prepare('app', { count: COUNT, leadMs: LEAD_MS });
    await grant(trials);
    const passed = await Promise.all(
      trials.map(async (trial) => {
        const [{ admittedAt, deniedAt }, reportedAt] = await Promise.all([
          pass(trial),
          flips(trial),
        ]);
        return { name: trial.name, admittedAt, deniedAt, reportedAt };
      }),
    );
    assert.equal(passed.length, COUNT);
    for (const { name, admittedAt, deniedAt, reportedAt } of passed) {
      const told = `${name}: denied at ${deniedAt.toString()} ms, reported at ${reportedAt.toString()} ms`;
      // Asked for before the deadline, it may be answered after it; one that is answered before is admitted.
      assert.ok(admittedAt > -1_000, told);
      assert.ok(deniedAt <= DENIED_WITHIN_MS, told);
      assert.ok(reportedAt >= 0 && reportedAt <= REPORTED_WITHIN_MS, told);
    }
  });

  it('X25: end exceptions as soon while the operator is down', async () => {
    const trials = await prepare('down', { count: 5, leadMs: 8_000 });
    await grant(trials);
    await world.operator.stop();
    const passed = await Promise.all(trials.map(pass));
    for (const { admittedAt, deniedAt } of passed) {
      assert.ok(admittedAt > -1_000);
      assert.ok(deniedAt <= DENIED_WITHIN_MS);
    }
  });
});
