// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import type { ImageTrustPolicySpec, Material } from '../../crds/index.ts';

/** Where a trusted root comes from; exactly one member is set. */
export interface TrustRootSpec {
  readonly publicGood?: Readonly<Record<string, never>> | undefined;
  readonly material?: Material | undefined;
  readonly tuf?: { readonly mirror: string; readonly root: Material } | undefined;
}

/** A place in a policy where a trusted root is named. */
export interface TrustRootUse {
  /** Field path, e.g. `spec.authorities[0].keyless.trustRoot`. */
  readonly path: string;
  readonly root: TrustRootSpec;
}

/**
 * The places whose trusted root is had through TUF. Their initial roots are material, which
 * `resolveMaterial` makes inline.
 */
export function tufUses(spec: ImageTrustPolicySpec): readonly TrustRootUse[] {
  const uses: TrustRootUse[] = [];
  mapTrustRoots(spec, (use) => {
    if (use.root.material === undefined) uses.push(use);
    return use.root;
  });
  return uses;
}

/**
 * The spec with every trusted root that is had through TUF replaced by the text that `lookup` answers.
 * `lookup` throws where it has no answer. What is left refers to nothing outside itself.
 */
export function resolveTrustRoots(
  spec: ImageTrustPolicySpec,
  lookup: (use: TrustRootUse) => string,
): ImageTrustPolicySpec {
  return mapTrustRoots(spec, (use) =>
    use.root.material === undefined ? { material: { inline: lookup(use) } } : use.root,
  );
}

/** Replaces the source of every trusted root; thresholds stay. */
export function mapTrustRoots(
  spec: ImageTrustPolicySpec,
  map: (use: TrustRootUse) => TrustRootSpec,
): ImageTrustPolicySpec {
  const authorities = spec.authorities.map((authority, index) => {
    const path = `spec.authorities[${index.toString()}]`;
    const { key, keyless } = authority;
    if (key?.trustRoot !== undefined) {
      const trustRoot = mapped(key.trustRoot, `${path}.key.trustRoot`, map);
      return { ...authority, key: { ...key, trustRoot } };
    }
    if (keyless === undefined) return authority;
    const trustRoot = mapped(keyless.trustRoot, `${path}.keyless.trustRoot`, map);
    return { ...authority, keyless: { ...keyless, trustRoot } };
  });
  return { ...spec, authorities };
}

function mapped<T extends TrustRootSpec & { readonly thresholds: unknown }>(
  trustRoot: T,
  path: string,
  map: (use: TrustRootUse) => TrustRootSpec,
): TrustRootSpec & Pick<T, 'thresholds'> {
  const { thresholds, ...root } = trustRoot;
  return { ...map({ path, root }), thresholds };
}
