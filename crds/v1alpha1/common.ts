// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { z } from 'zod';

/** API group of both kinds. */
export const GROUP = 'countersign.dev';
/** The served and stored version. */
export const VERSION = 'v1alpha1';
/** `apiVersion` of both kinds. */
export const API_VERSION: string = `${GROUP}/${VERSION}`;

/** Metadata that zod passes through to the schema as written. */
interface SchemaExtras {
  readonly description: string;
  /** Limit of a map; zod has none of its own. */
  readonly maxProperties?: number;
  readonly 'x-kubernetes-validations'?: readonly {
    readonly rule: string;
    readonly message: string;
  }[];
  readonly 'x-kubernetes-list-type'?: 'map' | 'set' | 'atomic';
  readonly 'x-kubernetes-list-map-keys'?: readonly string[];
  readonly 'x-kubernetes-map-type'?: 'atomic' | 'granular';
}

/** Types the metadata of a schema node; the generator refuses nodes without a description. */
export function doc(
  description: string,
  extras: Omit<SchemaExtras, 'description'> = {},
): Record<string, unknown> {
  return { description, ...extras };
}

/** A DNS label, as names in lists are. */
export const dnsLabel: z.ZodString = z
  .string()
  .min(1)
  .max(63)
  .regex(/^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/);

/** `sha256:<64 hex>` or `sha512:<128 hex>`. */
export const digest: z.ZodString = z
  .string()
  .max(135)
  .regex(/^(sha256:[a-f0-9]{64}|sha512:[a-f0-9]{128})$/);

/** A glob over repositories; compiled (and refused with a path) by the operator. */
export const imageGlob: z.ZodString = z
  .string()
  .min(1)
  .max(512)
  .regex(/^[^\s@]+$/);

/** A duration of whole hours, minutes or seconds, e.g. `1h30m`. */
export const durationText: z.ZodString = z
  .string()
  .max(32)
  .regex(/^([0-9]+h)?([0-9]+m)?([0-9]+s)?$/);

/** An instant, RFC 3339 with zone. */
export const instant: z.ZodISODateTime = z.iso.datetime({ offset: true });

const keyRef = z.strictObject({
  name: z
    .string()
    .min(1)
    .max(253)
    .meta(doc('Name of the object in the namespace of the operator.')),
  key: z.string().min(1).max(253).meta(doc('Key within its data.')),
});

/** The one shape of everything that holds material (design §3). */
export const material = z
  .strictObject({
    inline: z.string().min(1).max(65536).meta(doc('The material itself, PEM.')).optional(),
    configMapRef: keyRef
      .meta(doc('A key of a ConfigMap in the namespace of the operator.'))
      .optional(),
    secretRef: keyRef.meta(doc('A key of a Secret in the namespace of the operator.')).optional(),
  })
  .meta(
    doc('Where the material comes from: exactly one of inline, configMapRef, secretRef.', {
      'x-kubernetes-validations': [
        {
          rule: '[has(self.inline), has(self.configMapRef), has(self.secretRef)].filter(x, x).size() == 1',
          message: 'exactly one of inline, configMapRef and secretRef must be set',
        },
      ],
    }),
  );

const selectorRequirement = z.strictObject({
  key: z.string().min(1).max(316).meta(doc('Label key.')),
  operator: z
    .enum(['In', 'NotIn', 'Exists', 'DoesNotExist'])
    .meta(doc('Relation of key and values.')),
  values: z
    .array(z.string().max(63))
    .max(64)
    .meta(doc('Label values.', { 'x-kubernetes-list-type': 'atomic' }))
    .optional(),
});

/** A label selector over namespaces. Empty selects every namespace. */
export const labelSelector = z.strictObject({
  matchLabels: z
    .record(z.string().max(316), z.string().max(63))
    .meta(doc('Labels that must be present with these values.', { maxProperties: 32 }))
    .optional(),
  matchExpressions: z
    .array(selectorRequirement)
    .max(32)
    .meta(
      doc('Further requirements, all of which must hold.', { 'x-kubernetes-list-type': 'atomic' }),
    )
    .optional(),
});

/** One condition of a status, as Kubernetes defines it. */
export const condition = z.strictObject({
  type: z.string().min(1).max(316).meta(doc('Type of the condition, in CamelCase.')),
  status: z.enum(['True', 'False', 'Unknown']).meta(doc('Whether it holds.')),
  observedGeneration: z
    .int()
    .min(0)
    .meta(doc('Generation of the spec that it speaks of.'))
    .optional(),
  lastTransitionTime: z.iso.datetime({ offset: true }).meta(doc('When the status last changed.')),
  reason: z.string().min(1).max(1024).meta(doc('Reason in CamelCase.')),
  message: z.string().max(32768).meta(doc('Explanation for people.')),
});

/** The list of conditions of a status. */
export const conditions = z
  .array(condition)
  .max(16)
  .meta(
    doc('Conditions by type.', {
      'x-kubernetes-list-type': 'map',
      'x-kubernetes-list-map-keys': ['type'],
    }),
  );

/** A label selector as written. */
export type LabelSelector = z.infer<typeof labelSelector>;
/** Where material comes from. */
export type Material = z.infer<typeof material>;
/** One condition of a status. */
export type Condition = z.infer<typeof condition>;
