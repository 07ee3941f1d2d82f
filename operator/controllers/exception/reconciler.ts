// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import type {
  ImageTrustPolicy,
  SigningException,
  SigningExceptionStatus,
} from '../../../crds/index.ts';
import type { Clock } from '../../../runtime/clock.ts';
import { splitKey, type ObjectView } from '../../../runtime/kube/index.ts';
import type { PolicySnapshot } from '../../../runtime/program/index.ts';
import type { ReconcileResult } from '../../../runtime/queue/index.ts';
import type { ExceptionIndex } from '../../../verification/index.ts';
import type { ExceptionUsageBoard } from '../../state/exception-usage.ts';
import type { FindingsBoard } from '../../state/findings-board.ts';
import { pathOf, RESOURCES, type KubeApi } from '../../state/resources.ts';
import type { EventSink } from '../../status/events.ts';
import { patchStatus } from '../../status/patch.ts';
import { Concerned } from './concerned.ts';
import { statusEvents } from './events.ts';
import { exceptionStatus, type ExceptionOutcome } from './status.ts';

/** What telling of exceptions needs. */
export interface ExceptionReconcilerOptions {
  readonly api: Pick<KubeApi, 'patch'>;
  readonly exceptions: Pick<ObjectView<SigningException>, 'get'>;
  readonly policies: Pick<ObjectView<ImageTrustPolicy>, 'get'>;
  readonly program: { readonly snapshot: PolicySnapshot | undefined };
  /** All exceptions, indexed: others may stand in the way of one. */
  readonly index: { readonly index: ExceptionIndex };
  readonly usage: Pick<ExceptionUsageBoard, 'usageOf' | 'drop'>;
  /** Whether every workload was judged: before that, what was written of use stays. */
  readonly board: Pick<FindingsBoard, 'isComplete'>;
  /** Milliseconds; how often an exception is to be reviewed. */
  readonly reviewMs: number;
  /** Names exceptions that are to be looked at. */
  readonly enqueue: (keys: readonly string[]) => void;
  readonly events: EventSink;
  readonly clock: Clock;
}

/** A boundary is passed one millisecond later for sure, whatever a timer rounds. */
const AFTER_MS = 1;
/** As long as not every workload was judged, that is asked again after this time. */
const INCOMPLETE_MS = 60_000;

/** Tells in the status of an exception whether it has effect, and how it is used. Keys are `namespace/name`. */
export class ExceptionReconciler {
  readonly #options: ExceptionReconcilerOptions;
  readonly #concerned = new Concerned();

  constructor(options: ExceptionReconcilerOptions) {
    this.#options = options;
  }

  /** Writes the status where it says anything new, and comes back at the next boundary. */
  async reconcile(key: string): Promise<ReconcileResult> {
    const { exceptions, program, index, usage } = this.#options;
    const exception = exceptions.get(key);
    const { snapshot } = program;
    if (exception === undefined) {
      usage.drop(key);
      this.#options.enqueue(this.#concerned.byChange(key, index.index));
      return {};
    }
    // Before the first program nothing is known of policies; a new program names all exceptions again.
    if (snapshot === undefined) return {};
    this.#options.enqueue(this.#concerned.byChange(key, index.index));
    const outcome = this.#outcomeOf(exception, snapshot);
    await this.#write(key, exception, outcome.status);
    return this.#next(outcome);
  }

  #outcomeOf(exception: SigningException, snapshot: PolicySnapshot): ExceptionOutcome {
    const { policies, index, usage, board, reviewMs, clock } = this.#options;
    const { namespace = '', name } = exception.metadata;
    const policy = snapshot.policies.find((p) => p.name === exception.spec.policyRef.name);
    return exceptionStatus({
      exception,
      policy,
      policyExists: policies.get(exception.spec.policyRef.name) !== undefined,
      exceptions: index.index,
      now: clock.now(),
      cluster: snapshot.cluster,
      seen: board.isComplete ? usage.usageOf(`${namespace}/${name}`) : undefined,
      reviewMs,
    });
  }

  async #write(
    key: string,
    exception: SigningException,
    next: SigningExceptionStatus,
  ): Promise<void> {
    const { api, events, index } = this.#options;
    const path = pathOf(RESOURCES.exceptions, { ...splitKey(key), subresource: 'status' });
    if (!(await patchStatus(api, { path, object: exception, next }))) return;
    for (const event of statusEvents(exception, next)) events.record(exception, event);
    const approval = approvedOf(next);
    if (approval !== approvedOf(exception.status))
      this.#options.enqueue(this.#concerned.byApproval(key, index.index));
  }

  #next({ boundary }: ExceptionOutcome): ReconcileResult {
    const { board, clock } = this.#options;
    const waits = [
      ...(boundary === undefined ? [] : [boundary - clock.now().getTime() + AFTER_MS]),
      ...(board.isComplete ? [] : [INCOMPLETE_MS]),
    ];
    return waits.length === 0 ? {} : { requeueAfterMs: Math.max(0, Math.min(...waits)) };
  }
}

function approvedOf(status: SigningExceptionStatus | undefined): string | undefined {
  return status?.conditions?.find(({ type }) => type === 'Approved')?.status;
}
