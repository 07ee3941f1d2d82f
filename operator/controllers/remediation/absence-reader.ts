// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import type { Judge, JudgeInput } from '../../../runtime/judge/index.ts';
import type { Absences, Place, Sample } from './absences.ts';
import type { Charges } from './charges.ts';

/** How far the loss of signatures is sure: not yet, surely, or too wide to be about the image. */
export type Absence = 'unconfirmed' | 'confirmed' | 'storm';

/** What reading again needs. */
export interface AbsenceReaderOptions {
  readonly judge: Pick<Judge, 'refresh'>;
  readonly charges: Charges;
  readonly absences: Absences;
  /** Whether every workload was judged since the start. */
  readonly isComplete: () => boolean;
  /** What judging a sample takes; `undefined` where that is not known now. */
  readonly inputOf: (sample: Sample) => Promise<JudgeInput | undefined>;
  readonly random: () => number;
  /** Milliseconds between the reading that found nothing and the one that confirms it; a minute unless told. */
  readonly confirmMs?: number;
}

const CONFIRM_MS = 60_000;
/** Images of the same registry that are read besides. */
const SAMPLES = 20;

/**
 * Makes sure that an image lost its signatures, and that its registry did not lose those of others as
 * well: reads the image a second time, and other images besides, as they would be read only later.
 */
export class AbsenceReader {
  readonly #options: AbsenceReaderOptions;
  readonly #confirmMs: number;

  constructor(options: AbsenceReaderOptions) {
    this.#options = options;
    this.#confirmMs = options.confirmMs ?? CONFIRM_MS;
  }

  /** To be called for an image that is charged with `SignatureAbsent`. Never rejects for what a registry does. */
  async read(key: string, input: JudgeInput, signal: AbortSignal): Promise<Absence> {
    const { absences, isComplete } = this.#options;
    const { host, digest } = input.use.image;
    const place: Place = { host, digest };
    const knownMs = absences.absent(place);
    if (absences.isStorm(host)) return 'storm';
    if (knownMs < this.#confirmMs || !isComplete()) return 'unconfirmed';
    if (!absences.isConfirmed(place) && !(await this.#confirm(key, input, signal)))
      return 'unconfirmed';
    const sampled = await this.#readSamples(host, signal);
    if (absences.isStorm(host)) return 'storm';
    return sampled ? 'confirmed' : 'unconfirmed';
  }

  async #confirm(key: string, input: JudgeInput, signal: AbortSignal): Promise<boolean> {
    const { absences } = this.#options;
    const { host, digest } = input.use.image;
    if (!(await this.#isAbsent(key, input, signal))) return false;
    absences.confirm({ host, digest });
    return true;
  }

  /** False where one of them could not be read. */
  async #readSamples(host: string, signal: AbortSignal): Promise<boolean> {
    const { absences, inputOf, random } = this.#options;
    for (const sample of absences.sample(host, SAMPLES, random)) {
      const input = await inputOf(sample);
      const isAbsent = input && (await this.#isAbsent('', input, signal));
      if (isAbsent === undefined) return false;
      if (isAbsent) absences.absent({ host, digest: sample.digest });
    }
    return true;
  }

  /** Reads an image again; `undefined` where that could not be done. */
  async #isAbsent(
    key: string,
    input: JudgeInput,
    signal: AbortSignal,
  ): Promise<boolean | undefined> {
    const { judge, charges } = this.#options;
    if (!(await judge.refresh(input, signal))) return undefined;
    const found = await charges.of(key, input, signal);
    return found?.some(({ cause }) => cause === 'SignatureAbsent');
  }
}
