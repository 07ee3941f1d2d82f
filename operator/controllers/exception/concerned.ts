// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { splitKey } from '../../../runtime/kube/index.ts';
import {
  followersOf,
  type CompiledException,
  type ExceptionIndex,
} from '../../../verification/index.ts';

/** Knows how exceptions were looked at last, and so which others a change concerns. */
export class Concerned {
  readonly #known = new Map<string, CompiledException>();

  /**
   * Keys of the others that what changed since the last look concerns: those that follow the exception,
   * as it was or is, and incidents that it may stand in the way of. Nothing where nothing changed.
   */
  byChange(key: string, index: ExceptionIndex): readonly string[] {
    const { namespace = '', name } = splitKey(key);
    const before = this.#known.get(key);
    const now = index.named(namespace, name);
    // What permits the same is the same object.
    if (before === now) return [];
    if (now === undefined) this.#known.delete(key);
    else this.#known.set(key, now);
    const both = [before, now].filter((exception) => exception !== undefined);
    const names = both.flatMap((exception) => [
      ...followersOf(exception, index),
      ...incidentsBeside(exception, index),
    ]);
    // One that was not looked at yet waits for that anyway.
    return keysOf(names, namespace, name).filter((other) => this.#known.has(other));
  }

  /** Keys of the incidents that may have waited for the approval of the exception. */
  byApproval(key: string, index: ExceptionIndex): readonly string[] {
    const { namespace = '', name } = splitKey(key);
    const exception = index.named(namespace, name);
    return exception === undefined
      ? []
      : keysOf(incidentsBeside(exception, index), namespace, name);
  }
}

/** Names of incidents for the same policy and one of its digests, where it is one itself. */
function incidentsBeside(exception: CompiledException, index: ExceptionIndex): readonly string[] {
  const { policy, namespace, digests } = exception;
  if (exception.class !== 'Incident') return [];
  return [...digests].flatMap((digest) =>
    index
      .candidates(policy, namespace, digest)
      .filter((other) => other.class === 'Incident')
      .map((other) => other.name),
  );
}

function keysOf(names: readonly string[], namespace: string, except: string): readonly string[] {
  return [...new Set(names)]
    .filter((name) => name !== except)
    .map((name) => `${namespace}/${name}`);
}
