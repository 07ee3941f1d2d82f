// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import {
  pushImage,
  signBundle,
  type CommandResult,
  type CosignKey,
  type KubernetesObject,
  type Namespace,
  type PushedImage,
} from '../../harness/index.ts';
import type { LocalSigstore } from '../../sigstore/index.ts';
import { reportOf, resultsOf, type ReportResult } from '../../story/index.ts';
import { deployment, keyPolicySpec, pod, policy, type World } from '../../world/index.ts';
import type { CutWay } from './cut-way.ts';
import type { Mirror } from './mirror.ts';
import type { TlsRegistry } from './tls-registry.ts';

/** A spec of either kind. */
export type Spec = Readonly<Record<string, unknown>>;

/** What all trials share. */
export interface Backdrop {
  readonly world: World;
  readonly sigstore: LocalSigstore;
  /** Where trust roots are served from by TUF. */
  readonly mirror: Mirror;
  /** Who kubectl is. */
  readonly me: string;
  /** A registry whose certificate no process knows by itself; started once it is asked for. */
  tls(): Promise<TlsRegistry>;
  /** Another way to the registry, that can be cut; opened once it is asked for. */
  way(): Promise<CutWay>;
}

/** Labels of the namespace of every trial. */
export const LABELS: Readonly<Record<string, string>> = { tier: 'fields' };
/** The namespace that material is taken from. */
const SYSTEM = 'countersign-system';
const HOUR_MS = 3_600_000;

/** Namespace, repositories, policy and exception of one trial: all named like it. */
export class Ground {
  readonly name: string;
  readonly backdrop: Backdrop;
  readonly world: World;
  readonly sigstore: LocalSigstore;
  readonly #now = Date.now();

  constructor(backdrop: Backdrop, name: string) {
    this.backdrop = backdrop;
    this.world = backdrop.world;
    this.sigstore = backdrop.sigstore;
    this.name = name;
  }

  /** Where the repositories of the trial lie, as the path within a registry. */
  get folder(): string {
    return `fields/${this.name}`;
  }

  /** The repository of its images. */
  get repository(): string {
    return `${this.world.registry.host}/${this.folder}/app`;
  }

  /** Pushes an image that nobody signed. */
  unsigned(tag = 'unsigned'): Promise<PushedImage> {
    return pushImage(this.world.registry, `${this.folder}/app`, tag);
  }

  /** Pushes an image and signs it, with the key that policies trust unless told. */
  async signed(
    options: { readonly key?: CosignKey; readonly annotations?: Record<string, string> } = {},
  ): Promise<PushedImage> {
    const { key = this.world.key, ...rest } = options;
    const image = await pushImage(this.world.registry, `${this.folder}/app`, 'signed');
    await signBundle(key, image.pinned, rest);
    return image;
  }

  /** The spec of a policy that demands a signature on every image of the trial. */
  policy(overrides: Spec = {}): Spec {
    const images = [`${this.world.registry.host}/${this.folder}/**`];
    return keyPolicySpec({ images, keys: [this.world.key.publicKey], ...overrides });
  }

  /** The spec of an exception from that policy for the default service account. */
  exception(image: PushedImage, overrides: Spec = {}): Spec {
    return {
      policyRef: { name: this.name },
      requirements: ['signed'],
      digests: [image.digest],
      serviceAccounts: ['default'],
      notBefore: this.at(-2),
      expiresAt: this.at(1),
      reason: 'the vendor signs from the next release on',
      owner: 'team-checkout@example.com',
      requestedBy: this.backdrop.me,
      ...overrides,
    };
  }

  /** An instant so many hours from the beginning of the trial. */
  at(hours: number): string {
    return new Date(this.#now + hours * HOUR_MS).toISOString();
  }

  /** Applies the policy and waits until it is enforced; answers the field where it is refused. */
  async enforce(spec: Spec, name: string = this.name): Promise<string | undefined> {
    const refused = await this.apply(spec, name);
    if (refused === undefined) await this.world.enforced(name);
    return refused;
  }

  /** Applies the policy; answers the field where it is refused. */
  async apply(spec: Spec, name: string = this.name): Promise<string | undefined> {
    const answer = await this.world.kubectl.tryApply(policy(name, spec));
    return answer.code === 0 ? undefined : refusal(answer);
  }

  /** Status and reason of a condition that speaks of the policy as it is now. */
  async condition(type: string): Promise<string> {
    const { kubectl } = this.world;
    const { metadata, status } = await kubectl.get<PolicyLike>('imagetrustpolicy', this.name);
    const found = status?.conditions?.find((condition) => condition.type === type);
    return found?.observedGeneration === metadata.generation
      ? `${found.status} ${found.reason}`
      : 'none';
  }

  /** Applies the exception in the name of who requests it; answers the field where it is refused. */
  async grant(spec: Spec, name: string = this.name): Promise<string | undefined> {
    const object: KubernetesObject = {
      apiVersion: 'countersign.dev/v1alpha1',
      kind: 'SigningException',
      metadata: { name, namespace: this.name },
      spec,
    };
    const as = [`--as=${String(spec['requestedBy'])}`, '--as-group=system:masters'];
    const args = [...as, 'apply', '--filename=-'];
    const answer = await this.world.kubectl.run(args, { input: JSON.stringify(object) });
    return answer.code === 0 ? undefined : refusal(answer);
  }

  /** Deletes the exception where there is one. */
  withdraw(): Promise<void> {
    return this.world.kubectl.delete('signingexception', this.name, this.name);
  }

  /** Writes fields of the status of the exception, as somebody who has every right. */
  async writeStatus(status: Spec, user: string): Promise<void> {
    const as = [`--as=${user}`, '--as-group=system:masters', `--namespace=${this.name}`];
    const patch = ['--subresource=status', '--type=merge', `--patch=${JSON.stringify({ status })}`];
    await this.world.kubectl.must(['patch', 'signingexception', this.name, ...patch, ...as]);
  }

  /** The exception as it is. */
  granted(): Promise<ExceptionLike> {
    return this.world.kubectl.get<ExceptionLike>('signingexception', this.name, this.name);
  }

  /** Puts material into the namespace of the operator; answers the name of the object. */
  async keep(kind: 'ConfigMap' | 'Secret', suffix: string, text: Spec): Promise<string> {
    const name = `${this.name}-${suffix}`;
    const field = kind === 'ConfigMap' ? 'data' : 'stringData';
    const metadata = { name, namespace: SYSTEM };
    await this.world.kubectl.apply({ apiVersion: 'v1', kind, metadata, [field]: text });
    return name;
  }

  /** How the API server answers a pod with this image: `admitted`, `warned CODE`, `denied CODE`. */
  async pod(image: string, serviceAccount = 'default'): Promise<string> {
    const name = 'app';
    return answerOf(await this.#dryRun(pod({ name, namespace: this.name, image, serviceAccount })));
  }

  /** The same, with all that the API server said. */
  async denial(image: string): Promise<{ readonly answer: string; readonly text: string }> {
    const object = pod({ name: 'app', namespace: this.name, image });
    const result = await this.#dryRun(object);
    return { answer: answerOf(result), text: result.stderr };
  }

  /** The same for a Deployment. */
  async template(image: string): Promise<string> {
    return answerOf(await this.#dryRun(deployment({ name: 'tried', namespace: this.name, image })));
  }

  #dryRun(object: KubernetesObject): Promise<CommandResult> {
    const args = ['create', '--dry-run=server', '--filename=-'];
    return this.world.kubectl.run(args, { input: JSON.stringify(object) });
  }

  /** Creates a Deployment without replicas, which gets a report. */
  async deploy(image: string, name = 'app'): Promise<void> {
    await this.world.kubectl.apply(deployment({ name, namespace: this.name, image, replicas: 0 }));
  }

  /** The one result in the report of a Deployment, as the function tells it. */
  async report(tell: (result: ReportResult) => string, name = 'app'): Promise<string> {
    const workload = { kind: 'Deployment', name, namespace: this.name };
    const results = resultsOf(await reportOf(this.world, workload));
    return results.map(tell).join(', ');
  }
}

interface PolicyLike {
  readonly metadata: { readonly generation: number };
  readonly status?: {
    readonly conditions?: readonly {
      readonly type: string;
      readonly status: string;
      readonly reason: string;
      readonly observedGeneration: number;
    }[];
  };
}

interface ExceptionLike {
  readonly status?: {
    readonly renewals?: number;
    readonly conditions?: readonly { readonly type: string; readonly message: string }[];
  };
}

/** Runs a program with more in its environment. */
export function withEnvironment(variables: Readonly<Record<string, string>>): Namespace {
  const settings = Object.entries(variables).map(([name, value]) => `${name}=${value}`);
  return { wrap: (program, args) => ['env', [...settings, program, ...args]] };
}

/** How the API server answered: `admitted`, `warned CODE`, `denied CODE`, or what it said. */
function answerOf({ code, stderr }: CommandResult): string {
  if (code === 0) return told('warned', stderr.matchAll(/^Warning: .* ([A-Z_]+)$/gm)) ?? 'admitted';
  return told('denied', stderr.matchAll(/\] ([A-Z_]+): /g)) ?? stderr;
}

function told(what: string, codes: Iterable<RegExpExecArray>): string | undefined {
  const all = [...codes].map(([, code]) => code);
  return all.length === 0 ? undefined : `${what} ${all.join(' ')}`;
}

/** The field that the API server refuses, or what it said. */
function refusal({ stderr }: CommandResult): string {
  const field = /is invalid:[\s*]*(spec[^:]*):/.exec(stderr)?.[1];
  return field === undefined ? stderr : `refused ${field}`;
}
