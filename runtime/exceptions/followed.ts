// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import type { SigningException } from '../../crds/index.ts';
import type { ObjectView } from '../kube/index.ts';
import type { Logger } from '../log/index.ts';
import { permitsSame } from './same.ts';
import {
  compileException,
  ExceptionIndex,
  type CompiledException,
} from '../../verification/index.ts';

const NONE = new ExceptionIndex();

/**
 * The exceptions of the cluster, compiled and indexed as they come, each for itself: a change of one costs
 * the same however many there are. One that does not compile has no effect and is told in the log. What is
 * deleted or revoked is gone at once: nothing but this process stands between.
 */
export class FollowedExceptions {
  readonly #compiled = new Map<string, CompiledException>();
  readonly #invalid = new Set<string>();
  readonly #logger: Logger;
  readonly #isStale: () => boolean;
  readonly #index = new ExceptionIndex();
  #wasFull = false;

  /** While `isStale` says so, no exception has an effect: any of them may have been revoked. */
  constructor(
    store: Pick<ObjectView<SigningException>, 'onChange'>,
    logger: Logger,
    isStale: () => boolean,
  ) {
    this.#logger = logger;
    this.#isStale = isStale;
    store.onChange((key, current, previous) => {
      // What is known of it stays, what was verified of its approvals too.
      const isSame =
        current !== undefined && previous !== undefined && permitsSame(current, previous);
      if (!isSame) this.#take(key, current);
    });
  }

  /** The index of all that compile, which changes with them; of none while what is known is stale. */
  get index(): ExceptionIndex {
    return this.#isStale() ? NONE : this.#index;
  }

  /** How many exceptions have no effect because they cannot be read. */
  get invalidCount(): number {
    return this.#invalid.size;
  }

  /** How many exceptions there are that can be read. */
  get count(): number {
    return this.#compiled.size;
  }

  #take(key: string, current: SigningException | undefined): void {
    const before = this.#compiled.get(key);
    this.#compiled.delete(key);
    this.#invalid.delete(key);
    if (before !== undefined) this.#index.remove(before);
    if (current !== undefined) this.#compile(key, current);
    this.#tellFullness();
  }

  #compile(key: string, current: SigningException): void {
    try {
      const compiled = compileException(current);
      this.#compiled.set(key, compiled);
      this.#index.add(compiled);
    } catch (thrown) {
      this.#invalid.add(key);
      this.#logger.warn('an exception cannot be read and has no effect', {
        exception: key,
        error: thrown,
      });
    }
  }

  #tellFullness(): void {
    const { dropped } = this.#index;
    if (dropped > 0 && !this.#wasFull)
      this.#logger.error('too many exceptions: the newest have no effect', { dropped });
    this.#wasFull = dropped > 0;
  }
}
