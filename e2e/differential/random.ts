// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { createHash } from 'node:crypto';
import type { Evidence } from '../../verification/index.ts';
import { attachBundle, attachLayers, type LayerTag } from '../sigstore/index.ts';
import type { Made } from './artefacts.ts';
import type { Artefact, Bench } from './bench.ts';

/** Random changes that were judged, and those of them that we allow. */
export interface RandomRun {
  readonly judged: number;
  readonly allowed: readonly (() => Promise<Artefact>)[];
}

/** Changes of one place that both sides judge. */
const MOST_OF_A_PLACE = 3;

type Signature = Evidence['signatures'][number];

interface Change {
  readonly place: string;
  readonly signature: Signature;
}

/**
 * Changes what is beside an artefact at random, one byte or one value at a time, and lets us judge.
 * What we allow becomes an artefact for both sides. The seed makes the choice of places repeatable,
 * though not the evidence, which holds new keys in each run.
 */
export async function randomly(
  bench: Bench,
  base: Made,
  { count, seed }: { readonly count: number; readonly seed: number },
): Promise<RandomRun> {
  const evidence = await bench.judge.collect(base.pinned);
  const [signature] = evidence.signatures;
  if (signature === undefined) throw new Error(`${base.name}: nothing is beside it`);
  const random = mulberry32(seed);
  const changes = Array.from({ length: count }, () => changeOf(signature, random));
  const allowed = fewOfEach(
    changes.filter((change) => {
      const changed = { ...evidence, signatures: [change.signature] };
      return bench.judge.judgeBy(base.pinned, base.question.spec, changed).allowed;
    }),
  );
  return {
    judged: count,
    allowed: allowed.map((change) => async () => {
      const pinned = await bench.copy(base.pinned);
      await attach(pinned, change.signature);
      return { name: `${base.name} / random: ${change.place}`, pinned, question: base.question };
    }),
  };
}

/** What means nothing may be changed in countless ways that are all alike. */
function fewOfEach(changes: readonly Change[]): readonly Change[] {
  const seen = new Map<string, number>();
  return changes.filter(({ place }) => {
    const before = seen.get(place) ?? 0;
    seen.set(place, before + 1);
    return before < MOST_OF_A_PLACE;
  });
}

async function attach(pinned: string, { format, bytes, annotations }: Signature): Promise<void> {
  if (format === 'bundle') {
    await attachBundle(pinned, Buffer.from(bytes).toString('utf8'));
    return;
  }
  const isPayload = format === 'simple-signing';
  const tag: LayerTag = isPayload ? 'sig' : 'att';
  const mediaType = isPayload
    ? 'application/vnd.dev.cosign.simplesigning.v1+json'
    : 'application/vnd.dsse.envelope.v1+json';
  await attachLayers(pinned, tag, [{ mediaType, annotations, bytes: Buffer.from(bytes) }]);
}

type Random = () => number;

function changeOf(signature: Signature, random: Random): Change {
  const names = Object.keys(signature.annotations);
  const way = random();
  if (signature.format !== 'bundle' && names.length > 0 && way < 0.5)
    return annotationChange(signature, names, random);
  const text = Buffer.from(signature.bytes).toString('utf8');
  const { place, changed } = way < 0.75 ? byteChange(text, random) : valueChange(text, random);
  const bytes = Buffer.from(changed);
  const digest = `sha256:${createHash('sha256').update(bytes).digest('hex')}` as const;
  return { place, signature: { ...signature, bytes, digest } };
}

function annotationChange(signature: Signature, names: readonly string[], random: Random): Change {
  const name = names[pick(names.length, random)] ?? '';
  const value = replaceOne(signature.annotations[name] ?? '', random);
  return {
    place: `annotation ${name}`,
    signature: { ...signature, annotations: { ...signature.annotations, [name]: value } },
  };
}

interface TextChange {
  readonly place: string;
  readonly changed: string;
}

/** One character becomes another. */
function byteChange(text: string, random: Random): TextChange {
  const changed = replaceOne(text, random);
  return { place: differenceOf(text, changed), changed };
}

function replaceOne(text: string, random: Random): string {
  const at = pick(text.length, random);
  const other = String.fromCharCode(32 + pick(95, random));
  return `${text.slice(0, at)}${other === text[at] ? '~' : other}${text.slice(at + 1)}`;
}

/** One value of the JSON becomes another, or goes. */
function valueChange(text: string, random: Random): TextChange {
  const root: unknown = JSON.parse(text);
  const leaves = leavesOf(root, []);
  const path = leaves[pick(leaves.length, random)] ?? [];
  const key = path.at(-1) ?? '';
  const parent = path.slice(0, -1).reduce<unknown>((node, name) => at(node, name), root);
  const values = ['', null, 0, -1, [], {}, true, '0', `${String(at(parent, key))}A`, undefined];
  const value = values[pick(values.length, random)];
  (parent as Record<string, unknown>)[key] = value;
  const place = `${nameOf(path)} = ${(value === undefined ? 'nothing' : JSON.stringify(value)).slice(0, 20)}`;
  return { place, changed: JSON.stringify(root) };
}

function leavesOf(value: unknown, path: readonly string[]): readonly (readonly string[])[] {
  if (typeof value !== 'object' || value === null) return [path];
  const members = Object.entries(value).flatMap(([key, member]) =>
    leavesOf(member, [...path, key]),
  );
  return path.length === 0 ? members : [path, ...members];
}

function at(node: unknown, key: string): unknown {
  return (node as Readonly<Record<string, unknown>>)[key];
}

/** Where two texts differ as JSON; `text` where one of them is none. */
function differenceOf(before: string, after: string): string {
  try {
    return difference(JSON.parse(before), JSON.parse(after), []) ?? 'nothing';
  } catch {
    return 'text';
  }
}

function difference(before: unknown, after: unknown, path: readonly string[]): string | undefined {
  if (typeof before !== 'object' || before === null || typeof after !== 'object' || after === null)
    return before === after ? undefined : nameOf(path);
  const names = [...new Set([...Object.keys(before), ...Object.keys(after)])];
  for (const name of names) {
    const found = difference(at(before, name), at(after, name), [...path, name]);
    if (found !== undefined) return found;
  }
  return undefined;
}

function nameOf(path: readonly string[]): string {
  return path.join('.');
}

function pick(count: number, random: Random): number {
  return Math.floor(random() * count);
}

/** A small generator of numbers from 0 to 1, the same for the same seed. */
function mulberry32(seed: number): Random {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
