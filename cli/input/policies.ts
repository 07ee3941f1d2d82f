// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { imageTrustPolicyKind, imageTrustPolicySpec } from '../../crds/index.ts';
import {
  compilePolicy,
  materialUses,
  resolveTrustRoots,
  tufUses,
  VerificationError,
  type CompiledPolicy,
  type TrustRootUse,
} from '../../verification/index.ts';
import { UsageError } from '../usage-error.ts';
import { parseObjects, type SourceObject } from './documents.ts';
import { readText } from './file.ts';
import { compiled, ownObject } from './objects.ts';

/** Answers the text of a trusted root that a policy has through TUF. */
export type TrustRootLookup = (use: TrustRootUse) => Promise<string>;

/**
 * The policies of some files, compiled as the operator and the webhook compile them. Throws UsageError
 * with file, line and field where one does not compile, where a name occurs twice, and where a file
 * holds no policy: an image must not pass because a policy was not found. What `trustRoot` rejects with
 * is passed on: a root that cannot be had is no wrong usage.
 */
export async function readPolicies(
  files: readonly string[],
  trustRoot: TrustRootLookup,
): Promise<readonly CompiledPolicy[]> {
  const policies = new Map<string, CompiledPolicy>();
  for (const file of files) {
    const sources = parseObjects(file, await readText(file));
    if (sources.length === 0)
      throw new UsageError(`${file}: holds no ${imageTrustPolicyKind.kind}`);
    for (const source of sources) {
      const { metadata, spec } = ownObject(source, imageTrustPolicyKind.kind);
      const { name } = metadata;
      if (policies.has(name))
        throw new UsageError(
          `${source.locate(['metadata', 'name'])}: metadata.name: ${name} occurs twice`,
        );
      policies.set(name, await compileLocal({ source, name, spec }, trustRoot));
    }
  }
  return [...policies.values()];
}

interface LocalPolicy {
  readonly source: SourceObject;
  readonly name: string;
  readonly spec: unknown;
}

async function compileLocal(
  { source, name, spec }: LocalPolicy,
  trustRoot: TrustRootLookup,
): Promise<CompiledPolicy> {
  const label = `${imageTrustPolicyKind.kind} ${name}`;
  const parsed = imageTrustPolicySpec.safeParse(spec);
  // What does not parse is told by the compiler, with the field.
  if (!parsed.success) return compiled(source, label, () => compilePolicy(name, spec));
  compiled(source, label, () => checkMaterial(parsed.data));
  const uses = tufUses(parsed.data);
  if (uses.length === 0) return compiled(source, label, () => compilePolicy(name, spec));
  const texts = new Map<string, string>();
  for (const use of uses) texts.set(use.path, await trustRoot(use));
  const resolved = resolveTrustRoots(parsed.data, ({ path }) => texts.get(path) ?? '');
  return compiled(source, label, () => compilePolicy(name, resolved));
}

/** References to objects of a cluster have nothing to refer to here. */
function checkMaterial(spec: Parameters<typeof materialUses>[0]): void {
  for (const { path, material } of materialUses(spec)) {
    const reference = material.configMapRef === undefined ? 'secretRef' : 'configMapRef';
    if (material[reference] === undefined) continue;
    const detail =
      'names an object of a cluster, which is not read here: write the material inline';
    throw new VerificationError('POLICY_INVALID', `${path}.${reference}: ${detail}`);
  }
}
