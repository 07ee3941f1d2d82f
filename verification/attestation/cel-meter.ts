// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { RE2JS } from 're2js';
import { toVerificationError, VerificationError } from '../error.ts';
import { compileRe2 } from '../re2.ts';

/** Elements of lists that comprehensions go over in one evaluation: the sum, and the product where they nest. */
const MAX_ITERATIONS = 1_000_000;
/** Steps of one evaluation; one is about the time that one node of an expression takes. */
const MAX_STEPS = 10_000_000;
/** Steps for each instruction that a pattern compiles to. */
const INSTRUCTION_STEPS = 16;

/**
 * What one evaluation may still cost. The library knows no limits at run time, so functions pay before
 * they work, and comprehensions for all elements before they begin: what an expression costs depends on
 * it and on the data, never on a machine's speed.
 */
export class Meter {
  #iterations = MAX_ITERATIONS;
  #steps = MAX_STEPS;
  readonly #patterns = new Map<string, RE2JS | VerificationError>();

  /** Pays for so many steps. Throws LIMIT_EXCEEDED once there are none left. */
  spend(steps: number): void {
    this.#steps -= steps;
    if (this.#steps < 0) throw exceeded(`${MAX_STEPS.toString()} steps`);
  }

  /** Pays for going over a list or map. */
  iterate(elements: number, stepsEach: number): void {
    this.#iterations -= elements;
    if (this.#iterations < 0) throw exceeded(`${MAX_ITERATIONS.toString()} elements of lists`);
    this.spend(elements * stepsEach);
  }

  /** Throws LIMIT_EXCEEDED where more was spent than there was, whatever became of that. */
  check(): void {
    this.iterate(0, 0);
  }

  /**
   * Compiles a pattern, which is paid for and done once an evaluation, whether it compiles or not. Throws
   * what `compileRe2` throws, and LIMIT_EXCEEDED.
   */
  regex(pattern: string): RE2JS {
    let known = this.#patterns.get(pattern);
    if (known === undefined) {
      this.spend(pattern.length ** 2);
      known = attempt(pattern);
      this.#patterns.set(pattern, known);
      if (known instanceof RE2JS) this.spend(INSTRUCTION_STEPS * known.programSize());
    }
    if (known instanceof RE2JS) return known;
    throw known;
  }
}

function attempt(pattern: string): RE2JS | VerificationError {
  try {
    return compileRe2(pattern);
  } catch (thrown) {
    return toVerificationError(thrown);
  }
}

/** Functions of the environment are shared by all conditions; evaluation is synchronous, so one meter runs. */
let running: Meter | undefined;

/**
 * Runs with the meter, to which `meter` refers meanwhile. Errors are values in CEL, and a list may have
 * one for each element: none of them takes the time to look at the stack.
 */
export function withMeter<T>(on: Meter, run: () => T): T {
  const before = running;
  const { stackTraceLimit } = Error;
  running = on;
  Error.stackTraceLimit = 0;
  try {
    return run();
  } finally {
    running = before;
    Error.stackTraceLimit = stackTraceLimit;
  }
}

/** The meter of the evaluation that is going on. */
export function meter(): Meter {
  return running ?? new Meter();
}

function exceeded(what: string): VerificationError {
  return new VerificationError('LIMIT_EXCEEDED', `takes more than ${what}`);
}
