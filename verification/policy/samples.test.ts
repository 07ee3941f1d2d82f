// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { describe, it } from 'mocha';
import { parseAllDocuments } from 'yaml';
import { imageTrustPolicySpec } from '../../crds/index.ts';
import { bindingsOf, predicateFixture } from '../attestation/__fixtures__/predicates.ts';
import { evaluateConditions } from '../attestation/index.ts';
import { seedTrustedRoot } from '../sources/tuf/index.ts';
import { CONDITION_EXAMPLES, TestCertificateAuthority } from '../testing/index.ts';
import type { AttestationRequirement } from './compile-requirement.ts';
import { compilePolicy, type CompiledPolicy } from './compile.ts';
import { resolveMaterial } from './material.ts';
import { resolveTrustRoots } from './trust-root.ts';

const FOLDER = new URL('../../config/samples/', import.meta.url);
const CA = new TestCertificateAuthority();
const TRUSTED_ROOT = seedTrustedRoot().text;

/** As GitHub's own: it has neither transparency logs nor certificate logs. */
const WITHOUT_LOGS = JSON.stringify({
  ...(JSON.parse(TRUSTED_ROOT) as object),
  tlogs: undefined,
  ctlogs: undefined,
});

/** What stands in for the objects of a cluster that samples name. */
const OBJECTS: Readonly<Record<string, string>> = {
  'private-sigstore/trusted_root.json': TRUSTED_ROOT,
  'github-sigstore/trusted_root.json': WITHOUT_LOGS,
  'own-pki/roots.pem': CA.pem,
  'own-pki/timestamp-roots.pem': CA.pem,
  'tuf-root/root.json': '{}',
};

interface Sample {
  readonly file: string;
  readonly kind: string;
  readonly name: string;
  readonly spec: unknown;
}

const SAMPLES: readonly Sample[] = readdirSync(FOLDER)
  .filter((file) => file !== 'kustomization.yaml')
  .flatMap((file) => samplesOf(file));
const POLICIES = SAMPLES.filter(({ kind }) => kind === 'ImageTrustPolicy');

function samplesOf(file: string): readonly Sample[] {
  return parseAllDocuments(readFileSync(new URL(file, FOLDER), 'utf8')).map((document) => {
    const { kind, metadata, spec } = document.toJS() as {
      kind: string;
      metadata: { name: string };
      spec: unknown;
    };
    return { file, kind, name: metadata.name, spec };
  });
}

function compiled({ name, spec }: Sample): CompiledPolicy {
  const inline = resolveMaterial(imageTrustPolicySpec.parse(spec), ({ path, material }) => {
    const { inline: text, configMapRef } = material;
    if (text !== undefined) return text;
    const object = OBJECTS[`${configMapRef?.name ?? ''}/${configMapRef?.key ?? ''}`];
    assert.ok(object !== undefined, `${name}: ${path} names an object that no test has`);
    return object;
  });
  return compilePolicy(
    name,
    resolveTrustRoots(inline, () => TRUSTED_ROOT),
  );
}

function attestationsOf(policy: CompiledPolicy): readonly AttestationRequirement[] {
  return policy.requirements.filter((requirement) => requirement.kind === 'attestation');
}

/** Subjects of a sample with a pattern: one that it is for, and others that look like it. */
const SUBJECTS: readonly [sample: string, good: string, bad: readonly string[]][] = [
  [
    'upstream-controllers',
    'https://github.com/fluxcd/source-controller/.github/workflows/release.yml@refs/tags/v1.7.2',
    [
      'https://github.com/fluxcd/source-controller/.github/workflows/e2e.yml@refs/tags/v1.7.2',
      'https://github.com/fluxcd/source-controller/.github/workflows/release.yml@refs/heads/main',
      'https://github.com/fluxcd/source-controller/.github/workflows/release.yml@refs/tags/v1.7.2-x',
      'https://github.com/fluxcd/a/b/.github/workflows/release.yml@refs/tags/v1.7.2',
      'https://githubxcom/fluxcd/source-controller/.github/workflows/release.yml@refs/tags/v1.7.2',
    ],
  ],
  [
    'keyless-gitlab',
    'https://gitlab.com/example-shop/cart//.gitlab-ci.yml@refs/tags/v1.2.3',
    [
      'https://gitlab.com/example-shop/cart//.gitlab-ci.yml@refs/heads/v1.2.3',
      'https://gitlab.com/example-shop/cart-x//.gitlab-ci.yml@refs/tags/v1.2.3',
      'https://gitlab.com/example-shop/cart//other.gitlab-ci.yml@refs/tags/v1.2.3',
    ],
  ],
];

describe('samples of policies', () => {
  for (const sample of POLICIES) {
    it(`compile: ${sample.name} in ${sample.file}`, () => {
      compiled(sample);
    });
  }

  it('have names of their own, and are all listed', () => {
    const names = POLICIES.map(({ name }) => name);
    assert.deepEqual(names, [...new Set(names)]);
    const listed = readFileSync(new URL('kustomization.yaml', FOLDER), 'utf8');
    for (const { file } of SAMPLES) assert.match(listed, new RegExp(`- ${file}\n`));
  });

  for (const [name, good, bad] of SUBJECTS) {
    it(`name whom they mean, and nobody else: ${name}`, () => {
      const [requirement] = POLICIES.filter((sample) => sample.name === name).map(
        (sample) => compiled(sample).requirements[0],
      );
      assert.ok(requirement?.kind === 'signature');
      const [authority] = requirement.authorities;
      assert.ok(authority?.kind === 'keyless');
      const { subject } = authority.identity;
      assert.equal(subject(good), true);
      for (const other of bad) assert.equal(subject(other), false, other);
    });
  }

  const conditions = POLICIES.flatMap((sample) =>
    attestationsOf(compiled(sample)).flatMap((requirement) =>
      requirement.conditions.map((condition) => ({ ...requirement, condition })),
    ),
  );
  for (const { predicateType, name, expression, message, ...example } of CONDITION_EXAMPLES) {
    it(`show the condition ${name}, which takes the good predicate and refuses the bad one`, () => {
      const shown = conditions.filter(({ condition }) => condition.name === name);
      assert.ok(shown.length > 0);
      for (const { condition, predicateType: type } of shown) {
        assert.equal(type, predicateType);
        assert.deepEqual([condition.expression, condition.message], [expression, message]);
        const outcomeOf = (fixture: string): string | undefined =>
          evaluateConditions([condition], bindingsOf(predicateFixture(fixture)))[0]?.outcome;
        assert.equal(outcomeOf(example.accepts), 'passed');
        assert.equal(outcomeOf(example.rejects), 'failed');
      }
    });
  }

  it('show no condition that is not an example', () => {
    const examples: readonly string[] = CONDITION_EXAMPLES.map(({ name }) => name);
    for (const { condition } of conditions) assert.ok(examples.includes(condition.name));
  });
});
