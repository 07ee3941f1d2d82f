// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { z } from 'zod';
import { conditions, digest, dnsLabel, doc, instant } from './common.ts';

const revoked = z.strictObject({
  at: instant.meta(doc('When it was revoked, for the record: revoking has effect at once.')),
  by: z.string().min(1).max(253).meta(doc('Who revoked it.')),
  reason: z.string().min(1).max(4096).meta(doc('Why.')),
});

/** `spec` of a SigningException: the single source of type, schema and defaults. */
export const signingExceptionSpec = z
  .strictObject({
    policyRef: z
      .strictObject({ name: z.string().min(1).max(253).meta(doc('Name of the ImageTrustPolicy.')) })
      .meta(doc('The policy that the exception is from.')),
    requirements: z
      .array(dnsLabel)
      .min(1)
      .max(32)
      .meta(doc('Requirements of the policy that are waived.', { 'x-kubernetes-list-type': 'set' }))
      .optional(),
    allRequirements: z.boolean().meta(doc('Waives every requirement of the policy.')).optional(),
    digests: z
      .array(digest)
      .min(1)
      .max(64)
      .meta(
        doc('Digests of the images that may run. There is no exception by tag.', {
          'x-kubernetes-list-type': 'set',
        }),
      ),
    serviceAccounts: z
      .array(z.string().min(1).max(253))
      .min(1)
      .max(64)
      .meta(
        doc('Service accounts of this namespace whose pods may run them.', {
          'x-kubernetes-list-type': 'set',
        }),
      ),
    notBefore: instant.meta(doc('When it begins, RFC 3339 with zone.')),
    expiresAt: instant.meta(doc('When it ends, RFC 3339 with zone. It ends by itself.')),
    reason: z.string().min(20).max(4096).meta(doc('Why it is needed.')),
    owner: z.string().min(1).max(253).meta(doc('Who answers for it.')),
    requestedBy: z
      .string()
      .min(1)
      .max(253)
      .meta(doc('User name of who asked for it; must be the caller on a widening edit.')),
    ticket: z.string().min(1).max(1024).meta(doc('Where it is tracked.')).optional(),
    risk: z.string().min(1).max(4096).meta(doc('What may go wrong meanwhile.')).optional(),
    compensatingControls: z
      .array(z.string().min(1).max(1024))
      .max(16)
      .meta(doc('What keeps the risk low meanwhile.', { 'x-kubernetes-list-type': 'atomic' }))
      .optional(),
    closureCondition: z.string().min(1).max(4096).meta(doc('When it can go.')).optional(),
    extensionCondition: z.string().min(1).max(4096).meta(doc('When it may be renewed.')).optional(),
    revoked: revoked.meta(doc('Ends the exception at once.')).optional(),
  })
  .meta(
    doc('A time-boxed, owned permission to run images that do not satisfy a policy.', {
      'x-kubernetes-validations': [
        { rule: 'self.expiresAt > self.notBefore', message: 'expiresAt must be after notBefore' },
        {
          rule: "self.expiresAt - self.notBefore <= duration('8760h')",
          message: 'an exception may last at most 8760h',
        },
        {
          rule: 'has(self.requirements) != (has(self.allRequirements) && self.allRequirements)',
          message: 'exactly one of requirements and allRequirements: true must be set',
        },
      ],
    }),
  );

/** `status` of a SigningException. */
export const signingExceptionStatus = z
  .strictObject({
    observedGeneration: z
      .int()
      .meta(doc('Generation of the spec that the status speaks of; -1 before the first look.'))
      .default(-1),
    conditions: conditions.optional(),
    specHash: z
      .string()
      .max(135)
      .meta(doc('Hash of the fields that decide what the exception permits.'))
      .optional(),
  })
  .meta(doc('What the operator observed of the exception.'));

/** `spec` with all defaults applied. */
export type SigningExceptionSpec = z.infer<typeof signingExceptionSpec>;
/** `status`. */
export type SigningExceptionStatus = z.infer<typeof signingExceptionStatus>;

/** Names and columns of the kind. */
export const signingExceptionKind = {
  kind: 'SigningException',
  plural: 'signingexceptions',
  singular: 'signingexception',
  shortNames: ['sigex'],
  scope: 'Namespaced',
  description:
    'A time-boxed, owned permission to run images by digest that do not satisfy a policy, in this namespace.',
  columns: [
    { name: 'Policy', type: 'string', jsonPath: '.spec.policyRef.name' },
    { name: 'Active', type: 'string', jsonPath: '.status.conditions[?(@.type=="Active")].status' },
    { name: 'Reason', type: 'string', jsonPath: '.status.conditions[?(@.type=="Active")].reason' },
    { name: 'Expires', type: 'string', jsonPath: '.spec.expiresAt' },
    { name: 'Owner', type: 'string', jsonPath: '.spec.owner' },
    { name: 'Digests', type: 'string', jsonPath: '.spec.digests', priority: 1 },
    { name: 'ServiceAccounts', type: 'string', jsonPath: '.spec.serviceAccounts', priority: 1 },
    { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' },
  ],
} as const;
