// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { InvalidArgumentError } from 'commander';
import { parseMoment, parseSpan } from './moment.ts';

/** An instant that depends on when it is asked for; milliseconds since the epoch. */
export type Moment = (now: number) => number;

/** A later instant: RFC 3339, or a duration from now. */
export function momentValue(written: string): Moment {
  const message = 'Must be an instant such as 2026-11-27T00:00:00Z, or a duration such as 7d.';
  const moment: Moment = (now) => checked(parseMoment(written, now), message);
  // Wrong usage is told while the options are read.
  moment(0);
  return moment;
}

/** Any instant: RFC 3339, or a duration from now, to the past with a minus. */
export function atValue(written: string): Moment {
  const message =
    'Must be an instant such as 2026-11-27T00:00:00Z, or a duration such as 7d or -2h.';
  const isBack = written.startsWith('-');
  const span = isBack ? parseSpan(written.slice(1)) : undefined;
  const moment: Moment = (now) =>
    checked(isBack ? span && now - span : parseMoment(written, now), message);
  moment(0);
  return moment;
}

function checked(ms: number | undefined, message: string): number {
  if (ms === undefined) throw new InvalidArgumentError(message);
  return ms;
}
