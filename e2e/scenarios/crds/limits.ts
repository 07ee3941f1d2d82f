// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import type { Constraint, Schema } from './schema.ts';

/** Values that a constraint accepts and refuses; `same` is the value of the base object. */
export interface Limit {
  readonly accepted: readonly unknown[];
  readonly refused: readonly unknown[];
}

interface PatternSample extends Limit {
  /** A value of a length that the pattern accepts, and one that is longer. */
  readonly ofLength?: (length: number) => string;
}

const DIGEST = '^(sha256:[a-f0-9]{64}|sha512:[a-f0-9]{128})$';
const DURATION = '^([0-9]+h)?([0-9]+m)?([0-9]+s)?$';
const DATE_TIME =
  '^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}([.][0-9]+)?(Z|[+-]([01][0-9]|2[0-3]):[0-5][0-9])$';
const DAY = '^[0-9]{4}-[0-9]{2}-[0-9]{2}$';
const hex = (length: number): string => 'a'.repeat(length);

/** By pattern, so that a new one without samples fails. */
const PATTERNS: Readonly<Record<string, PatternSample>> = {
  '^[a-z0-9]([-a-z0-9]*[a-z0-9])?$': {
    accepted: [],
    refused: ['X', '-x', 'x-', 'x.x', 'x\n', 'ü'],
  },
  [DIGEST]: {
    accepted: [`sha256:${hex(64)}`, `sha512:${hex(128)}`],
    refused: [hex(64), `sha256:${hex(63)}`, `sha512:${hex(64)}`, `SHA256:${hex(64)}`, 'app:1'],
    ofLength: (length) => `sha512:${hex(length - 'sha512:'.length)}`,
  },
  '^[^\\s@]+$': {
    accepted: ['registry.example.com/**', '127.0.0.1:5000/team/*'],
    refused: [`registry.example.com/app@sha256:${hex(64)}`, 'registry.example.com/ app', 'a\n'],
  },
  [DATE_TIME]: {
    accepted: ['2026-11-21T00:00:00.5-00:30'],
    refused: [
      '2026-11-21t00:00:00z',
      '2026-11-21T00:00:00,5Z',
      '2026-11-21T00:00:00|05:00',
      '2026-11-21T00:00:00+24:00',
      '2026-11-21T00:00:00Z\n',
    ],
  },
  [DAY]: {
    accepted: ['2026-01-01'],
    refused: ['2026-1-1', '2026-01-01T00:00:00Z', '20260101', '2026-01-01\n'],
    ofLength: (length) => '2026-01-01'.padEnd(length, '0'),
  },
  '^https?:\\/\\/[^\\s?#@]+$': {
    accepted: ['http://127.0.0.1:8080', 'https://tuf.example.com/a/b/'],
    refused: [
      'ftp://tuf.example.com',
      'tuf.example.com',
      'https://user@tuf.example.com',
      'https://tuf.example.com/?a',
      'https://tuf.example.com/#a',
      'https://tuf.example.com/ a',
    ],
    ofLength: (length) => 'http://'.padEnd(length, 'a'),
  },
  [DURATION]: {
    accepted: ['1h', '1h30m', '90m', '3600s'],
    refused: ['1d', '-1h', '1.5h', '1h ', '30m1h', '1', '1ms'],
    ofLength: (length) => '1h'.padStart(length, '0'),
  },
};

const TIMES: Limit = {
  accepted: ['2026-11-21T10:00:00Z', '2026-11-21T10:00:00.5+05:30'],
  refused: [
    '2026-11-21',
    '2026-13-21T10:00:00Z',
    '2026-02-29T10:00:00Z',
    '2026-11-21T24:00:00Z',
    '2026-11-21T23:59:60Z',
    'tomorrow',
    '',
  ],
};

/** How the sides of a keyword are found, for a field that now holds `same`. */
const TRIALS: Readonly<Record<string, (node: Schema, same: unknown) => Limit>> = {
  type: (node, same) => ({ accepted: [same], refused: [node.type === 'string' ? 1 : 'x'] }),
  format: () => TIMES,
  enum: (node) => ({ accepted: node.enum ?? [], refused: ['', 'enforce', 'Other'] }),
  pattern: (node, same) => patternLimit(node.pattern ?? '', same),
  minLength: (node, same) => lengthLimit(same as string, node, node.minLength ?? 0, -1),
  maxLength: (node, same) => lengthLimit(same as string, node, node.maxLength ?? 0, 1),
  minimum: ({ minimum = 0 }) => ({ accepted: [minimum], refused: [minimum - 1] }),
  maximum: ({ maximum = 0 }) => ({ accepted: [maximum], refused: [maximum + 1] }),
  minItems: (node, same) => sizeLimit(same as unknown[], node, node.minItems ?? 0, -1),
  maxItems: (node, same) => sizeLimit(same as unknown[], node, node.maxItems ?? 0, 1),
  maxProperties: (node) => propertyLimit(node.maxProperties ?? 0),
  'x-kubernetes-list-type': (_, same) => {
    const list = same as unknown[];
    return { accepted: [list], refused: [[...list, list[0]]] };
  },
  properties: (_, same) => ({
    accepted: [same],
    refused: [{ ...(same as object), unknownField: 'x' }],
  }),
};

/** Values of these fields that demand or forbid another one: cases of the rule try each of them. */
const COUPLED = new Set([
  'spec.authorities[].key.transparencyLog',
  'spec.authorities[].certificate.trustedTime',
  'spec.onInconclusive.action',
  'spec.class',
]);

/** Values on both sides of a constraint, for a field that now holds `same`. */
export function limitOf({ keyword, node, path }: Constraint, same: unknown): Limit {
  const trial = TRIALS[keyword];
  if (trial === undefined) throw new Error(`${path}: nothing tries ${keyword}`);
  const limit = trial(node, same);
  return keyword === 'enum' && COUPLED.has(path) ? { ...limit, accepted: [same] } : limit;
}

function patternSample(pattern: string): PatternSample {
  const sample = PATTERNS[pattern];
  if (sample === undefined) throw new Error(`no samples of ${pattern}`);
  return sample;
}

function patternLimit(pattern: string, same: unknown): Limit {
  const { accepted, refused } = patternSample(pattern);
  return { accepted: [same, ...accepted], refused };
}

function lengthLimit(same: string, node: Schema, length: number, beyond: number): Limit {
  const pattern = node.pattern === undefined ? undefined : patternSample(node.pattern);
  const ofLength = pattern?.ofLength ?? ((count: number) => same.slice(0, 1).repeat(count));
  return { accepted: [ofLength(length)], refused: [ofLength(length + beyond)] };
}

function sizeLimit(same: readonly unknown[], node: Schema, size: number, beyond: number): Limit {
  return {
    accepted: [listOf(same, node, size)],
    refused: [listOf(same, node, size + beyond)],
  };
}

/** As long as asked for: what is there already first, then different elements of the same kind. */
function listOf(same: readonly unknown[], node: Schema, size: number): unknown[] {
  const more = Array.from({ length: size }, (_, index) => element(same, node, index));
  return [...same, ...more].slice(0, size);
}

function element(same: readonly unknown[], { items }: Schema, index: number): unknown {
  if (items?.pattern === DIGEST) return `sha256:${index.toString(16).padStart(64, '0')}`;
  if (items?.type === 'string') return `a${String(same.length - 1 + index)}`;
  const first = same.at(0) as Readonly<Record<string, unknown>>;
  const key = ['name', 'type', 'approver'].find((name) => name in first);
  return key === undefined ? first : { ...first, [key]: `more-${String(index)}` };
}

function propertyLimit(size: number): Limit {
  const map = (count: number): Record<string, string> =>
    Object.fromEntries(Array.from({ length: count }, (_, index) => [`k${String(index)}`, 'v']));
  return { accepted: [map(size)], refused: [map(size + 1)] };
}
