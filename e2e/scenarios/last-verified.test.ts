// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'mocha';
import {
  freePort,
  pushImage,
  signBundle,
  startCountingProxy,
  waitFor,
  type CommandResult,
  type CountingProxy,
  type PushedImage,
} from '../harness/index.ts';
import { reportOf, resultsOf } from '../story/index.ts';
import {
  assertAdmitted,
  assertDenied,
  assertWarned,
  deployment,
  keyPolicySpec,
  namespace,
  pod,
  policy,
  startWorld,
  type World,
} from '../world/index.ts';

const NS = 'last-verified';
const MINUTE = 60_000;
/** What the registry answers: all that there is, that there are no signatures, that there is nothing. */
type Answers = 'all' | 'no signatures' | 'nothing';

describe('images that were verified, while their registry is away, on a real API server', function () {
  this.timeout(180_000);
  let world: World;
  let proxy: CountingProxy;
  let port: number;
  let answers: Answers = 'all';
  let sequence = 0;
  /** By the folder of the repository: each has a policy of its own. */
  const images = new Map<string, PushedImage>();

  const startProxy = async (): Promise<void> => {
    proxy = await startCountingProxy(world.registry.host, {
      port,
      faults: ({ path }) => {
        const hidden = answers === 'nothing' || /\/referrers\/|\/manifests\/sha256-/.test(path);
        return answers === 'all' || !hidden ? undefined : { status: 404 };
      },
    });
  };
  const pushed = async (repository: string): Promise<PushedImage> => {
    const image = await pushImage(world.registry, repository, '1.0');
    await signBundle(world.key, image.pinned);
    const pinned = image.pinned.replace(world.registry.host, `127.0.0.1:${port.toString()}`);
    return { ...image, pinned };
  };
  const create = (image: PushedImage | undefined): Promise<CommandResult> => {
    sequence += 1;
    const name = `pod-${sequence.toString()}`;
    return world.kubectl.create(pod({ name, namespace: NS, image: image?.pinned ?? '' }));
  };
  /** Until what the webhook has in memory is so old that it counts no more. */
  const until = (image: PushedImage | undefined, code: string, timeoutMs = 10_000) =>
    waitFor(
      async () => {
        const answer = await create(image);
        return new RegExp(`\\b${code}\\b`).test(answer.stderr) ? answer : undefined;
      },
      { timeoutMs, message: `${code} for ${image?.pinned ?? ''}` },
    );
  /** Until the registry, that was away, is asked again. */
  const answered = (image: PushedImage | undefined, wanted: (answer: CommandResult) => boolean) =>
    waitFor(
      async () => {
        const answer = await create(image);
        return wanted(answer) ? answer : undefined;
      },
      { timeoutMs: 15_000, message: `another answer for ${image?.pinned ?? ''}` },
    );
  const enforce = async (folder: string, spec: Readonly<Record<string, unknown>> = {}) => {
    const match = [`127.0.0.1:${port.toString()}/${folder}/**`];
    const keys = [world.key.publicKey];
    await world.kubectl.apply(policy(folder, keyPolicySpec({ images: match, keys, ...spec })));
    await world.enforced(folder);
  };
  const keeping = (maxAge: string) => ({
    onInconclusive: { action: 'AllowLastVerified', maxAge },
    reverification: { interval: '10s' },
  });
  /** Result, reason and the time of the evidence in the report of a Deployment. */
  const report = async (name: string): Promise<readonly (string | undefined)[]> => {
    const found = await reportOf(world, { kind: 'Deployment', name, namespace: NS });
    const [result] = resultsOf(found);
    return [result?.result, result?.properties['reason'], result?.properties['evidenceFrom']];
  };
  const reported = (name: string, wanted: RegExp, timeoutMs: number) =>
    waitFor(
      async () => {
        const told = await report(name);
        return wanted.test(told.join(' ').trim()) ? told : undefined;
      },
      { timeoutMs, message: `report of ${name}: ${String(wanted)}` },
    );

  before(async () => {
    port = await freePort();
    world = await startWorld({
      nodes: 0,
      plainHttpHosts: [`127.0.0.1:${port.toString()}`],
      env: { COUNTERSIGN_EVIDENCE_FRESH_SECONDS: '1', COUNTERSIGN_EVIDENCE_NEGATIVE_SECONDS: '1' },
    });
    await startProxy();
    await world.kubectl.apply(namespace(NS));
    for (const folder of ['lasting', 'short', 'strict'])
      images.set(folder, await pushed(`${folder}/app`));
    images.set('never', await pushed('lasting/never'));
    await Promise.all([
      enforce('lasting', keeping('1h')),
      enforce('short', keeping('1m')),
      enforce('strict'),
    ]);
    for (const folder of ['lasting', 'short', 'strict']) {
      const image = images.get(folder);
      const answer = await create(image);
      assertAdmitted(answer);
      assert.doesNotMatch(answer.stderr, /^Warning: /m);
      const options = { name: folder, namespace: NS, image: image?.pinned ?? '', replicas: 0 };
      await world.kubectl.apply(deployment(options));
    }
    for (const folder of ['lasting', 'short']) await reported(folder, /^pass$/, 20_000);
    await proxy.stop();
  });
  after(async () => {
    await proxy.stop();
    await world.stop();
  });

  it('are admitted with a warning by a policy that says so, and denied by one that does not', async () => {
    const warned = await until(images.get('lasting'), 'REGISTRY_UNAVAILABLE');
    assertWarned(warned, 'REGISTRY_UNAVAILABLE');
    assert.match(warned.stderr, /judged by evidence of \d{4}-\d\d-\d\dT[\d:.]+Z, as /);
    assertWarned(await until(images.get('short'), 'REGISTRY_UNAVAILABLE'), 'REGISTRY_UNAVAILABLE');
    assertDenied(await until(images.get('strict'), 'REGISTRY_UNAVAILABLE'), 'REGISTRY_UNAVAILABLE');
  });

  it('are reported as passing, with the time of the evidence', async () => {
    const [, , evidenceFrom = ''] = await reported('short', /^pass REGISTRY_UNAVAILABLE /, 30_000);
    const age = Date.now() - Date.parse(evidenceFrom);
    assert.ok(age > 0 && age < MINUTE, evidenceFrom);
  });

  it('are admitted after the webhook was killed, too', async () => {
    await world.webhook.kill();
    await world.webhook.start();
    await world.webhook.ready();
    assertWarned(await create(images.get('lasting')), 'REGISTRY_UNAVAILABLE');
    assertDenied(await create(images.get('strict')), 'REGISTRY_UNAVAILABLE');
  });

  it('are denied where they were never verified', async () => {
    assertDenied(await create(images.get('never')), 'REGISTRY_UNAVAILABLE');
  });

  it('are denied as soon as their key is taken from the policy', async () => {
    await enforce('lasting', {
      ...keeping('1h'),
      authorities: [
        { name: 'release-key', key: { material: { inline: world.otherKey.publicKey } } },
      ],
    });
    assertDenied(await create(images.get('lasting')), 'REGISTRY_UNAVAILABLE');
    await enforce('lasting', keeping('1h'));
    assertWarned(await create(images.get('lasting')), 'REGISTRY_UNAVAILABLE');
  });

  it('are reported by kept evidence after the operator was killed, too', async () => {
    await world.operator.kill();
    await world.operator.start();
    await world.operator.ready();
    await reported('lasting', /^pass REGISTRY_UNAVAILABLE 20/, 30_000);
  });

  it('are denied, and reported as an error, once the evidence is too old', async () => {
    const denied = await waitFor(
      async () => {
        const answer = await create(images.get('short'));
        return answer.code === 0 ? undefined : answer;
      },
      { timeoutMs: MINUTE + 15_000, message: 'denied' },
    );
    assertDenied(denied, 'REGISTRY_UNAVAILABLE');
    await reported('short', /^error REGISTRY_UNAVAILABLE$/, 30_000);
    assertWarned(await create(images.get('lasting')), 'REGISTRY_UNAVAILABLE');
  });

  it('are denied where the registry answers that they are not there', async () => {
    answers = 'nothing';
    await startProxy();
    assertDenied(
      await answered(images.get('lasting'), (a) => a.code !== 0),
      'REGISTRY_UNAVAILABLE',
    );
    await proxy.stop();
    assertWarned(await create(images.get('lasting')), 'REGISTRY_UNAVAILABLE');
  });

  it('are admitted without a warning once the registry is back', async () => {
    answers = 'all';
    await startProxy();
    for (const folder of ['lasting', 'short', 'strict']) {
      assertAdmitted(
        await answered(images.get(folder), (a) => a.code === 0 && !/^Warning: /m.test(a.stderr)),
      );
    }
  });

  it('are denied in the next outage where their signature was seen to be gone', async () => {
    answers = 'no signatures';
    assertDenied(await until(images.get('lasting'), 'NO_SIGNATURE'), 'NO_SIGNATURE');
    await proxy.stop();
    const denied = await until(images.get('lasting'), 'REGISTRY_UNAVAILABLE');
    assertDenied(denied, 'REGISTRY_UNAVAILABLE');
  });
});
