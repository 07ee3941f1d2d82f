// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { join } from 'node:path';

import type { Namespace } from './namespace.ts';
import { runCommand } from './process.ts';
import type { CommandResult } from './process.ts';
import { pathWithPlugin } from './kubectl-plugin.ts';
import { newDirectory } from './run-directory.ts';
import { tool } from './tools.ts';

/** Any object of the Kubernetes API, as JSON. */
export interface KubernetesObject {
  readonly apiVersion?: string;
  readonly kind?: string;
  readonly metadata?: {
    readonly name?: string;
    readonly namespace?: string;
    readonly uid?: string;
    readonly resourceVersion?: string;
    readonly generation?: number;
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
    readonly [field: string]: unknown;
  };
  readonly [field: string]: unknown;
}

/** What every command takes beside its own arguments. */
export interface KubectlOptions {
  readonly input?: string;
  readonly namespace?: string | undefined;
  readonly timeoutMs?: number;
}

/** Options of {@link Kubectl.apply}. */
export interface ApplyOptions extends KubectlOptions {
  readonly serverSide?: boolean;
  readonly fieldManager?: string;
  readonly forceConflicts?: boolean;
}

let discoveryCache: string | undefined;

/** The real kubectl with one kubeconfig; it knows our command line as `kubectl countersign`. */
export class Kubectl {
  readonly kubeconfig: string;
  readonly #runIn: Namespace | undefined;

  constructor(kubeconfig: string, runIn?: Namespace) {
    this.kubeconfig = kubeconfig;
    this.#runIn = runIn;
  }

  /** Runs it to its end and never throws for its exit code. */
  run(args: readonly string[], options: KubectlOptions = {}): Promise<CommandResult> {
    discoveryCache ??= newDirectory('kubectl-cache');
    const where = options.namespace === undefined ? [] : ['--namespace', options.namespace];
    return runCommand(tool('kubectl'), [...where, ...args], {
      env: {
        KUBECONFIG: this.kubeconfig,
        KUBECACHEDIR: join(discoveryCache, 'http'),
        KUBERC: 'off',
        PATH: pathWithPlugin(),
      },
      timeoutMs: options.timeoutMs ?? 60_000,
      runIn: this.#runIn,
      ...(options.input === undefined ? {} : { input: options.input }),
    });
  }

  /** As {@link Kubectl.run}, but throws with stderr when it fails; returns stdout. */
  async must(args: readonly string[], options: KubectlOptions = {}): Promise<string> {
    const { code, stdout, stderr } = await this.run(args, options);
    if (code !== 0) {
      throw new Error(`kubectl ${args.join(' ')} ended with ${String(code)}: ${stderr.trim()}`);
    }
    return stdout;
  }

  /** Applies YAML text or objects; throws when any of them is refused. */
  apply(manifests: Manifests, options: ApplyOptions = {}): Promise<string> {
    const args = ['apply', '--filename=-', ...applyFlags(options)];
    return this.must(args, { ...options, input: manifestText(manifests) });
  }

  /** As {@link Kubectl.apply}, but returns a refusal instead of throwing it. */
  tryApply(manifests: Manifests, options: ApplyOptions = {}): Promise<CommandResult> {
    const args = ['apply', '--filename=-', ...applyFlags(options)];
    return this.run(args, { ...options, input: manifestText(manifests) });
  }

  /** Creates objects (no merge, no annotation); returns how it went. */
  create(manifests: Manifests, options: KubectlOptions = {}): Promise<CommandResult> {
    const input = manifestText(manifests);
    return this.run(['create', '--filename=-'], { ...options, input });
  }

  /** The user name that the API server knows this kubeconfig by. */
  async whoAmI(): Promise<string> {
    const review = JSON.parse(await this.must(['auth', 'whoami', '--output=json'])) as {
      readonly status: { readonly userInfo: { readonly username: string } };
    };
    return review.status.userInfo.username;
  }

  /** Reads one object; throws when it is not there. */
  async get<T = KubernetesObject>(kind: string, name: string, namespace?: string): Promise<T> {
    const text = await this.must(['get', kind, name, '--output=json'], { namespace });
    return JSON.parse(text) as T;
  }

  /** Reads one object, or `undefined` when the API server answers that there is none. */
  async find<T = KubernetesObject>(
    kind: string,
    name: string,
    namespace?: string,
  ): Promise<T | undefined> {
    const args = ['get', kind, name, '--output=json', '--ignore-not-found'];
    const text = await this.must(args, { namespace });
    return text.trim() === '' ? undefined : (JSON.parse(text) as T);
  }

  /** Reads every object of a kind, of all namespaces unless one is named. */
  async list<T = KubernetesObject>(
    kind: string,
    namespace?: string,
    selector?: string,
  ): Promise<readonly T[]> {
    const where = namespace === undefined ? ['--all-namespaces'] : [];
    const which = selector === undefined ? [] : [`--selector=${selector}`];
    const args = ['get', kind, '--output=json', ...where, ...which];
    const { items } = JSON.parse(await this.must(args, { namespace })) as { items: readonly T[] };
    return items;
  }

  /** Patches one object (`merge` unless told); returns how it went. */
  patch(
    target: { readonly kind: string; readonly name: string; readonly namespace?: string },
    patch: unknown,
    options: { type?: 'merge' | 'json' | 'strategic'; subresource?: string } = {},
  ): Promise<CommandResult> {
    const subresource =
      options.subresource === undefined ? [] : [`--subresource=${options.subresource}`];
    const flags = [`--type=${options.type ?? 'merge'}`, ...subresource];
    const args = ['patch', target.kind, target.name, ...flags, `--patch=${JSON.stringify(patch)}`];
    return this.run(args, { namespace: target.namespace });
  }

  /** Deletes one object and waits until it is gone; one that is not there is fine. */
  async delete(kind: string, name: string, namespace?: string): Promise<void> {
    await this.must(['delete', kind, name, '--ignore-not-found'], { namespace });
  }
}

/** YAML text, one object, or several. */
export type Manifests = string | KubernetesObject | readonly KubernetesObject[];

function manifestText(manifests: Manifests): string {
  if (typeof manifests === 'string') {
    return manifests;
  }
  const items = Array.isArray(manifests) ? manifests : [manifests];
  return JSON.stringify({ apiVersion: 'v1', kind: 'List', items });
}

function applyFlags(options: ApplyOptions): string[] {
  return [
    ...(options.serverSide === true ? ['--server-side'] : []),
    ...(options.forceConflicts === true ? ['--force-conflicts'] : []),
    ...(options.fieldManager === undefined ? [] : [`--field-manager=${options.fieldManager}`]),
  ];
}
