// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import {
  ConditionType,
  type ImageTrustPolicy,
  type SigningException,
  type SigningExceptionStatus,
} from '../../../crds/index.ts';
import type { Clock } from '../../../runtime/clock.ts';
import { splitKey, type ObjectView } from '../../../runtime/kube/index.ts';
import type { PolicySnapshot } from '../../../runtime/program/index.ts';
import type { ReconcileResult } from '../../../runtime/queue/index.ts';
import type { ExceptionIndex } from '../../../verification/index.ts';
import { pathOf, RESOURCES, type KubeApi } from '../../state/resources.ts';
import { findCondition } from '../../status/conditions.ts';
import type { EventSink } from '../../status/events.ts';
import { patchStatus } from '../../status/patch.ts';
import { exceptionStatus } from './status.ts';

/** What telling of exceptions needs. */
export interface ExceptionReconcilerOptions {
  readonly api: Pick<KubeApi, 'patch'>;
  readonly exceptions: Pick<ObjectView<SigningException>, 'get'>;
  readonly policies: Pick<ObjectView<ImageTrustPolicy>, 'get'>;
  readonly program: { readonly snapshot: PolicySnapshot | undefined };
  /** All exceptions, indexed: others may stand in the way of one. */
  readonly index: { readonly index: ExceptionIndex };
  readonly events: EventSink;
  readonly clock: Clock;
}

/** A boundary is passed one millisecond later for sure, whatever a timer rounds. */
const AFTER_MS = 1;

/** Tells in the status of an exception whether it has effect. Keys are `namespace/name`. */
export class ExceptionReconciler {
  readonly #options: ExceptionReconcilerOptions;

  constructor(options: ExceptionReconcilerOptions) {
    this.#options = options;
  }

  /** Writes the status where it says anything new, and comes back at the next boundary. */
  async reconcile(key: string): Promise<ReconcileResult> {
    const { api, exceptions, policies, program, index, clock } = this.#options;
    const exception = exceptions.get(key);
    const { snapshot } = program;
    // Before the first program nothing is known of policies; a new program names all exceptions again.
    if (exception === undefined || snapshot === undefined) return {};
    const now = clock.now();
    const policy = snapshot.policies.find((p) => p.name === exception.spec.policyRef.name);
    const policyExists = policies.get(exception.spec.policyRef.name) !== undefined;
    const { status, boundary } = exceptionStatus({
      exception,
      policy,
      policyExists,
      exceptions: index.index,
      now,
      cluster: snapshot.cluster,
    });
    const path = pathOf(RESOURCES.exceptions, { ...splitKey(key), subresource: 'status' });
    if (await patchStatus(api, { path, object: exception, next: status })) {
      this.#tell(exception, status);
    }
    return boundary === undefined ? {} : { requeueAfterMs: boundary - now.getTime() + AFTER_MS };
  }

  #tell(exception: SigningException, next: SigningExceptionStatus): void {
    const active = findCondition(next.conditions, ConditionType.Active);
    const before = findCondition(exception.status?.conditions, ConditionType.Active);
    if (active === undefined || active.reason === before?.reason) return;
    const stalled = findCondition(next.conditions, ConditionType.Stalled) !== undefined;
    const type = stalled ? 'Warning' : 'Normal';
    this.#options.events.record(exception, {
      type,
      reason: active.reason,
      message: active.message,
    });
  }
}
