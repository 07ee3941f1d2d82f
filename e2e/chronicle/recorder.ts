// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { setTimeout as sleep } from 'node:timers/promises';
import { KubeClient, KubeError, loadKubeConfig } from '../../runtime/kube/index.ts';
import { waitFor } from '../harness/index.ts';
import { pod } from '../world/index.ts';
import {
  admittedAs,
  refusedWith,
  settled,
  type Answer,
  type Entry,
  type PodLike,
  type Subject,
} from './record.ts';

/** How a recorder asks. */
export interface RecorderOptions {
  /** Of who may create pods. */
  readonly kubeconfig: string;
  /** Where its pods are: nobody else creates some there. */
  readonly namespace: string;
}

const WORKERS = 3;
/** One request of so many is no dry run: what it asks for stays. */
const STORED_OF = 20;
const PAUSE_MS = 40;
/** Where the API server cannot be reached at all. */
const AWAY_MS = 250;

/**
 * Asks a real API server for pods all along, one subject after the other, and writes down what it asked,
 * when, and what the answer was.
 */
export class Recorder {
  readonly #options: RecorderOptions;
  readonly #connection: ReturnType<typeof loadKubeConfig>;
  readonly #client: KubeClient;
  readonly #subjects = new Map<string, Subject>();
  readonly #entries: Entry[] = [];
  #workers: readonly Promise<void>[] = [];
  #running = true;
  #turn = 0;

  constructor(options: RecorderOptions) {
    this.#options = options;
    this.#connection = loadKubeConfig({ kubeconfigPath: options.kubeconfig });
    this.#client = new KubeClient(this.#connection);
  }

  /** Begins, or goes on with one subject more. */
  add(subject: Omit<Subject, 'namespace'>): void {
    this.#subjects.set(subject.label, { ...subject, namespace: this.#options.namespace });
    if (this.#workers.length === 0)
      this.#workers = Array.from({ length: WORKERS }, () => this.#work());
  }

  /** Asks for this one no more. */
  drop(label: string): void {
    this.#subjects.delete(label);
  }

  /** Lines so far. */
  get length(): number {
    return this.#entries.length;
  }

  /** The lines from that many on, of one subject where it is named. */
  since(mark: number, label?: string): readonly Entry[] {
    const lines = this.#entries.slice(mark);
    return label === undefined ? lines : lines.filter(({ subject }) => subject.label === label);
  }

  /** Waits for a request that is sent from now on and answered so: `admitted` or a reason code. */
  async sees(label: string, answer: string, timeoutMs = 15_000): Promise<void> {
    const [from, since] = [this.#entries.length, Date.now()];
    const answers = (): readonly string[] =>
      this.since(from, label)
        .filter(({ sentAt }) => sentAt >= since)
        .map((entry) => shortOf(entry.answer));
    await waitFor(() => answers().includes(answer), {
      timeoutMs,
      message: `${label}: ${answer}`,
    }).catch((cause: unknown) => {
      const seen = [...new Set(answers())].join(', ');
      throw new Error(`${label} is not ${answer} in time, but: ${seen}`, { cause });
    });
  }

  /** Ends it, and answers the record, settled with what is stored. */
  async stop(): Promise<readonly Entry[]> {
    this.#running = false;
    await Promise.all(this.#workers);
    const { items } = await this.#client.list<PodLike>(this.#path);
    await this.#connection.close();
    return settled(this.#entries, items);
  }

  get #path(): string {
    return `/api/v1/namespaces/${this.#options.namespace}/pods`;
  }

  async #work(): Promise<void> {
    while (this.#running) {
      const subjects = [...this.#subjects.values()];
      this.#turn += 1;
      const subject = subjects[this.#turn % Math.max(subjects.length, 1)];
      const away = subject !== undefined && (await this.#ask(subject, this.#turn));
      await sleep(away ? AWAY_MS : PAUSE_MS);
    }
  }

  /** One line; whether the API server is away. */
  async #ask(subject: Subject, turn: number): Promise<boolean> {
    const { label, namespace, image, serviceAccount } = subject;
    const name = `${label}-${turn.toString()}`;
    // The subjects take turns: a number that is no multiple of theirs reaches all of them.
    const dryRun = Math.floor(turn / Math.max(this.#subjects.size, 1)) % STORED_OF !== 0;
    const object = pod({ name, namespace, image, serviceAccount });
    const sentAt = Date.now();
    const line = (answer: Answer): Entry => ({
      subject,
      pod: name,
      dryRun,
      sentAt,
      answeredAt: Date.now(),
      answer,
    });
    try {
      const query = dryRun ? { dryRun: 'All' } : {};
      const made = await this.#client.create<PodLike>(this.#path, object, { query });
      this.#entries.push(line(admittedAs(made)));
      return false;
    } catch (thrown) {
      if (!(thrown instanceof KubeError)) throw thrown;
      this.#entries.push(line(refusedWith(thrown.message)));
      return thrown.status === 0;
    }
  }
}

function shortOf(answer: Answer): string {
  return answer.kind === 'denied' ? answer.code : answer.kind;
}
