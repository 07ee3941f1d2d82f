// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { printable } from '../../verification/index.ts';
import type { ApprovalAccount, ExceptionAccount } from './account.ts';
import type { ExceptionEntry } from './document.ts';
import { distanceText } from './moment.ts';

/** An account for people: a line a fact, indented where there are several. */
export function accountText(account: ExceptionAccount): string {
  const { exception: entry, at } = account;
  const now = Date.parse(at);
  const facts: readonly Fact[] = [
    ['At', at],
    ['State', `${entry.state}: ${entry.stateMessage}`],
    ['Fault', account.fault],
    ['Approval', approvalLine(account)],
    ['', account.approvals.map(approvalText)],
    ['Revoked', revocation(account)],
    ...permission(entry, now),
    ...record(entry),
    ['Renewals', renewals(entry)],
    ['Use', use(entry)],
    ['Reviews', entry.reviews.map(reviewText)],
    ['Hash', account.specHash],
    ['Changes', account.boundaries.map((boundary) => dated(boundary, now))],
  ];
  const title = `${entry.namespace}/${entry.name}`;
  return [title, ...facts.flatMap(lines)].map((line) => `${printable(line)}\n`).join('');
}

/** A label, and what is said under it: nothing where it is empty. */
type Fact = readonly [string, string | readonly string[] | undefined];

const LABEL_WIDTH = 16;

function lines([label, said = []]: Fact): readonly string[] {
  const texts = typeof said === 'string' ? [said] : said;
  return texts.map((text, index) => {
    const shown = index === 0 && label !== '' ? `${label}:` : '';
    return `  ${shown.padEnd(LABEL_WIDTH)} ${text}`;
  });
}

function permission(entry: ExceptionEntry, now: number): readonly Fact[] {
  return [
    ['Policy', entry.policy],
    ['Class', entry.class],
    ['Waives', entry.requirements.join(', ')],
    ['Digests', entry.digests],
    ['Accounts', entry.serviceAccounts.join(', ')],
    ['Begins', dated(entry.notBefore, now)],
    ['Ends', dated(entry.expiresAt, now)],
  ];
}

function record(entry: ExceptionEntry): readonly Fact[] {
  return [
    ['Reason', entry.reason],
    ['Owner', entry.owner],
    ['Requested by', entry.requestedBy],
    ['Ticket', entry.ticket],
    ['Risk', entry.risk],
    ['Controls', entry.compensatingControls],
    ['Can go when', entry.closureCondition],
    ['May be renewed', entry.extensionCondition],
  ];
}

function dated(instant: string, now: number): string {
  return `${instant} (${distanceText(Date.parse(instant), now)})`;
}

function approvalLine({ exception, approvalDetail }: ExceptionAccount): string {
  const { approval, approvedBy } = exception;
  switch (approval) {
    case 'approved':
      return `approved by ${approvedBy ?? 'somebody'}`;
    case 'unapproved':
      return approvalDetail === undefined ? 'nobody approved it yet' : 'not approved';
    case 'not-required':
      return 'the policy asks for none';
    case 'unknown':
      return 'not known';
  }
}

function approvalText({ by, counts, because, approvedAt, comment }: ApprovalAccount): string {
  const when = approvedAt === undefined ? '' : ` at ${approvedAt}`;
  const said = comment === undefined ? '' : ` (${comment})`;
  const worth = {
    yes: 'counts',
    no: `does not count: ${because ?? ''}`,
    unknown: 'is not weighed',
  }[counts];
  return `${by}${when}${said}: ${worth}`;
}

function revocation({ revoked }: ExceptionAccount): string | undefined {
  return revoked === undefined ? undefined : `at ${revoked.at} by ${revoked.by}: ${revoked.reason}`;
}

function renewals({ renewals: count, renews }: ExceptionEntry): string {
  const named = renews === undefined ? '' : `, renews ${renews}`;
  return `${count.toString()}${named}`;
}

function use({ usage }: ExceptionEntry): string {
  if (usage === undefined) return 'nothing was seen to run by it';
  const { firstSeen, lastSeen, workloads, digests } = usage;
  const now = `${workloads.toString()} ${workloads === 1 ? 'workload runs' : 'workloads run'} by it now`;
  return `${now}, from ${firstSeen} to ${lastSeen}, ${digests.length.toString()} digests`;
}

function reviewText({ at, by, comment }: ExceptionEntry['reviews'][number]): string {
  return `${at} by ${by}${comment === undefined ? '' : `: ${comment}`}`;
}
