// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

/** What the page tells apart by pattern and colour; the text of the state says the rest. */
export type StandingKind = 'effect' | 'pending' | 'ended' | 'revoked' | 'held';

/** The kinds with what the legend says. */
export const STANDING_KINDS: readonly { readonly kind: StandingKind; readonly label: string }[] = [
  { kind: 'effect', label: 'In effect' },
  { kind: 'pending', label: 'Not yet active' },
  { kind: 'held', label: 'Without effect for another reason' },
  { kind: 'ended', label: 'Expired' },
  { kind: 'revoked', label: 'Revoked' },
];

const KINDS: ReadonlyMap<string, StandingKind> = new Map([
  ['InEffect', 'effect'],
  ['NotYetActive', 'pending'],
  ['Expired', 'ended'],
  ['Revoked', 'revoked'],
]);

/** The kind of a state; whatever else keeps an exception from having effect holds it. */
export function kindOf(state: string): StandingKind {
  return KINDS.get(state) ?? 'held';
}

/** `AwaitingApproval` as `Awaiting approval`. */
export function stateLabel(state: string): string {
  const words = state.replace(/(?<=[a-z0-9])(?=[A-Z])/g, ' ').split(' ');
  return words.map((word, index) => (index === 0 ? word : word.toLowerCase())).join(' ');
}
