// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { join } from 'node:path';
import {
  generateKey,
  mustRun,
  newDirectory,
  pushImage,
  signBundle,
  signLegacy,
  tool,
  waitFor,
  type CosignKey,
  type Kubectl,
  type PushedImage,
} from '../harness/index.ts';
import type { Stage } from '../story/index.ts';
import type { NodeCluster } from './node.ts';

const ROOT: string = join(import.meta.dirname, '..', '..');
const SYSTEM = 'countersign-system';

/** The story's stage on a real node: images are programs that run, the registry is behind TLS. */
export class NodeStage implements Stage {
  readonly kubectl: Kubectl;
  readonly registry: { readonly host: string };
  readonly tagRegistry: { readonly host: string };
  readonly key: CosignKey;
  readonly otherKey: CosignKey;
  readonly registrySpec: Readonly<Record<string, unknown>>;
  readonly #cluster: NodeCluster;

  private constructor(cluster: NodeCluster, key: CosignKey, otherKey: CosignKey) {
    this.#cluster = cluster;
    this.kubectl = cluster.plane.kubectl;
    this.registry = cluster.registry;
    this.tagRegistry = cluster.registry;
    this.registrySpec = { ca: { inline: cluster.registryCa } };
    this.key = key;
    this.otherKey = otherKey;
  }

  /** Makes the keys of the story. */
  static async create(cluster: NodeCluster): Promise<NodeStage> {
    const [key, otherKey] = await Promise.all([generateKey(), generateKey()]);
    return new NodeStage(cluster, key, otherKey);
  }

  push(registry: { readonly host: string }, repository: string, tag: string): Promise<PushedImage> {
    return pushImage(registry, repository, tag, {
      program: tool('pause'),
      runIn: this.#cluster.namespace,
    });
  }

  async sign(format: 'bundle' | 'legacy', key: CosignKey, pinned: string): Promise<void> {
    const where = { runIn: this.#cluster.namespace };
    await (format === 'bundle' ? signBundle(key, pinned, where) : signLegacy(key, pinned, where));
  }

  async enforced(policy: string): Promise<void> {
    await waitFor(
      async () => {
        const object = await this.kubectl.get<PolicyLike>('imagetrustpolicy', policy);
        const ready = object.status?.conditions?.find((c) => c.type === 'Ready');
        return ready?.status === 'True' && ready.observedGeneration === object.metadata.generation;
      },
      { timeoutMs: 30_000, message: `policy ${policy} is enforced` },
    );
  }
}

interface PolicyLike {
  readonly metadata: { readonly generation: number };
  readonly status?: {
    readonly conditions?: readonly { type: string; status: string; observedGeneration?: number }[];
  };
}

/** Makes the image of operator and webhook and puts it into the node under the name the manifests use. */
export async function loadImage(cluster: NodeCluster): Promise<void> {
  await mustRun(join(ROOT, 'e2e', 'setup', 'image.sh'), ['--stage'], { timeoutMs: 300_000 });
  const staged = join(ROOT, 'out', 'image');
  const directory = newDirectory('countersign-image');
  const layers = { base: join(directory, 'base.tar'), app: join(directory, 'app.tar') };
  await mustRun(
    'tar',
    ['--create', '--file', layers.base, '--directory', join(staged, 'base', 'rootfs'), '.'],
    { timeoutMs: 120_000 },
  );
  const app = ['--transform', 's,^\\./,app/,', '--exclude', './Dockerfile'];
  await mustRun(
    'tar',
    ['--create', '--file', layers.app, ...app, '--directory', join(staged, 'app'), '.'],
    { timeoutMs: 120_000 },
  );
  const reference = `${cluster.registry.host}/countersign:dev`;
  const where = { runIn: cluster.namespace, timeoutMs: 120_000 };
  await mustRun(
    tool('crane'),
    ['append', '--new_layer', layers.base, '--new_layer', layers.app, '--new_tag', reference],
    where,
  );
  const config = [
    '--user',
    '65532:65532',
    '--workdir',
    '/app',
    '--env',
    'PATH=/usr/local/bin',
    '--env',
    'NODE_ENV=production',
  ];
  await mustRun(
    tool('crane'),
    ['mutate', reference, ...config, '--set-platform', 'linux/amd64', '--tag', reference],
    where,
  );
  await cluster.sideload(reference, 'docker.io/library/countersign:dev');
}

/** Installs `config/default`, then `config/admission`, both unchanged, and waits until each is ready. */
export async function installCountersign(cluster: NodeCluster): Promise<void> {
  const { kubectl } = cluster.plane;
  await kubectl.must(['apply', '--server-side', '--kustomize', join(ROOT, 'config', 'crd')]);
  await kubectl.must(['wait', '--for=condition=Established', '--timeout=30s', 'crd', '--all']);
  await kubectl.must(['apply', '--server-side', '--kustomize', join(ROOT, 'config', 'default')]);
  for (const name of ['countersign-operator', 'countersign-webhook']) {
    const rollout = await kubectl.run(
      ['rollout', 'status', `deployment/${name}`, '--timeout=90s'],
      { namespace: SYSTEM, timeoutMs: 100_000 },
    );
    if (rollout.code !== 0)
      throw new Error(`${rollout.stderr}\n${await describe(kubectl, name)}\n${cluster.logTail()}`);
  }
  await kubectl.must(['apply', '--server-side', '--kustomize', join(ROOT, 'config', 'admission')]);
  await waitFor(() => admissionAnswers(kubectl), {
    timeoutMs: 30_000,
    message: 'admission answers',
    intervalMs: 300,
  });
}

async function admissionAnswers(kubectl: Kubectl): Promise<boolean> {
  const image = `registry.invalid/probe@sha256:${'0'.repeat(64)}`;
  const answer = await kubectl.run([
    'run',
    'probe',
    `--image=${image}`,
    '--dry-run=server',
    '-n',
    'default',
  ]);
  return answer.code === 0;
}

async function describe(kubectl: Kubectl, name: string): Promise<string> {
  const pods = await kubectl.run(['describe', 'pods'], { namespace: SYSTEM });
  const logs = await kubectl.run(['logs', `deployment/${name}`, '--tail=40'], {
    namespace: SYSTEM,
  });
  return `${pods.stdout}\n${logs.stdout}${logs.stderr}`;
}
