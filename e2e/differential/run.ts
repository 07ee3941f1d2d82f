// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import pLimit, { type LimitFunction } from 'p-limit';
import {
  ALICE,
  besideForeignBundle,
  make,
  recipes,
  signedIndex,
  unsignedChild,
  type Made,
  type Recipe,
} from './artefacts.ts';
import type { Artefact, Bench, Row } from './bench.ts';
import { BUNDLE_MUTATIONS } from './bundle-mutations.ts';
import { LAYER_MUTATIONS } from './layer-mutations.ts';
import { randomly } from './random.ts';
import {
  mutatedBundles,
  mutatedLayers,
  oddlySigned,
  otherwiseAsked,
  type Pair,
} from './variants.ts';

/** Commands of cosign at a time. */
const AT_A_TIME = 4;
/** One of so many artefacts goes to the command line too. */
const SAMPLED = 7;
/** Random changes of each. */
const RANDOM_CHANGES = 250;
const RANDOM = [
  'bundle of a person',
  'attestation, vuln, of a pipeline',
  'bundle of a workflow, stamped only',
  'bundle by a key',
  'bundle by a key, logged',
  'legacy signature by a key',
  'legacy signature of a person',
  'legacy attestation, vuln, by a key',
];

/** What the run judged. */
export interface Run {
  readonly rows: readonly Row[];
  /** How many of them, from the first on, cosign made and nobody changed. */
  readonly goods: number;
  /** Random changes that we judged; those that we allow are rows. */
  readonly randomChanges: number;
  /** Some artefacts of all kinds. */
  readonly sample: readonly Artefact[];
}

/** Judges what cosign made, and what comes of it. Rows are in the order of the tables. */
export async function runDifferential(bench: Bench): Promise<Run> {
  const limit = pLimit(AT_A_TIME);
  const all = recipes(bench);
  const [first, ...others] = bench.registries;
  if (first === undefined) throw new Error('there is no registry');
  const makeFirst = async (recipe: Recipe): Promise<Made> => make(bench, recipe, first);
  const goods = await limit.map(all, makeFirst);
  const made = new Map(all.map(({ name }, at) => [name, present(goods[at])]));
  const elsewhere = await limit.map(
    others.flatMap((registry) => all.map((recipe) => ({ registry, recipe }))),
    async ({ recipe, registry }) => make(bench, recipe, registry),
  );
  const indexes = await limit.map(bench.registries, async (r) => signedIndex(bench, r));
  const asMade = [...goods, ...elsewhere, ...indexes.flat()];
  const unlike = [...(await badRecipes(bench, limit)), ...(await otherwiseAsked(bench, made))];
  const artefacts: readonly (() => Promise<Artefact>)[] = [
    ...[...asMade, ...unlike].map((artefact) => async () => Promise.resolve(artefact)),
    ...(await changed(bench, made)),
    ...oddlySigned(bench, present(made.get('bundle by a key')).pinned),
  ];
  const random = await Promise.all(
    RANDOM.map(async (name, seed) =>
      randomly(bench, { ...present(made.get(name)), name }, { count: RANDOM_CHANGES, seed }),
    ),
  );
  const rows = await limit.map(
    [...artefacts, ...random.flatMap(({ allowed }) => allowed)],
    async (artefact) => bench.compare(await artefact()),
  );
  const judged = random.reduce((sum, one) => sum + one.judged, 0);
  const sample = [...goods, ...unlike].filter((_, at) => at % SAMPLED === 0);
  return { rows, goods: asMade.length, randomChanges: judged, sample };
}

/** What services left out, or did with keys that nobody trusts. */
async function badRecipes(bench: Bench, limit: LimitFunction): Promise<readonly Artefact[]> {
  const [registry] = bench.registries;
  if (registry === undefined) throw new Error('there is no registry');
  const expected = { by: ALICE, witness: 'log' } as const;
  const stamped = { by: ALICE, witness: 'timestamp' } as const;
  const bad: readonly Recipe[] = [
    { name: 'bundle, certificate without SCT', expected, scts: 'none' },
    { name: 'bundle, SCT of a foreign log', expected, scts: 'foreign' },
    { name: 'bundle, without any time', expected: stamped, stamped: false },
    {
      name: 'legacy signature, certificate without SCT',
      expected: stamped,
      scts: 'none',
      legacy: true,
    },
    {
      name: 'legacy signature, SCT of a foreign log',
      expected: stamped,
      scts: 'foreign',
      legacy: true,
    },
    { name: 'legacy signature, without any time', expected: stamped, stamped: false, legacy: true },
  ];
  const made = await limit.map(bad, async (recipe) => make(bench, recipe, registry));
  const hidden = await besideForeignBundle(bench, registry);
  return [...made, await unsignedChild(bench, registry), hidden];
}

/** Mutations of the artefacts that are most unlike each other. */
async function changed(
  bench: Bench,
  made: ReadonlyMap<string, Made>,
): Promise<readonly (() => Promise<Artefact>)[]> {
  const all = new Map(recipes(bench).map((recipe) => [recipe.name, recipe]));
  const [registry] = bench.registries;
  if (registry === undefined) throw new Error('there is no registry');
  const pair = async (name: string): Promise<Pair> => {
    const recipe = present(all.get(name));
    const other = await make(bench, recipe, registry);
    return { base: present(made.get(name)), other, recipe };
  };
  const bundles = {
    'bundle of a person': BUNDLE_MUTATIONS.keyless,
    'attestation, vuln, of a pipeline': BUNDLE_MUTATIONS.keyless,
    'bundle of a workflow, stamped only': BUNDLE_MUTATIONS.stampedOnly,
    'bundle by a key': BUNDLE_MUTATIONS.key,
    'bundle by a key, logged': BUNDLE_MUTATIONS.loggedKey,
  };
  const layers = {
    'legacy signature by a key': LAYER_MUTATIONS.key,
    'legacy signature of a person': LAYER_MUTATIONS.keyless,
    'legacy attestation, vuln, by a key': LAYER_MUTATIONS.keyAttestation,
  };
  return [
    ...(await Promise.all(
      Object.entries(bundles).map(async ([name, ways]) =>
        mutatedBundles(bench, await pair(name), ways),
      ),
    )),
    ...(await Promise.all(
      Object.entries(layers).map(async ([name, ways]) =>
        mutatedLayers(bench, await pair(name), ways),
      ),
    )),
  ].flat();
}

function present<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('there is none');
  return value;
}
