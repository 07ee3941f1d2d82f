// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import type { CompiledPolicy } from '../../verification/index.ts';
import { decodeIndex, INDEX_NAME, ProgramError } from './codec.ts';
import { blobBytes, indexText, type ProgramConfigMap } from './configmap.ts';
import { buildSnapshot, type PolicySnapshot } from './snapshot.ts';

/** Where the ConfigMaps of the program are read from, by name. */
export interface ProgramObjects {
  get(name: string): ProgramConfigMap | undefined;
}

/** State of the program in this process. */
export interface ProgramState {
  /** `undefined` as long as there never was a complete program. */
  readonly snapshot: PolicySnapshot | undefined;
  /** Why the newest index could not be taken; `undefined` where the snapshot is the newest. */
  readonly problem: string | undefined;
}

/**
 * Holds the snapshot that is enforced. `refresh` swaps it only for an index that is complete and
 * compiles; a lost, malformed or incomplete index keeps the last one and is told in `problem`.
 */
export class ProgramStore {
  #snapshot: PolicySnapshot | undefined;
  #compiled: ReadonlyMap<string, CompiledPolicy> = new Map();
  #text: string | undefined;
  #problem: string | undefined = 'no program was ever read';

  /** The current state. */
  get state(): ProgramState {
    return { snapshot: this.#snapshot, problem: this.#problem };
  }

  /** The snapshot that is enforced; `undefined` as long as there never was one. */
  get snapshot(): PolicySnapshot | undefined {
    return this.#snapshot;
  }

  /** Reads the objects again. Answers true where the snapshot changed. Never throws. */
  refresh(objects: ProgramObjects): boolean {
    try {
      const text = indexText(objects.get(INDEX_NAME));
      if (text === undefined) throw new ProgramError('the program index is missing or empty');
      return this.#take(text, objects);
    } catch (thrown) {
      this.#problem = thrown instanceof Error ? thrown.message : String(thrown);
      return false;
    }
  }

  #take(text: string, objects: ProgramObjects): boolean {
    const index = decodeIndex(text);
    if (this.#snapshot !== undefined && index.revision < this.#snapshot.revision) {
      throw new ProgramError(
        `index goes back from revision ${this.#snapshot.revision.toString()} to ${index.revision.toString()}`,
      );
    }
    if (index.revision === this.#snapshot?.revision) {
      if (text !== this.#text)
        throw new ProgramError(
          `index changed without a new revision (${index.revision.toString()})`,
        );
      this.#problem = undefined;
      return false;
    }
    const built = buildSnapshot(index, (name) => blobBytes(objects.get(name)), this.#compiled);
    this.#snapshot = built.snapshot;
    this.#text = text;
    this.#compiled = built.compiled;
    this.#problem = undefined;
    return true;
  }
}
