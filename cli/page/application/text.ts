// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { h, type JSX } from 'preact';
import { visibleText } from '../visible-text.ts';

/** A value that somebody wrote: shown as it is, by itself, so that it does not turn what is around it. */
export function Value({ text }: { readonly text: string }): JSX.Element {
  return h('bdi', null, visibleText(text));
}

/** A value in letters of one width. */
export function Code({ text }: { readonly text: string }): JSX.Element {
  return h('code', null, visibleText(text));
}

/** A number with its noun: `1 exception`, `2 exceptions`. */
export function counted(number: number, noun: string): string {
  return `${grouped(number)} ${noun}${number === 1 ? '' : 's'}`;
}

/** `2,000`. */
export function grouped(number: number): string {
  return number.toString().replace(/\B(?=(?:\d{3})+$)/g, ',');
}

/** At most so many characters, the end cut off. */
export function shortened(text: string, most: number): string {
  const characters = Array.from(text);
  return characters.length <= most ? text : `${characters.slice(0, most - 1).join('')}\u2026`;
}
