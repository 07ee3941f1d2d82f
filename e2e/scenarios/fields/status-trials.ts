// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { join } from 'node:path';
import { signingExceptionSpec } from '../../../crds/index.ts';
import { exceptionSpecHash } from '../../../verification/index.ts';
import { runCommand, type PushedImage } from '../../harness/index.ts';
import type { Ground, Spec } from './ground.ts';
import { eventually, type Side, type Trial } from './trial.ts';

const ROOT = join(import.meta.dirname, '..', '..', '..');
const LEAD = 'lead@example.com';
const OTHER = 'second-lead@example.com';
const UNAPPROVED = 'denied EXCEPTION_UNAPPROVED';

interface Stage {
  readonly ground: Ground;
  readonly image: PushedImage;
  /** The spec of the exception, and an approval of it as it is. */
  readonly spec: Spec;
  readonly approval: Spec;
}

interface Arrangement {
  readonly sides: (stage: Stage) => readonly [Side, Side];
  readonly observe: (stage: Stage) => Promise<string>;
  /** Who writes each side. */
  readonly writers?: readonly [string, string];
  /** What the policy says of approval; Required unless told. */
  readonly approval?: 'NotRequired';
}

/** Tries a field of the status that people write, each time on an exception that nobody wrote to yet. */
function statusTrial(path: string, shows: string, arrangement: Arrangement): Trial {
  const { sides, observe, writers = [LEAD, LEAD], approval = 'Required' } = arrangement;
  return {
    kind: 'SigningException status',
    path,
    shows,
    alongside: [],
    run: async (ground) => {
      const image = await ground.unsigned();
      await ground.enforce(ground.policy({ exceptions: { allowed: true, approval } }));
      const stage = { ground, image, ...exceptionOf(ground, image) };
      const tried = [];
      for (const [index, [status, outcome]] of sides(stage).entries()) {
        await ground.withdraw();
        assert.equal(await ground.grant(stage.spec), undefined);
        await ground.writeStatus(status, writers[index] ?? LEAD);
        const seen = await eventually(() => observe(stage), outcome);
        assert.equal(seen, outcome);
        tried.push({ spec: status, seen });
      }
      return tried;
    },
  };
}

function exceptionOf(ground: Ground, image: PushedImage): { spec: Spec; approval: Spec } {
  const spec = ground.exception(image);
  const parsed = signingExceptionSpec.parse(spec);
  const approval = {
    approver: LEAD,
    approvedAt: ground.at(0),
    specHash: exceptionSpecHash(parsed),
    latestExpiresAt: parsed.expiresAt,
  };
  return { spec, approval };
}

const pod = ({ ground, image }: Stage): Promise<string> => ground.pod(image.pinned);

/** What `countersign exceptions show` says in the lines that the pattern finds. */
const show =
  (pattern: RegExp) =>
  async ({ ground: { name, world } }: Stage): Promise<string> => {
    const args = ['exceptions', 'show', name, '--namespace', name];
    const flags = ['--kubeconfig', world.plane.kubeconfig];
    const node = join(ROOT, 'node_modules', '.bin', 'node');
    const { stdout, stderr } = await runCommand(node, [
      join(ROOT, 'cli', 'main.ts'),
      ...args,
      ...flags,
    ]);
    return pattern.exec(stdout)?.[0] ?? stderr;
  };

/** A side with one approval that differs in a field. */
function approved(field: string, value: unknown, outcome: string) {
  return ({ approval }: Stage): Side => [{ approvals: [{ ...approval, [field]: value }] }, outcome];
}

const REVOKED = { at: '2026-01-02T03:04:05Z', by: LEAD, reason: 'the image is bad' };

function revocation(field: keyof typeof REVOKED, other: string): Trial {
  const side = (revoked: typeof REVOKED): Side => [
    { revoked },
    `revoked at ${revoked.at} by ${revoked.by}: ${revoked.reason}`,
  ];
  return statusTrial(`revoked.${field}`, 'is in the denial', {
    sides: () => [side(REVOKED), side({ ...REVOKED, [field]: other })],
    writers: [LEAD, field === 'by' ? other : LEAD],
    observe: async ({ ground, image }) => {
      const { text } = await ground.denial(image.pinned);
      return /revoked at [^[]*/.exec(text)?.[0].trim() ?? text;
    },
    approval: 'NotRequired',
  });
}

const REVIEW = { at: '2026-01-02T03:04:05Z', by: LEAD, comment: 'still needed' };

function review(field: keyof typeof REVIEW, other: string): Trial {
  const side = (one: typeof REVIEW): Side => [
    { reviews: [one] },
    `${one.at} by ${one.by}: ${one.comment}`,
  ];
  return statusTrial(`reviews[].${field}`, 'is what the command line shows', {
    sides: () => [side(REVIEW), side({ ...REVIEW, [field]: other })],
    writers: [LEAD, field === 'by' ? other : LEAD],
    observe: show(/\S+ by \S+: (?:still|not) needed/),
  });
}

/** Every field of the status of an exception that people write. */
export const STATUS_TRIALS: readonly Trial[] = [
  statusTrial('approvals[].approver', 'the condition Approved says who approved it', {
    sides: (stage) => [
      approved('approver', LEAD, `approved by ${LEAD}`)(stage),
      approved('approver', OTHER, `approved by ${OTHER}`)(stage),
    ],
    writers: [LEAD, OTHER],
    observe: async ({ ground }) => {
      const { status } = await ground.granted();
      return status?.conditions?.find(({ type }) => type === 'Approved')?.message ?? '';
    },
  }),
  statusTrial('approvals[].approvedAt', 'the command line says when', {
    sides: (stage) => [
      approved('approvedAt', REVIEW.at, `at ${REVIEW.at}: counts`)(stage),
      approved('approvedAt', '2026-02-03T04:05:06Z', 'at 2026-02-03T04:05:06Z: counts')(stage),
    ],
    observe: show(/at \S+: counts/),
  }),
  statusTrial('approvals[].specHash', 'it must be that of the exception', {
    sides: (stage) => [
      [{ approvals: [stage.approval] }, 'admitted'],
      approved('specHash', `sha256:${'0'.repeat(64)}`, UNAPPROVED)(stage),
    ],
    observe: pod,
  }),
  statusTrial('approvals[].latestExpiresAt', 'the exception must not end later', {
    sides: (stage) => [
      [{ approvals: [stage.approval] }, 'admitted'],
      approved('latestExpiresAt', stage.ground.at(0.5), UNAPPROVED)(stage),
    ],
    observe: pod,
  }),
  statusTrial('approvals[].expiresAt', 'it counts until then', {
    sides: (stage) => [
      approved('expiresAt', stage.ground.at(1), 'admitted')(stage),
      approved('expiresAt', stage.ground.at(-0.5), UNAPPROVED)(stage),
    ],
    observe: pod,
  }),
  statusTrial('approvals[].comment', 'the command line shows it', {
    sides: (stage) => [
      approved('comment', 'for this week', '(for this week): counts')(stage),
      approved('comment', 'for once', '(for once): counts')(stage),
    ],
    observe: show(/\(for [a-z ]+\): counts/),
  }),
  revocation('at', '2026-02-03T04:05:06Z'),
  revocation('by', OTHER),
  revocation('reason', 'it is signed now'),
  review('at', '2026-02-03T04:05:06Z'),
  review('by', OTHER),
  review('comment', 'not needed'),
];
