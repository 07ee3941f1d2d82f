// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { imageTrustPolicyKind, imageTrustPolicySpec } from '../../crds/index.ts';
import {
  compilePolicy,
  materialUses,
  VerificationError,
  type CompiledPolicy,
} from '../../verification/index.ts';
import { UsageError } from '../usage-error.ts';
import { parseObjects } from './documents.ts';
import { readText } from './file.ts';
import { compiled, ownObject } from './objects.ts';

/**
 * The policies of some files, compiled as the operator and the webhook compile them. Throws UsageError
 * with file, line and field where one does not compile, where a name occurs twice, and where a file
 * holds no policy: an image must not pass because a policy was not found.
 */
export async function readPolicies(files: readonly string[]): Promise<readonly CompiledPolicy[]> {
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
      policies.set(
        name,
        compiled(source, `${imageTrustPolicyKind.kind} ${name}`, () => compileLocal(name, spec)),
      );
    }
  }
  return [...policies.values()];
}

/** References to objects of a cluster have nothing to refer to here. */
function compileLocal(name: string, spec: unknown): CompiledPolicy {
  const parsed = imageTrustPolicySpec.safeParse(spec);
  for (const { path, material } of parsed.success ? materialUses(parsed.data) : []) {
    const reference = material.configMapRef === undefined ? 'secretRef' : 'configMapRef';
    if (material[reference] === undefined) continue;
    const detail =
      'names an object of a cluster, which is not read here: write the material inline';
    throw new VerificationError('POLICY_INVALID', `${path}.${reference}: ${detail}`);
  }
  return compilePolicy(name, spec);
}
