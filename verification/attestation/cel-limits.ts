// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import type { CelEnv, CelFunc } from '@bufbuild/cel';
import { VerificationError } from '../error.ts';
import { children, type Comprehension, type Expr } from './cel-rewrite.ts';
import { compileRe2 } from '../re2.ts';

/** What a condition may name. */
export const CONDITION_VARIABLES = ['predicate', 'statement', 'image', 'signer', 'now'] as const;
export type ConditionVariable = (typeof CONDITION_VARIABLES)[number];

/** Nodes of an expression, macros expanded. */
const MAX_NODES = 1000;
/** Comprehensions within one another. */
const MAX_NESTED = 2;
const MAX_INT = 2n ** 63n;
const MAX_UINT = 2n ** 64n;

/** Names that stand for types, as in `type(x) == string`. */
const TYPES: ReadonlySet<string> = new Set(
  'bool bytes double int list map null_type string type uint'.split(' '),
);
/** What the library evaluates itself, without a function. */
const BUILT_IN: ReadonlySet<string> = new Set(
  '_[_] _?_:_ _&&_ _||_ @not_strictly_false'.split(' '),
);
const CONSTANT_TYPES: ReadonlyMap<string | undefined, string> = new Map([
  ['boolValue', 'bool'],
  ['bytesValue', 'bytes'],
  ['doubleValue', 'double'],
  ['int64Value', 'int'],
  ['nullValue', 'null_type'],
  ['stringValue', 'string'],
  ['uint64Value', 'uint'],
]);

/** What an expression was found to be. */
export interface Inspection {
  readonly uses: ReadonlySet<ConditionVariable>;
  readonly hasComprehension: boolean;
}

/**
 * Looks through an expression for what would fail whatever the data: names, functions and arguments that
 * do not exist, patterns that do not compile, a result that is never a boolean, and more of it than the
 * limits allow. Throws POLICY_INVALID.
 */
export function inspect(expr: Expr, env: CelEnv): Inspection {
  const inspector = new Inspector(env);
  inspector.visit(expr, { names: new Set(), nested: 0 });
  const type = typeOf(expr, env);
  if (type !== undefined && type !== 'bool')
    throw invalid(`gives a value of the type ${type}, not a boolean`);
  return inspector;
}

interface Scope {
  /** Variables of the comprehensions around a node. */
  readonly names: ReadonlySet<string>;
  readonly nested: number;
}

class Inspector implements Inspection {
  readonly uses = new Set<ConditionVariable>();
  hasComprehension = false;
  readonly #env: CelEnv;
  #nodes = 0;

  constructor(env: CelEnv) {
    this.#env = env;
  }

  visit(expr: Expr, scope: Scope): void {
    this.#nodes += 1;
    if (this.#nodes > MAX_NODES) throw invalid(`has more than ${MAX_NODES.toString()} nodes`);
    const { exprKind } = expr;
    if (exprKind.case === 'comprehensionExpr') {
      this.#comprehension(exprKind.value, scope);
      return;
    }
    if (exprKind.case === 'identExpr') this.#identifier(exprKind.value.name, scope);
    else checkNode(expr, this.#env);
    for (const child of children(expr)) this.visit(child, scope);
  }

  #comprehension(value: Comprehension, scope: Scope): void {
    const { iterVar, accuVar, iterRange, accuInit, loopCondition, loopStep, result } = value;
    this.hasComprehension = true;
    const nested = scope.nested + 1;
    if (nested > MAX_NESTED)
      throw invalid(`goes over lists within lists more than ${MAX_NESTED.toString()} deep`);
    if (TYPES.has(iterVar) || variable(iterVar) !== undefined)
      throw invalid(`gives the name ${iterVar} another meaning`);
    const inner: Scope = { names: new Set([...scope.names, iterVar, accuVar]), nested };
    for (const outside of [iterRange, accuInit]) if (outside) this.visit(outside, scope);
    for (const inside of [loopCondition, loopStep, result]) if (inside) this.visit(inside, inner);
  }

  #identifier(name: string, scope: Scope): void {
    if (scope.names.has(name) || TYPES.has(name)) return;
    const known = variable(name);
    if (known === undefined)
      throw invalid(`names ${name}, which is none of ${CONDITION_VARIABLES.join(', ')}`);
    this.uses.add(known);
  }
}

function variable(name: string): ConditionVariable | undefined {
  return CONDITION_VARIABLES.find((known) => known === name);
}

type Constant = Extract<Expr['exprKind'], { readonly case: 'constExpr' }>['value'];
type Call = Extract<Expr['exprKind'], { readonly case: 'callExpr' }>['value'];

/** What can be told of a node without the names around it. */
function checkNode({ exprKind }: Expr, env: CelEnv): void {
  if (exprKind.case === 'constExpr') checkConstant(exprKind.value.constantKind);
  if (exprKind.case === 'callExpr') checkCall(exprKind.value, env);
  if (exprKind.case === 'structExpr' && exprKind.value.messageName !== '')
    throw invalid(`makes a message of the type ${exprKind.value.messageName}`);
  if (exprKind.case === undefined) throw invalid('has an empty part');
}

/** The parser takes integers of any size, and the library calculates with them. */
function checkConstant(kind: Constant['constantKind']): void {
  const isTooLarge =
    (kind.case === 'int64Value' && (kind.value >= MAX_INT || kind.value < -MAX_INT)) ||
    (kind.case === 'uint64Value' && kind.value >= MAX_UINT);
  if (isTooLarge) throw invalid(`${kind.value.toString()} is not an integer of 64 bits`);
}

function checkCall(call: Call, env: CelEnv): void {
  if (BUILT_IN.has(call.function)) return;
  const named = call.function.replaceAll('_', '');
  const group = env.funcs.find(call.function);
  if (group === undefined) throw invalid(`calls ${named}, which does not exist in this form`);
  if (overloads(call, env).length === 0)
    throw invalid(`calls ${named} with arguments that it does not take`);
  const [pattern] = call.args;
  if (call.function !== 'matches' || pattern?.exprKind.case !== 'constExpr') return;
  const { constantKind } = pattern.exprKind.value;
  if (constantKind.case === 'stringValue') compileRe2(constantKind.value);
}

/** The forms of a function that a call may mean, as far as the types of its arguments can be told. */
function overloads(call: Call, env: CelEnv): readonly CelFunc[] {
  const isPossible = (expr: Expr | undefined, type: { readonly name: string }): boolean => {
    const known = expr && typeOf(expr, env);
    return known === undefined || type.name === 'dyn' || type.name === known;
  };
  return [...(env.funcs.find(call.function) ?? [])].filter(
    (func) =>
      (func.target === undefined) === (call.target === undefined) &&
      func.arguments.length === call.args.length &&
      (func.target === undefined || isPossible(call.target, func.target)) &&
      func.arguments.every((type, at) => isPossible(call.args[at], type)),
  );
}

/** The type of what a node gives, where it is known without data. */
function typeOf({ exprKind }: Expr, env: CelEnv): string | undefined {
  switch (exprKind.case) {
    case 'constExpr':
      return CONSTANT_TYPES.get(exprKind.value.constantKind.case);
    case 'listExpr':
      return 'list';
    case 'structExpr':
      return 'map';
    case 'selectExpr':
      return exprKind.value.testOnly ? 'bool' : undefined;
    case 'identExpr':
      return IDENTIFIER_TYPES.get(exprKind.value.name);
    case 'callExpr':
      return typeOfCall(exprKind.value, env);
    case 'comprehensionExpr':
      return typeOfComprehension(exprKind.value);
    case undefined:
      return undefined;
  }
}

/** `map` and `filter` start from an empty list, the others give a boolean. */
function typeOfComprehension({ accuInit }: Comprehension): string {
  return accuInit?.exprKind.case === 'listExpr' ? 'list' : 'bool';
}

/** A predicate may be absent, which is null. */
const IDENTIFIER_TYPES: ReadonlyMap<string, string> = new Map([
  ['statement', 'map'],
  ['image', 'map'],
  ['signer', 'map'],
  ['now', 'google.protobuf.Timestamp'],
]);

function typeOfCall(call: Call, env: CelEnv): string | undefined {
  if (call.function === '_&&_' || call.function === '_||_') return 'bool';
  if (BUILT_IN.has(call.function)) return undefined;
  const [first, ...more] = new Set(overloads(call, env).map(({ result }) => result.name));
  return more.length > 0 || first === 'dyn' ? undefined : first;
}

/** What is wrong with an expression; whoever knows it puts the path of the field in front. */
export function invalid(detail: string, cause?: unknown): VerificationError {
  return new VerificationError('POLICY_INVALID', detail, { cause });
}
