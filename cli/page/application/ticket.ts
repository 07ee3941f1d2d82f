// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { h, type JSX } from 'preact';
import { Value } from './text.ts';

/** The address of a ticket, where it is one of the web; anything else is never a link. */
export function ticketAddress(ticket: string): string | undefined {
  const url = URL.parse(ticket);
  return url?.protocol === 'https:' || url?.protocol === 'http:' ? url.href : undefined;
}

/** The ticket: a link where it can be one. */
export function Ticket({ ticket }: { readonly ticket: string }): JSX.Element {
  const href = ticketAddress(ticket);
  const value = h(Value, { text: ticket });
  if (href === undefined) return value;
  return h('a', { href, rel: 'noreferrer noopener', target: '_blank' }, value);
}
