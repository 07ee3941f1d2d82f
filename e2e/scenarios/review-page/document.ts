// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import type { ExceptionEntry, ReviewDocument } from '../../../cli/page/index.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
/** The instant of the review. */
const AT = new Date('2026-11-27T09:30:00Z');

const REVIEW_GROUPS = [
  'expiring',
  'expired-in-use',
  'unused',
  'renewed',
  'unapproved',
  'overdue',
] as const;
type ReviewGroup = ExceptionEntry['groups'][number];

const POLICIES = ['base-images', 'payments-signed', 'team-images', 'vendor-notation'];
const NAMESPACES = ['checkout', 'data-platform', 'identity', 'ledger', 'observability', 'web'];
const OWNERS = ['team-checkout@example.com', 'team-data@example.com', 'platform-security'];
const SERVICES = ['api', 'worker', 'importer', 'scheduler', 'gateway', 'exporter', 'mailer'];
const REASONS = [
  'The vendor ships the fix unsigned; a signed build is announced for next week.',
  'The release pipeline moved to another issuer and its first images bear the old identity.',
  'The SBOM of this build lists no components, since its generator failed; the image is rebuilt.',
];

/** Values that try to leave the place that they are shown in. */
export const HOSTILE: readonly ExceptionEntry[] = [
  {
    ...ordinary(0),
    namespace: 'hostile',
    name: 'markup',
    reason:
      '</script><script>window.broken = 1</script><!-- <script> --> <img src=x onerror="window.broken = 2"> </noscript></style>',
    owner: `"quoted" & 'single' <b>bold</b> \`tick\``,
    ticket: 'javascript:window.broken=3',
    risk: ']]> {{constructor.constructor("window.broken = 4")()}} ${window.broken = 5}',
    compensatingControls: ['<svg onload=window.broken=6>', '&lt;already escaped&gt;'],
    stateMessage: '<a href="https://evil.example">click</a>',
  },
  {
    ...ordinary(1),
    namespace: 'hostile',
    name: 'unseen',
    reason:
      'Terminal \u001b[31mred\u001b[0m \u001b]8;;https://evil.example\u0007link\u001b]8;;\u0007, bell \u0007, null \u0000, line\u2028separator\u2029.',
    owner: 'alice\u202egnp.exe@moc.elpmaxe\u202c and \u200bwidthless\ufeff',
    requestedBy: '\u05d0\u05d1\u05d2 (right to left, as it should be)',
    ticket: 'data:text/html,<script>window.broken=7</script>',
    risk: 'Lone surrogate \ud800 and tag \u{e0041}.',
  },
  {
    ...ordinary(2),
    namespace: 'hostile',
    name: 'long'.repeat(60),
    reason: `${'W'.repeat(2000)} ${'word '.repeat(300)}`,
    owner: 'o'.repeat(253),
    ticket: `https://tracker.example.com/${'a'.repeat(900)}?q="><script>window.broken=8</script>`,
    serviceAccounts: Array.from({ length: 64 }, (_, index) => `account-${index}`),
    digests: Array.from({ length: 64 }, (_, index) => digest(index)),
  },
  { ...ordinary(3), namespace: 'hostile', name: 'vb', ticket: ' vbscript:msgbox(1)' },
  { ...ordinary(4), namespace: 'hostile', name: 'file', ticket: 'file:///etc/passwd' },
  { ...ordinary(5), namespace: 'hostile', name: 'times', notBefore: 'never', expiresAt: '' },
];

/** An exception with every field, each with a value of its own. */
export const COMPLETE = {
  namespace: 'everything',
  name: 'complete',
  policy: 'some-policy',
  class: 'Incident',
  requirements: ['signed-by-us', 'sbom-present'],
  digests: [digest(1001), digest(1002)],
  serviceAccounts: ['first-account', 'second-account'],
  notBefore: '2026-11-24T08:15:00+01:00',
  expiresAt: '2026-11-25T06:45:30Z',
  createdAt: '2026-11-24T06:59:00Z',
  state: 'EarlierIncident',
  stateMessage: 'the earlier incident other is not approved yet',
  approval: 'approved',
  approvedBy: 'approver@example.com',
  owner: 'owner@example.com',
  requestedBy: 'requester@example.com',
  reason: 'First line of the reason.\nSecond line of the reason.',
  ticket: 'https://tracker.example.com/SEC-1?a=1&b=2',
  risk: 'What may go wrong.',
  compensatingControls: ['First control.', 'Second control.'],
  closureCondition: 'When it can go.',
  extensionCondition: 'When it may be renewed.',
  renews: 'the-one-before',
  renewals: 3,
  usage: {
    firstSeen: '2026-11-21',
    lastSeen: '2026-11-22',
    digests: [digest(1003)],
    workloads: 17,
  },
  reviews: [
    { at: '2026-11-23T10:00:00Z', by: 'first-reviewer@example.com', comment: 'First comment.' },
    { at: '2026-11-26T11:00:00Z', by: 'second-reviewer@example.com' },
  ],
  groups: ['renewed', 'overdue'],
} as const satisfies Required<ExceptionEntry>;

/** A review of so many exceptions, the hostile ones among them; the same every time. */
export function reviewDocument(count: number): ReviewDocument {
  const hostile = HOSTILE.slice(0, count);
  const others = Array.from({ length: count - hostile.length }, (_, index) => ordinary(index));
  return {
    formatVersion: 1,
    at: AT.toISOString(),
    cluster: 'prod-eu-1',
    exceptions: [...hostile, ...others],
  };
}

/** An exception as there are many; `index` decides everything. */
function ordinary(index: number): ExceptionEntry {
  const incident = index % 11 === 3;
  const begin = AT.getTime() + (((index * 37) % 70) - 50) * DAY;
  const end = begin + (incident ? 12 * HOUR : pick([7, 14, 30, 3, 120], index) * DAY);
  const { state, stateMessage } = stateAt(index, begin, end);
  const unapproved = state === 'AwaitingApproval' || incident;
  const service = pick(SERVICES, index * 5);
  return {
    namespace: pick(NAMESPACES, index),
    name: `${service}-${pick(['cve', 'unsigned', 'sbom', 'pipeline'], index)}-${100 + index}`,
    policy: pick(POLICIES, index * 3),
    class: incident ? 'Incident' : 'Planned',
    requirements: pick([['*'], ['signed', 'sbom'], ['signed']], index),
    digests: [digest(index)],
    serviceAccounts: [service],
    notBefore: iso(begin),
    expiresAt: iso(end),
    createdAt: iso(Math.min(begin, AT.getTime()) - 5 * HOUR),
    state,
    stateMessage,
    ...approvalOf(unapproved),
    ...proseOf(index),
    ...historyOf(index, begin),
    groups: groupsAt(index, { state, end, unapproved }),
  };
}

function approvalOf(unapproved: boolean): Pick<ExceptionEntry, 'approval' | 'approvedBy'> {
  if (unapproved) return { approval: 'unapproved' };
  return { approval: 'approved', approvedBy: 'security-lead@example.com' };
}

function proseOf(
  index: number,
): Pick<
  ExceptionEntry,
  | 'owner'
  | 'requestedBy'
  | 'reason'
  | 'ticket'
  | 'risk'
  | 'compensatingControls'
  | 'closureCondition'
> {
  return {
    owner: pick(OWNERS, index),
    requestedBy: `dev-${index % 9}@example.com`,
    reason: pick(REASONS, index),
    ...(index % 6 === 5 ? {} : { ticket: `https://tracker.example.com/SEC-${1000 + index}` }),
    risk: 'An image that nobody signed could have been built by somebody else.',
    compensatingControls: ['Egress of the namespace is closed', 'Pods are read-only'],
    closureCondition: 'A signed build of the same version is rolled out.',
  };
}

function historyOf(
  index: number,
  begin: number,
): Pick<ExceptionEntry, 'renews' | 'renewals' | 'usage' | 'reviews'> {
  const review = {
    at: iso(Math.min(begin, AT.getTime()) - HOUR),
    by: 'auditor@example.com',
    comment: 'Still needed.',
  };
  return {
    ...(isRenewed(index) ? { renews: `earlier-${index}` } : {}),
    renewals: isRenewed(index) ? 1 + (index % 3) : 0,
    ...(isUsed(index) && begin < AT.getTime() ? { usage: usage(index, begin) } : {}),
    reviews: index % 5 === 0 ? [review] : [],
  };
}

function isUsed(index: number): boolean {
  return index % 3 !== 1;
}

function isRenewed(index: number): boolean {
  return index % 7 === 2;
}

function stateAt(
  index: number,
  begin: number,
  end: number,
): Pick<ExceptionEntry, 'state' | 'stateMessage'> {
  const now = AT.getTime();
  if (index % 17 === 4)
    return { state: 'Revoked', stateMessage: 'revoked by security-lead@example.com: built anew' };
  if (end <= now) return { state: 'Expired', stateMessage: `ended at ${iso(end)}` };
  if (begin > now) return { state: 'NotYetActive', stateMessage: `begins at ${iso(begin)}` };
  if (index % 8 === 6) return { state: 'AwaitingApproval', stateMessage: 'nobody approved it yet' };
  return { state: 'InEffect', stateMessage: '' };
}

interface GroupCase {
  readonly state: string;
  readonly end: number;
  readonly unapproved: boolean;
}

function groupsAt(index: number, { state, end, unapproved }: GroupCase): ExceptionEntry['groups'] {
  const inEffect = state === 'InEffect';
  const member: Readonly<Record<ReviewGroup, boolean>> = {
    expiring: inEffect && end - AT.getTime() < 7 * DAY,
    'expired-in-use': state === 'Expired' && isUsed(index) && index % 13 === 0,
    unused: inEffect && !isUsed(index),
    renewed: isRenewed(index) && index % 3 > 0,
    unapproved,
    overdue: inEffect && index % 9 === 7,
  };
  return REVIEW_GROUPS.filter((group) => member[group]);
}

function usage(index: number, begin: number): NonNullable<ExceptionEntry['usage']> {
  return {
    firstSeen: iso(begin).slice(0, 10),
    lastSeen: iso(Math.min(begin + 2 * DAY, AT.getTime())).slice(0, 10),
    digests: [digest(index)],
    workloads: index % 4,
  };
}

function digest(index: number): string {
  return `sha256:${createHash('sha256').update(`image ${index}`).digest('hex')}`;
}

function iso(milliseconds: number): string {
  return new Date(milliseconds).toISOString().replace('.000Z', 'Z');
}

function pick<T>(values: readonly T[], index: number): T {
  const value = values[index % values.length];
  assert.ok(value !== undefined);
  return value;
}
