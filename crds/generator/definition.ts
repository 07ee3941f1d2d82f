// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { z } from 'zod';
import { GROUP, VERSION } from '../v1alpha1/common.ts';
import { toStructural } from './structural.ts';
import type { SchemaNode } from './structural.ts';

/** A column of `kubectl get`. */
export interface PrinterColumn {
  readonly name: string;
  readonly type: string;
  readonly jsonPath: string;
  readonly priority?: number;
}

/** Names and columns of a kind, as they stand beside its schema. */
export interface KindManifest {
  readonly kind: string;
  readonly plural: string;
  readonly singular: string;
  readonly shortNames: readonly string[];
  readonly scope: string;
  readonly description: string;
  readonly columns: readonly PrinterColumn[];
}

/** A kind with the zod schemas of its two halves. */
export interface KindSource {
  readonly manifest: KindManifest;
  readonly spec: z.ZodType;
  readonly status: z.ZodType;
}

const API_VERSION_DESCRIPTION =
  'Version of the schema of this object. See https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md#resources';
const KIND_DESCRIPTION =
  'Kind of this object, in CamelCase. See https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md#types-kinds';

/** The CustomResourceDefinition of a kind. Throws where its schema cannot be a structural one. */
export function toDefinition(source: KindSource): SchemaNode {
  const { kind, plural, singular, shortNames, scope, columns } = source.manifest;
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${plural}.${GROUP}` },
    spec: {
      group: GROUP,
      names: {
        kind,
        listKind: `${kind}List`,
        plural,
        singular,
        shortNames,
        categories: ['countersign'],
      },
      scope,
      versions: [
        {
          name: VERSION,
          served: true,
          storage: true,
          additionalPrinterColumns: columns,
          subresources: { status: {} },
          schema: { openAPIV3Schema: rootSchema(source) },
        },
      ],
    },
  };
}

function rootSchema(source: KindSource): SchemaNode {
  return {
    description: source.manifest.description,
    type: 'object',
    required: ['spec'],
    properties: {
      apiVersion: { description: API_VERSION_DESCRIPTION, type: 'string' },
      kind: { description: KIND_DESCRIPTION, type: 'string' },
      metadata: { type: 'object' },
      spec: structuralSchema(source.spec, 'spec'),
      status: withDefault(structuralSchema(source.status, 'status'), { observedGeneration: -1 }),
    },
  };
}

/** An object that nobody looked at yet says so, and Flux and kubectl wait instead of passing it. */
function withDefault(schema: SchemaNode, value: SchemaNode): SchemaNode {
  const { description, type, ...rest } = schema;
  return { description, type, default: value, ...rest };
}

function structuralSchema(schema: z.ZodType, field: 'spec' | 'status'): SchemaNode {
  const node: SchemaNode = z.toJSONSchema(schema, {
    target: 'openapi-3.0',
    io: 'input',
    reused: 'inline',
    unrepresentable: 'any',
  });
  const wrapped = toStructural({ type: 'object', properties: { [field]: node } }, '');
  return (wrapped['properties'] as Record<string, SchemaNode>)[field] ?? {};
}
