// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

/** Shape of a line: `json` for machines, `text` for people. */
export type LogFormat = 'json' | 'text';

/** One thing to be said. */
export interface LogRecord {
  readonly level: string;
  readonly message: string;
  readonly fields: Readonly<Record<string, unknown>>;
  readonly time: Date;
}

/** How a line is written. */
export interface RenderOptions {
  readonly format: LogFormat;
  /** Whether errors show their stacks. */
  readonly stacks: boolean;
}

const MAX_DEPTH = 6;
const MAX_ENTRIES = 100;
const MAX_STRING = 4096;
const RESERVED: ReadonlySet<string> = new Set(['time', 'level', 'message']);
// C0, DEL, C1, line and paragraph separators, and the marks that turn the direction of text.
const UNSAFE = /[\p{Cc}\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu;

/**
 * One line without its end. Control characters are escaped, long strings and deep values cut; nothing
 * in the fields can break the line or make this throw.
 */
export function renderLine(record: LogRecord, options: RenderOptions): string {
  const time = record.time.toISOString();
  const fields: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(record.fields)) {
    if (value !== undefined)
      fields[RESERVED.has(key) ? `${key}_` : key] = plain(value, options.stacks, 0);
  }
  if (options.format === 'json') {
    return escape(
      JSON.stringify({ time, level: record.level, message: record.message, ...fields }),
    );
  }
  const rest = Object.entries(fields).map(([key, value]) => ` ${key}=${textValue(value)}`);
  return escape(
    `${time} ${record.level.toUpperCase().padEnd(5)} ${record.message}${rest.join('')}`,
  );
}

function escape(line: string): string {
  return line.replace(UNSAFE, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

function textValue(value: unknown): string {
  if (typeof value === 'string') return /^[^\s"=]+$/.test(value) ? value : JSON.stringify(value);
  return JSON.stringify(value);
}

/** The value as JSON can hold it. */
function plain(value: unknown, stacks: boolean, depth: number): unknown {
  if (typeof value === 'string') return cut(value);
  if (typeof value === 'number') return Number.isFinite(value) ? value : String(value);
  if (typeof value === 'bigint') return value.toString();
  if (value === null || typeof value === 'boolean') return value;
  if (typeof value !== 'object') return `[${typeof value}]`;
  return plainValue(value, stacks, depth);
}

function plainValue(value: object, stacks: boolean, depth: number): unknown {
  if (depth >= MAX_DEPTH) return '[…]';
  try {
    return plainObject(value, stacks, depth);
  } catch (thrown) {
    return `[unreadable: ${thrown instanceof Error ? cut(thrown.message) : 'not an error'}]`;
  }
}

function plainObject(value: object, stacks: boolean, depth: number): unknown {
  if (value instanceof Error) return plainError(value, stacks, depth);
  if (value instanceof Date)
    return Number.isNaN(value.getTime()) ? 'Invalid Date' : value.toISOString();
  if (value instanceof Uint8Array) return `[${value.byteLength.toString()} bytes]`;
  if (value instanceof Map)
    return plainEntries(
      [...value].map(([k, v]) => [String(k), v]),
      stacks,
      depth,
    );
  const items = Array.isArray(value) ? value : value instanceof Set ? [...value] : undefined;
  if (items === undefined) return plainEntries(Object.entries(value), stacks, depth);
  const kept = items.slice(0, MAX_ENTRIES).map((item: unknown) => plain(item, stacks, depth + 1));
  return items.length > MAX_ENTRIES
    ? [...kept, `… ${(items.length - MAX_ENTRIES).toString()} more`]
    : kept;
}

function plainEntries(
  entries: readonly (readonly [string, unknown])[],
  stacks: boolean,
  depth: number,
): unknown {
  const kept: Record<string, unknown> = Object.create(null) as Record<string, unknown>;
  for (const [key, value] of entries.slice(0, MAX_ENTRIES)) {
    if (value !== undefined) kept[key] = plain(value, stacks, depth + 1);
  }
  return kept;
}

function plainError(error: Error, stacks: boolean, depth: number): unknown {
  const code = 'code' in error ? error.code : undefined;
  return {
    name: error.name,
    message: cut(error.message),
    ...(typeof code === 'string' || typeof code === 'number' ? { code } : {}),
    ...(stacks && error.stack !== undefined ? { stack: cut(error.stack) } : {}),
    ...(error.cause === undefined ? {} : { cause: plain(error.cause, stacks, depth + 1) }),
  };
}

function cut(text: string): string {
  return text.length <= MAX_STRING
    ? text
    : `${text.slice(0, MAX_STRING)}… (${text.length.toString()} characters)`;
}
