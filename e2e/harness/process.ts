// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { closeSync, existsSync, openSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

import type { Namespace } from './namespace.ts';
import { onProcessEnd } from './process-end.ts';
import { harnessSettings } from './settings.ts';

/** What is common to a command that is awaited and a process that keeps running. */
export interface CommandOptions {
  /** Added to this process's own environment. */
  readonly env?: Readonly<Record<string, string>>;
  /** Working directory; not supported together with `runIn`. */
  readonly cwd?: string;
  /** Runs inside these namespaces instead of the machine's. */
  readonly runIn?: Namespace | undefined;
}

/** Options of {@link runCommand}. */
export interface RunOptions extends CommandOptions {
  /** Written to standard input, which is empty otherwise. */
  readonly input?: string | Uint8Array;
  /** Killed after this many milliseconds; 60,000 unless told. */
  readonly timeoutMs?: number;
}

/** How a command ended. `code` is 137 when it was killed. */
export interface CommandResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program to its end. Throws only when it cannot be started, never for its exit code. */
export function runCommand(
  program: string,
  args: readonly string[],
  options: RunOptions = {},
): Promise<CommandResult> {
  const [file, argv] = wrapped(program, args, options.runIn);
  return new Promise((resolve, reject) => {
    const child = spawn(file, argv, {
      cwd: options.cwd,
      env: { ...harnessSettings().childEnvironment, ...options.env },
      stdio: ['pipe', 'pipe', 'pipe'],
      timeout: options.timeoutMs ?? 60_000,
      killSignal: 'SIGKILL',
    });
    const stdout: Buffer[] = [];
    const stderr: Buffer[] = [];
    child.stdout.on('data', (chunk: Buffer) => stdout.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => stderr.push(chunk));
    child.once('error', reject);
    child.once('close', (code) => {
      resolve({
        code: code ?? 137,
        stdout: Buffer.concat(stdout).toString('utf8'),
        stderr: Buffer.concat(stderr).toString('utf8'),
      });
    });
    child.stdin.on('error', () => undefined); // it may end without reading
    child.stdin.end(options.input ?? '');
  });
}

/** As {@link runCommand}, but throws with what the program wrote when it fails; returns stdout. */
export async function mustRun(
  program: string,
  args: readonly string[],
  options: RunOptions = {},
): Promise<string> {
  const { code, stdout, stderr } = await runCommand(program, args, options);
  if (code !== 0) {
    const call = [program, ...args].join(' ');
    throw new Error(`${call} ended with ${String(code)}\n${stderr}${stdout}`.trimEnd());
  }
  return stdout;
}

/** A process to keep running. */
export interface ProcessOptions extends CommandOptions {
  /** What it is called in messages. */
  readonly name: string;
  readonly program: string;
  readonly args: readonly string[];
  /** Receives stdout and stderr; appended to. */
  readonly logFile: string;
}

/**
 * A running process in a process group of its own, which is ended by {@link ManagedProcess.stop}
 * and at the latest with this process.
 */
export class ManagedProcess {
  readonly name: string;
  readonly logFile: string;
  /** Resolves with the exit code once it has ended. */
  readonly exited: Promise<number>;
  readonly #child: ChildProcess;
  #code: number | undefined;

  private constructor(options: ProcessOptions, child: ChildProcess) {
    this.name = options.name;
    this.logFile = options.logFile;
    this.#child = child;
    this.exited = new Promise((resolve) => {
      const ended = (code: number): void => {
        this.#code = code;
        running.delete(this);
        resolve(code);
      };
      child.once('exit', (code) => ended(code ?? 137));
      child.once('error', () => ended(127));
    });
  }

  /** Starts it. A program that is not there shows as {@link ManagedProcess.exited} with 127. */
  static start(options: ProcessOptions): ManagedProcess {
    const [file, argv] = dyingWithParent(wrapped(options.program, options.args, options.runIn));
    const log = openSync(options.logFile, 'a');
    const child = spawn(file, argv, {
      cwd: options.cwd,
      env: { ...harnessSettings().childEnvironment, ...options.env },
      stdio: ['ignore', log, log],
      detached: true,
    });
    closeSync(log);
    child.unref();
    const managed = new ManagedProcess(options, child);
    register(managed);
    return managed;
  }

  /** Its process id, that of the wrapper when it runs in other namespaces. */
  get pid(): number | undefined {
    return this.#child.pid;
  }

  /** Whether it has not ended yet. */
  get isRunning(): boolean {
    return this.#code === undefined;
  }

  /** An error telling that it ended, with the end of its log. */
  failure(): Error {
    return new Error(`${this.name} ended with ${String(this.#code)}\n${this.logTail()}`);
  }

  /** The last lines it wrote. */
  logTail(lines = 25): string {
    if (!existsSync(this.logFile)) {
      return '';
    }
    return readFileSync(this.logFile, 'utf8').trimEnd().split('\n').slice(-lines).join('\n');
  }

  /** Ends the whole group: SIGTERM, and SIGKILL after `graceMs` (at once when it is 0). */
  async stop(graceMs = 2_000): Promise<void> {
    if (graceMs > 0 && this.isRunning) {
      this.signal('SIGTERM');
      const abort = new AbortController();
      const grace = sleep(graceMs, undefined, { signal: abort.signal }).catch(() => undefined);
      await Promise.race([this.exited, grace]);
      abort.abort();
    }
    this.signal('SIGKILL');
    await this.#whileAlive(this.exited);
  }

  /** Signals the whole group; nothing happens when it is gone. */
  signal(signal: NodeJS.Signals): void {
    try {
      if (this.pid !== undefined) {
        process.kill(-this.pid, signal);
      }
    } catch {
      // the group is gone
    }
  }

  /** The child does not keep this process alive, so an await on its end needs a timer. */
  async #whileAlive<T>(promise: Promise<T>): Promise<T> {
    const timer = setInterval(() => undefined, 1_000);
    try {
      return await promise;
    } finally {
      clearInterval(timer);
    }
  }
}

const running = new Set<ManagedProcess>();
let registered = false;

function register(managed: ManagedProcess): void {
  running.add(managed);
  if (!registered) {
    registered = true;
    onProcessEnd(() => {
      for (const left of running) {
        left.signal('SIGKILL');
      }
    });
  }
}

function wrapped(
  program: string,
  args: readonly string[],
  runIn: Namespace | undefined,
): [string, string[]] {
  return runIn === undefined ? [program, [...args]] : runIn.wrap(program, args);
}

const SETPRIV = '/usr/bin/setpriv';

/** Even when this process is killed outright, the kernel ends the child. */
function dyingWithParent([program, args]: [string, string[]]): [string, string[]] {
  return existsSync(SETPRIV)
    ? [SETPRIV, ['--pdeathsig', 'KILL', '--', program, ...args]]
    : [program, args];
}
