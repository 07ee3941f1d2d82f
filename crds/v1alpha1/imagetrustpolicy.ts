// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { z } from 'zod';
import { authority } from './authority.ts';
import {
  conditions,
  dnsLabel,
  doc,
  durationText,
  imageGlob,
  labelSelector,
  material,
} from './common.ts';
import { requirement } from './requirement.ts';

const mode = z.enum(['Enforce', 'Audit']);

const modeOverride = z.strictObject({
  namespaceSelector: labelSelector.meta(
    doc('Namespaces that the mode applies to. Empty selects all.'),
  ),
  mode: mode.meta(doc('Mode in these namespaces.')),
});

const match = z.strictObject({
  images: z
    .array(imageGlob)
    .min(1)
    .max(64)
    .meta(
      doc(
        'Repositories that the policy covers. "*" stays inside a path segment, "**" crosses segments, neither crosses the host. A lone "**" is every image.',
        { 'x-kubernetes-list-type': 'set' },
      ),
    ),
  excludeImages: z
    .array(imageGlob)
    .max(64)
    .meta(doc('Repositories that are left out again.', { 'x-kubernetes-list-type': 'set' }))
    .default([]),
  namespaceSelector: labelSelector
    .meta(doc('Namespaces that the policy covers. Empty selects all.'))
    .default({}),
  serviceAccounts: z
    .array(z.string().min(1).max(253))
    .max(64)
    .meta(
      doc('Narrows the policy to pods of these service accounts. Empty covers all.', {
        'x-kubernetes-list-type': 'set',
      }),
    )
    .default([]),
});

const incident = z.strictObject({
  allowed: z
    .boolean()
    .meta(doc('Whether an exception of the class Incident may have effect before it is approved.'))
    .default(false),
  maxDuration: durationText
    .meta(
      doc('Longest time between notBefore and expiresAt of an exception of the class Incident.', {
        'x-kubernetes-validations': [
          {
            rule: "self != '' && duration(self) > duration('0s') && duration(self) <= duration('24h')",
            message: 'must be longer than 0s and at most 24h',
          },
        ],
      }),
    )
    .default('24h'),
});

const exceptions = z.strictObject({
  allowed: z
    .boolean()
    .meta(doc('Whether a SigningException may exempt an image from this policy.'))
    .default(false),
  maxDuration: durationText
    .meta(
      doc('Longest time between notBefore and expiresAt of an exception.', {
        'x-kubernetes-validations': [
          {
            rule: "self != '' && duration(self) > duration('0s') && duration(self) <= duration('8760h')",
            message: 'must be longer than 0s and at most 8760h',
          },
        ],
      }),
    )
    .default('720h'),
  approval: z
    .enum(['Required', 'NotRequired'])
    .meta(
      doc(
        'Required: an exception has effect once somebody else than who asked for it approved it, in the cluster (verb approve) or by a signature of one of the approvers.',
      ),
    )
    .default('Required'),
  approvers: z
    .array(dnsLabel)
    .max(8)
    .meta(
      doc('Authorities of this policy whose signature approves an exception.', {
        'x-kubernetes-list-type': 'set',
      }),
    )
    .default([]),
  incident: incident
    .meta(doc('Exceptions that have effect before they are approved: break glass.'))
    .default({ allowed: false, maxDuration: '24h' }),
});

const onInconclusive = z.strictObject({
  action: z
    .enum(['Deny', 'AllowLastVerified'])
    .meta(
      doc(
        'Deny: what cannot be judged is not admitted. AllowLastVerified: where the registry is unavailable, or revocation cannot be told, evidence that is kept of an earlier success is judged anew.',
      ),
    )
    .default('Deny'),
  maxAge: durationText
    .meta(
      doc('How long ago the evidence may have been read that AllowLastVerified judges by.', {
        'x-kubernetes-validations': [
          {
            rule: "self != '' && duration(self) >= duration('1m') && duration(self) <= duration('720h')",
            message: 'must be between 1m and 720h',
          },
        ],
      }),
    )
    .optional(),
});

const registry = z.strictObject({
  signatureRepository: z
    .string()
    .min(1)
    .max(255)
    .regex(/^[^\s@]+$/)
    .meta(doc('Repository that holds the signatures, where it is not the one of the image.'))
    .optional(),
  ca: material
    .meta({
      description:
        'PEM certificates to trust for the TLS of the registry, besides those of the system.',
    })
    .optional(),
});

/** `spec` of an ImageTrustPolicy: the single source of type, schema and defaults. */
export const imageTrustPolicySpec = z
  .strictObject({
    mode: mode.meta(
      doc(
        'Enforce denies what does not satisfy the policy; Audit admits it with a warning. There is no default.',
      ),
    ),
    modeOverrides: z
      .array(modeOverride)
      .max(16)
      .meta(
        doc('Another mode for some namespaces; the first that matches wins.', {
          'x-kubernetes-list-type': 'atomic',
        }),
      )
      .default([]),
    match: match.meta(doc('What the policy covers.')),
    authorities: z
      .array(authority)
      .max(32)
      .meta(
        doc('Who may sign.', {
          'x-kubernetes-list-type': 'map',
          'x-kubernetes-list-map-keys': ['name'],
        }),
      )
      .default([]),
    requirements: z
      .array(requirement)
      .min(1)
      .max(32)
      .meta(
        doc('What an image must satisfy: all of them.', {
          'x-kubernetes-list-type': 'map',
          'x-kubernetes-list-map-keys': ['name'],
        }),
      ),
    platforms: z
      .enum(['AsReferenced', 'AllowIndexSignature'])
      .meta(
        doc(
          'AsReferenced: the digest that is named must be signed. AllowIndexSignature: an image of one platform is also covered by a signature of the index that its tag names and that lists it.',
        ),
      )
      .default('AsReferenced'),
    tags: z
      .enum(['Pin', 'Deny'])
      .meta(
        doc(
          'Pin resolves tags of pods to digests at admission; Deny leaves tags as they are, so that they are refused.',
        ),
      )
      .default('Pin'),
    templates: z
      .enum(['Warn', 'Deny', 'Ignore'])
      .meta(
        doc(
          'What happens to a Deployment or another template whose images do not satisfy the policy.',
        ),
      )
      .default('Warn'),
    onInconclusive: onInconclusive
      .meta(
        doc('What happens where nothing can be told, e.g. because the registry is down.', {
          'x-kubernetes-validations': [
            {
              rule: "has(self.maxAge) == (has(self.action) && self.action == 'AllowLastVerified')",
              message: 'maxAge goes with the action AllowLastVerified, and only with it',
            },
          ],
        }),
      )
      .default({ action: 'Deny' }),
    exceptions: exceptions.meta(doc('Whether and how SigningExceptions apply.')).default({
      allowed: false,
      maxDuration: '720h',
      approval: 'Required',
      approvers: [],
      incident: { allowed: false, maxDuration: '24h' },
    }),
    reverification: z
      .strictObject({
        interval: durationText
          .meta(
            doc('How often running workloads are judged again from fresh evidence.', {
              'x-kubernetes-validations': [
                {
                  rule: "self != '' && duration(self) >= duration('10s') && duration(self) <= duration('168h')",
                  message: 'must be between 10s and 168h',
                },
              ],
            }),
          )
          .default('1h'),
        onRejected: z
          .enum(['Report', 'Evict', 'Rollback'])
          .meta(
            doc(
              'What happens to running workloads with an image that does not satisfy the policy any more because trust was revoked, an exception ended or its signatures were deleted. Report: it is reported. Evict: its pods are evicted, some at a time. Rollback: a Deployment, StatefulSet or DaemonSet gets back the last image that verifies. Both need the component remediation.',
            ),
          )
          .default('Report'),
      })
      .meta(doc('How running workloads are judged again.'))
      .default({ interval: '1h', onRejected: 'Report' }),
    registry: registry.meta(doc('How the registry is reached.')).default({}),
  })
  .meta(
    doc('What images must satisfy, and what happens where they do not.', {
      'x-kubernetes-validations': [
        {
          rule: '!has(self.requirements) || self.requirements.all(r, !has(r.signature) || r.signature.anyOf.all(a, has(self.authorities) && self.authorities.exists(x, x.name == a)))',
          message: 'requirements: every name in signature.anyOf must be the name of an authority',
        },
        {
          rule: '!has(self.requirements) || self.requirements.all(r, !has(r.attestation) || r.attestation.anyOf.all(a, has(self.authorities) && self.authorities.exists(x, x.name == a)))',
          message: 'requirements: every name in attestation.anyOf must be the name of an authority',
        },
      ],
    }),
  );

const program = z.strictObject({
  blob: z.string().max(253).meta(doc('ConfigMap that holds the compiled policy.')).optional(),
  revision: z.int().min(0).meta(doc('Revision of the program index that names it.')).optional(),
  replicas: z.int().min(0).meta(doc('Webhook replicas that are alive.')).optional(),
  replicasReady: z.int().min(0).meta(doc('Webhook replicas that enforce it.')).optional(),
});

const count = z.int().min(0);

const impact = z.strictObject({
  workloads: count.meta(doc('Workloads with an image that the policy covers.')),
  verified: count.meta(doc('Of these, the ones whose every image satisfies the policy.')),
  rejected: count.meta(doc('Of these, the ones with an image that does not satisfy the policy.')),
  inconclusive: count.meta(
    doc('Of these, the ones of which it cannot be told, e.g. because a registry is down.'),
  ),
  exempt: count.meta(doc('Of these, the ones that a SigningException covers.')),
  wouldDeny: count.meta(
    doc(
      'Workloads whose pods admission denies where the policy enforces, and would deny where it audits.',
    ),
  ),
  sample: z
    .array(z.string().max(512))
    .max(10)
    .meta(
      doc('The first of these in order, as "Kind namespace/name".', {
        'x-kubernetes-list-type': 'atomic',
      }),
    ),
});

/** `status` of an ImageTrustPolicy. */
export const imageTrustPolicyStatus = z
  .strictObject({
    observedGeneration: z
      .int()
      .meta(doc('Generation of the spec that the status speaks of; -1 before the first look.'))
      .default(-1),
    conditions: conditions.optional(),
    program: program.meta(doc('Where the policy is in force.')).optional(),
    impact: impact
      .meta(
        doc(
          'What the policy means for the workloads that there are, each by the worst of its images.',
        ),
      )
      .optional(),
  })
  .meta(doc('What the operator observed of the policy.'));

/** `spec` with all defaults applied. */
export type ImageTrustPolicySpec = z.infer<typeof imageTrustPolicySpec>;
/** `spec` as an author may write it. */
export type ImageTrustPolicySpecInput = z.input<typeof imageTrustPolicySpec>;
/** `status`. */
export type ImageTrustPolicyStatus = z.infer<typeof imageTrustPolicyStatus>;
/** `status.impact`. */
export type ImageTrustPolicyImpact = z.infer<typeof impact>;
/** Enforce or Audit. */
export type Mode = z.infer<typeof mode>;

/** Names and columns of the kind. */
export const imageTrustPolicyKind = {
  kind: 'ImageTrustPolicy',
  plural: 'imagetrustpolicies',
  singular: 'imagetrustpolicy',
  shortNames: ['itp'],
  scope: 'Cluster',
  description: 'Which images must be signed by whom, and what happens where they are not.',
  columns: [
    { name: 'Mode', type: 'string', jsonPath: '.spec.mode' },
    { name: 'Ready', type: 'string', jsonPath: '.status.conditions[?(@.type=="Ready")].status' },
    { name: 'Reason', type: 'string', jsonPath: '.status.conditions[?(@.type=="Ready")].reason' },
    { name: 'Enforcing', type: 'integer', jsonPath: '.status.program.replicasReady' },
    { name: 'Would-Deny', type: 'integer', jsonPath: '.status.impact.wouldDeny' },
    { name: 'Images', type: 'string', jsonPath: '.spec.match.images', priority: 1 },
    { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' },
  ],
} as const;
