// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { pushIndex } from '../harness/index.ts';
import type { CosignKey, Registry } from '../harness/index.ts';
import { attachBundle, attest, sign } from '../sigstore/index.ts';
import type { Identity, SigningServices } from '../sigstore/index.ts';
import type { Artefact, Bench } from './bench.ts';
import { question, type Expected, type Question, type Witness } from './question.ts';

export const ALICE: Identity = { issuer: 'email', email: 'alice@example.com' };
export const BOB: Identity = { issuer: 'email', email: 'bob@example.com' };
export const WORKFLOW: Identity = {
  issuer: 'github',
  repository: 'acme/app',
  workflow: '.github/workflows/release.yml',
  ref: 'refs/heads/main',
};
export const PIPELINE: Identity = {
  issuer: 'gitlab',
  project: 'acme/tools/app',
  ref: 'v1.2.3',
  refType: 'tag',
};

/** Attestation types: what cosign calls them, their URI, and a predicate. */
export const TYPES: Readonly<Record<string, readonly [uri: string, predicate: unknown]>> = {
  cyclonedx: [
    'https://cyclonedx.org/bom',
    { bomFormat: 'CycloneDX', specVersion: '1.6', components: [] },
  ],
  vuln: [
    'https://cosign.sigstore.dev/attestation/vuln/v1',
    {
      invocation: {},
      scanner: { uri: 'x', version: '1', db: {}, result: {} },
      metadata: { scanStartedOn: '2026-11-20T00:00:00Z', scanFinishedOn: '2026-11-20T00:00:00Z' },
    },
  ],
  slsaprovenance1: [
    'https://slsa.dev/provenance/v1',
    {
      buildDefinition: {
        buildType: 'https://example.com/build/v1',
        externalParameters: {},
        resolvedDependencies: [],
      },
      runDetails: { builder: { id: 'https://example.com/builder' } },
    },
  ],
  openvex: [
    'https://openvex.dev/ns',
    {
      '@context': 'https://openvex.dev/ns/v0.2.0',
      '@id': 'https://example.com/vex/1',
      author: 'acme',
      timestamp: '2026-11-20T00:00:00Z',
      version: 1,
      statements: [],
    },
  ],
};

/** An artefact, what cosign wrote to make it, and how to make the like. */
export interface Made extends Artefact {
  readonly bundle: string;
}

/** A way to have cosign make an artefact. */
export interface Recipe {
  readonly name: string;
  readonly expected: Expected;
  readonly legacy?: boolean;
  readonly scts?: 'foreign' | 'none';
  /** Whether the signature is stamped; it is unless told. */
  readonly stamped?: false;
}

/** Lets cosign make the artefact in the registry. */
export async function make(bench: Bench, recipe: Recipe, registry: Registry): Promise<Made> {
  const { expected, name } = recipe;
  const { pinned } = await bench.image(registry);
  const bundle = await publish(bench, recipe, pinned);
  return {
    name: `${name}, ${registry.kind === 'olareg' ? 'referrers' : 'no referrers'}`,
    pinned,
    question: question(bench.sigstore, expected),
    bundle,
  };
}

async function publish(bench: Bench, recipe: Recipe, pinned: string): Promise<string> {
  const { expected, legacy = false } = recipe;
  const { type, annotations = {} } = expected;
  const by = signerOf(bench, recipe);
  if (type === undefined) return sign(pinned, { by, legacy, annotations });
  const [, predicate] = TYPES[type[0]] ?? [];
  return attest(pinned, { by, legacy, type: type[0], predicate });
}

function signerOf(
  bench: Bench,
  { expected, scts, stamped }: Recipe,
): Parameters<typeof sign>[1]['by'] {
  const { by, witness } = expected;
  const { sigstore } = bench;
  const services: SigningServices = {
    log: witness === 'log',
    timestamps: stamped ?? witness !== 'nobody',
    ...(scts === undefined ? {} : { scts }),
  };
  if ('issuer' in by) return { sigstore, identity: by, services };
  const key = by as CosignKey;
  return witness === 'nobody' ? { key } : { key, sigstore, services };
}

/** What cosign makes by itself, all of it good. */
export function recipes({ key }: Bench): readonly Recipe[] {
  const type = (name: string): readonly [string, string] => [name, TYPES[name]?.[0] ?? ''];
  const log = (by: Expected['by'], more: Partial<Expected> = {}): Expected => ({
    by,
    witness: 'log',
    ...more,
  });
  const by = (who: Expected['by'], witness: Witness, more: Partial<Expected> = {}): Expected => ({
    by: who,
    witness,
    ...more,
  });
  return [
    { name: 'bundle by a key', expected: by(key, 'nobody') },
    { name: 'bundle by a key, logged', expected: log(key) },
    { name: 'legacy signature by a key', expected: by(key, 'nobody'), legacy: true },
    { name: 'bundle of a person', expected: log(ALICE) },
    { name: 'bundle of a GitHub workflow', expected: log(WORKFLOW) },
    {
      name: 'bundle of a GitHub workflow, its repository asked for',
      expected: log(WORKFLOW, {
        claim: ['certificate-github-workflow-repository', 'githubWorkflowRepository', 'acme/app'],
      }),
    },
    { name: 'bundle of a GitLab pipeline', expected: log(PIPELINE) },
    { name: 'bundle of a workflow, stamped only', expected: by(WORKFLOW, 'timestamp') },
    { name: 'legacy signature of a person', expected: by(ALICE, 'timestamp'), legacy: true },
    {
      name: 'bundle with annotations',
      expected: by(key, 'nobody', { annotations: { env: 'prod', team: 'a b' } }),
    },
    {
      name: 'legacy signature with annotations',
      expected: by(key, 'nobody', { annotations: { env: 'prod' } }),
      legacy: true,
    },
    ...Object.keys(TYPES).flatMap((name): readonly Recipe[] => [
      {
        name: `attestation, ${name}, of a pipeline`,
        expected: log(PIPELINE, { type: type(name) }),
      },
      {
        name: `legacy attestation, ${name}, by a key`,
        expected: by(key, 'nobody', { type: type(name) }),
        legacy: true,
      },
    ]),
    { name: 'attestation by a key', expected: by(key, 'nobody', { type: type('vuln') }) },
    {
      name: 'legacy attestation of a person',
      expected: by(ALICE, 'timestamp', { type: type('vuln') }),
      legacy: true,
    },
  ];
}

/** An index that was signed with all that it lists, and what it lists. */
export async function signedIndex(bench: Bench, registry: Registry): Promise<readonly Artefact[]> {
  const index = await pushIndex(registry, bench.repository(), '1');
  await sign(index.pinned, { by: { key: bench.key }, recursive: true });
  const asked: Question = question(bench.sigstore, { by: bench.key, witness: 'nobody' });
  const place = registry.kind === 'olareg' ? 'referrers' : 'no referrers';
  return [index, ...index.children].map(({ pinned }, at) => ({
    name: `index signed with its images, ${at === 0 ? 'itself' : `image ${at.toString()}`}, ${place}`,
    pinned,
    question: asked,
  }));
}

/** The index alone is signed; its images are not. */
export async function unsignedChild(bench: Bench, registry: Registry): Promise<Artefact> {
  const index = await pushIndex(registry, bench.repository(), '1');
  await sign(index.pinned, { by: { key: bench.key } });
  const [child] = index.children;
  return {
    name: 'image of an index that alone is signed',
    pinned: child?.pinned ?? '',
    question: question(bench.sigstore, { by: bench.key, witness: 'nobody' }),
  };
}

/** A good signature in the old layout beside the bundle of somebody else. */
export async function besideForeignBundle(bench: Bench, registry: Registry): Promise<Artefact> {
  const { pinned } = await bench.image(registry);
  await sign(pinned, { by: { key: bench.key }, legacy: true });
  await attachBundle(pinned, bench.looseKey.bundle(Buffer.from('{}')));
  return {
    name: 'legacy signature by a key, beside a bundle of somebody else',
    pinned,
    question: question(bench.sigstore, { by: bench.key, witness: 'nobody' }),
  };
}
