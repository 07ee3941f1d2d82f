// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import type { ImageTrustPolicySpec, Material } from '../../crds/index.ts';

/** A place in a policy where material is named. */
export interface MaterialUse {
  /** Field path, e.g. `spec.authorities[0].key.material`. */
  readonly path: string;
  readonly material: Material;
}

/** Every place of a spec that names material. */
export function materialUses(spec: ImageTrustPolicySpec): readonly MaterialUse[] {
  const uses = spec.authorities.map((authority, index) => ({
    path: `spec.authorities[${index.toString()}].key.material`,
    material: authority.key.material,
  }));
  const { ca } = spec.registry;
  return ca === undefined ? uses : [...uses, { path: 'spec.registry.ca', material: ca }];
}

/**
 * The spec with every material replaced by what `lookup` answers for it, inline. `lookup` throws
 * where it has no answer; the result refers to nothing outside itself.
 */
export function resolveMaterial(
  spec: ImageTrustPolicySpec,
  lookup: (use: MaterialUse) => string,
): ImageTrustPolicySpec {
  const resolved = new Map(
    materialUses(spec).map((use) => [use.material, { inline: lookup(use) }]),
  );
  const of = (material: Material): Material => resolved.get(material) ?? material;
  return {
    ...spec,
    authorities: spec.authorities.map((a) => ({
      ...a,
      key: { ...a.key, material: of(a.key.material) },
    })),
    registry:
      spec.registry.ca === undefined
        ? spec.registry
        : { ...spec.registry, ca: of(spec.registry.ca) },
  };
}
