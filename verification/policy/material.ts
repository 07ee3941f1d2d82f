// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import type { ImageTrustPolicySpec, Material } from '../../crds/index.ts';
import { mapTrustRoots } from './trust-root.ts';

/** A place in a policy where material is named. */
export interface MaterialUse {
  /** Field path, e.g. `spec.authorities[0].key.material`. */
  readonly path: string;
  readonly material: Material;
}

type Authority = ImageTrustPolicySpec['authorities'][number];
type Map = (use: MaterialUse) => Material;

/** Every place of a spec that names material. */
export function materialUses(spec: ImageTrustPolicySpec): readonly MaterialUse[] {
  const uses: MaterialUse[] = [];
  mapMaterials(spec, (use) => {
    uses.push(use);
    return use.material;
  });
  return uses;
}

/**
 * The spec with every material replaced by what `lookup` answers for it, inline. `lookup` throws
 * where it has no answer. The result refers to no object of the cluster.
 */
export function resolveMaterial(
  spec: ImageTrustPolicySpec,
  lookup: (use: MaterialUse) => string,
): ImageTrustPolicySpec {
  return mapMaterials(spec, (use) => ({ inline: lookup(use) }));
}

function mapMaterials(spec: ImageTrustPolicySpec, map: Map): ImageTrustPolicySpec {
  const authorities = spec.authorities.map((authority, index) =>
    mapAuthority(authority, `spec.authorities[${index.toString()}]`, map),
  );
  const { ca } = spec.registry;
  const registry =
    ca === undefined
      ? spec.registry
      : { ...spec.registry, ca: map({ path: 'spec.registry.ca', material: ca }) };
  return mapTrustRoots({ ...spec, authorities, registry }, ({ path, root }) => {
    if (root.material !== undefined)
      return { material: map({ path: `${path}.material`, material: root.material }) };
    if (root.tuf === undefined) return root;
    const material = map({ path: `${path}.tuf.root`, material: root.tuf.root });
    return { tuf: { mirror: root.tuf.mirror, root: material } };
  });
}

function mapAuthority(authority: Authority, path: string, map: Map): Authority {
  const { key, certificate } = authority;
  if (key !== undefined) {
    const material = map({ path: `${path}.key.material`, material: key.material });
    return { ...authority, key: { ...key, material } };
  }
  if (certificate === undefined) return authority;
  const roots = map({ path: `${path}.certificate.roots`, material: certificate.roots });
  const stamps = certificate.timestampRoots;
  const timestampRoots =
    stamps === undefined
      ? {}
      : { timestampRoots: map({ path: `${path}.certificate.timestampRoots`, material: stamps }) };
  return { ...authority, certificate: { ...certificate, roots, ...timestampRoots } };
}
