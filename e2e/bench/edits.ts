// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { systemClock } from '../../runtime/clock.ts';
import {
  KubeClient,
  loadKubeConfig,
  Reflector,
  type KubeObject,
  type PooledKubeConfig,
} from '../../runtime/kube/index.ts';
import { silentLogger } from '../../runtime/log/index.ts';
import { freePort, waitFor } from '../harness/index.ts';
import { ProcessComponent } from '../world/component.ts';
import {
  keyPolicySpec,
  policy,
  startWorld,
  type Component,
  type ComponentOptions,
  type World,
} from '../world/index.ts';
import { quantile } from './load.ts';

const EDITS = 100;
const REPLICAS = 3;
const POLICY = 'edited';
const RESOURCE = { group: 'countersign.dev', version: 'v1alpha1', plural: 'imagetrustpolicies' };

/** Figures of how soon an edit is in force on every replica of the webhook. */
export interface EditFigures {
  readonly policy_edit_acknowledged_p50_ms: number;
  readonly policy_edit_acknowledged_p99_ms: number;
}

interface PolicyLike extends KubeObject {
  readonly status?: {
    readonly conditions?: readonly { type: string; status: string; observedGeneration?: number }[];
    readonly program?: { readonly replicas?: number; readonly replicasReady?: number };
  };
}

/**
 * From sending an edit of a policy until its status says, in the same generation, that three replicas of
 * the webhook have acknowledged a program with it.
 */
export async function benchEdits(): Promise<EditFigures> {
  let made: ComponentOptions | undefined;
  const world = await startWorld({
    nodes: 0,
    built: true,
    env: { COUNTERSIGN_LOG_LEVEL: 'info' },
    component: (options) => {
      if (options.name === 'webhook') made = options;
      return new ProcessComponent(options);
    },
  });
  const config = loadKubeConfig({ kubeconfigPath: world.plane.kubeconfig });
  const replicas: Component[] = [];
  try {
    while (made !== undefined && replicas.length < REPLICAS - 1)
      replicas.push(await anotherReplica(made, replicas.length + 1));
    const times = [...(await measure(world, config))].sort((a, b) => a - b);
    return {
      policy_edit_acknowledged_p50_ms: quantile(times, 0.5),
      policy_edit_acknowledged_p99_ms: quantile(times, 0.99),
    };
  } finally {
    await Promise.all(replicas.map((replica) => replica.stop()));
    await config.close();
    await world.stop();
  }
}

/** A replica that acknowledges as the first does; nobody sends it admissions. */
async function anotherReplica(first: ComponentOptions, n: number): Promise<Component> {
  const healthPort = await freePort();
  const env = {
    ...first.env,
    COUNTERSIGN_HEALTH_PORT: healthPort.toString(),
    COUNTERSIGN_WEBHOOK_HOST: '127.0.0.1',
    COUNTERSIGN_WEBHOOK_PORT: (await freePort()).toString(),
    COUNTERSIGN_POD_NAME: `webhook-process-${n.toString()}`,
  };
  const replica = new ProcessComponent({ ...first, env, healthPort });
  await replica.start();
  await replica.ready();
  return replica;
}

async function measure(world: World, config: PooledKubeConfig): Promise<readonly number[]> {
  const client = new KubeClient(config);
  const mirror = new Reflector<PolicyLike>({
    client,
    clock: systemClock,
    logger: silentLogger,
    resource: RESOURCE,
  });
  const inForce = new Acknowledgements(mirror);
  mirror.start();
  const specOf = (n: number): Readonly<Record<string, unknown>> =>
    keyPolicySpec({
      images: [`${world.registry.host}/edited`],
      keys: [(n % 2 === 0 ? world.key : world.otherKey).publicKey],
    });
  await world.kubectl.apply(policy(POLICY, specOf(1)));
  await waitFor(() => isInForce(mirror.store.get(POLICY)), {
    timeoutMs: 60_000,
    message: 'a policy that three replicas acknowledge',
  });
  const times: number[] = [];
  for (let n = 0; n < EDITS; n += 1) {
    const started = performance.now();
    const path = `/apis/${RESOURCE.group}/${RESOURCE.version}/${RESOURCE.plural}/${POLICY}`;
    const edited = await client.patch<PolicyLike>(path, { spec: specOf(n) }, 'merge');
    times.push((await inForce.of(edited.metadata.generation ?? 0)) - started);
  }
  await mirror.stop();
  return times;
}

/** When each generation of the policy was first seen in force. */
class Acknowledgements {
  readonly #seen = new Map<number, number>();

  constructor(mirror: Reflector<PolicyLike>) {
    mirror.store.onChange((_key, current) => {
      const { generation = 0 } = current?.metadata ?? {};
      if (isInForce(current) && !this.#seen.has(generation))
        this.#seen.set(generation, performance.now());
    });
  }

  /** Waits until a generation is in force; answers when that was seen (`performance.now`). */
  async of(generation: number): Promise<number> {
    await waitFor(() => this.#seen.has(generation), {
      timeoutMs: 10_000,
      intervalMs: 5,
      message: `generation ${generation.toString()} acknowledged`,
    });
    return this.#seen.get(generation) ?? Number.NaN;
  }
}

function isInForce(object: PolicyLike | undefined): boolean {
  const { conditions = [], program = {} } = object?.status ?? {};
  const ready = conditions.find(({ type }) => type === 'Ready');
  return (
    ready?.status === 'True' &&
    ready.observedGeneration === object?.metadata.generation &&
    program.replicas === REPLICAS &&
    program.replicasReady === REPLICAS
  );
}
