// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { pushImage, type CommandResult, type PushedImage } from '../../harness/index.ts';
import { sharedSigstore, type LocalSigstore } from '../../sigstore/index.ts';
import { namespace, pod, policy, sharedWorld, type World } from '../../world/index.ts';

/** A spec of a policy, or a part of one. */
export type Spec = Readonly<Record<string, unknown>>;

/** Namespace, repositories and policies of one file of scenarios, and the Sigstore it signs with. */
export class Stage {
  /** Of the namespace, and of the folder of its repositories. */
  readonly name: string;
  readonly world: World;
  readonly sigstore: LocalSigstore;
  #pushed = 0;

  private constructor(name: string, world: World, sigstore: LocalSigstore) {
    this.name = name;
    this.world = world;
    this.sigstore = sigstore;
  }

  /** Sets it up in the shared world. */
  static async open(name: string): Promise<Stage> {
    const [world, sigstore] = await Promise.all([sharedWorld(), sharedSigstore()]);
    await world.kubectl.apply(namespace(name));
    return new Stage(name, world, sigstore);
  }

  /** A repository, as policies name it. */
  repository(path: string, registry: { readonly host: string } = this.world.registry): string {
    return `${registry.host}/${this.name}/${path}`;
  }

  /** Pushes an image that is like no other. */
  push(
    path: string,
    registry: { readonly host: string } = this.world.registry,
  ): Promise<PushedImage> {
    this.#pushed += 1;
    return pushImage(registry, `${this.name}/${path}`, `v${this.#pushed.toString()}`);
  }

  /** Applies a policy, named with that of the stage in front, and waits until it is enforced. */
  async enforce(name: string, spec: Spec): Promise<void> {
    const full = `${this.name}-${name}`;
    await this.world.kubectl.apply(policy(full, { mode: 'Enforce', ...spec }));
    await this.world.enforced(full);
  }

  /** How the API server answers a pod with this image, which is not kept. */
  ask(image: string): Promise<CommandResult> {
    const input = JSON.stringify(pod({ name: 'app', namespace: this.name, image }));
    const args = ['create', '--dry-run=server', '--filename=-'];
    return this.world.kubectl.run(args, { input });
  }
}

/** The spec of a policy over one repository that demands a signature by one authority. */
export function signedBy(repository: string, authority: Spec, more: Spec = {}): Spec {
  return {
    match: { images: [repository] },
    authorities: [{ name: 'signer', ...authority }],
    requirements: [{ name: 'signed', signature: { anyOf: ['signer'] } }],
    ...more,
  };
}
