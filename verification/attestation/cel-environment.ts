// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { celEnv, isCelError, parse, plan, type CelInput, type CelResult } from '@bufbuild/cel';
import { celFunctions } from './cel-functions.ts';
import { inspect, invalid, type ConditionVariable, type Inspection } from './cel-limits.ts';
import { Meter, withMeter } from './cel-meter.ts';
import { rewriteComprehensions, type Expr } from './cel-rewrite.ts';

/** Bytes of an expression. */
const MAX_BYTES = 4096;
/** Brackets within one another. The parser takes its time over what is never closed, and then the stack. */
const MAX_BRACKETS = 64;
const MAX_SHOWN = 300;

const environment = celEnv({ funcs: celFunctions() });

/** The values of the variables of one evaluation. */
export type CelBindings = Readonly<Record<ConditionVariable, CelInput>>;

/** An expression that may be evaluated at a bounded cost. */
export interface Program extends Inspection {
  /** Gives what the expression gives, an error too. Throws LIMIT_EXCEEDED. */
  readonly run: (bindings: CelBindings) => CelResult;
}

/** Parses an expression, checks it and makes it ready to run. Throws POLICY_INVALID. */
export function compileExpression(source: string): Program {
  if (Buffer.byteLength(source) > MAX_BYTES)
    throw invalid(`is longer than ${MAX_BYTES.toString()} bytes`);
  if (nesting(source) > MAX_BRACKETS)
    throw invalid(`nests brackets more than ${MAX_BRACKETS.toString()} deep`);
  const expr = parseExpression(source);
  const inspection = inspect(expr, environment);
  rewriteComprehensions(expr);
  const evaluate = plan(environment, expr);
  return {
    uses: inspection.uses,
    hasComprehension: inspection.hasComprehension,
    run: (bindings) => {
      const meter = new Meter();
      const result = withMeter(meter, () => evaluate(bindings));
      meter.check();
      return result;
    },
  };
}

function parseExpression(source: string): Expr {
  try {
    return parse(source).expr;
  } catch (thrown) {
    const detail = thrown instanceof Error ? thrown.message : String(thrown);
    throw invalid(`does not parse: ${detail.slice(0, MAX_SHOWN)}`, thrown);
  }
}

/** How deep brackets are nested at most, taking those in strings for brackets too. */
function nesting(source: string): number {
  let depth = 0;
  let deepest = 0;
  for (const char of source) {
    if ('([{'.includes(char)) depth += 1;
    else if (')]}'.includes(char)) depth = Math.max(0, depth - 1);
    deepest = Math.max(deepest, depth);
  }
  return deepest;
}

/** Says what went wrong in an evaluation, or nothing where it gave a value. */
export function errorOf(result: CelResult): string | undefined {
  return isCelError(result) ? result.message : undefined;
}
