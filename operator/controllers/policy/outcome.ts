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
  type TufRepository,
} from '../../../verification/index.ts';
import type { TrustRoots } from '../trust/index.ts';
import type { BlobStore } from './blobs.ts';
import { MaterialMissingError, type MaterialReader } from './material.ts';
import {
  lastTextsOf,
  resolvePolicyTrust,
  type PolicyTrust,
  type TrustFinding,
  type TrustProblemReason,
} from './policy-trust.ts';

/** Why a policy cannot be used as it is written; each is a reason of `Stalled`. */
export type FailureReason =
  'CompileFailed' | 'MaterialMissing' | 'ProgramTooLarge' | TrustProblemReason;

/** What became of one generation of a policy. */
export type PolicyOutcome = (
  | { readonly state: 'compiled'; readonly blob: EncodedBlob }
  /** A trust root has not been read for the first time yet: it comes by itself. */
  | { readonly state: 'pending'; readonly message: string }
  | { readonly state: 'failed'; readonly reason: FailureReason; readonly message: string }
) & {
  readonly generation: number;
  /** How its trust roots stand; absent where it has none through TUF. */
  readonly trust?: TrustFinding;
};

/** What came out of a spec whose material is inline. */
interface Compilation {
  readonly resolved: string;
  readonly compiled: PolicyOutcome;
}

interface Known extends Compilation {
  readonly policy: ImageTrustPolicy;
  /** Whether it names material outside itself, which may change without the policy. */
  readonly external: boolean;
  /** What its trust roots are had from; they may change without the policy, too. */
  readonly repositories: readonly TufRepository[];
  readonly outcome: PolicyOutcome;
}

/** Where a policy stands on its way to an outcome. */
interface Step {
  readonly policy: ImageTrustPolicy;
  readonly external: boolean;
  readonly trust: PolicyTrust;
}

/** Whether nothing but the policy itself can change its outcome. */
function isSelfContained({ external, repositories }: Known): boolean {
  return !external && repositories.length === 0;
}

const NO_TRUST = { repositories: [], finding: undefined } as const;

/** What compiling policies needs. */
export interface PolicyCompilerOptions {
  readonly material: Pick<MaterialReader, 'resolve'>;
  readonly roots: Pick<TrustRoots, 'want' | 'current' | 'keepOnly'>;
  readonly blobs: Pick<BlobStore, 'specOf'>;
}

/** Makes blobs out of policies. What did not change since the last time is not compiled again. */
export class PolicyCompiler {
  readonly #options: PolicyCompilerOptions;
  readonly #known = new Map<string, Known>();

  constructor(options: PolicyCompilerOptions) {
    this.#options = options;
  }

  /** Whether any policy names material outside itself: then it is to be looked at again. */
  get dependsOnMaterial(): boolean {
    return [...this.#known.values()].some((known) => known.external);
  }

  /** The outcome for the policy as it is now. Throws only what is to be tried again. */
  async outcomeOf(policy: ImageTrustPolicy): Promise<PolicyOutcome> {
    const known = this.#known.get(policy.metadata.name);
    if (known?.policy === policy && isSelfContained(known)) return known.outcome;
    const parsed = imageTrustPolicySpec.safeParse(policy.spec);
    if (parsed.success) return this.#resolve(policy, parsed.data);
    const trust = { ...NO_TRUST, spec: policy.spec };
    return this.#compile({ policy, external: false, trust }, policy.spec);
  }

  /** Forgets the policies that are not among the names, and drops trust roots that none has. */
  keepOnly(names: ReadonlySet<string>): void {
    for (const name of this.#known.keys()) if (!names.has(name)) this.#known.delete(name);
    this.#options.roots.keepOnly([...this.#known.values()].flatMap((known) => known.repositories));
  }

  async #resolve(policy: ImageTrustPolicy, given: ImageTrustPolicySpec): Promise<PolicyOutcome> {
    const external = materialUses(given).some((use) => use.material.inline === undefined);
    const { material, roots, blobs } = this.#options;
    try {
      const spec = await material.resolve(given);
      const trust = await resolvePolicyTrust(spec, roots, lastTextsOf(policy, given, blobs));
      const step = { policy, external, trust };
      if (trust.spec !== undefined) return this.#compile(step, trust.spec);
      return this.#keep(step, missingTrust(policy, trust.finding));
    } catch (thrown) {
      if (!(thrown instanceof MaterialMissingError)) throw thrown;
      const { name, generation = 0 } = policy.metadata;
      const { message } = thrown;
      const outcome = { state: 'failed', generation, reason: 'MaterialMissing', message } as const;
      // What it had stays followed: the material may come back.
      const repositories = this.#known.get(name)?.repositories ?? [];
      return this.#keep(
        { policy, external, trust: { ...NO_TRUST, repositories, spec: undefined } },
        outcome,
      );
    }
  }

  #compile(step: Step, spec: ImageTrustPolicySpec): PolicyOutcome {
    const { name, generation = 0 } = step.policy.metadata;
    const resolved = canonicalJson(spec);
    const known = this.#known.get(name);
    const compiled =
      known?.resolved === resolved ? known.compiled : compileOutcome(name, generation, spec);
    const { finding } = step.trust;
    const outcome = {
      ...compiled,
      generation,
      ...(finding === undefined ? {} : { trust: finding }),
    };
    return this.#keep(step, outcome, { resolved, compiled });
  }

  #keep(step: Step, outcome: PolicyOutcome, made?: Compilation): PolicyOutcome {
    const { policy, external, trust } = step;
    const { repositories } = trust;
    const { resolved, compiled } = made ?? { resolved: '', compiled: outcome };
    const known = { policy, resolved, compiled, external, repositories, outcome };
    this.#known.set(policy.metadata.name, known);
    return outcome;
  }
}

/** The outcome of a policy of whose trust roots one was never had. */
function missingTrust(
  { metadata: { generation = 0 } }: ImageTrustPolicy,
  trust: TrustFinding | undefined,
): PolicyOutcome {
  if (trust?.fresh === 'False') {
    const { reason, message } = trust;
    return { state: 'failed', generation, reason, message, trust };
  }
  const message = trust?.fresh === 'Unknown' ? trust.message : 'a trust root is missing';
  return { state: 'pending', generation, message, ...(trust === undefined ? {} : { trust }) };
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
