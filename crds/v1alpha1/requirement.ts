// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { z } from 'zod';
import { digest, dnsLabel, doc, durationText, imageGlob } from './common.ts';

const anyOf = z
  .array(dnsLabel)
  .min(1)
  .max(16)
  .meta(doc('Names of the authorities that are accepted.', { 'x-kubernetes-list-type': 'set' }));

const threshold = z
  .int()
  .min(1)
  .max(16)
  .meta(doc('How many distinct authorities of anyOf must have signed.'))
  .default(1);

const thresholdRule = {
  rule: 'self.threshold <= self.anyOf.size()',
  message: 'threshold must not exceed the number of authorities in anyOf',
};

const signature = z
  .strictObject({
    anyOf,
    threshold,
    annotations: z
      .record(z.string().min(1).max(253), z.string().max(1024))
      .meta(doc('Annotations that the signed payload must carry, exactly.', { maxProperties: 32 }))
      .default({}),
  })
  .meta(
    doc('A signature over the digest of the image.', {
      'x-kubernetes-validations': [thresholdRule],
    }),
  );

const attestationCondition = z.strictObject({
  name: dnsLabel.meta(doc('Name of the condition, for messages.')),
  expression: z
    .string()
    .min(1)
    .max(4096)
    .meta(
      doc(
        'CEL over predicate, statement, image, signer and now. It must give true; an error or anything else is a rejection.',
      ),
    ),
  message: z
    .string()
    .min(1)
    .max(512)
    .meta(doc('What to tell where the condition does not hold.'))
    .optional(),
});

const attestation = z
  .strictObject({
    predicateType: z
      .string()
      .min(1)
      .max(512)
      .meta(doc('URI of the type of the predicate, exactly as it is signed.')),
    anyOf,
    threshold,
    conditions: z
      .array(attestationCondition)
      .max(32)
      .meta(
        doc('What the predicate must say: one attestation has to satisfy all of them.', {
          'x-kubernetes-list-type': 'map',
          'x-kubernetes-list-map-keys': ['name'],
        }),
      )
      .default([]),
    maxAge: durationText
      .meta(
        doc(
          'How old the attestation may be, by its trusted time. One without a trusted time is too old.',
          {
            'x-kubernetes-validations': [
              {
                rule: "self != '' && duration(self) >= duration('1m') && duration(self) <= duration('87600h')",
                message: 'must be between 1m and 87600h',
              },
            ],
          },
        ),
      )
      .optional(),
  })
  .meta(
    doc('An attestation about the digest of the image.', {
      'x-kubernetes-validations': [thresholdRule],
    }),
  );

/** One thing that an image must satisfy. */
export const requirement = z
  .strictObject({
    name: dnsLabel.meta(doc('Name of the requirement: the rule of its results in reports.')),
    signature: signature.optional(),
    attestation: attestation.optional(),
    allowedDigests: z
      .array(digest)
      .min(1)
      .max(256)
      .meta(doc('The image must have one of these digests.', { 'x-kubernetes-list-type': 'set' }))
      .optional(),
    allowedRepositories: z
      .array(imageGlob)
      .min(1)
      .max(64)
      .meta(
        doc('The image must come from one of these repositories.', {
          'x-kubernetes-list-type': 'set',
        }),
      )
      .optional(),
  })
  .meta({
    'x-kubernetes-validations': [
      {
        rule: '[has(self.signature), has(self.attestation), has(self.allowedDigests), has(self.allowedRepositories)].filter(x, x).size() == 1',
        message:
          'exactly one of signature, attestation, allowedDigests and allowedRepositories must be set',
      },
    ],
  });
