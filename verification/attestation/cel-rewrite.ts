// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import type { parse } from '@bufbuild/cel';
import { APPEND, NEW_LIST, RANGE } from './cel-functions.ts';

/** A node of the tree that an expression parses to, macros expanded. */
export type Expr = ReturnType<typeof parse>['expr'];
type Kind<C> = Extract<Expr['exprKind'], { readonly case: C }>;
/** What `all`, `exists`, `map` and `filter` expand to. */
export type Comprehension = Kind<'comprehensionExpr'>['value'];

/** Steps that making a list, a map and an entry of one takes, compared with other nodes. */
const LIST_STEPS = 4;
const MAP_STEPS = 40;
const ENTRY_STEPS = 10;

/** All nodes right below one. */
export function children({ exprKind }: Expr): readonly Expr[] {
  switch (exprKind.case) {
    case 'selectExpr':
      return present([exprKind.value.operand]);
    case 'callExpr':
      return present([exprKind.value.target, ...exprKind.value.args]);
    case 'listExpr':
      return exprKind.value.elements;
    case 'structExpr':
      return present(
        exprKind.value.entries.flatMap(({ keyKind, value }) => [
          keyKind.case === 'mapKey' ? keyKind.value : undefined,
          value,
        ]),
      );
    case 'comprehensionExpr': {
      const { iterRange, accuInit, loopCondition, loopStep, result } = exprKind.value;
      return present([iterRange, accuInit, loopCondition, loopStep, result]);
    }
    case 'constExpr':
    case 'identExpr':
    case undefined:
      return [];
  }
}

/**
 * Rewrites the comprehensions of an expression, in place: each pays for its elements before it begins,
 * and `map` and `filter` append to one list instead of making a list of lists with each element.
 */
export function rewriteComprehensions(expr: Expr): void {
  for (const child of children(expr)) rewriteComprehensions(child);
  if (expr.exprKind.case !== 'comprehensionExpr') return;
  const comprehension = expr.exprKind.value;
  const { iterRange, accuInit, loopCondition, loopStep } = comprehension;
  if (!iterRange || !accuInit || !loopCondition || !loopStep) return;
  const steps = weight(loopCondition) + weight(loopStep);
  comprehension.iterRange = call(iterRange, RANGE, [iterRange, int(iterRange, steps)]);
  if (accuInit.exprKind.case !== 'listExpr') return;
  comprehension.accuInit = call(accuInit, NEW_LIST, []);
  comprehension.loopStep = appending(loopStep, comprehension.accuVar);
}

/** Steps that a node takes with all below it; comprehensions in it pay for themselves. */
function weight(expr: Expr): number {
  const { exprKind } = expr;
  const below =
    exprKind.case === 'comprehensionExpr' ? present([exprKind.value.iterRange]) : children(expr);
  const own =
    exprKind.case === 'structExpr'
      ? MAP_STEPS + ENTRY_STEPS * exprKind.value.entries.length
      : exprKind.case === 'listExpr'
        ? LIST_STEPS
        : 1;
  return below.reduce((sum, child) => sum + weight(child), own);
}

/** The step of `map` and `filter`: `accu + [value]`, or that in one branch of a conditional. */
function appending(step: Expr, accuVar: string): Expr {
  if (step.exprKind.case !== 'callExpr') return step;
  const { function: name, args } = step.exprKind.value;
  const [first, second, third] = args;
  if (!first || !second) return step;
  if (name === '_?_:_' && third)
    return call(step, name, [first, appending(second, accuVar), third]);
  const { exprKind } = first;
  const isAccu = exprKind.case === 'identExpr' && exprKind.value.name === accuVar;
  if (name !== '_+_' || !isAccu || second.exprKind.case !== 'listExpr') return step;
  return call(step, APPEND, [first, ...second.exprKind.value.elements]);
}

function call(at: Expr, name: string, args: Expr[]): Expr {
  return {
    $typeName: at.$typeName,
    id: at.id,
    exprKind: {
      case: 'callExpr',
      value: { $typeName: 'cel.expr.Expr.Call', function: name, args },
    },
  };
}

function int(at: Expr, value: number): Expr {
  return {
    $typeName: at.$typeName,
    id: at.id,
    exprKind: {
      case: 'constExpr',
      value: {
        $typeName: 'cel.expr.Constant',
        // eslint-disable-next-line @typescript-eslint/no-deprecated -- of constants only times are deprecated
        constantKind: { case: 'int64Value', value: BigInt(value) },
      },
    },
  };
}

function present(exprs: readonly (Expr | undefined)[]): readonly Expr[] {
  return exprs.filter((expr) => expr !== undefined);
}
