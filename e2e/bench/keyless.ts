// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { bundleFromJSON, type SerializedBundle } from '@sigstore/bundle';
import { TrustedRoot } from '@sigstore/protobuf-specs';
import { toSignedEntity, toTrustMaterial, Verifier } from '@sigstore/verify';
import { compilePolicy, establishFact } from '../../verification/index.ts';
import {
  bundleEvidence,
  evidenceOf,
  keylessAuthority,
  testManifest,
  testPolicy,
  TestSigstore,
  WORKFLOW,
} from '../../verification/testing/index.ts';
import { median } from './load.ts';

const ROUNDS = 5;
const PER_ROUND = 60;
const REPEATS = 200;

/** Figures of keyless verification, as ratios of times of one run. */
export interface KeylessFigures {
  /** Bundles that nobody saw before, each with a certificate of its own. */
  readonly keyless_speedup_vs_sigstore_verify: number;
  /** One and the same bundle again and again, read anew each time. */
  readonly keyless_speedup_same_bundle: number;
  readonly keyless_ms_per_bundle: number;
}

/**
 * Bundles v0.3 of one trusted root, from their bytes to who signed, by our checks and by plain
 * `@sigstore/verify`; rounds alternate, and all of ours come after others of the same root.
 */
export function benchKeyless(): KeylessFigures {
  const sigstore = new TestSigstore();
  const image = testManifest('image');
  const make = (count: number): readonly Buffer[] =>
    Array.from({ length: count }, () => sigstore.bundle(image));
  const ours = oursOf(sigstore.trustedRoot(), image);
  const theirs = theirsOf(sigstore.trustedRoot());
  for (const verify of [ours, theirs]) time(make(PER_ROUND), verify);
  const rounds = Array.from({ length: ROUNDS }, () => {
    const bundles = make(PER_ROUND);
    return { theirs: time(bundles, theirs), ours: time(bundles, ours) };
  });
  const [one] = make(1);
  const same = Array.from({ length: REPEATS }, () => one ?? Buffer.alloc(0));
  return {
    keyless_speedup_vs_sigstore_verify: median(rounds.map((r) => r.theirs / r.ours)),
    keyless_speedup_same_bundle: time(same, theirs) / time(same, ours),
    keyless_ms_per_bundle: median(rounds.map((r) => r.ours)) / PER_ROUND,
  };
}

type Verify = (bundle: Buffer) => void;

function oursOf(trustedRoot: string, image: ReturnType<typeof testManifest>): Verify {
  const spec = testPolicy([], {
    authorities: [keylessAuthority(trustedRoot)],
    requirements: [{ name: 'signed', signature: { anyOf: ['release'] } }],
  });
  const [requirement] = compilePolicy('bench', spec).requirements;
  const [authority] = requirement.kind === 'signature' ? requirement.authorities : [];
  if (authority === undefined) throw new Error('the policy has no authority');
  return (bundle) => {
    const signature = bundleEvidence(bundle);
    const evidence = evidenceOf(image, [signature]);
    const fact = establishFact({ kind: 'signature', signature, evidence, authority });
    assert.equal(fact.outcome, 'signed');
  };
}

function theirsOf(trustedRoot: string): Verify {
  const root = TrustedRoot.fromJSON(JSON.parse(trustedRoot));
  const verifier = new Verifier(toTrustMaterial(root));
  const policy = {
    subjectAlternativeName: WORKFLOW.subject,
    extensions: { issuer: WORKFLOW.issuer },
  };
  return (bytes) => {
    const json = JSON.parse(bytes.toString('utf8')) as SerializedBundle;
    verifier.verify(toSignedEntity(bundleFromJSON(json)), policy);
  };
}

function time(bundles: readonly Buffer[], verify: Verify): number {
  const before = process.cpuUsage();
  for (const bundle of bundles) verify(bundle);
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1e3;
}
