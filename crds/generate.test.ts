// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { describe, it } from 'mocha';
import { parse } from 'yaml';
import { z } from 'zod';
import { toDefinition } from './generator/definition.ts';
import type { KindSource } from './generator/definition.ts';
import { generateFiles, KINDS } from './generator/files.ts';
import { toStructural, UnstructuralSchemaError } from './generator/structural.ts';

const here = new URL('.', import.meta.url);

describe('the committed CustomResourceDefinitions', () => {
  for (const file of generateFiles()) {
    it(`${file.name} is what the schemas generate (make verify writes it)`, () => {
      assert.equal(readFileSync(new URL(file.name, here), 'utf8'), file.text);
    });
  }

  it('are all listed in crds/kustomization.yaml', () => {
    const names = readdirSync(here).filter((name) => name.startsWith('countersign.dev_'));
    const list = parse(readFileSync(new URL('kustomization.yaml', here), 'utf8')) as {
      resources: string[];
    };
    assert.deepEqual(names.sort(), list.resources.sort());
    assert.deepEqual(
      names,
      generateFiles()
        .map((file) => file.name)
        .sort(),
    );
  });
});

describe('toDefinition', () => {
  const definition = toDefinition(kind(z.strictObject({}).meta({ description: 'Nothing.' })));

  it('names the kind, its list and the category', () => {
    assert.deepEqual(at(definition, 'spec', 'names'), {
      kind: 'Thing',
      listKind: 'ThingList',
      plural: 'things',
      singular: 'thing',
      shortNames: ['th'],
      categories: ['countersign'],
    });
  });

  it('serves status as a subresource whose observedGeneration is -1 until somebody looked', () => {
    const version = at(definition, 'spec', 'versions', '0');
    assert.deepEqual(at(version, 'subresources'), { status: {} });
    assert.deepEqual(at(version, 'schema', 'openAPIV3Schema', 'properties', 'status', 'default'), {
      observedGeneration: -1,
    });
  });

  it('requires spec', () => {
    const schema = at(definition, 'spec', 'versions', '0', 'schema', 'openAPIV3Schema');
    assert.deepEqual(at(schema, 'required'), ['spec']);
  });

  it('refuses a spec without description', () => {
    refuses(() => toDefinition(kind(z.strictObject({}))), 'spec: has no description');
  });
});

describe('toStructural', () => {
  const text = { type: 'string', maxLength: 5, description: 'Text.' };
  const object = (properties: object): Record<string, unknown> => ({ type: 'object', properties });

  for (const keyword of ['anyOf', 'oneOf', 'allOf', 'not', '$ref', 'const', 'nullable']) {
    it(`refuses ${keyword} with the path of the field`, () => {
      refuses(
        () => toStructural(object({ a: { ...text, [keyword]: {} } }), 'spec'),
        `spec.a: ${keyword} has no place in a structural schema`,
      );
    });
  }

  it('refuses a node without type', () => {
    refuses(() => toStructural({}, 'spec'), 'spec: has no type');
  });

  it('refuses a property without description, also inside lists and maps', () => {
    const bare = object({ b: { type: 'boolean' } });
    const list = { type: 'array', maxItems: 1, items: bare };
    const map = { type: 'object', maxProperties: 1, additionalProperties: bare };
    refuses(() => toStructural(bare, 'spec'), 'spec.b: has no description');
    refuses(() => toStructural(list, 'spec'), 'spec[].b: has no description');
    refuses(() => toStructural(map, 'spec'), 'spec{}.b: has no description');
  });

  for (const [what, node] of [
    ['a string', { type: 'string' }],
    ['a list', { type: 'array', items: { type: 'boolean' } }],
    ['a map', { type: 'object', additionalProperties: { type: 'boolean' } }],
  ] as const) {
    it(`refuses ${what} without limit`, () => {
      refuses(
        () => toStructural(node, 'spec'),
        'spec: has no maxItems, maxLength or maxProperties',
      );
    });
  }

  it('needs no limit where the values bound themselves', () => {
    const choice = { type: 'string', enum: ['a', 'b'] };
    assert.deepEqual(toStructural(choice, 'spec'), choice);
    const time = { type: 'string', format: 'date-time' };
    assert.equal(toStructural(time, 'spec')['format'], 'date-time');
  });

  it('drops what says nothing or is not allowed: safe-integer bounds, closed objects', () => {
    const limit = Number.MAX_SAFE_INTEGER;
    assert.deepEqual(toStructural({ type: 'integer', minimum: -limit, maximum: limit }, ''), {
      type: 'integer',
    });
    assert.deepEqual(toStructural({ type: 'integer', minimum: 0, maximum: 7 }, ''), {
      type: 'integer',
      minimum: 0,
      maximum: 7,
    });
    assert.deepEqual(toStructural({ ...object({}), additionalProperties: false }, ''), object({}));
  });

  it('gives a date-time the pattern of RFC 3339 in place of the one of zod', () => {
    const node = { type: 'string', format: 'date-time', pattern: '^1' };
    const { format, pattern } = toStructural(node, '');
    assert.equal(format, 'date-time');
    const rfc3339 = new RegExp(String(pattern));
    for (const time of ['2026-11-20T00:00:00Z', '2026-11-20T00:00:00.123+05:30']) {
      assert.match(time, rfc3339);
      assert.ok(z.iso.datetime({ offset: true }).safeParse(time).success);
    }
    for (const time of ['2026-11-20t00:00:00z', '2026-11-20T00:00:00,5Z', '2026-11-20T00:00:00']) {
      assert.doesNotMatch(time, rfc3339);
    }
  });

  it('keeps the schema of the values of a map, and every x-kubernetes extension', () => {
    const node = {
      type: 'object',
      maxProperties: 2,
      additionalProperties: { type: 'string', maxLength: 3 },
      'x-kubernetes-map-type': 'atomic',
      'x-kubernetes-validations': [{ rule: 'self.size() > 0', message: 'must not be empty' }],
    };
    assert.deepEqual(toStructural(node, ''), node);
  });
});

describe('KINDS', () => {
  it('makes fields with a default optional for authors', () => {
    const [policy] = KINDS;
    assert.ok(policy);
    const schema = at(toDefinition(policy), 'spec', 'versions', '0', 'schema', 'openAPIV3Schema');
    assert.deepEqual(at(schema, 'properties', 'spec', 'required'), [
      'mode',
      'match',
      'requirements',
    ]);
  });
});

function kind(spec: z.ZodType): KindSource {
  return {
    manifest: {
      kind: 'Thing',
      plural: 'things',
      singular: 'thing',
      shortNames: ['th'],
      scope: 'Cluster',
      description: 'A thing.',
      columns: [],
    },
    spec,
    status: z.strictObject({}).meta({ description: 'What was observed.' }),
  };
}

function at(node: unknown, ...keys: readonly string[]): unknown {
  return keys.reduce((value, key) => (value as Record<string, unknown>)[key], node);
}

function refuses(run: () => unknown, message: string): void {
  assert.throws(run, (error) => {
    assert.ok(error instanceof UnstructuralSchemaError);
    assert.equal(error.message, message);
    return true;
  });
}
