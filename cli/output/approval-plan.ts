// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import {
  printable,
  type ApprovalPredicate,
  type CompiledException,
} from '../../verification/index.ts';

/** What is approved, for who is about to approve it: a line a fact. */
export function planText(exception: CompiledException, approval: ApprovalPredicate): string {
  const { requirements, use, notBefore } = exception;
  const { exceptionReason, exceptionOwner, exceptionTicket } = use.documentation;
  const facts: readonly (readonly [string, string | undefined])[] = [
    ['policy', exception.policy],
    ['requirements', requirements === 'all' ? 'all of the policy' : [...requirements].join(', ')],
    ...[...exception.digests].map((digest) => ['digest', digest] as const),
    ['service accounts', [...exception.serviceAccounts].join(', ')],
    ['window', `${new Date(notBefore).toISOString()} to ${use.expiresAt}`],
    ['class', exception.class],
    ['requested by', exception.requestedBy],
    ['owner', exceptionOwner],
    ['reason', exceptionReason],
    ['ticket', exceptionTicket],
    ['hash', exception.specHash],
    ['approved up to', approval.latestExpiresAt],
    ['approval counts until', approval.expiresAt],
  ];
  const heading = `approval of ${exception.namespace}/${exception.name} in ${approval.cluster}`;
  const lines = facts.flatMap(([name, value]) =>
    value === undefined ? [] : [`  ${name.padEnd(WIDTH)}  ${value}`],
  );
  return [heading, ...lines].map((line) => `${printable(line)}\n`).join('');
}

const WIDTH = 'approval counts until'.length;
