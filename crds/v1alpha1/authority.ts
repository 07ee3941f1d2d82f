// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { z } from 'zod';
import { dnsLabel, doc, instant, material } from './common.ts';

/** At most this many logs or timestamp authorities can be asked to vouch for one signature. */
const MAX_THRESHOLD = 8;

const pattern = z.string().min(1).max(1024);

const logEntries = z
  .int()
  .min(0)
  .max(MAX_THRESHOLD)
  .meta(doc('How many distinct transparency logs must know the signature.'))
  .default(1);

const timestamps = z
  .int()
  .min(0)
  .max(MAX_THRESHOLD)
  .meta(doc('How many distinct timestamp authorities must have stamped the signature.'))
  .default(0);

const thresholds = z.strictObject({
  logEntries,
  scts: z
    .int()
    .min(0)
    .max(MAX_THRESHOLD)
    .meta(doc('How many distinct certificate transparency logs must know the certificate.'))
    .default(1),
  timestamps,
});

const keyThresholds = z.strictObject({ logEntries, timestamps });

const rootSources = {
  publicGood: z
    .strictObject({})
    .meta(doc('The public-good instance of Sigstore, kept up to date through TUF.'))
    .optional(),
  material: material.meta({ description: 'A trusted_root.json.' }).optional(),
  tuf: z
    .strictObject({
      mirror: z
        .string()
        .min(8)
        .max(2048)
        .regex(/^https?:\/\/[^\s?#@]+$/)
        .meta(doc('URL of the TUF repository that offers trusted_root.json.')),
      root: material.meta({ description: 'The root.json of TUF that is trusted at first.' }),
    })
    .meta(doc('A Sigstore instance that is kept up to date through a TUF repository.'))
    .optional(),
};

const oneRoot = {
  rule: '[has(self.publicGood), has(self.material), has(self.tuf)].filter(x, x).size() == 1',
  message: 'exactly one of publicGood, material and tuf must be set',
};

const trustRoot = z
  .strictObject({
    ...rootSources,
    thresholds: thresholds
      .meta(
        doc('How many distinct authorities of the root must vouch for a signature.', {
          'x-kubernetes-validations': [
            {
              rule: 'self.logEntries + self.timestamps > 0',
              message:
                'a certificate needs a trusted time: logEntries or timestamps must be positive',
            },
          ],
        }),
      )
      .default({ logEntries: 1, scts: 1, timestamps: 0 }),
  })
  .meta(doc('The authorities of a Sigstore instance.', { 'x-kubernetes-validations': [oneRoot] }));

const keyTrustRoot = z
  .strictObject({
    ...rootSources,
    thresholds: keyThresholds
      .meta(
        doc('How many distinct authorities of the root must vouch for a signature.', {
          'x-kubernetes-validations': [
            {
              rule: 'self.logEntries + self.timestamps > 0',
              message: 'logEntries or timestamps must be positive',
            },
          ],
        }),
      )
      .default({ logEntries: 1, timestamps: 0 }),
  })
  .meta(
    doc('The logs that must know signatures with the key, and who stamps them.', {
      'x-kubernetes-validations': [oneRoot],
    }),
  );

const key = z
  .strictObject({
    material: material.meta({
      description: 'PEM public keys. Several blocks are a rotation set: any of them may sign.',
    }),
    validFrom: instant.meta(doc('Signatures made earlier do not count (RFC 3339).')).optional(),
    validUntil: instant
      .meta(
        doc(
          'Signatures made later do not count (RFC 3339). One whose time nobody vouches for counts until then.',
        ),
      )
      .optional(),
    transparencyLog: z
      .enum(['Ignore', 'Require'])
      .meta(doc('Whether logs or timestamp authorities of trustRoot must know the signature.'))
      .default('Ignore'),
    trustRoot: keyTrustRoot.optional(),
  })
  .meta(
    doc('Signatures by one of a set of public keys.', {
      'x-kubernetes-validations': [
        {
          rule: "(self.transparencyLog == 'Require') == has(self.trustRoot)",
          message: 'trustRoot must be set where transparencyLog is Require, and only there',
        },
        {
          rule: '!has(self.validFrom) || !has(self.validUntil) || self.validFrom < self.validUntil',
          message: 'validFrom must be before validUntil',
        },
      ],
    }),
  );

const subject = z.string().min(1).max(2048);

const oneSubject = {
  rule: 'has(self.subject) != has(self.subjectPattern)',
  message: 'exactly one of subject and subjectPattern must be set',
};

const keyless = z
  .strictObject({
    issuer: z
      .string()
      .min(1)
      .max(2048)
      .meta(doc('Issuer of the identity token, exactly.'))
      .optional(),
    issuerPattern: pattern.meta(doc('RE2 pattern that the whole issuer must match.')).optional(),
    subject: subject.meta(doc('Subject alternative name of the certificate, exactly.')).optional(),
    subjectPattern: pattern.meta(doc('RE2 pattern that the whole subject must match.')).optional(),
    claims: z
      .record(z.string().min(1).max(64), z.string().min(1).max(2048))
      .meta(
        doc(
          'Extensions of the certificate that must have these values, by the names that Fulcio documents, e.g. sourceRepositoryURI.',
          { maxProperties: 32 },
        ),
      )
      .default({}),
    trustRoot,
  })
  .meta(
    doc('Signatures by an identity that Fulcio certified for the moment of signing.', {
      'x-kubernetes-validations': [
        {
          rule: 'has(self.issuer) != has(self.issuerPattern)',
          message: 'exactly one of issuer and issuerPattern must be set',
        },
        oneSubject,
      ],
    }),
  );

const certificate = z
  .strictObject({
    roots: material.meta({
      description:
        'PEM certificates: the roots of the PKI, and intermediates where signatures do not bring them.',
    }),
    subject: subject.meta(doc('Subject alternative name of the certificate, exactly.')).optional(),
    subjectPattern: pattern.meta(doc('RE2 pattern that the whole subject must match.')).optional(),
    trustedTime: z
      .enum(['Timestamp', 'Now'])
      .meta(
        doc(
          'Timestamp: the certificate must have been valid when a timestamp authority stamped the signature. Now: it must be valid at present.',
        ),
      ),
    timestampRoots: material
      .meta({ description: 'PEM certificates of the timestamp authorities, roots included.' })
      .optional(),
  })
  .meta(
    doc('Signatures by a subject that a PKI of your own certified.', {
      'x-kubernetes-validations': [
        oneSubject,
        {
          rule: "(self.trustedTime == 'Timestamp') == has(self.timestampRoots)",
          message: 'timestampRoots must be set where trustedTime is Timestamp, and only there',
        },
      ],
    }),
  );

/** Who may sign: exactly one way of telling. */
export const authority = z
  .strictObject({
    name: dnsLabel.meta(doc('Name by which requirements refer to it.')),
    key: key.optional(),
    keyless: keyless.optional(),
    certificate: certificate.optional(),
  })
  .meta({
    'x-kubernetes-validations': [
      {
        rule: '[has(self.key), has(self.keyless), has(self.certificate)].filter(x, x).size() == 1',
        message: 'exactly one of key, keyless and certificate must be set',
      },
    ],
  });
