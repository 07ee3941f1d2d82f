// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { Worker } from 'node:worker_threads';
import type { Clock } from '../clock.ts';
import { refused, type Fact, type Job } from './job.ts';

/** What became of a job. */
export type JobOutcome = 'answered' | 'timed-out' | 'out-of-memory' | 'died' | 'not-taken';

/** How many threads there are, and what they may take. */
export interface FactWorkersOptions {
  readonly clock: Clock;
  /** Threads at most; each is started when it is needed first. */
  readonly threads?: number;
  /** Milliseconds of one job, from when a thread has it. */
  readonly jobMs?: number;
  /** Jobs that wait for a thread. */
  readonly maxWaiting?: number;
  /** Mebibytes of the heap of one thread. */
  readonly heapMib?: number;
  /** Called once for every job. */
  readonly onJob?: (outcome: JobOutcome) => void;
}

/** The facts of a job, one for each question in their order, and how they came about. */
export interface Answered {
  readonly facts: readonly Fact[];
  readonly outcome: JobOutcome;
}

interface Waiting {
  readonly job: Job;
  readonly settle: (answered: Answered) => void;
}

interface Thread {
  readonly worker: Worker;
  /** Bytes of all evidence that it was given. */
  read: number;
  /** What it works on. */
  busy: (Waiting & { readonly ended: () => void }) | undefined;
}

/** Evidence that takes much memory: one such job at a time, so that others and the process have some, too. */
const LARGE_BYTES = 8 * 1024 * 1024;
/** A thread that read as much is ended when it has nothing to do: its heap would stay as large as it got. */
const RECYCLED_BYTES = 16 * 1024 * 1024;
/** Bytes that are copied in a millisecond or two. */
const TURN_BYTES = 512 * 1024;
/** Compiled, this file has a neighbour of its own kind: the URL of a worker is not rewritten. */
const ENTRY = new URL(
  import.meta.url.endsWith('.ts') ? './worker.ts' : './worker.js',
  import.meta.url,
);

/**
 * Threads that answer jobs which would keep the event loop waiting. A thread whose job takes too long, or
 * that dies, is ended and another one takes its place: such a job is answered by refusals, of which
 * DEADLINE_EXCEEDED tells nothing about the evidence.
 */
export class FactWorkers {
  readonly #clock: Clock;
  readonly #limits: { readonly threads: number; readonly jobMs: number; readonly heapMib: number };
  readonly #maxWaiting: number;
  readonly #onJob: (outcome: JobOutcome) => void;
  readonly #waiting: Waiting[] = [];
  readonly #threads = new Set<Thread>();
  #stopped = false;

  constructor(options: FactWorkersOptions) {
    const { clock, threads = 2, jobMs = 10_000, maxWaiting = 256, heapMib = 384 } = options;
    this.#clock = clock;
    this.#limits = { threads, jobMs, heapMib };
    this.#maxWaiting = maxWaiting;
    this.#onJob = options.onJob ?? (() => undefined);
  }

  /** Never rejects. */
  answer(job: Job): Promise<Answered> {
    const { promise, resolve } = Promise.withResolvers<Answered>();
    const settle: Waiting['settle'] = (answered) => {
      this.#onJob(answered.outcome);
      resolve(answered);
    };
    const waiting = { job, settle };
    if (this.#stopped) refuse(waiting, 'not-taken', 'the process is ending');
    else if (this.#waiting.length >= this.#maxWaiting)
      refuse(waiting, 'not-taken', 'too much else is being verified');
    else {
      this.#waiting.push(waiting);
      this.#next();
    }
    return promise;
  }

  /** Ends all threads; what is under way and what comes later is answered by refusals. */
  async stop(): Promise<void> {
    this.#stopped = true;
    for (const waiting of this.#waiting.splice(0))
      refuse(waiting, 'not-taken', 'the process is ending');
    await Promise.all(
      [...this.#threads].map((thread) => this.#end(thread, 'died', 'the process is ending')),
    );
  }

  #next(): void {
    const idle = [...this.#threads].find(({ busy }) => busy === undefined);
    if (idle === undefined && this.#threads.size >= this.#limits.threads) return;
    const hasLarge = [...this.#threads].some(({ busy }) => busy !== undefined && isLarge(busy));
    const at = this.#waiting.findIndex((waiting) => !hasLarge || !isLarge(waiting));
    const [waiting] = at < 0 ? [] : this.#waiting.splice(at, 1);
    if (waiting === undefined) return;
    try {
      this.#give(idle ?? this.#start(), waiting);
    } catch {
      refuse(waiting, 'died', 'no thread can be started');
    }
  }

  #start(): Thread {
    const { heapMib } = this.#limits;
    const worker = new Worker(ENTRY, {
      name: 'facts',
      resourceLimits: { maxOldGenerationSizeMb: heapMib },
    });
    const thread: Thread = { worker, read: 0, busy: undefined };
    this.#threads.add(thread);
    worker.unref();
    worker.on('message', (facts: readonly Fact[]) => {
      const { busy } = thread;
      this.#release(thread);
      busy?.settle({ facts, outcome: 'answered' });
      this.#next();
      if (thread.busy === undefined && thread.read >= RECYCLED_BYTES)
        void this.#end(thread, 'died', 'its thread ended');
    });
    worker.on('error', (error: NodeJS.ErrnoException) => {
      const isMemory = error.code === 'ERR_WORKER_OUT_OF_MEMORY';
      const detail = isMemory ? 'takes more memory than there is for it' : 'its thread ended';
      void this.#end(thread, isMemory ? 'out-of-memory' : 'died', detail);
    });
    worker.on('exit', () => void this.#end(thread, 'died', 'its thread ended'));
    return thread;
  }

  #give(thread: Thread, waiting: Waiting): void {
    const { jobMs } = this.#limits;
    const deadline = this.#clock.deadline(jobMs);
    const onDeadline = (): void => {
      const detail = `could not be verified within ${(jobMs / 1000).toString()} seconds`;
      void this.#end(thread, 'timed-out', detail);
    };
    deadline.addEventListener('abort', onDeadline, { once: true });
    const ended = (): void => deadline.removeEventListener('abort', onDeadline);
    thread.busy = { ...waiting, ended };
    thread.worker.ref();
    void this.#send(thread, waiting.job).catch(() => this.#end(thread, 'died', 'its thread ended'));
  }

  /** The bytes are copied, and the copy is handed over: what the cache holds stays where it is. */
  async #send(thread: Thread, job: Job): Promise<void> {
    const { signature, manifest } = job;
    const bytes = await this.#copied(signature.bytes);
    const manifestBytes = await this.#copied(manifest.bytes);
    if (!this.#threads.has(thread)) return;
    const message: Job = {
      ...job,
      signature: { ...signature, bytes },
      manifest: { ...manifest, bytes: manifestBytes },
    };
    thread.read += bytes.byteLength;
    thread.worker.postMessage(message, [bytes.buffer, manifestBytes.buffer]);
  }

  /** Memory that is new has to be found first: of much, each part takes a turn of the event loop. */
  async #copied(bytes: Uint8Array): Promise<Uint8Array<ArrayBuffer>> {
    const copy = new Uint8Array(bytes.byteLength);
    for (let at = 0; at < bytes.byteLength; at += TURN_BYTES) {
      if (bytes.byteLength > TURN_BYTES) await this.#clock.sleep(0);
      copy.set(bytes.subarray(at, at + TURN_BYTES), at);
    }
    return copy;
  }

  #release(thread: Thread): void {
    thread.busy?.ended();
    thread.busy = undefined;
    thread.worker.unref();
  }

  /** Ends a thread once; what it was at is answered by refusals at once, not when the thread is gone. */
  async #end(thread: Thread, outcome: JobOutcome, detail: string): Promise<void> {
    if (!this.#threads.delete(thread)) return;
    const { busy } = thread;
    this.#release(thread);
    if (busy !== undefined) refuse(busy, outcome, detail);
    const gone = thread.worker.terminate();
    this.#next();
    await gone;
  }
}

function isLarge({ job }: Waiting): boolean {
  return job.signature.bytes.byteLength >= LARGE_BYTES;
}

function refuse({ job, settle }: Waiting, outcome: JobOutcome, detail: string): void {
  const code = outcome === 'out-of-memory' ? 'LIMIT_EXCEEDED' : 'DEADLINE_EXCEEDED';
  settle({ facts: job.questions.map(() => refused(code, detail)), outcome });
}
