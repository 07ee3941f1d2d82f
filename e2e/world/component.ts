// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { ManagedProcess, newDirectory, waitFor } from '../harness/index.ts';
import { deployedEnv } from './manifests.ts';

/** How one of our processes is started. */
export interface ComponentOptions {
  readonly name: 'operator' | 'webhook';
  /** Environment besides what a process needs to find node. */
  readonly env: Readonly<Record<string, string>>;
  /** Loopback port of its health server. */
  readonly healthPort: number;
  /** Path of its kubeconfig. */
  readonly kubeconfig: string;
  /** Runs `dist/` instead of the sources. */
  readonly built: boolean;
}

const ROOT: string = join(import.meta.dirname, '..', '..');

/** The operator or a webhook replica, that can be stopped, killed and started again. */
export interface Component {
  /** Loopback port of its health server. */
  readonly healthPort: number;
  /** Process id, where it is a process of this machine that runs. */
  readonly pid: number | undefined;
  /** Whether it has not ended. */
  readonly isRunning: boolean;
  /** Starts it without waiting until it is ready. */
  start(): Promise<void>;
  /** Waits until `/readyz` answers 200; throws with the end of the log when it does not. */
  ready(timeoutMs?: number): Promise<void>;
  /** Whether `/readyz` answers 200 now. */
  isReady(): Promise<boolean>;
  /** Asks its health server; status 0 where nothing answers. */
  probe(path: string): Promise<{ readonly status: number; readonly body: string }>;
  /** Ends it in good order. */
  stop(): Promise<void>;
  /** Ends it at once. */
  kill(): Promise<void>;
  /** The last lines it wrote. */
  logTail(lines?: number): string;
}

/** Asks a health server on loopback; status 0 where nothing answers. */
export async function probeHealth(
  port: number,
  path: string,
): Promise<{ readonly status: number; readonly body: string }> {
  try {
    const response = await fetch(`http://127.0.0.1:${port.toString()}${path}`);
    return { status: response.status, body: await response.text() };
  } catch {
    return { status: 0, body: '' };
  }
}

/** A component as a process of this machine. */
export class ProcessComponent implements Component {
  readonly #options: ComponentOptions;
  readonly #logFile: string;
  #process: ManagedProcess | undefined;

  constructor(options: ComponentOptions) {
    this.#options = options;
    const directory = newDirectory(options.name);
    mkdirSync(directory, { recursive: true });
    this.#logFile = join(directory, `${options.name}.log`);
  }

  get healthPort(): number {
    return this.#options.healthPort;
  }

  get pid(): number | undefined {
    return this.#process?.pid;
  }

  start(): Promise<void> {
    const { name, built, kubeconfig } = this.#options;
    // Where tools are cached is no setting of our programs, which refuse what they do not know.
    const ours = { COUNTERSIGN_KUBECONFIG: kubeconfig, COUNTERSIGN_CACHE: '' };
    const env = { ...deployedEnv(name), ...this.#options.env, ...ours };
    const program = join(ROOT, 'node_modules', '.bin', 'node');
    const script = built ? join(ROOT, 'dist', name, 'main.js') : join(ROOT, name, 'main.ts');
    this.#process = ManagedProcess.start({
      name,
      program,
      // What was built runs as it does in its image.
      args: built ? [script] : ['--enable-source-maps', script],
      logFile: this.#logFile,
      env,
    });
    return Promise.resolve();
  }

  async ready(timeoutMs = 30_000): Promise<void> {
    await waitFor(() => this.isReady(), {
      timeoutMs,
      message: `${this.#options.name} ready`,
    }).catch((error: unknown) => {
      throw new Error(`${this.#options.name} is not ready\n${this.logTail()}`, { cause: error });
    });
  }

  async isReady(): Promise<boolean> {
    return (await this.probe('/readyz')).status === 200;
  }

  probe(path: string): Promise<{ readonly status: number; readonly body: string }> {
    return probeHealth(this.healthPort, path);
  }

  async stop(): Promise<void> {
    await this.#process?.stop(5_000);
    this.#process = undefined;
  }

  async kill(): Promise<void> {
    await this.#process?.stop(0);
    this.#process = undefined;
  }

  get isRunning(): boolean {
    return this.#process?.isRunning ?? false;
  }

  logTail(lines = 40): string {
    return this.#process?.logTail(lines) ?? '';
  }
}
