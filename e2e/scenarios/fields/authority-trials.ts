// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { TestTufRepository } from '../../../verification/testing/index.ts';
import { ALICE, keyless, RELEASE } from '../shared/identities.ts';
import type { Ground, Spec } from './ground.ts';
import { Pki } from './pki.ts';
import { keylesslySigned, logged } from './signed.ts';
import { policyTrial, type Trial } from './trial.ts';
import { ROOTED, withAuthority } from './trust-holders.ts';

const MISMATCH = 'denied IDENTITY_MISMATCH';
const HOUR_MS = 3_600_000;

/** A trial of one image under two authorities. */
function authorityTrial(
  path: string,
  shows: string,
  arrange: (ground: Ground) => Promise<{
    readonly image: string;
    readonly good: Spec;
    readonly bad: Spec;
    readonly refused: string;
  }>,
  alongside: readonly string[] = [],
): Trial {
  return policyTrial(
    `authorities[].${path}`,
    shows,
    async (ground) => {
      const { image, good, bad, refused } = await arrange(ground);
      return {
        sides: [
          [withAuthority(ground, good), 'admitted'],
          [withAuthority(ground, bad), refused],
        ],
        observe: () => ground.pod(image),
      };
    },
    alongside.map((field) => `authorities[].${field}`),
  );
}

const at = (hours: number): string => new Date(Date.now() + hours * HOUR_MS).toISOString();

function keyOf({ world }: Ground, more: Spec): Spec {
  return { key: { material: { inline: world.key.publicKey }, ...more } };
}

function rootOf({ sigstore }: Ground, thresholds?: Spec): Spec {
  const material = { inline: sigstore.trustedRoot };
  return thresholds === undefined ? { material } : { material, thresholds };
}

const KEYS: readonly Trial[] = [
  authorityTrial('key.validFrom', 'earlier signatures do not count', async (ground) => ({
    image: (await ground.signed()).pinned,
    good: keyOf(ground, { validFrom: at(-1) }),
    bad: keyOf(ground, { validFrom: at(1) }),
    refused: 'denied KEY_EXPIRED',
  })),
  authorityTrial('key.validUntil', 'later signatures do not count', async (ground) => ({
    image: await logged(ground),
    good: keyOf(ground, {
      validUntil: at(1),
      transparencyLog: 'Require',
      trustRoot: rootOf(ground),
    }),
    bad: keyOf(ground, {
      validUntil: at(-1),
      transparencyLog: 'Require',
      trustRoot: rootOf(ground),
    }),
    refused: 'denied KEY_EXPIRED',
  })),
  authorityTrial(
    'key.transparencyLog',
    'Require wants an entry of a log of trustRoot',
    async (ground) => ({
      image: (await ground.signed()).pinned,
      good: keyOf(ground, { transparencyLog: 'Ignore' }),
      bad: keyOf(ground, { transparencyLog: 'Require', trustRoot: rootOf(ground) }),
      refused: 'denied TLOG_MISSING',
    }),
    ['key.trustRoot.material.inline'],
  ),
  ...(
    [
      ['logEntries', { log: false }, { timestamps: 1, logEntries: 0 }, 'TLOG_MISSING'],
      ['timestamps', { timestamps: false }, { timestamps: 0, logEntries: 1 }, 'TIMESTAMP_MISSING'],
    ] as const
  ).map(([field, services, thresholds, code]) =>
    authorityTrial(
      `key.trustRoot.thresholds.${field}`,
      'so many of them must vouch for the signature',
      async (ground) => {
        const spec = (more: Spec): Spec => {
          const trustRoot = rootOf(ground, { ...thresholds, ...more });
          return keyOf(ground, { transparencyLog: 'Require', trustRoot });
        };
        return {
          image: await logged(ground, services),
          good: spec({}),
          bad: spec({ [field]: 1 }),
          refused: `denied ${code}`,
        };
      },
    ),
  ),
];

const IDENTITIES: readonly Trial[] = [
  authorityTrial('keyless.issuer', 'only its tokens count', async (ground) => ({
    image: await keylesslySigned(ground),
    good: keyless(ground.sigstore, RELEASE),
    bad: keyless(ground.sigstore, RELEASE, { issuer: ground.sigstore.issuerUrl('email') }),
    refused: MISMATCH,
  })),
  authorityTrial('keyless.issuerPattern', 'the whole issuer must match it', async (ground) => {
    const spec = (issuerPattern: string): Spec =>
      keyless(ground.sigstore, RELEASE, { issuer: undefined, issuerPattern });
    const image = await keylesslySigned(ground);
    return { image, good: spec('.*/github'), bad: spec('/github'), refused: MISMATCH };
  }),
  authorityTrial('keyless.subject', 'nobody else counts', async (ground) => ({
    image: await keylesslySigned(ground),
    good: keyless(ground.sigstore, RELEASE),
    bad: keyless(ground.sigstore, RELEASE, { subject: ALICE.email }),
    refused: MISMATCH,
  })),
  authorityTrial('keyless.subjectPattern', 'the whole subject must match it', async (ground) => {
    const spec = (subjectPattern: string): Spec =>
      keyless(ground.sigstore, RELEASE, { subject: undefined, subjectPattern });
    const good = spec('https://github\\.com/acme/.*');
    return { image: await keylesslySigned(ground), good, bad: spec('acme/.*'), refused: MISMATCH };
  }),
  authorityTrial('keyless.claims', 'the certificate must carry them', async (ground) => {
    const spec = (runnerEnvironment: string): Spec =>
      keyless(ground.sigstore, RELEASE, { claims: { runnerEnvironment } });
    const [good, bad] = [spec('github-hosted'), spec('self-hosted')];
    return { image: await keylesslySigned(ground), good, bad, refused: MISMATCH };
  }),
  ...(
    [
      ['logEntries', { log: false }, 'TLOG_MISSING'],
      ['scts', { scts: 'none' }, 'SCT_MISSING'],
    ] as const
  ).map(([field, services, code]) =>
    authorityTrial(
      `keyless.trustRoot.thresholds.${field}`,
      'so many of them must vouch',
      async (ground) => {
        const spec = (count: number): Spec => {
          const thresholds = { logEntries: 1, scts: 1, timestamps: 1, [field]: count };
          return keyless(ground.sigstore, RELEASE, { trustRoot: rootOf(ground, thresholds) });
        };
        const image = await keylesslySigned(ground, services);
        return { image, good: spec(0), bad: spec(1), refused: `denied ${code}` };
      },
    ),
  ),
  authorityTrial(
    'keyless.trustRoot.thresholds.timestamps',
    'so many authorities must have stamped the signature',
    async (ground) => {
      const inline = await withTwoTimestampAuthorities(ground);
      const spec = (timestamps: number): Spec => {
        const thresholds = { logEntries: 1, scts: 1, timestamps };
        const trustRoot = { material: { inline }, thresholds };
        return keyless(ground.sigstore, RELEASE, { trustRoot });
      };
      const image = await keylesslySigned(ground);
      return { image, good: spec(1), bad: spec(2), refused: 'denied THRESHOLD_NOT_MET' };
    },
  ),
];

async function withTwoTimestampAuthorities({ sigstore }: Ground): Promise<string> {
  const { text } = await sigstore.trustedRootWith({ timestamps: 'foreign' });
  const [own, other] = [sigstore.trustedRoot, text].map(
    (root) => JSON.parse(root) as { timestampAuthorities: readonly unknown[] },
  );
  const all = [...(own?.timestampAuthorities ?? []), ...(other?.timestampAuthorities ?? [])];
  return JSON.stringify({ ...own, timestampAuthorities: all });
}

const SOURCES: readonly Trial[] = ROOTED.flatMap(({ path, sign, authority, part, refused }) => {
  const field = path.slice('authorities[].'.length);
  return [
    authorityTrial(
      `${field}.publicGood`,
      'only what is of the public instance counts',
      async (ground) => ({
        image: await sign(ground),
        good: authority(ground, rootOf(ground)),
        bad: authority(ground, { publicGood: {} }),
        refused: 'denied TLOG_KEY_UNTRUSTED',
      }),
      [`${field}.material.inline`],
    ),
    authorityTrial(`${field}.tuf.mirror`, 'the root that it serves counts', async (ground) => {
      const repository = new TestTufRepository();
      const root = { inline: repository.firstRoot };
      const publish = (name: string, text: string): Spec => {
        repository.publish(text);
        const mirror = ground.backdrop.mirror.serve(`${ground.name}/${name}`, repository.files);
        return authority(ground, { tuf: { mirror, root } });
      };
      const good = publish('good', ground.sigstore.trustedRoot);
      const bad = publish('bad', (await ground.sigstore.trustedRootWith(part)).text);
      return { image: await sign(ground), good, bad, refused };
    }),
  ];
});

const CERTIFICATES: readonly Trial[] = [
  authorityTrial('certificate.subject', 'nobody else counts', async (ground) => {
    const pki = new Pki('own');
    const bad = pki.authority(ground, { subject: ALICE.email });
    const image = await pki.signed(ground);
    return { image, good: pki.authority(ground), bad, refused: MISMATCH };
  }),
  authorityTrial(
    'certificate.subjectPattern',
    'the whole subject must match it',
    async (ground) => {
      const pki = new Pki('own');
      const spec = (subjectPattern: string): Spec =>
        pki.authority(ground, { subject: undefined, subjectPattern });
      const [good, bad] = [spec('.*@example\\.com'), spec('release@example')];
      return { image: await pki.signed(ground), good, bad, refused: MISMATCH };
    },
  ),
  authorityTrial(
    'certificate.trustedTime',
    'Timestamp wants one, Now goes by the present',
    async (ground) => {
      const pki = new Pki('own');
      const now = { trustedTime: 'Now', timestampRoots: undefined };
      return {
        image: await pki.signed(ground, { timestamp: false }),
        good: pki.authority(ground, now),
        bad: pki.authority(ground),
        refused: 'denied TIMESTAMP_MISSING',
      };
    },
    ['certificate.timestampRoots.inline'],
  ),
];

/** Fields that say who may sign, apart from names and material. */
export const AUTHORITY_TRIALS: readonly Trial[] = [
  ...KEYS,
  ...IDENTITIES,
  ...SOURCES,
  ...CERTIFICATES,
];
