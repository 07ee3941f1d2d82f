// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { copyImage, generateKey, pushImage, startRegistry } from '../harness/index.ts';
import type { CosignKey, PushedImage, Registry } from '../harness/index.ts';
import { cosignVerify, cosignVerifyAttestation } from '../sigstore/index.ts';
import type { LocalSigstore } from '../sigstore/index.ts';
import { OurJudge } from './ours.ts';
import type { Question } from './question.ts';
import { LooseKey } from './statements.ts';

/** An image with what is beside it, and what is asked about it. */
export interface Artefact {
  readonly name: string;
  readonly pinned: string;
  readonly question: Question;
}

/** What both sides say about an artefact. */
export interface Row {
  readonly name: string;
  readonly cosign: 'allows' | 'denies';
  readonly ours: 'allows' | 'denies';
  /** Our reason code; empty where we allow. */
  readonly code: string;
  /** The words of whoever denies. */
  readonly told: { readonly cosign: string; readonly ours: string };
}

/** A Sigstore, both kinds of registry, keys, and both judges. */
export class Bench {
  readonly sigstore: LocalSigstore;
  readonly registries: readonly Registry[];
  readonly key: CosignKey;
  readonly looseKey = new LooseKey();
  readonly judge: OurJudge;
  #sequence = 0;

  private constructor(sigstore: LocalSigstore, registries: readonly Registry[], key: CosignKey) {
    this.sigstore = sigstore;
    this.registries = registries;
    this.key = key;
    this.judge = new OurJudge(registries.map(({ host }) => host));
  }

  /** Starts what belongs to the Sigstore. */
  static async start(sigstore: LocalSigstore): Promise<Bench> {
    const [withReferrers, without, key] = await Promise.all([
      startRegistry({ kind: 'olareg' }),
      startRegistry({ kind: 'distribution' }),
      generateKey(),
    ]);
    return new Bench(sigstore, [withReferrers, without], key);
  }

  /** Pushes an image of its own into a repository of its own. */
  async image(registry: Registry): Promise<PushedImage> {
    return pushImage(registry, this.repository(), '1');
  }

  /** Copies an image, without what is beside it, into a repository of its own, of either kind in turn. */
  async copy(pinned: string): Promise<string> {
    const repository = this.repository();
    const { host } = this.registries[this.#sequence % this.registries.length] ?? {};
    if (host === undefined) throw new Error('there is no registry');
    await copyImage(pinned, `${host}/${repository}:1`);
    return `${host}/${repository}@${pinned.slice(pinned.indexOf('@') + 1)}`;
  }

  /** A name for a repository that nobody has. */
  repository(): string {
    this.#sequence += 1;
    return `differential/r${this.#sequence.toString()}`;
  }

  /** Asks both sides. */
  async compare({ name, pinned, question }: Artefact): Promise<Row> {
    const ask = question.command === 'verify' ? cosignVerify : cosignVerifyAttestation;
    const [theirs, ours] = await Promise.all([
      ask(pinned, question.flags),
      this.judge.judge(pinned, question.spec),
    ]);
    return {
      name,
      cosign: theirs.ok ? 'allows' : 'denies',
      ours: ours.allowed ? 'allows' : 'denies',
      code: ours.code,
      told: { cosign: theirs.ok ? '' : lastLine(theirs.stderr), ours: ours.message },
    };
  }

  async stop(): Promise<void> {
    await this.judge.close();
    await Promise.all(this.registries.map(async (registry) => registry.stop()));
  }
}

/** The last line says why; the ones before say what was tried. */
function lastLine(text: string): string {
  return text.trim().split('\n').at(-1) ?? '';
}
