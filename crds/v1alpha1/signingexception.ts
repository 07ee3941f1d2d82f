// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { z } from 'zod';
import { conditions, digest, dnsLabel, doc, instant } from './common.ts';

const revoked = z.strictObject({
  at: instant.meta(doc('When it was revoked, for the record: revoking has effect at once.')),
  by: z.string().min(1).max(253).meta(doc('Who revoked it.')),
  reason: z.string().min(1).max(4096).meta(doc('Why.')),
});

/** Names of objects, users and the like: at most what a name in Kubernetes may have. */
const name = z.string().min(1).max(253);

const signedApproval = z.strictObject({
  bundle: z
    .string()
    .min(1)
    .max(65536)
    .meta(
      doc('A Sigstore bundle over the statement that countersign exceptions sign makes, JSON.'),
    ),
});

const approval = z.strictObject({
  approver: name.meta(doc('User name of who approved it.')),
  approvedAt: instant.meta(doc('When it was approved, for the record.')),
  specHash: digest.meta(
    doc('The specHash that was approved; a spec of another one is not approved.'),
  ),
  latestExpiresAt: instant.meta(doc('The latest expiresAt that is approved.')),
  expiresAt: instant
    .meta(doc('Until when the approval counts; without it, as long as the exception.'))
    .optional(),
  comment: z.string().min(1).max(1024).meta(doc('What the approver had to say.')).optional(),
});

const review = z.strictObject({
  at: instant.meta(doc('When it was reviewed.')),
  by: name.meta(doc('User name of who reviewed it.')),
  comment: z.string().min(1).max(1024).meta(doc('What was found.')).optional(),
});

/** A day, UTC: nothing in a status says more. */
const day = z
  .string()
  .regex(/^[0-9]{4}-[0-9]{2}-[0-9]{2}$/)
  .max(10);

const usage = z.strictObject({
  firstSeen: day.meta(doc('The first day on which a workload was seen that ran by it, UTC.')),
  lastSeen: day.meta(doc('The last such day, UTC.')),
  digests: z
    .array(digest)
    .max(64)
    .meta(doc('Digests that ran by it.', { 'x-kubernetes-list-type': 'set' })),
  workloads: z.int().min(0).meta(doc('How many workloads run by it now.')),
});

/** Otherwise who made one could edit it out of the way of the next, and nobody would ever have approved any. */
const INCIDENT_STAYS = [
  "self.class != 'Incident'",
  [
    'self.policyRef.name == oldSelf.policyRef.name',
    'has(self.requirements) == has(oldSelf.requirements)',
    '(!has(self.requirements) || self.requirements == oldSelf.requirements)',
    'self.digests == oldSelf.digests',
    'self.serviceAccounts == oldSelf.serviceAccounts',
    'self.requestedBy == oldSelf.requestedBy',
    'self.notBefore == oldSelf.notBefore',
    'self.expiresAt <= oldSelf.expiresAt',
  ].join(' && '),
].join(' || ');

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
    class: z
      .enum(['Planned', 'Incident'])
      .meta(
        doc(
          'Planned: it has effect once it is approved. Incident: it has effect before, where the policy allows that, for at most 24h.',
        ),
      )
      .default('Planned'),
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
    approvals: z
      .array(signedApproval)
      .max(4)
      .meta(
        doc('Signed approvals, by approvers that the policy names.', {
          'x-kubernetes-list-type': 'atomic',
        }),
      )
      .optional(),
    renews: z
      .strictObject({ name: name.meta(doc('Name of the exception, in this namespace.')) })
      .meta(doc('The exception that this one renews.'))
      .optional(),
    revoked: revoked.meta(doc('Ends the exception at once, and for good.')).optional(),
  })
  .meta(
    doc('A time-boxed, owned permission to run images that do not satisfy a policy.', {
      'x-kubernetes-validations': [
        { rule: 'self.expiresAt > self.notBefore', message: 'expiresAt must be after notBefore' },
        {
          rule: "self.expiresAt - self.notBefore <= duration(self.class == 'Incident' ? '24h' : '8760h')",
          message: 'an exception may last at most 8760h, and one of the class Incident at most 24h',
        },
        {
          rule: '!has(oldSelf.revoked) || has(self.revoked)',
          message: 'revoked cannot be taken back; a new exception is needed',
        },
        {
          rule: 'self.class == oldSelf.class',
          message: 'class cannot be changed; a new exception is needed',
        },
        {
          rule: INCIDENT_STAYS,
          message:
            'what an exception of the class Incident permits cannot be changed, except for an earlier end',
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
      .meta(
        doc(
          'Hash of the fields that decide what the exception permits, but for expiresAt: approvals name it.',
        ),
      )
      .optional(),
    approvals: z
      .array(approval)
      .max(16)
      .meta(
        doc('Approvals in the cluster, one of each approver.', {
          'x-kubernetes-list-type': 'map',
          'x-kubernetes-list-map-keys': ['approver'],
        }),
      )
      .optional(),
    revoked: revoked
      .meta(doc('Ends the exception at once, and for good: written by who may revoke.'))
      .optional(),
    reviews: z
      .array(review)
      .max(64)
      .meta(doc('Recorded reviews, the latest last.', { 'x-kubernetes-list-type': 'atomic' }))
      .optional(),
    usage: usage.meta(doc('What ran by it, as far as was observed.')).optional(),
    renewals: z
      .int()
      .min(0)
      .meta(
        doc(
          'How many earlier exceptions it follows: those it renews, and those that permit a part of the same.',
        ),
      )
      .optional(),
  })
  .meta(doc('What the operator observed of the exception.'));

/** `spec` with all defaults applied. */
export type SigningExceptionSpec = z.infer<typeof signingExceptionSpec>;
/** An approval in the cluster. */
export type ExceptionApproval = z.infer<typeof approval>;
/** Who revoked an exception, when and why. */
export type ExceptionRevocation = z.infer<typeof revoked>;
/** A recorded review. */
export type ExceptionReview = z.infer<typeof review>;
/** What ran by an exception. */
export type ExceptionUsage = z.infer<typeof usage>;
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
    {
      name: 'Approved',
      type: 'string',
      jsonPath: '.status.conditions[?(@.type=="Approved")].status',
    },
    { name: 'LastUsed', type: 'string', jsonPath: '.status.usage.lastSeen' },
    { name: 'Owner', type: 'string', jsonPath: '.spec.owner' },
    { name: 'Digests', type: 'string', jsonPath: '.spec.digests', priority: 1 },
    { name: 'ServiceAccounts', type: 'string', jsonPath: '.spec.serviceAccounts', priority: 1 },
    { name: 'Class', type: 'string', jsonPath: '.spec.class', priority: 1 },
    { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' },
  ],
} as const;
