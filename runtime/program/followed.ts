// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import type { KubeObject, ObjectView } from '../kube/index.ts';
import type { Logger } from '../log/index.ts';
import type { ProgramConfigMap } from './configmap.ts';
import type { PolicySnapshot } from './snapshot.ts';
import { ProgramStore } from './store.ts';

/** What following the program needs. */
export interface FollowedProgramOptions {
  readonly store: Pick<ObjectView<ProgramConfigMap & KubeObject>, 'get' | 'onChange'>;
  readonly namespace: string;
  readonly logger: Logger;
  /** Told of every revision that is enforced from now on. */
  readonly onRevision: (revision: number) => void;
}

/**
 * Follows the ConfigMaps of the program and holds the snapshot that is enforced. Changes that come
 * together are looked at once. What cannot be taken keeps the last snapshot and is told in the log.
 */
export class FollowedProgram {
  readonly #options: FollowedProgramOptions;
  readonly #program = new ProgramStore();
  #scheduled = false;
  #toldProblem: string | undefined;

  constructor(options: FollowedProgramOptions) {
    this.#options = options;
    options.store.onChange(() => {
      this.#schedule();
    });
  }

  /** The snapshot that is enforced; `undefined` as long as there never was one. */
  get snapshot(): PolicySnapshot | undefined {
    return this.#program.snapshot;
  }

  /** Why the newest program could not be taken; `undefined` where the newest is enforced. */
  get problem(): string | undefined {
    return this.#program.state.problem;
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    queueMicrotask(() => {
      this.#scheduled = false;
      this.#refresh();
    });
  }

  #refresh(): void {
    const { store, namespace, logger, onRevision } = this.#options;
    const changed = this.#program.refresh({ get: (name) => store.get(`${namespace}/${name}`) });
    const { snapshot, problem } = this.#program.state;
    if (changed && snapshot !== undefined) {
      logger.info('enforcing a new program', {
        revision: snapshot.revision,
        policies: snapshot.policies.length,
        defaultAction: snapshot.defaultAction,
      });
      onRevision(snapshot.revision);
    }
    if (problem !== undefined && problem !== this.#toldProblem)
      logger.warn('the program cannot be taken; the last one stays', { problem });
    this.#toldProblem = problem;
  }
}
