// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import {
  celEnv,
  celFunc,
  celMethod,
  CelScalar,
  isCelList,
  isCelMap,
  listType,
  objectType,
  type CelFunc,
  type CelList,
  type CelMap,
  type CelValue,
} from '@bufbuild/cel';
import { create } from '@bufbuild/protobuf';
import { DurationSchema, TimestampSchema } from '@bufbuild/protobuf/wkt';
import { VerificationError } from '../error.ts';
import { asCelList, GrowingList } from './cel-values.ts';
import { meter } from './cel-meter.ts';

const { BOOL, BYTES, DOUBLE, DYN, INT, STRING, UINT } = CelScalar;
const LIST = listType(DYN);
const TIMESTAMP = objectType(TimestampSchema);
const DURATION = objectType(DurationSchema);

/** Functions that only rewritten macros call; no expression can name them. */
export const RANGE = '@range';
export const NEW_LIST = '@list';
export const APPEND = '@append';

/** Bits to shift lengths by: characters that are copied, or read, or gone through by a pattern, in a step. */
const COPIED = 3;
const READ = 6;
const LIST_COPY_STEPS = 8;
/** Steps for asking what a time zone is, and for reading a time or a duration. */
const ZONE_STEPS = 1000;
const TIME_STEPS = 50;
/** Characters of a number or a time in a string. */
const MAX_LITERAL = 64;
const INTEGER = /^[+-]?[0-9]{1,20}$/;
const DECIMAL = /^[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,5})?$/;
const MAX_INT = 2n ** 63n;
/** The years 1 to 9999, in seconds since the epoch. */
const FIRST_SECOND = -62_135_596_800n;
const LAST_SECOND = 253_402_300_799n;

type Call = CelFunc['call'];
type Pay = (target: CelValue | undefined, args: readonly CelValue[]) => void;

/**
 * The functions of conditions: those of the library, each of which pays for what it goes through, and
 * ours in place of the ones that take strings for numbers that are none, read integers as milliseconds
 * or copy without need.
 */
export function celFunctions(): CelFunc[] {
  const own = [...comparisons(), ...additions(), ...texts(), ...conversions(), ...rewritten()];
  const stock = [...celEnv().funcs].filter(({ id }) => !own.some((func) => func.id === id));
  return [...stock.map(paying), ...own];
}

/** A function that throws what must end the evaluation: the library would take it for a value. */
function withCall(func: CelFunc, call: Call): CelFunc {
  return Object.create(func, { call: { value: call } }) as CelFunc;
}

function payingFor(func: CelFunc, pay: Pay): CelFunc {
  return withCall(func, (id, target, args) => {
    pay(target, args);
    return func.call(id, target, args);
  });
}

/** A function of the library. Those that take no string or bytes take constant time. */
function paying(func: CelFunc): CelFunc {
  const takes = [...func.arguments, ...(func.target ? [func.target] : [])];
  if (!takes.some((type) => type === STRING || type === BYTES)) return func;
  const steps = stepsOf(func);
  return payingFor(func, (target, args) => meter().spend(steps + lengths([target, ...args], READ)));
}

function stepsOf({ name, target }: CelFunc): number {
  if (target?.name === TIMESTAMP.name) return ZONE_STEPS;
  return name === 'timestamp' || name === 'duration' ? TIME_STEPS : 0;
}

function lengths(values: readonly (CelValue | undefined)[], shift: number): number {
  return values.reduce((sum: number, value) => sum + (lengthOf(value) >> shift), 0);
}

function lengthOf(value: CelValue | undefined): number {
  return typeof value === 'string' || value instanceof Uint8Array ? value.length : 0;
}

/** Equality as CEL defines it, paid for pair by pair. */
function isEqual(left: CelValue, right: CelValue): boolean {
  if (typeof left === 'string' && typeof right === 'string') {
    meter().spend(Math.min(left.length, right.length) >> READ);
    return left === right;
  }
  if (left === right) return true;
  if (isCelList(left)) return isCelList(right) && isEqualList(left, right);
  if (isCelMap(left)) return isCelMap(right) && isEqualMap(left, right);
  meter().spend(lengths([left, right], READ));
  return stockEquals?.call(0, undefined, [left, right]) === true;
}

const stockEquals = celEnv().funcs.find('_==_');

function isEqualList(left: CelList, right: CelList): boolean {
  if (left.size !== right.size) return false;
  meter().spend(left.size);
  const other = right.values();
  for (const value of left) {
    const { value: against } = other.next() as { readonly value: CelValue };
    if (!isEqual(value, against)) return false;
  }
  return true;
}

function isEqualMap(left: CelMap, right: CelMap): boolean {
  if (left.size !== right.size) return false;
  meter().spend(left.size);
  for (const [key, value] of left) {
    const against = right.get(key);
    if (against === undefined || !isEqual(value, against)) return false;
  }
  return true;
}

function comparisons(): CelFunc[] {
  const never = (): boolean => false;
  const binary = (func: CelFunc, answer: (left: CelValue, right: CelValue) => boolean): CelFunc =>
    withCall(func, (_id, target, [left, right]) =>
      target !== undefined || left === undefined || right === undefined
        ? undefined
        : answer(left, right),
    );
  return [
    binary(celFunc('_==_', [DYN, DYN], BOOL, never), isEqual),
    binary(celFunc('_!=_', [DYN, DYN], BOOL, never), (left, right) => !isEqual(left, right)),
    withCall(celFunc('@in', [DYN, LIST], BOOL, never), (_id, _target, [value, list]) => {
      if (value === undefined || !isCelList(list)) return undefined;
      meter().spend(list.size);
      for (const element of list) if (isEqual(element, value)) return true;
      return false;
    }),
  ];
}

function additions(): CelFunc[] {
  const copying: Pay = (_target, args) => meter().spend(lengths(args, COPIED));
  return [
    payingFor(
      celFunc('_+_', [STRING, STRING], STRING, (left, right) => left + right),
      copying,
    ),
    payingFor(
      celFunc('_+_', [BYTES, BYTES], BYTES, (left, right) => Buffer.concat([left, right])),
      copying,
    ),
    payingFor(
      celFunc('_+_', [LIST, LIST], LIST, (left, right) =>
        asCelList(new GrowingList([...left, ...right])),
      ),
      (_target, args) => {
        for (const list of args) if (isCelList(list)) meter().spend(LIST_COPY_STEPS * list.size);
      },
    ),
  ];
}

function texts(): CelFunc[] {
  const reading: Pay = (target, args) => meter().spend(lengths([target, ...args], COPIED));
  return [
    payingFor(celFunc('size', [STRING], INT, codePoints), reading),
    payingFor(
      celMethod('size', STRING, [], INT, function () {
        return codePoints(this);
      }),
      reading,
    ),
    payingFor(
      celMethod('contains', STRING, [STRING], BOOL, function (part) {
        return this.includes(part);
      }),
      // Searching may take the product of both.
      (target, [part]) => meter().spend((lengthOf(target) * (lengthOf(part) + 1)) / 2 ** READ),
    ),
    payingFor(
      celMethod('matches', STRING, [STRING], BOOL, function (pattern) {
        return meter().regex(pattern).test(this);
      }),
      payForPattern,
    ),
  ];
}

function codePoints(text: string): bigint {
  let pairs = 0;
  for (let at = 0; at < text.length; at += 1) {
    if ((text.codePointAt(at) ?? 0) <= 0xffff) continue;
    pairs += 1;
    at += 1;
  }
  return BigInt(text.length - pairs);
}

function payForPattern(target: CelValue | undefined, [pattern]: readonly CelValue[]): void {
  if (typeof target !== 'string' || typeof pattern !== 'string') return;
  try {
    meter().spend((target.length * meter().regex(pattern).programSize()) / 2 ** READ);
  } catch (thrown) {
    // That a pattern does not compile is the function's to tell.
    if (thrown instanceof VerificationError && thrown.code === 'LIMIT_EXCEEDED') throw thrown;
  }
}

/** Conversions of strings take what Go takes: not the empty string, no white space, no other bases. */
function conversions(): CelFunc[] {
  return [
    celFunc('int', [STRING], INT, (text) => {
      const int = integer(text);
      if (int >= MAX_INT || int < -MAX_INT) throw new Error('int out of range');
      return int;
    }),
    celFunc('double', [STRING], DOUBLE, (text) => {
      if (text.length > MAX_LITERAL || !DECIMAL.test(text)) throw new Error('not a decimal number');
      return Number(text);
    }),
    celFunc('timestamp', [INT], TIMESTAMP, (seconds) => {
      if (seconds < FIRST_SECOND || seconds > LAST_SECOND)
        throw new Error('timestamp out of range');
      return create(TimestampSchema, { seconds });
    }),
    celFunc('duration', [INT], DURATION, () => {
      throw new Error('a duration is written with its unit, as a string');
    }),
    ...unsigned(),
  ];
}

/** Unsigned integers come of the library's own conversion from `int`, once the text is known to be one. */
function unsigned(): CelFunc[] {
  const stock = celEnv().funcs.find('uint');
  return [
    withCall(
      celFunc('uint', [STRING], UINT, () => {
        throw new Error('not an integer');
      }),
      (id, target, args) => {
        const [text] = args;
        if (typeof text !== 'string' || args.length !== 1) return undefined;
        const readable = INTEGER.test(text) ? text.replace('+', '') : 'NaN';
        return stock?.call(id, target, [readable]);
      },
    ),
  ];
}

function integer(text: string): bigint {
  if (!INTEGER.test(text)) throw new Error('not an integer');
  return BigInt(text.replace('+', ''));
}

function rewritten(): CelFunc[] {
  const absent = (): never => {
    throw new Error('not called');
  };
  return [
    withCall(celFunc(RANGE, [DYN, INT], DYN, absent), (_id, _target, [range, steps]) => {
      if (isCelList(range) || isCelMap(range)) meter().iterate(range.size, Number(steps));
      return range;
    }),
    withCall(celFunc(NEW_LIST, [], DYN, absent), () => asCelList(new GrowingList())),
    withCall(celFunc(APPEND, [DYN, DYN], DYN, absent), (_id, _target, [list, value]) => {
      if (list instanceof GrowingList && value !== undefined) list.push(value);
      return list;
    }),
  ];
}
