// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { celMap, type CelInput } from '@bufbuild/cel';
import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import { toVerificationError, VerificationError } from '../error.ts';
import type { ReasonCode } from '../reasons.ts';
import { compileExpression, errorOf, type CelBindings } from './cel-environment.ts';
import type { ConditionVariable } from './cel-limits.ts';
import { celOfJson } from './cel-values.ts';

/** Characters of an error of an evaluation that are shown: it may quote the predicate. */
const MAX_SHOWN = 256;
const CONTROL = /\p{C}/gu;

/** A condition as a policy writes it. */
export interface ConditionSource {
  readonly name: string;
  readonly expression: string;
  /** What to tell where the condition does not hold. */
  readonly message?: string | undefined;
}

/** What conditions are told: the parsed statement, the image, who signed, and the time. */
export interface ConditionBindings {
  /** Parsed JSON. */
  readonly statement: unknown;
  /** Parsed JSON; null where the statement has none. */
  readonly predicate: unknown;
  readonly image: {
    readonly registry: string;
    readonly repository: string;
    readonly digest: string;
    readonly reference: string;
  };
  readonly signer: {
    /** Name of the authority in the policy. */
    readonly authority: string;
    readonly identity: string;
    /** Absent, as a field too, where nobody issued the identity. */
    readonly issuer?: string | undefined;
    readonly claims: ReadonlyMap<string, string>;
  };
  readonly now: Date;
}

/** A condition that parsed, ready to be evaluated. */
export interface CompiledCondition {
  readonly name: string;
  readonly expression: string;
  readonly message: string;
  readonly uses: ReadonlySet<ConditionVariable>;
  /** True where evaluation may take long: it goes over a list, so its cost grows with the data. */
  readonly hasComprehension: boolean;
  /**
   * Returns only where the expression gives exactly `true`. Throws PREDICATE_REJECTED with the author's
   * message where it gives false, and with what went wrong where it gives an error (a missing field is
   * one) or anything else; LIMIT_EXCEEDED where it costs too much.
   */
  readonly evaluate: (bindings: ConditionBindings) => void;
}

/** What came of one condition. */
export interface ConditionResult {
  readonly name: string;
  readonly outcome: 'passed' | 'failed';
  /** Present unless the condition passed. */
  readonly code?: ReasonCode;
  readonly detail: string;
}

/**
 * Compiles a condition. Throws POLICY_INVALID, with a message that does not name the field, where the
 * expression does not parse, breaks a limit, names a variable or calls a function that does not exist,
 * can never give a boolean, or holds a pattern that RE2 does not compile.
 *
 * @example
 * compileCondition({ name: 'format', expression: 'predicate.spdxVersion == "SPDX-2.3"' });
 */
export function compileCondition(source: ConditionSource): CompiledCondition {
  const { name, expression, message = `condition ${name} does not hold` } = source;
  const program = compileExpression(expression);
  const evaluate = (bindings: ConditionBindings): void => {
    const result = run(name, () => program.run(prepared(bindings)));
    const problem = errorOf(result);
    if (problem !== undefined) throw rejected(`condition ${name}: ${shown(problem)}`);
    if (result === true) return;
    throw rejected(
      result === false ? message : `condition ${name}: gives something else than a boolean`,
    );
  };
  return {
    name,
    expression,
    message,
    uses: program.uses,
    hasComprehension: program.hasComprehension,
    evaluate,
  };
}

/**
 * Takes a snapshot of what conditions are told and makes it ready for them. What they look at in it is
 * converted once and shared by all of them, and by other bindings of the same parsed statement.
 */
export function bindConditions(input: ConditionBindings): ConditionBindings {
  const { statement, predicate, now } = input;
  const signer = { ...input.signer, claims: new Map(input.signer.claims) };
  const bindings = {
    statement,
    predicate,
    image: { ...input.image },
    signer,
    now: new Date(now.getTime()),
  };
  prepared(bindings);
  return bindings;
}

/** Evaluates conditions in their order, all of them; never throws. */
export function evaluateConditions(
  conditions: readonly CompiledCondition[],
  bindings: ConditionBindings,
): readonly ConditionResult[] {
  return conditions.map(({ name, evaluate }) => {
    try {
      evaluate(bindings);
      return { name, outcome: 'passed', detail: `condition ${name} holds` };
    } catch (thrown) {
      const { code, message } = toVerificationError(thrown);
      return { name, outcome: 'failed', code, detail: message };
    }
  });
}

const known = new WeakMap<ConditionBindings, CelBindings>();

function prepared(bindings: ConditionBindings): CelBindings {
  const before = known.get(bindings);
  if (before !== undefined) return before;
  const { image, signer } = bindings;
  const { registry, repository, digest, reference } = image;
  const { authority, identity, issuer, claims } = signer;
  // Without a prototype: the library looks names up with a plain index.
  const values = Object.assign(Object.create(null) as object, {
    statement: celOfJson(bindings.statement),
    predicate: celOfJson(bindings.predicate),
    image: celMap(new Map(Object.entries({ registry, repository, digest, reference }))),
    signer: celMap(
      new Map<string, CelInput>([
        ['authority', authority],
        ['identity', identity],
        ...(issuer === undefined ? [] : [['issuer', issuer] as const]),
        ['claims', celMap(claims)],
      ]),
    ),
    now: timestampFromDate(bindings.now),
  });
  known.set(bindings, values);
  return values;
}

/** Runs a program; what it throws of its own has no name of the condition yet. */
function run<T>(name: string, program: () => T): T {
  try {
    return program();
  } catch (thrown) {
    const { code, message } = toVerificationError(thrown);
    throw new VerificationError(code, `condition ${name}: ${shown(message)}`, { cause: thrown });
  }
}

function shown(text: string): string {
  const visible = text.slice(0, MAX_SHOWN).replace(CONTROL, '\ufffd');
  return text.length > MAX_SHOWN ? `${visible}…` : visible;
}

function rejected(detail: string): VerificationError {
  return new VerificationError('PREDICATE_REJECTED', detail);
}
