// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import type { Command } from 'commander';
import type { ExceptionsContext } from './context.ts';
import { addApprove } from './approve.ts';
import { addList } from './list.ts';
import { addPrune } from './prune.ts';
import { addRenew } from './renew.ts';
import { addRequest } from './request.ts';
import { addReview } from './review.ts';
import { addRevoke } from './revoke.ts';
import { addShow } from './show.ts';
import { addSign } from './sign.ts';
import { addVerify } from './verify.ts';

export type { ExceptionsContext } from './context.ts';

/** A command of the group: declared in a file of its own as `add<Verb>`. */
type AddCommand = (parent: Command, context: ExceptionsContext) => void;

const COMMANDS: readonly AddCommand[] = [
  addList,
  addShow,
  addReview,
  addRequest,
  addApprove,
  addRenew,
  addRevoke,
  addPrune,
  addSign,
  addVerify,
];

/** Adds `exceptions` and its commands. What a command throws ends in the exit code of the program. */
export function addExceptions(program: Command, context: ExceptionsContext): void {
  const group = program
    .command('exceptions')
    .alias('exception')
    .description('Requests, approves, reviews and ends exceptions from policies');
  for (const add of COMMANDS) add(group, context);
}
