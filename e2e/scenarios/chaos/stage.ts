// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { KubeClient, loadKubeConfig } from '../../../runtime/kube/index.ts';
import {
  judge,
  Recorder,
  Timeline,
  verifyByCosign,
  type Entry,
  type Judgement,
} from '../../chronicle/index.ts';
import {
  newDirectory,
  pushImage,
  signBundle,
  signLegacy,
  startCountingProxy,
  waitFor,
  type CosignKey,
  type CountingProxy,
  type ProxyFault,
  type PushedImage,
} from '../../harness/index.ts';
import { exception, keyPolicySpec, namespace, policy, type World } from '../../world/index.ts';
import { LeadershipStage } from '../leadership/stage.ts';
import { steppable } from './clock.ts';

/** Namespace and policy of all chapters. */
export const NS = 'chaos';
const POLICIES = '/apis/countersign.dev/v1alpha1/imagetrustpolicies';
const EXCEPTIONS = `/apis/countersign.dev/v1alpha1/namespaces/${NS}/signingexceptions`;
const REPOSITORIES = [
  'signed',
  'rotated',
  'unsigned',
  'excepted',
  'stalled',
  'held',
  'lasting',
] as const;
type Repository = (typeof REPOSITORIES)[number];

interface PolicyLike {
  readonly metadata: { readonly generation: number };
  readonly status?: {
    readonly conditions?: readonly { type: string; status: string; observedGeneration?: number }[];
  };
}

/** When an exception ends, and from when on it holds; ten minutes, from now on, unless told. */
export interface Term {
  readonly expiresAt?: Date;
  readonly notBefore?: Date;
}

/**
 * Two operators and three webhooks, and a record of all pods that are asked for meanwhile: an image
 * that is signed (by digest and by tag), one that is not, one whose key comes and goes, and one for
 * which exceptions come and go, asked for by the account that they name and by another.
 */
export class ChaosStage {
  readonly members: LeadershipStage;
  readonly world: World;
  /** The administrator, without the cost of a process for each call. */
  readonly client: KubeClient;
  readonly recorder: Recorder;
  readonly timeline = new Timeline();
  /** Stands before the registry at a host of its own. */
  readonly proxy: CountingProxy;
  /** What it does to requests for images. */
  fault: ProxyFault | undefined;
  /** Where clocks are stepped. */
  readonly clocks: string;
  readonly #connection: ReturnType<typeof loadKubeConfig>;
  readonly #images = new Map<Repository, PushedImage>();
  readonly #pinned: string[] = [];
  readonly #verify = verifyByCosign(this.#pinned);
  readonly #ends = new Map<string, (boundMs?: number) => void>();
  #me = '';
  #edits = 0;

  private constructor(members: LeadershipStage, clocks: string, proxy: CountingProxy) {
    this.members = members;
    this.world = members.world;
    this.clocks = clocks;
    this.proxy = proxy;
    const { kubeconfig } = this.world.plane;
    this.#connection = loadKubeConfig({ kubeconfigPath: kubeconfig });
    this.client = new KubeClient(this.#connection);
    this.recorder = new Recorder({ kubeconfig, namespace: NS });
  }

  /** Starts everything; the record begins when the policy is in force. */
  static async start(): Promise<ChaosStage> {
    const clocks = newDirectory('clocks');
    const env = { COUNTERSIGN_WEBHOOK_CA_STEP_SECONDS: '2', ...steppable(clocks) };
    const members = await LeadershipStage.start({ operator: 2, webhook: 3 }, env);
    const { registry, proxyHost } = members.world;
    const made: ChaosStage[] = [];
    const proxy = await startCountingProxy(registry.host, {
      port: Number(proxyHost.split(':')[1]),
      faults: ({ path }) => (path.includes(`/${NS}/`) ? made[0]?.fault : undefined),
    });
    const stage = new ChaosStage(members, clocks, proxy);
    made.push(stage);
    await stage.#prepare();
    return stage;
  }

  image(repository: Repository): PushedImage {
    const image = this.#images.get(repository);
    if (image === undefined) throw new Error(`no image ${repository}`);
    return image;
  }

  /** An image that nobody has asked for yet, signed, behind the proxy before the registry. */
  async fresh(name: string): Promise<string> {
    const image = await this.#push(name);
    await signBundle(this.world.key, image.pinned);
    return image.pinned.replace(this.world.registry.host, this.proxy.host);
  }

  /** Edits the policy so that it accepts these keys; answers the milliseconds until it was in force everywhere. */
  async accepts(keys: readonly CosignKey[], timeoutMs = 30_000): Promise<number> {
    this.#edits += 1;
    const { registry } = this.world;
    const prefixes = [`${registry.host}/${NS}/`, `${this.proxy.host}/${NS}/`];
    const edit = `edit-${this.#edits.toString()}.example/**`;
    const spec = keyPolicySpec({
      images: [...prefixes.map((prefix) => `${prefix}**`), edit],
      keys: keys.map(({ publicKey }) => publicKey),
      exceptions: { allowed: true, approval: 'NotRequired' },
    });
    const began = performance.now();
    const inForce = this.timeline.edits({ policy: NS, prefixes, keys });
    const sent =
      this.#edits === 1
        ? await this.client.create<PolicyLike>(POLICIES, policy(NS, spec))
        : await this.client.patch<PolicyLike>(`${POLICIES}/${NS}`, { spec }, 'merge');
    await waitFor(async () => (await this.#readyGeneration()) >= sent.metadata.generation, {
      timeoutMs,
      message: `edit ${this.#edits.toString()} in force\n${this.#logs()}`,
    });
    inForce();
    const ms = performance.now() - began;
    this.timeline.note(`that took ${ms.toFixed()} ms`);
    return ms;
  }

  /** Grants an exception for the image of a repository to the default account. */
  async grants(name: string, repository: Repository, term: Term = {}): Promise<void> {
    const { expiresAt = new Date(Date.now() + 600_000), notBefore = new Date() } = term;
    const digests = [this.image(repository).digest];
    const permit = { name, policy: NS, namespace: NS, digests, expiresAt, notBefore };
    this.#ends.set(name, this.timeline.grants({ ...permit, serviceAccounts: ['default'] }));
    await this.client.create(EXCEPTIONS, exception({ ...permit, requestedBy: this.#me }));
  }

  /** Deletes it; it may have an effect for so long then, a second unless told. */
  async ends(name: string, boundMs?: number): Promise<void> {
    await this.client.delete(`${EXCEPTIONS}/${name}`);
    this.#ends.get(name)?.(boundMs);
  }

  /** Judges lines of the record by cosign. */
  judged(entries: readonly Entry[]): Promise<Judgement> {
    return judge(entries, this.timeline, this.#verify);
  }

  /** Writes the record and the timeline down, for people. */
  keeps(entries: readonly Entry[]): void {
    const directory = newDirectory('chronicle');
    writeFileSync(join(directory, 'timeline.txt'), this.timeline.toString());
    const lines = entries.map((entry) => JSON.stringify(entry));
    writeFileSync(join(directory, 'record.jsonl'), lines.join('\n'));
  }

  async stop(): Promise<void> {
    await this.#connection.close();
    await this.members.stop();
    await this.proxy.stop();
  }

  async #prepare(): Promise<void> {
    const { kubectl, key, otherKey } = this.world;
    await kubectl.apply(namespace(NS));
    await kubectl.must(['create', 'serviceaccount', 'other'], { namespace: NS });
    const whoami = await kubectl.must([
      'auth',
      'whoami',
      '-o',
      'jsonpath={.status.userInfo.username}',
    ]);
    this.#me = whoami.trim();
    await Promise.all(
      REPOSITORIES.map(async (repository) =>
        this.#images.set(repository, await this.#push(repository)),
      ),
    );
    await signBundle(key, this.image('signed').pinned);
    await signLegacy(otherKey, this.image('rotated').pinned);
    await this.accepts([key, otherKey]);
    const account = { serviceAccount: 'default' };
    for (const label of ['signed', 'rotated', 'unsigned', 'excepted'] as const)
      this.recorder.add({ label, image: this.image(label).pinned, ...account });
    this.recorder.add({ label: 'by-tag', image: this.image('signed').reference, ...account });
    const { pinned } = this.image('excepted');
    this.recorder.add({ label: 'stranger', image: pinned, serviceAccount: 'other' });
  }

  async #push(repository: string): Promise<PushedImage> {
    const image = await pushImage(this.world.registry, `${NS}/${repository}`, '1.0');
    this.#pinned.push(image.pinned);
    return image;
  }

  /** The generation for which the policy is ready; 0 where it is for none. */
  async #readyGeneration(): Promise<number> {
    const found = await this.client.get<PolicyLike>(`${POLICIES}/${NS}`);
    const ready = found?.status?.conditions?.find(({ type }) => type === 'Ready');
    return ready?.status === 'True' ? (ready.observedGeneration ?? 0) : 0;
  }

  #logs(): string {
    return this.members.operators.map(({ component }) => component.logTail(8)).join('\n');
  }
}
