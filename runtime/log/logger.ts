// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { Writable } from 'node:stream';
import winston from 'winston';
import { systemClock, type Clock } from '../clock.ts';
import { renderLine, type LogFormat } from './render.ts';

/** Severities, the weightiest first. */
export const LOG_LEVELS = ['error', 'warn', 'info', 'debug'] as const;
/** A severity. */
export type LogLevel = (typeof LOG_LEVELS)[number];

/** What goes with a message. Never credentials, never whole bodies. An error goes under `error`. */
export type LogFields = Readonly<Record<string, unknown>>;

/**
 * Where a process says what it does: a constant lower-case message and fields, no interpolation.
 * No call throws, whatever the fields hold; errors become `{name, message, code}`, with the stack at
 * level debug only.
 */
export interface Logger {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
  /** A logger that adds `fields` to every message; its own fields win over these. */
  child(fields: LogFields): Logger;
}

/** How to log. */
export interface LoggerOptions {
  readonly level: LogLevel;
  /** `json`: one object a line. `text`: for people. */
  readonly format: LogFormat;
  /** Gives the time of the lines; the system's unless told. */
  readonly clock?: Clock;
  /** Takes the finished lines instead of standard error: for tests. */
  readonly sink?: (line: string) => void;
}

/** A logger that writes lines to standard error, so that standard output stays free for results. */
export function createLogger(options: LoggerOptions): Logger {
  const { level, format, clock = systemClock } = options;
  const out = winston.createLogger({
    level,
    levels: Object.fromEntries(LOG_LEVELS.map((name, rank) => [name, rank])),
    format: winston.format.printf((info) => String(info.message)),
    transports: transportOf(options),
    exitOnError: false,
  });
  const render = { format, stacks: level === 'debug' };
  const rank = LOG_LEVELS.indexOf(level);
  const write = (severity: LogLevel, message: string, fields: LogFields): void => {
    if (LOG_LEVELS.indexOf(severity) > rank) return;
    out.log(severity, renderLine({ level: severity, message, fields, time: clock.now() }, render));
  };
  return new WinstonLogger(write, {});
}

function transportOf({ sink }: LoggerOptions): winston.transport {
  const { Console, Stream } = winston.transports;
  // eslint-disable-next-line @typescript-eslint/no-unsafe-class-instance-assignment -- winston types its own transports as interfaces
  if (sink === undefined) return new Console({ stderrLevels: [...LOG_LEVELS] });
  // eslint-disable-next-line @typescript-eslint/no-unsafe-class-instance-assignment -- winston types its own transports as interfaces
  return new Stream({ stream: new LineSink(sink), eol: '' });
}

/** A logger that says nothing. */
export const silentLogger: Logger = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
  child: () => silentLogger,
};

type Write = (level: LogLevel, message: string, fields: LogFields) => void;

class WinstonLogger implements Logger {
  readonly #write: Write;
  readonly #fields: LogFields;

  constructor(write: Write, fields: LogFields) {
    this.#write = write;
    this.#fields = fields;
  }

  debug(message: string, fields: LogFields = {}): void {
    this.#log('debug', message, fields);
  }

  info(message: string, fields: LogFields = {}): void {
    this.#log('info', message, fields);
  }

  warn(message: string, fields: LogFields = {}): void {
    this.#log('warn', message, fields);
  }

  error(message: string, fields: LogFields = {}): void {
    this.#log('error', message, fields);
  }

  child(fields: LogFields): Logger {
    return new WinstonLogger(this.#write, { ...this.#fields, ...fields });
  }

  #log(level: LogLevel, message: string, fields: LogFields): void {
    try {
      this.#write(level, message, { ...this.#fields, ...fields });
    } catch {
      // A line that cannot be written must not end the work that it tells about.
    }
  }
}

class LineSink extends Writable {
  readonly #sink: (line: string) => void;

  constructor(sink: (line: string) => void) {
    super({ decodeStrings: false });
    this.#sink = sink;
  }

  override _write(chunk: unknown, _encoding: BufferEncoding, done: () => void): void {
    this.#sink(String(chunk));
    done();
  }
}
