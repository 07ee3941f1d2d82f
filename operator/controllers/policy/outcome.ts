// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import {
  imageTrustPolicySpec,
  type ImageTrustPolicy,
  type ImageTrustPolicySpec,
} from '../../../crds/index.ts';
import { encodeBlob, MAX_BLOB_BYTES, type EncodedBlob } from '../../../runtime/program/index.ts';
import {
  canonicalJson,
  compilePolicy,
  materialUses,
  toVerificationError,
} from '../../../verification/index.ts';
import { MaterialMissingError, type MaterialReader } from './material.ts';

/** Why a policy cannot be used as it is written; each is a reason of `Stalled`. */
export type FailureReason = 'CompileFailed' | 'MaterialMissing' | 'ProgramTooLarge';

/** What became of one generation of a policy. */
export type PolicyOutcome =
  | { readonly state: 'compiled'; readonly generation: number; readonly blob: EncodedBlob }
  | {
      readonly state: 'failed';
      readonly generation: number;
      readonly reason: FailureReason;
      readonly message: string;
    };

interface Known {
  readonly policy: ImageTrustPolicy;
  readonly resolved: string;
  /** Whether it names material outside itself, which may change without the policy. */
  readonly external: boolean;
  readonly outcome: PolicyOutcome;
}

/** Makes blobs out of policies. What did not change since the last time is not compiled again. */
export class PolicyCompiler {
  readonly #material: Pick<MaterialReader, 'resolve'>;
  readonly #known = new Map<string, Known>();

  constructor(material: Pick<MaterialReader, 'resolve'>) {
    this.#material = material;
  }

  /** Whether any policy names material outside itself: then it is to be looked at again. */
  get dependsOnMaterial(): boolean {
    return [...this.#known.values()].some((known) => known.external);
  }

  /** The outcome for the policy as it is now. Throws only what is to be tried again. */
  async outcomeOf(policy: ImageTrustPolicy): Promise<PolicyOutcome> {
    const known = this.#known.get(policy.metadata.name);
    if (known?.policy === policy && !known.external) return known.outcome;
    const parsed = imageTrustPolicySpec.safeParse(policy.spec);
    if (!parsed.success) return this.#compile(policy, policy.spec, false);
    const external = materialUses(parsed.data).some((use) => use.material.inline === undefined);
    try {
      return this.#compile(policy, await this.#material.resolve(parsed.data), external);
    } catch (thrown) {
      if (!(thrown instanceof MaterialMissingError)) throw thrown;
      const { generation = 0 } = policy.metadata;
      const { message } = thrown;
      const outcome = { state: 'failed', generation, reason: 'MaterialMissing', message } as const;
      this.#known.set(policy.metadata.name, { policy, resolved: '', external, outcome });
      return outcome;
    }
  }

  /** Forgets the policies that are not among the names. */
  keepOnly(names: ReadonlySet<string>): void {
    for (const name of this.#known.keys()) if (!names.has(name)) this.#known.delete(name);
  }

  #compile(policy: ImageTrustPolicy, spec: ImageTrustPolicySpec, external: boolean): PolicyOutcome {
    const { name, generation = 0 } = policy.metadata;
    const resolved = canonicalJson(spec);
    const known = this.#known.get(name);
    const outcome =
      known?.resolved === resolved
        ? { ...known.outcome, generation }
        : compileOutcome(name, generation, spec);
    this.#known.set(name, { policy, resolved, external, outcome });
    return outcome;
  }
}

/** Compiles a spec whose material is inline, and packs what was compiled. */
function compileOutcome(
  name: string,
  generation: number,
  spec: ImageTrustPolicySpec,
): PolicyOutcome {
  let normalised: ImageTrustPolicySpec;
  try {
    normalised = compilePolicy(name, spec).spec;
  } catch (thrown) {
    const { message } = toVerificationError(thrown);
    return { state: 'failed', generation, reason: 'CompileFailed', message };
  }
  const blob = encodeBlob(normalised);
  if (blob.bytes.byteLength <= MAX_BLOB_BYTES) return { state: 'compiled', generation, blob };
  const size = blob.bytes.byteLength.toString();
  const message = `the compiled policy needs ${size} bytes; a ConfigMap holds ${MAX_BLOB_BYTES.toString()}`;
  return { state: 'failed', generation, reason: 'ProgramTooLarge', message };
}
