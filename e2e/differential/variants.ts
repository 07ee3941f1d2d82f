// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { readFileSync } from 'node:fs';
import { attachBundle, attachLayers, readLayers } from '../sigstore/index.ts';
import type { LayerTag, TrustVariation } from '../sigstore/index.ts';
import { ALICE, BOB, PIPELINE, TYPES, WORKFLOW, type Made, type Recipe } from './artefacts.ts';
import type { Artefact, Bench } from './bench.ts';
import type { LayerMutation } from './layer-mutations.ts';
import type { Mutation } from './mutation.ts';
import { question, type Expected } from './question.ts';
import { payloads, statements } from './statements.ts';

/** A good artefact and another of the same kind. */
export interface Pair {
  readonly base: Made;
  readonly other: Made;
  readonly recipe: Recipe;
}

/** The bundle of a good artefact, changed in each of the ways, each beside a copy of its image. */
export function mutatedBundles(
  bench: Bench,
  { base, other, recipe }: Pair,
  mutations: readonly Mutation[],
): readonly (() => Promise<Artefact>)[] {
  const donors = {
    other: other.bundle,
    digest: digestOf(base.pinned),
    otherDigest: digestOf(other.pinned),
    chain: chainOf(bench),
  };
  return mutations.map(({ name, apply }) => async () => {
    const pinned = await bench.copy(base.pinned);
    await attachBundle(pinned, apply(base.bundle, donors));
    return { name: `${recipe.name} / ${name}`, pinned, question: base.question };
  });
}

/** The same for a layer of the layout before bundles. */
export function mutatedLayers(
  bench: Bench,
  { base, other, recipe }: Pair,
  mutations: readonly LayerMutation[],
): readonly (() => Promise<Artefact>)[] {
  const tag: LayerTag = recipe.expected.type === undefined ? 'sig' : 'att';
  const layers = Promise.all([readLayers(base.pinned, tag), readLayers(other.pinned, tag)]);
  return mutations.map(({ name, apply }) => async () => {
    const [[layer], [donor]] = await layers;
    if (layer === undefined || donor === undefined) throw new Error('there is no layer');
    const pinned = await bench.copy(base.pinned);
    const digests = { digest: digestOf(base.pinned), otherDigest: digestOf(other.pinned) };
    await attachLayers(pinned, tag, apply(layer, { other: donor, ...digests }));
    return { name: `${recipe.name} / ${name}`, pinned, question: base.question };
  });
}

/** What a trusted key signed although it is odd. */
export function oddlySigned(bench: Bench, pinned: string): readonly (() => Promise<Artefact>)[] {
  const { sigstore, looseKey } = bench;
  const asked = question(sigstore, { by: looseKey, witness: 'nobody' });
  const digest = digestOf(pinned);
  const bundled = Object.entries(statements(digest.slice('sha256:'.length))).map(
    ([name, text]) =>
      async () => {
        const copy = await bench.copy(pinned);
        await attachBundle(copy, looseKey.bundle(Buffer.from(text)));
        return { name: `signed statement / ${name}`, pinned: copy, question: asked };
      },
  );
  const layered = Object.entries(payloads(digest)).map(([name, text]) => async () => {
    const copy = await bench.copy(pinned);
    await attachLayers(copy, 'sig', [looseKey.layer(text)]);
    return { name: `signed payload / ${name}`, pinned: copy, question: asked };
  });
  return [...bundled, ...layered];
}

/** The same evidence under other expectations. */
export async function otherwiseAsked(
  bench: Bench,
  made: ReadonlyMap<string, Made>,
): Promise<readonly Artefact[]> {
  const { sigstore, key, looseKey } = bench;
  const ask = (of: string, name: string, expected: Expected): Artefact => {
    const base = made.get(of);
    if (base === undefined) throw new Error(`nobody made: ${of}`);
    const { pinned } = base;
    return { name: `${of} / ${name}`, pinned, question: question(sigstore, expected) };
  };
  const type = (name: string): readonly [string, string] => [name, TYPES[name]?.[0] ?? ''];
  const roots = await Promise.all(
    variations().map(async ([name, variation]) => {
      const root = await sigstore.trustedRootWith(variation);
      return ask('bundle of a person', name, { by: ALICE, witness: 'log', root });
    }),
  );
  const stampRoots = await Promise.all(
    variations().map(async ([name, variation]) => {
      const root = await sigstore.trustedRootWith(variation);
      return ask('legacy signature of a person', name, { by: ALICE, witness: 'timestamp', root });
    }),
  );
  return [
    ...roots,
    ...stampRoots,
    ask('bundle of a person', 'asked for another person', { by: BOB, witness: 'log' }),
    ask('bundle of a person', 'asked for a part of the subject', {
      by: ALICE,
      witness: 'log',
      pattern: 'alice@example',
    }),
    ask('bundle of a person', 'asked for a pattern of the whole subject', {
      by: ALICE,
      witness: 'log',
      pattern: '^.*@example\\.com$',
    }),
    ask('bundle of a person', 'asked for a key', { by: key, witness: 'nobody' }),
    ask('bundle of a person', 'asked for an attestation', {
      by: ALICE,
      witness: 'log',
      type: type('vuln'),
    }),
    ask('bundle of a GitHub workflow', 'asked for a pipeline', { by: PIPELINE, witness: 'log' }),
    ask('bundle of a GitHub workflow', 'asked for another branch', {
      by: { ...WORKFLOW, ref: 'refs/heads/dev' } as Expected['by'],
      witness: 'log',
    }),
    ask('bundle of a GitHub workflow', 'asked for another repository', {
      by: WORKFLOW,
      witness: 'log',
      claim: ['certificate-github-workflow-repository', 'githubWorkflowRepository', 'acme/other'],
    }),
    ask('bundle of a workflow, stamped only', 'asked for a log', { by: WORKFLOW, witness: 'log' }),
    ask('bundle by a key', 'asked for another key', { by: looseKey, witness: 'nobody' }),
    ask('bundle by a key', 'asked for a log', { by: key, witness: 'log' }),
    ask('bundle by a key', 'asked for a person', { by: ALICE, witness: 'timestamp' }),
    ask('bundle by a key', 'asked for an attestation', {
      by: key,
      witness: 'nobody',
      type: type('vuln'),
    }),
    ask('bundle by a key', 'asked for annotations', {
      by: key,
      witness: 'nobody',
      annotations: { env: 'prod' },
    }),
    ask('bundle with annotations', 'asked for others', {
      by: key,
      witness: 'nobody',
      annotations: { env: 'dev' },
    }),
    ask('bundle with annotations', 'asked for one that it lacks too', {
      by: key,
      witness: 'nobody',
      annotations: { env: 'prod', more: '1' },
    }),
    ask('legacy signature with annotations', 'asked for others', {
      by: key,
      witness: 'nobody',
      annotations: { env: 'dev' },
    }),
    ask('legacy signature by a key', 'asked for another key', { by: looseKey, witness: 'nobody' }),
    ask('legacy signature by a key', 'asked for an attestation', {
      by: key,
      witness: 'nobody',
      type: type('vuln'),
    }),
    ask('legacy signature of a person', 'asked for another person', {
      by: BOB,
      witness: 'timestamp',
    }),
    ask('legacy signature of a person', 'asked for a log', { by: ALICE, witness: 'log' }),
    ask('attestation by a key', 'asked for a signature', { by: key, witness: 'nobody' }),
    ask('attestation by a key', 'asked for another type', {
      by: key,
      witness: 'nobody',
      type: type('cyclonedx'),
    }),
    ask('attestation by a key', 'asked for another key', {
      by: looseKey,
      witness: 'nobody',
      type: type('vuln'),
    }),
    ask('attestation, vuln, of a pipeline', 'asked for a signature', {
      by: PIPELINE,
      witness: 'log',
    }),
    ask('attestation, vuln, of a pipeline', 'asked for another pipeline', {
      by: { ...PIPELINE, ref: 'v2' } as Expected['by'],
      witness: 'log',
      type: type('vuln'),
    }),
    ask('legacy attestation, vuln, by a key', 'asked for a signature', {
      by: key,
      witness: 'nobody',
    }),
    ask('legacy attestation, vuln, by a key', 'asked for another type', {
      by: key,
      witness: 'nobody',
      type: type('openvex'),
    }),
  ];
}

function variations(): readonly (readonly [string, TrustVariation])[] {
  const parts = ['fulcio', 'timestamps', 'log', 'ctLog'] as const;
  const ways = ['none', 'foreign', 'ended'] as const;
  return parts.flatMap((part) =>
    ways.map((way) => [`trusted root: ${part} ${way}`, { [part]: way }] as const),
  );
}

function chainOf({ sigstore }: Bench): readonly string[] {
  const root = JSON.parse(readFileSync(sigstore.trustedRootFile, 'utf8')) as {
    certificateAuthorities: { certChain: { certificates: { rawBytes: string }[] } }[];
  };
  const [authority] = root.certificateAuthorities;
  return (authority?.certChain.certificates ?? []).map(({ rawBytes }) => rawBytes);
}

function digestOf(pinned: string): string {
  return pinned.slice(pinned.indexOf('@') + 1);
}
