// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import type { CosignKey, Kubectl, PushedImage } from '../harness/index.ts';

/** Where the story is told: a cluster that runs Countersign, registries and signers. */
export interface Stage {
  readonly kubectl: Kubectl;
  /** Hosts of two registries; they may be the same. */
  readonly registry: { readonly host: string };
  readonly tagRegistry: { readonly host: string };
  readonly key: CosignKey;
  readonly otherKey: CosignKey;
  /** `spec.registry` of policies, as the registries need it. */
  readonly registrySpec: Readonly<Record<string, unknown>>;
  /** Pushes an image with content of its own; moves the tag where it exists. */
  push(registry: { readonly host: string }, repository: string, tag: string): Promise<PushedImage>;
  /** Signs with cosign: a v3 bundle or a legacy signature. */
  sign(format: 'bundle' | 'legacy', key: CosignKey, pinned: string): Promise<void>;
  /** Waits until a policy is enforced in its current generation. */
  enforced(policy: string): Promise<void>;
}
