// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import type { PushedImage } from '../../harness/index.ts';
import type { Ground, Spec } from './ground.ts';
import { exceptionTrial, type Trial } from './trial.ts';

const OTHER = 'other@example.com';

/** Fields of an exception that decide what may run, and for how long. */
const MATERIAL: readonly Trial[] = [
  permission('policyRef.name', 'it is from that policy only', {
    permits: ({ name }) => ({ policyRef: { name } }),
    doesNot: ({ name }) => ({ policyRef: { name: `${name}-2` } }),
    refused: 'denied NO_SIGNATURE',
  }),
  permission('requirements[]', 'it waives only what it names', {
    policy: ({ digest }) => ({
      requirements: [
        { name: 'signed', signature: { anyOf: ['release-key'] } },
        { name: 'approved', allowedDigests: [digest] },
      ],
    }),
    permits: () => ({ requirements: ['signed'] }),
    doesNot: () => ({ requirements: ['approved'] }),
    refused: 'denied EXCEPTION_OUT_OF_SCOPE',
  }),
  {
    // The schema demands one of them, and not both.
    ...permission('allRequirements', 'it waives all of them', {
      policy: () => ({
        requirements: [
          { name: 'signed', signature: { anyOf: ['release-key'] } },
          { name: 'approved', allowedDigests: [`sha256:${'0'.repeat(64)}`] },
        ],
      }),
      permits: () => ({ requirements: undefined, allRequirements: true }),
      doesNot: () => ({ requirements: ['signed'], allRequirements: false }),
      refused: 'denied EXCEPTION_OUT_OF_SCOPE',
    }),
    alongside: ['requirements[]'],
  },
  permission('digests[]', 'it is for those images only', {
    permits: (_ground, { digest }) => ({ digests: [digest] }),
    doesNot: () => ({ digests: [`sha256:${'0'.repeat(64)}`] }),
    refused: 'denied NO_SIGNATURE',
  }),
  permission('serviceAccounts[]', 'it is for their pods only', {
    permits: () => ({ serviceAccounts: ['default'] }),
    doesNot: () => ({ serviceAccounts: ['other'] }),
    refused: 'denied EXCEPTION_OUT_OF_SCOPE',
  }),
  permission('notBefore', 'it has no effect earlier', {
    permits: (ground) => ({ notBefore: ground.at(-1) }),
    doesNot: (ground) => ({ notBefore: ground.at(0.5) }),
    refused: 'denied EXCEPTION_OUT_OF_SCOPE',
  }),
  permission('expiresAt', 'it has no effect later', {
    permits: (ground) => ({ expiresAt: ground.at(1) }),
    doesNot: (ground) => ({ expiresAt: ground.at(-1) }),
    refused: 'denied EXCEPTION_EXPIRED',
  }),
];

interface Permission {
  /** What the policy demands, where it is not a signature. */
  policy?(image: PushedImage): Spec;
  /** An exception that lets the image in, and one that does not. */
  permits(ground: Ground, image: PushedImage): Spec;
  doesNot(ground: Ground): Spec;
  /** What is seen with the latter. */
  readonly refused: string;
}

function permission(path: string, shows: string, given: Permission): Trial {
  return exceptionTrial(path, shows, async (ground) => {
    const image = await ground.unsigned();
    const policy = given.policy?.(image) ?? {};
    await ground.enforce(
      ground.policy({ exceptions: { allowed: true, approval: 'NotRequired' }, ...policy }),
    );
    return {
      sides: [
        [ground.exception(image, given.permits(ground, image)), 'admitted'],
        [ground.exception(image, given.doesNot(ground)), given.refused],
      ],
      observe: () => ground.pod(image.pinned),
    };
  });
}

/** Fields of an exception for those who read the report: the property, and two values. */
const DOCUMENTATION: readonly Trial[] = [
  documented('reason', 'Reason', ['the vendor signs from May on', 'the build service is down']),
  documented('owner', 'Owner', ['team-a@example.com', 'team-b@example.com']),
  documented('requestedBy', 'RequestedBy', ['dev@example.com', OTHER]),
  documented('ticket', 'Ticket', ['https://tickets.example/1', 'https://tickets.example/2']),
  documented('risk', 'Risk', ['Not scanned.', 'Built by hand.']),
  documented('closureCondition', 'ClosureCondition', ['Signed again.', 'Not used any more.']),
  documented('extensionCondition', 'ExtensionCondition', ['Still down.', 'Never.']),
  documentedList(),
];

function documented(field: string, property: string, values: readonly [string, string]): Trial {
  return told(field, property, [
    [values[0], values[0]],
    [values[1], values[1]],
  ]);
}

function documentedList(): Trial {
  return told('compensatingControls[]', 'CompensatingControls', [
    [['No egress.'], 'No egress.'],
    [['No egress.', 'Read-only.'], 'No egress.; Read-only.'],
  ]);
}

/** The values, and how the report tells them. */
type Telling = readonly [value: unknown, text: string];

function told(path: string, suffix: string, [one, other]: readonly [Telling, Telling]): Trial {
  const property = `exception${suffix}`;
  return exceptionTrial(path, `is the property ${property} in the report`, async (ground) => {
    const image = await ground.unsigned();
    await ground.enforce(ground.policy({ exceptions: { allowed: true, approval: 'NotRequired' } }));
    await ground.deploy(image.pinned);
    const field = path.replace('[]', '');
    return {
      sides: [
        [ground.exception(image, { [field]: one[0] }), `skip: ${one[1]}`],
        [ground.exception(image, { [field]: other[0] }), `skip: ${other[1]}`],
      ],
      observe: () =>
        ground.report(({ result, properties }) => `${result}: ${properties[property] ?? ''}`),
    };
  });
}

const REVOKED = { at: '2026-01-02T03:04:05Z', by: 'dev@example.com', reason: 'the image is bad' };

/** Fields of a revocation: all are in the message of the report, and in that of the denial. */
const REVOCATION: readonly Trial[] = [
  revocation('at', '2026-02-03T04:05:06Z'),
  revocation('by', OTHER),
  revocation('reason', 'it is signed now'),
];

function revocation(field: keyof typeof REVOKED, other: string): Trial {
  return exceptionTrial(
    `revoked.${field}`,
    'is in the denial and in the report',
    async (ground) => {
      const image = await ground.unsigned();
      await ground.enforce(
        ground.policy({ exceptions: { allowed: true, approval: 'NotRequired' } }),
      );
      await ground.deploy(image.pinned);
      const side = (revoked: typeof REVOKED): readonly [Spec, string] => {
        const text = `revoked at ${revoked.at} by ${revoked.by}: ${revoked.reason}`;
        const outcome = `denied EXCEPTION_EXPIRED ${text}, fail EXCEPTION_EXPIRED ${text}`;
        return [ground.exception(image, { revoked }), outcome];
      };
      return {
        sides: [side(REVOKED), side({ ...REVOKED, [field]: other })],
        observe: async () => {
          const [denial, report] = await Promise.all([
            ground.denial(image.pinned),
            ground.report(({ result, message = '', properties }) =>
              [result, properties['reason'], revocationIn(message)].join(' '),
            ),
          ]);
          return `${denial.answer} ${revocationIn(denial.text)}, ${report}`;
        },
      };
    },
  );
}

function revocationIn(message: string): string {
  return /revoked at [^[]*/.exec(message)?.[0].trim() ?? '';
}

/** Every field of an exception. */
export const EXCEPTION_TRIALS: readonly Trial[] = [...MATERIAL, ...DOCUMENTATION, ...REVOCATION];
