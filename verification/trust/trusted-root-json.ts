// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { asObject, decodeBase64 } from '../encoding/index.ts';
import { VerificationError } from '../error.ts';
import type { Validity } from './material.ts';

/** Protobuf writes timestamps in UTC, with up to nine digits of a second. */
const TIMESTAMP = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?Z$/;
const MILLISECOND_DIGITS = 3;

/** The error for a trusted root that cannot be used. */
export function unusable(path: string, detail: string, cause?: unknown): VerificationError {
  return new VerificationError('TRUST_ROOT_INVALID', `${path}: ${detail}`, { cause });
}

/** A value of a trusted root that knows where it stands, for messages. `null` counts as missing. */
export class Node {
  readonly path: string;
  readonly #value: unknown;

  constructor(value: unknown, path: string) {
    this.#value = value ?? undefined;
    this.path = path;
  }

  get isMissing(): boolean {
    return this.#value === undefined;
  }

  /** A member of an object. */
  get(name: string): Node {
    const object = asObject(this.#require());
    if (object === undefined) throw this.refuse('is not an object');
    const value = Object.hasOwn(object, name) ? object[name] : undefined;
    return new Node(value, this.path === '' ? name : `${this.path}.${name}`);
  }

  /** Members of a list; none where the list is missing. */
  items(): readonly Node[] {
    if (this.isMissing) return [];
    if (!Array.isArray(this.#value)) throw this.refuse('is not a list');
    return this.#value.map((value, at) => new Node(value, `${this.path}[${at.toString()}]`));
  }

  text(): string {
    const value = this.#require();
    if (typeof value !== 'string') throw this.refuse('is not a text');
    return value;
  }

  bytes(): Buffer {
    const bytes = decodeBase64(this.text(), 'TRUST_ROOT_INVALID', this.path);
    if (bytes.length === 0) throw this.refuse('is empty');
    return bytes;
  }

  /** A time range. A missing end is open; a missing start is refused, for it would trust the past. */
  validity(): Validity {
    const start = this.get('start');
    const end = this.get('end');
    const until = end.isMissing ? Number.POSITIVE_INFINITY : end.#time();
    const from = start.#time();
    if (from > until) throw this.refuse('ends before it starts');
    return { from, until };
  }

  refuse(detail: string, cause?: unknown): VerificationError {
    return unusable(this.path, detail, cause);
  }

  #time(): number {
    const [, seconds = '', fraction = ''] = TIMESTAMP.exec(this.text()) ?? [];
    const digits = fraction.slice(0, MILLISECOND_DIGITS).padEnd(MILLISECOND_DIGITS, '0');
    const iso = `${seconds}.${digits}Z`;
    const time = Date.parse(iso);
    if (Number.isNaN(time) || new Date(time).toISOString() !== iso)
      throw this.refuse('is not a time in UTC');
    return time;
  }

  #require(): unknown {
    if (this.isMissing) throw this.refuse('is missing');
    return this.#value;
  }
}
