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
 * The exceptions of the cluster, compiled as they come and indexed when first asked for after a change.
 * One that does not compile has no effect and is told in the log. What is deleted or revoked is gone
 * with the next request: nothing but this process stands between.
 */
export class FollowedExceptions {
  readonly #compiled = new Map<string, CompiledException>();
  readonly #invalid = new Set<string>();
  readonly #logger: Logger;
  readonly #isStale: () => boolean;
  #index: ExceptionIndex | undefined = new ExceptionIndex();
  #dropped = 0;

  /** While `isStale` says so, no exception has an effect: any of them may have been revoked. */
  constructor(
    store: Pick<ObjectView<SigningException>, 'onChange'>,
    logger: Logger,
    isStale: () => boolean = () => false,
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

  /** The index of all that compile; of none while what is known is stale. */
  get index(): ExceptionIndex {
    if (this.#isStale()) return NONE;
    this.#index ??= this.#build();
    return this.#index;
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
    this.#compiled.delete(key);
    this.#invalid.delete(key);
    this.#index = undefined;
    if (current === undefined) return;
    try {
      this.#compiled.set(key, compileException(current));
    } catch (thrown) {
      this.#invalid.add(key);
      this.#logger.warn('an exception cannot be read and has no effect', {
        exception: key,
        error: thrown,
      });
    }
  }

  #build(): ExceptionIndex {
    const index = new ExceptionIndex(this.#compiled.values());
    const { dropped } = index;
    if (dropped > 0 && this.#dropped === 0)
      this.#logger.error('too many exceptions: the newest have no effect', { dropped });
    this.#dropped = dropped;
    return index;
  }
}
