// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { setTimeout as sleep } from 'node:timers/promises';
import { KubeClient, loadKubeConfig, type PooledKubeConfig } from '../../../runtime/kube/index.ts';
import {
  freePort,
  startCountingProxy,
  waitFor,
  type CosignKey,
  type CountingProxy,
} from '../../harness/index.ts';
import { keyPolicySpec, policy, startWorld, type World } from '../../world/index.ts';
import { operatorAudit, writesOf, type AuditLog } from './audit.ts';
import { makeNamespaces, makeWorkloads } from './cluster.ts';
import { pushScaleImages, signScaleImages, type ScaleImage } from './images.ts';
import { metricOf, usageOf } from './process.ts';
import { ReportWatch } from './reports.ts';
import { DIGESTS, expectedLines, PODS, scaleWorkloads, workloadKey } from './table.ts';
import type { ScaleWorkload, Trusted } from './table.ts';

/** Figures of a large cluster. */
export interface ScaleFigures {
  readonly scale_pods: number;
  readonly scale_first_pass_s: number;
  readonly scale_steady_api_writes: number;
  readonly scale_steady_collections_per_digest: number;
  readonly scale_steady_registry_requests_per_digest: number;
  readonly scale_rotation_s: number;
  readonly scale_operator_rss_mib: number;
}

const NODES = 10;
const INTERVAL_S = 60;
const STEADY_INTERVALS = 2;
const POLICY = 'scale';
const PASS_MS = 900_000;

/** What is measured, and with what. */
interface ScaleScene {
  readonly world: World;
  readonly proxy: CountingProxy;
  readonly audit: AuditLog;
  readonly config: PooledKubeConfig;
  readonly reports: ReportWatch;
  readonly workloads: readonly ScaleWorkload[];
  readonly images: readonly ScaleImage[];
  readonly keys: Readonly<Record<Trusted, CosignKey>>;
}

/** 10,000 pods over 1,000 digests: first pass, steady state, one rotation of the trusted key. */
export async function benchScale(): Promise<ScaleFigures> {
  const audit = operatorAudit();
  const proxyPort = await freePort();
  const proxyHost = `127.0.0.1:${proxyPort.toString()}`;
  const world = await startWorld({
    nodes: NODES,
    built: true,
    plainHttpHosts: [proxyHost],
    plane: { apiServerFlags: audit.flags },
    env: { COUNTERSIGN_LOG_LEVEL: 'info' },
  });
  const proxy = await startCountingProxy(world.registry.host, { port: proxyPort });
  const config = loadKubeConfig({ kubeconfigPath: world.plane.kubeconfig });
  const reports = new ReportWatch(config);
  try {
    const keys = { first: world.key, second: world.otherKey };
    const images = await prepareImages(world, keys);
    const workloads = await prepareCluster({ world, proxy, config, images });
    const scene = { world, proxy, audit, config, reports, workloads, images, keys };
    const firstPass = await measureFirstPass(scene);
    const steady = await measureSteady(scene);
    const rotation = await measureRotation(scene);
    const { peakRssMib } = usageOf(world.operator);
    return {
      scale_pods: PODS,
      ...firstPass,
      ...steady,
      ...rotation,
      scale_operator_rss_mib: peakRssMib,
    };
  } finally {
    await reports.stop();
    await config.close();
    await proxy.stop();
    await world.stop();
  }
}

async function prepareImages(
  world: World,
  keys: ScaleScene['keys'],
): Promise<readonly ScaleImage[]> {
  const at = performance.now();
  const images = await pushScaleImages(world.registry.host);
  tell(`pushed ${images.length.toString()} images`, at);
  await signScaleImages(world.registry.host, images, keys);
  tell('signed them as the table says', at);
  return images;
}

async function prepareCluster({
  world,
  proxy,
  config,
  images,
}: Pick<ScaleScene, 'world' | 'proxy' | 'config' | 'images'>): Promise<readonly ScaleWorkload[]> {
  const at = performance.now();
  const workloads = scaleWorkloads(NODES);
  await makeNamespaces(world);
  await world.operator.stop();
  const imageOf = (n: number): string => `${proxy.host}/${images[n]?.pinned ?? ''}`;
  const withImages = workloads.map((workload) => {
    const entries = Object.entries(workload.containers).map(([c, n]) => [c, imageOf(n)] as const);
    return { ...workload, images: Object.fromEntries(entries) };
  });
  await makeWorkloads(world, config, withImages);
  tell(`${PODS.toString()} pods of ${workloads.length.toString()} workloads run`, at);
  return workloads;
}

/** From the start of the operator until every report is as the table says. */
async function measureFirstPass(scene: ScaleScene): Promise<{ scale_first_pass_s: number }> {
  const { world, proxy, audit, reports } = scene;
  await world.kubectl.apply(policy(POLICY, specOf(scene, 'first')));
  expect(scene, 'first');
  proxy.reset();
  const position = audit.position();
  const started = performance.now();
  await world.operator.start();
  const equalAt = await reports.untilEqual(PASS_MS);
  await reports.assertEqual();
  tellAll(scene, 'first pass', position);
  return { scale_first_pass_s: (equalAt - started) / 1000 };
}

async function measureSteady(scene: ScaleScene): Promise<{
  scale_steady_api_writes: number;
  scale_steady_collections_per_digest: number;
  scale_steady_registry_requests_per_digest: number;
}> {
  const { world, proxy, audit, reports } = scene;
  await quiet(scene);
  proxy.reset();
  const position = audit.position();
  const before = await metricOf(world.operator, 'countersign_collections_total');
  const cpuBefore = usageOf(world.operator).cpuSeconds;
  const started = performance.now();
  await sleep(INTERVAL_S * STEADY_INTERVALS * 1000);
  const intervals = (performance.now() - started) / 1000 / INTERVAL_S;
  const after = await metricOf(world.operator, 'countersign_collections_total');
  const cpu = usageOf(world.operator).cpuSeconds - cpuBefore;
  await reports.assertEqual();
  tellAll(scene, `${intervals.toFixed(2)} intervals, ${cpu.toFixed(1)} s of CPU`, position);
  return {
    scale_steady_api_writes: writesOf(audit.callsSince(position)),
    scale_steady_collections_per_digest: (after - before) / DIGESTS / intervals,
    scale_steady_registry_requests_per_digest: proxy.requests.length / DIGESTS / intervals,
  };
}

/** From the edit that trusts the second key instead of the first until every report is as the table says. */
async function measureRotation(scene: ScaleScene): Promise<{ scale_rotation_s: number }> {
  const { world, proxy, audit, reports, config } = scene;
  const position = audit.position();
  const collected = await metricOf(world.operator, 'countersign_collections_total');
  const cpuBefore = usageOf(world.operator).cpuSeconds;
  proxy.reset();
  expect(scene, 'second');
  const started = performance.now();
  const path = `/apis/countersign.dev/v1alpha1/imagetrustpolicies/${POLICY}`;
  await new KubeClient(config).patch(path, { spec: specOf(scene, 'second') }, 'merge');
  const equalAt = await reports.untilEqual(PASS_MS);
  const after = await metricOf(world.operator, 'countersign_collections_total');
  const cpu = usageOf(world.operator).cpuSeconds - cpuBefore;
  await reports.assertEqual();
  const collections = (after - collected).toString();
  tellAll(scene, `rotation, ${collections} collections, ${cpu.toFixed(1)} s of CPU`, position);
  return { scale_rotation_s: (equalAt - started) / 1000 };
}

/** After the rotation evidence is not due again: what is asked of the registry is asked for the edit. */
function specOf({ proxy, keys }: ScaleScene, trusted: Trusted): Readonly<Record<string, unknown>> {
  return keyPolicySpec({
    images: [`${proxy.host}/scale/**`],
    keys: [keys[trusted].publicKey],
    reverification: { interval: trusted === 'first' ? `${INTERVAL_S.toString()}s` : '1h' },
  });
}

function expect({ reports, workloads, images }: ScaleScene, trusted: Trusted): void {
  const digests = images.map(({ digest }) => digest);
  reports.expect(
    new Map(workloads.map((w) => [workloadKey(w), expectedLines(w, digests, trusted)])),
  );
}

/** Until the operator has written what a pass leaves behind: events and status come after reports. */
async function quiet({ audit }: ScaleScene): Promise<void> {
  let position = audit.position();
  await waitFor(
    () => {
      const from = position;
      position = audit.position();
      return from < position && writesOf(audit.callsSince(from)) === 0;
    },
    { timeoutMs: 120_000, intervalMs: 5_000, message: 'an operator that is done' },
  );
}

function tellAll({ world, proxy, audit }: ScaleScene, what: string, position: number): void {
  const { rssMib, peakRssMib, cpuSeconds } = usageOf(world.operator);
  const calls = [...audit.callsSince(position)].map(([call, n]) => `${call} ${n.toString()}`);
  const rss = `RSS ${rssMib.toFixed(0)} MiB, peak ${peakRssMib.toFixed(0)} MiB`;
  const cpu = `${cpuSeconds.toFixed(1)} s of CPU since start`;
  const requests = `${proxy.requests.length.toString()} registry requests`;
  process.stderr.write(`scale: ${what}: ${rss}, ${cpu}, ${requests}, ${calls.join(', ')}\n`);
}

function tell(what: string, since: number): void {
  const seconds = ((performance.now() - since) / 1000).toFixed(1);
  process.stderr.write(`scale: ${what} (${seconds} s)\n`);
}
