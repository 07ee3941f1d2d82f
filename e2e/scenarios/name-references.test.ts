// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'mocha';
import { parse, parseAllDocuments, stringify } from 'yaml';
import { Kubectl, newDirectory, type KubernetesObject } from '../harness/index.ts';
import { exception, keyInConfigMap, keyPolicySpec, policy } from '../world/index.ts';

const ROOT: string = join(import.meta.dirname, '..', '..');
const FOLDER: string = join(ROOT, 'config', 'kustomize');
const REFERENCES = 'name-references.yaml';
const SCOPES = 'scopes.json';
const TARGETS: Readonly<Record<string, string>> = {
  policyRef: 'ImageTrustPolicy',
  renews: 'SigningException',
  configMapRef: 'ConfigMap',
  secretRef: 'Secret',
};

const ONE = {
  namespace: 'team',
  policy: 'images',
  digests: [`sha256:${'0'.repeat(64)}`],
  expiresAt: new Date('2026-12-01T00:00:00Z'),
};

interface Schema {
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly items?: Schema;
}

interface Definition {
  readonly spec: {
    readonly names: { readonly kind: string };
    readonly versions: readonly { readonly schema: { readonly openAPIV3Schema: Schema } }[];
  };
}

interface References {
  readonly nameReference: readonly {
    readonly kind: string;
    readonly fieldSpecs: readonly { readonly kind: string; readonly path: string }[];
  }[];
}

interface MaterialHolder {
  readonly key: { readonly material: { readonly configMapRef: unknown } };
}

describe('config/kustomize, by the real kustomize', function () {
  this.timeout(30_000);

  it('tells of every field of our kinds that names an object', () => {
    const text = readFileSync(join(FOLDER, REFERENCES), 'utf8');
    const told = (parse(text) as References).nameReference.flatMap(({ kind, fieldSpecs }) =>
      fieldSpecs.map((field) => `${field.kind} ${field.path} ${kind}`),
    );
    const exist = ['imagetrustpolicies', 'signingexceptions'].flatMap(referencesOf);
    assert.ok(exist.length > 2);
    assert.deepEqual(told.toSorted(), exist.toSorted());
  });

  it('makes references follow a prefix, and the hash of a generated ConfigMap', async () => {
    const built = await build();
    const configMap = built.find(({ kind }) => kind === 'ConfigMap')?.metadata?.name ?? '';
    assert.match(configMap, /^acme-release-key-[a-z0-9]+$/);
    const [authority] = specOf(built, 'ImageTrustPolicy')['authorities'] as [MaterialHolder];
    assert.deepEqual(authority.key.material.configMapRef, { name: configMap, key: 'key' });
    assert.deepEqual(specOf(built, 'SigningException')['policyRef'], { name: 'acme-images' });
    const renewing = built.find(({ metadata }) => metadata?.name === 'acme-two') ?? {};
    const { renews } = (renewing as { spec?: { renews?: object } }).spec ?? {};
    assert.deepEqual(renews, { name: 'acme-one' });
  });
});

/** Every field of a kind that names an object: `<kind> <path> <kind that it names>`. */
function referencesOf(plural: string): readonly string[] {
  const file = join(ROOT, 'crds', `countersign.dev_${plural}.yaml`);
  const { spec } = parse(readFileSync(file, 'utf8')) as Definition;
  const paths = spec.versions.flatMap(({ schema }) => namesIn(schema.openAPIV3Schema, []));
  return paths.map((path) => {
    const target = TARGETS[path.at(-2) ?? ''] ?? 'of an unknown kind';
    return `${spec.names.kind} ${path.join('/')} ${target}`;
  });
}

function namesIn(schema: Schema, path: readonly string[]): readonly (readonly string[])[] {
  if (schema.items !== undefined) return namesIn(schema.items, path);
  const parent = path.at(-2) ?? '';
  if (path.at(-1) === 'name' && (parent.endsWith('Ref') || Object.hasOwn(TARGETS, parent)))
    return [path];
  return Object.entries(schema.properties ?? {}).flatMap(([name, child]) =>
    namesIn(child, [...path, name]),
  );
}

/** A policy, its key and an exception, as kustomize renders them under a prefix. */
async function build(): Promise<readonly KubernetesObject[]> {
  const directory = newDirectory('kustomize');
  for (const name of [REFERENCES, SCOPES]) copyFileSync(join(FOLDER, name), join(directory, name));
  const { authority } = keyInConfigMap('release-key', '');
  const spec = keyPolicySpec({ images: ['registry.example.com/**'], keys: [] });
  const objects = [
    policy('images', { ...spec, authorities: [authority] }),
    exception({ ...ONE, name: 'one' }),
    exception({ ...ONE, name: 'two', renews: { name: 'one' } }),
  ];
  writeFileSync(join(directory, 'objects.yaml'), objects.map((o) => stringify(o)).join('---\n'));
  const kustomization = {
    apiVersion: 'kustomize.config.k8s.io/v1beta1',
    kind: 'Kustomization',
    namePrefix: 'acme-',
    openapi: { path: SCOPES },
    configurations: [REFERENCES],
    resources: ['objects.yaml'],
    configMapGenerator: [
      { name: 'release-key', namespace: 'countersign-system', literals: ['key=PEM'] },
    ],
  };
  writeFileSync(join(directory, 'kustomization.yaml'), stringify(kustomization));
  const text = await new Kubectl('').must(['kustomize', directory]);
  return parseAllDocuments(text).map((document) => document.toJS() as KubernetesObject);
}

function specOf(
  objects: readonly KubernetesObject[],
  wanted: string,
): Readonly<Record<string, unknown>> {
  const found = objects.find(({ kind }) => kind === wanted);
  return (found?.['spec'] ?? {}) as Readonly<Record<string, unknown>>;
}
