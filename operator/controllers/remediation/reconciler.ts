// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { RemediationReason } from '../../../crds/index.ts';
import type { FollowedExceptions } from '../../../runtime/exceptions/index.ts';
import type { KubeObject, ObjectView } from '../../../runtime/kube/index.ts';
import type { PolicySnapshot } from '../../../runtime/program/index.ts';
import type { ReconcileResult } from '../../../runtime/queue/index.ts';
import type { EventSink } from '../../status/events.ts';
import type {
  Ground,
  Judged,
  WorkloadExaminer,
  WorkloadInventory,
  WorkloadObject,
} from '../workload/index.ts';
import type { AbsenceReader } from './absence-reader.ts';
import type { Charge, Charges } from './charges.ts';
import type { Evictor } from './evictor.ts';
import {
  actionFor,
  type Convicted,
  type Guilty,
  type RemediationAction,
  type RemediationOutcome,
} from './guilty.ts';
import type { Rollback } from './rollback.ts';
import type { Suspects } from './suspects.ts';

/** What remediation needs. */
export interface RemediationOptions {
  readonly suspects: Suspects;
  readonly charges: Charges;
  readonly absences: AbsenceReader;
  readonly evictor: Evictor;
  readonly rollback: Rollback;
  readonly examiner: Pick<WorkloadExaminer, 'inputOf'>;
  readonly inventory: Pick<WorkloadInventory, 'topLevel'>;
  readonly program: { readonly snapshot: PolicySnapshot | undefined };
  readonly exceptions: Pick<FollowedExceptions, 'index'>;
  readonly namespaces: Pick<ObjectView<KubeObject>, 'get'>;
  readonly events: EventSink;
  readonly onOutcome: (action: RemediationAction, outcome: RemediationOutcome) => void;
  /** Milliseconds between two rounds for a workload. */
  readonly roundMs: number;
}

/** What the judgement of an image comes to; `open` where it may come to something. */
type Found = Guilty | 'open' | 'nothing';

/**
 * Acts on workloads that run what is not trusted any more, where a policy asks for it (design §7).
 * Keys are those of the inventory. Everything is decided anew from what is known in the moment of
 * acting, and nothing is done where anything cannot be told.
 */
export class RemediationReconciler {
  readonly #options: RemediationOptions;

  constructor(options: RemediationOptions) {
    this.#options = options;
  }

  /** Does one round of what is to be done for a workload, and comes back as long as there is anything. */
  async reconcile(key: string, signal: AbortSignal): Promise<ReconcileResult> {
    const { suspects, inventory, roundMs } = this.#options;
    const workload = inventory.topLevel(key);
    const judged = suspects.of(key);
    if (workload === undefined || judged.length === 0) return {};
    const ground = this.#groundOf(workload);
    if (ground === undefined) return { requeueAfterMs: roundMs };
    const found: Found[] = [];
    for (const one of judged)
      found.push(await this.#examine({ key, workload, ground, judged: one }, signal));
    signal.throwIfAborted();
    const guilty = found.filter((one) => typeof one === 'object');
    await this.#act(workload, ground, guilty, signal);
    // Re-verification names the workload again with whatever else it finds.
    return found.every((one) => one === 'nothing') ? {} : { requeueAfterMs: roundMs };
  }

  async #examine({ key, workload, ground, judged }: Subject, signal: AbortSignal): Promise<Found> {
    const { examiner, charges, absences } = this.#options;
    const input = await examiner.inputOf(judged, ground);
    const found = await charges.of(key, input, signal);
    if (found === undefined) return 'open';
    // Of an image by tag, those policies speak that pin it.
    const asked = new Set(judged.policies.map(({ policy }) => policy.name));
    const counted = found.filter(({ policy }) => asked.has(policy.name));
    const sure = counted.filter(({ cause }) => cause !== 'SignatureAbsent');
    if (sure.length === counted.length)
      return sure.length === 0 ? 'nothing' : { judged, input, charges: sure };
    const absence = await absences.read(key, input, signal);
    if (absence === 'confirmed') return { judged, input, charges: counted };
    if (absence === 'storm') this.#tellHeld(workload, judged, actionFor(counted));
    return sure.length === 0 ? 'open' : { judged, input, charges: sure };
  }

  async #act(
    workload: WorkloadObject,
    ground: Ground,
    guilty: readonly Guilty[],
    signal: AbortSignal,
  ): Promise<void> {
    const { evictor, rollback } = this.#options;
    const convict = (those: readonly Guilty[]): Convicted => ({
      workload,
      ground,
      guilty: those,
      isStillSo: async () => {
        const all = those.map((one) => this.#isStillSo(workload, one, signal));
        return (await Promise.all(all)).every((isSo) => isSo);
      },
    });
    const evicted = guilty.filter(
      ({ judged, charges }) =>
        judged.observed.process === 'background' && actionFor(charges) === 'evict',
    );
    if (evicted.length > 0) await evictor.round(convict(evicted), signal);
    const rolled = guilty.filter(({ charges }) => actionFor(charges) === 'rollback');
    if (rolled.length > 0) await rollback.run(convict(rolled), signal);
  }

  #tellHeld(workload: WorkloadObject, { image }: Judged, action: RemediationAction): void {
    const { events, onOutcome } = this.#options;
    onOutcome(action, 'held');
    const many = 'many images of the registry lost their signatures at the same time';
    const message = `${image}: nothing is done, as ${many}`;
    events.record(workload, {
      type: 'Warning',
      reason: RemediationReason.RemediationHeld,
      message,
    });
  }

  /** Whether an image is still rejected, by the same policies as were looked at. */
  async #isStillSo(
    workload: WorkloadObject,
    { input, charges }: Guilty,
    signal: AbortSignal,
  ): Promise<boolean> {
    const ground = this.#groundOf(workload);
    if (ground === undefined) return false;
    const { snapshot, exceptions, namespaceLabels } = ground;
    const use = { ...input.use, namespaceLabels };
    const present = { ...input, snapshot, exceptions, use };
    const rejected = await this.#options.charges.rejected(present, signal);
    const isSo = ({ policy, requirement }: Charge): boolean =>
      rejected?.some(
        (judgement) =>
          judgement.policy === policy &&
          judgement.verdict.results.some(
            (result) => result.requirement === requirement && result.outcome === 'rejected',
          ),
      ) ?? false;
    return charges.some(isSo);
  }

  #groundOf({ metadata }: WorkloadObject): Ground | undefined {
    const { program, namespaces, exceptions } = this.#options;
    const { snapshot } = program;
    const { namespace = '' } = metadata;
    const object = namespaces.get(namespace);
    // Which policies count where is told by the labels of the namespace.
    if (snapshot === undefined || object === undefined) return undefined;
    const namespaceLabels = object.metadata.labels ?? {};
    return { snapshot, exceptions: exceptions.index, namespace, namespaceLabels };
  }
}

interface Subject {
  readonly key: string;
  readonly workload: WorkloadObject;
  readonly ground: Ground;
  readonly judged: Judged;
}
