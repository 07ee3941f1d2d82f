// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { h, type ComponentChildren, type JSX } from 'preact';
import type { ExceptionEntry } from '../../exceptions/document.ts';
import { groupsOf } from '../groups.ts';
import { distanceOf, momentOf } from '../instant.ts';
import { stateLabel } from '../standing.ts';
import { counted, Code, Value } from './text.ts';
import { Ticket } from './ticket.ts';

/** Everything that the record has about one exception. */
export interface DetailsProps {
  readonly entry: ExceptionEntry;
  readonly at: string;
}

/** The details: prose on one side, facts on the other. */
export function ExceptionDetails(props: DetailsProps): JSX.Element {
  const { entry } = props;
  return h(
    'div',
    { class: 'detail' },
    h(
      'dl',
      { class: 'prose' },
      item('Reason', prose(entry.reason)),
      item('Risk', optional(entry.risk, prose)),
      item('Compensating controls', list(entry.compensatingControls, Value)),
      item('Can go when', optional(entry.closureCondition, prose)),
      item('May be renewed when', optional(entry.extensionCondition, prose)),
      item('Reviews', h(Reviews, props)),
    ),
    h(
      'dl',
      { class: 'facts' },
      h(Standing, props),
      item(
        'Ticket',
        optional(entry.ticket, (ticket) => h(Ticket, { ticket })),
      ),
      item('Owner', h(Value, { text: entry.owner })),
      item('Requested by', h(Value, { text: entry.requestedBy })),
      item('Created', optional(entry.createdAt, momentOf)),
      item(
        'Renews',
        optional(entry.renews, (text) => h(Value, { text })),
      ),
      item('Follows', counted(entry.renewals, 'earlier exception')),
      item('Requirements', requirements(entry.requirements)),
      item('Service accounts', shortList(entry.serviceAccounts)),
      item('Digests', list(entry.digests, Code)),
      h(Usage, props),
    ),
  );
}

function Standing({ entry, at }: DetailsProps): ComponentChildren {
  const { notBefore, expiresAt, state, stateMessage, groups } = entry;
  return [
    item('State', [
      h(Value, { text: stateLabel(state) }),
      stateMessage === '' ? null : [': ', h(Value, { text: stateMessage })],
    ]),
    item(
      'Findings',
      groups.length === 0
        ? none()
        : list(
            groupsOf(groups).map(({ label, meaning }) => `${label}: ${meaning.toLowerCase()}`),
            Value,
          ),
    ),
    item('Window', `${momentOf(notBefore)} to ${momentOf(expiresAt)}${endText(expiresAt, at)}`),
    item('Approval', h(Approval, { entry, at })),
  ];
}

function endText(expiresAt: string, at: string): string {
  const distance = distanceOf(expiresAt, at);
  if (distance === '') return '';
  return distance.startsWith('in ') ? ` (ends ${distance})` : ` (ended ${distance})`;
}

const APPROVALS: Readonly<Record<ExceptionEntry['approval'], string>> = {
  approved: 'Approved',
  unapproved: 'Nobody else approved it',
  'not-required': 'The policy asks for none',
  unknown: 'Cannot be told',
};

function Approval({ entry: { approval, approvedBy } }: DetailsProps): ComponentChildren {
  if (approvedBy === undefined) return APPROVALS[approval];
  return [APPROVALS[approval], ' by ', h(Value, { text: approvedBy })];
}

function Usage({ entry: { usage } }: DetailsProps): ComponentChildren {
  if (usage === undefined) return item('Usage', 'No workload was seen that ran by it');
  const { firstSeen, lastSeen, workloads, digests } = usage;
  return [
    item('Usage', [
      'First seen ',
      h(Value, { text: firstSeen }),
      ', last seen ',
      h(Value, { text: lastSeen }),
      `; ${counted(workloads, 'workload')} now`,
    ]),
    item('Digests that ran', list(digests, Code)),
  ];
}

function Reviews({ entry: { reviews } }: DetailsProps): JSX.Element {
  if (reviews.length === 0) return none();
  return h(
    'ol',
    null,
    reviews.map(({ at, by, comment }, index) =>
      h('li', { key: index }, [
        momentOf(at),
        ' by ',
        h(Value, { text: by }),
        comment === undefined ? null : [': ', h(Value, { text: comment })],
      ]),
    ),
  );
}

function requirements(names: readonly string[]): JSX.Element {
  if (names.includes('*')) return h('strong', null, 'All requirements of the policy');
  return shortList(names);
}

function item(label: string, value: ComponentChildren): JSX.Element {
  return h('div', { key: label }, h('dt', null, label), h('dd', null, value));
}

function optional(
  text: string | undefined,
  show: (text: string) => ComponentChildren,
): ComponentChildren {
  return text === undefined ? none() : show(text);
}

function prose(text: string): JSX.Element {
  return h('p', null, h(Value, { text }));
}

function list(texts: readonly string[], show: typeof Value): JSX.Element {
  if (texts.length === 0) return none();
  return h(
    'ul',
    null,
    texts.map((text, index) => h('li', { key: index }, h(show, { text }))),
  );
}

/** Names side by side: there may be many, and each is short. */
function shortList(names: readonly string[]): JSX.Element {
  return h(
    'ul',
    { class: 'short' },
    names.map((text) => h('li', { key: text }, h(Code, { text }))),
  );
}

function none(): JSX.Element {
  return h('span', { class: 'muted' }, 'None');
}
