// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { join } from 'node:path';
import {
  freePort,
  ManagedProcess,
  newDirectory,
  pushImage,
  signBundle,
  startCountingProxy,
  waitFor,
  type CountingProxy,
  type PushedImage,
} from '../harness/index.ts';
import { keyPolicySpec, namespace, policy, startWorld, type World } from '../world/index.ts';
import type { Target } from './load.ts';

/** Namespace of all benched admissions. */
export const NS = 'bench';
/** Policies of the row with many. */
export const MANY_POLICIES = 16;

/** A world to measure: the built program, a counting proxy before the registry, a bare server. */
export interface Scene {
  readonly world: World;
  readonly proxy: CountingProxy;
  readonly webhook: Target;
  readonly bare: Target;
  /** Two signed images, seen through the proxy. */
  readonly images: readonly [PushedImage, PushedImage];
  stop(): Promise<void>;
}

/** Starts everything that the rows share. */
export async function startScene(): Promise<Scene> {
  const proxyPort = await freePort();
  const proxyHost = `127.0.0.1:${proxyPort.toString()}`;
  const world = await startWorld({
    nodes: 0,
    built: true,
    plainHttpHosts: [proxyHost],
    env: { COUNTERSIGN_LOG_LEVEL: 'info' },
  });
  const proxy = await startCountingProxy(world.registry.host, { port: proxyPort });
  await world.kubectl.apply(namespace(NS));
  const images = [
    await signedImage(world, proxy.host, 'bench/one'),
    await signedImage(world, proxy.host, 'bench/two'),
  ] as const;
  const bare = await startBareServer();
  const service = await world.kubectl.get<{
    spec: { clusterIP: string; ports: { port: number }[] };
  }>('service', 'countersign-webhook', 'countersign-system');
  const webhook = { host: service.spec.clusterIP, port: service.spec.ports[0]?.port ?? 443 };
  return {
    world,
    proxy,
    webhook,
    bare: bare.target,
    images,
    stop: async () => {
      await bare.process.stop(0);
      await proxy.stop();
      await world.stop();
    },
  };
}

/** Pushes and signs an image; its references go through the proxy. */
export async function signedImage(
  world: World,
  proxyHost: string,
  repository: string,
): Promise<PushedImage> {
  const image = await pushImage(world.registry, repository, '1.0');
  await signBundle(world.key, image.pinned);
  const behind = (text: string): string => text.replace(world.registry.host, proxyHost);
  return { ...image, reference: behind(image.reference), pinned: behind(image.pinned) };
}

/** Makes exactly `count` policies that all cover the benched images and verify them. */
export async function setPolicies(scene: Scene, count: number): Promise<void> {
  const { world, proxy } = scene;
  for (let n = 0; n < MANY_POLICIES; n += 1) {
    const name = `bench-${n.toString()}`;
    if (n >= count) await world.kubectl.delete('itp', name);
    else
      await world.kubectl.apply(
        policy(
          name,
          keyPolicySpec({
            images: [`${proxy.host}/bench/**`],
            keys: [world.key.publicKey],
            exceptions: { allowed: true, approval: 'NotRequired' },
          }),
        ),
      );
  }
  for (let n = 0; n < count; n += 1) await world.enforced(`bench-${n.toString()}`);
}

async function startBareServer(): Promise<{
  readonly target: Target;
  readonly process: ManagedProcess;
}> {
  const target = { host: '127.0.0.1', port: await freePort() };
  const root = join(import.meta.dirname, '..', '..');
  const server = ManagedProcess.start({
    name: 'bare-server',
    program: join(root, 'node_modules', '.bin', 'node'),
    args: [join(import.meta.dirname, 'bare-server.ts'), target.host, target.port.toString()],
    logFile: join(newDirectory('bare-server'), 'bare-server.log'),
  });
  await waitFor(() => server.logTail().includes('listening'), {
    timeoutMs: 10_000,
    message: 'bare server',
  });
  return { target, process: server };
}
