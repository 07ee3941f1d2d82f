// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { h, type JSX } from 'preact';
import type { StandingKind } from '../standing.ts';

/** Patterns that tell the kinds apart without colour; once a page. */
export function Patterns(): JSX.Element {
  return h(
    'svg',
    { class: 'patterns', width: 0, height: 0, 'aria-hidden': 'true' },
    h(
      'defs',
      null,
      pattern('held', 6, 'M-1.5 1.5 1.5 -1.5M0 6 6 0M4.5 7.5 7.5 4.5'),
      pattern('revoked', 6, 'M0 0 6 6M0 6 6 0'),
      pattern('ended', 4, 'M2 1V2'),
    ),
  );
}

function pattern(kind: StandingKind, size: number, d: string): JSX.Element {
  return h(
    'pattern',
    { id: `fill-${kind}`, width: size, height: size, patternUnits: 'userSpaceOnUse' },
    h('rect', { width: size, height: size, class: `ground ${kind}` }),
    h('path', { d, class: `lines ${kind}` }),
  );
}

/** Solid where it has effect, empty where it does not yet, else by its pattern. */
export function fillOf(kind: StandingKind): string | undefined {
  return kind === 'effect' || kind === 'pending' ? undefined : `url(#fill-${kind})`;
}

/** A small sample of how the windows of a kind are drawn. */
export function Swatch({ kind }: { readonly kind: StandingKind }): JSX.Element {
  return h(
    'svg',
    { class: 'swatch', width: 14, height: 10, 'aria-hidden': 'true' },
    h('rect', {
      x: 0.5,
      y: 0.5,
      width: 13,
      height: 9,
      class: `bar ${kind}`,
      fill: fillOf(kind),
    }),
  );
}
