// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { RemediationReason } from '../../../crds/index.ts';
import type { Clock } from '../../../runtime/clock.ts';
import type { FollowedExceptions } from '../../../runtime/exceptions/index.ts';
import type { JudgeInput } from '../../../runtime/judge/index.ts';
import type { KubeObject, ObjectView } from '../../../runtime/kube/index.ts';
import type { PolicySnapshot } from '../../../runtime/program/index.ts';
import type { ReconcileResult } from '../../../runtime/queue/index.ts';
import type { Digest } from '../../../verification/index.ts';
import type { KubeApi } from '../../state/resources.ts';
import type { EventSink } from '../../status/events.ts';
import type {
  Ground,
  Judged,
  WorkloadExaminer,
  WorkloadInventory,
  WorkloadObject,
} from '../workload/index.ts';
import type { Absence, AbsenceReader } from './absence-reader.ts';
import type { Charge, Charges } from './charges.ts';
import { evict, podsToEvict, type Eviction } from './evict.ts';
import type { Suspects } from './suspects.ts';

/** What was done. */
export type RemediationAction = 'evict';
/** What came of it. */
export type RemediationOutcome = 'done' | 'blocked' | 'held' | 'failed';

/** What remediation needs. */
export interface RemediationOptions {
  readonly api: Pick<KubeApi, 'create'>;
  readonly suspects: Suspects;
  readonly charges: Charges;
  readonly absences: AbsenceReader;
  readonly examiner: Pick<WorkloadExaminer, 'inputOf'>;
  readonly inventory: Pick<WorkloadInventory, 'topLevel' | 'podsOf'>;
  readonly program: { readonly snapshot: PolicySnapshot | undefined };
  readonly exceptions: Pick<FollowedExceptions, 'index'>;
  readonly namespaces: Pick<ObjectView<KubeObject>, 'get'>;
  readonly events: EventSink;
  readonly clock: Clock;
  readonly onOutcome: (action: RemediationAction, outcome: RemediationOutcome) => void;
  /** Milliseconds between two rounds for a workload, and before the first one; a minute unless told. */
  readonly roundMs?: number;
}

/** An image of a workload with what it is charged with, all of which may be acted on. */
interface Guilty {
  readonly judged: Judged;
  readonly input: JudgeInput;
  readonly charges: readonly Charge[];
}

const ROUND_MS = 60_000;

/**
 * Acts on workloads that run what is not trusted any more, where a policy asks for it (design §7).
 * Keys are those of the inventory. Everything is decided anew from what is known in the moment of
 * acting, and nothing is done where anything cannot be told.
 */
export class RemediationReconciler {
  readonly #options: RemediationOptions;
  readonly #roundMs: number;
  readonly #startedAt: number;
  /** When pods of a workload were evicted last, by its uid. */
  readonly #rounds = new Map<string, number>();

  constructor(options: RemediationOptions) {
    this.#options = options;
    this.#roundMs = options.roundMs ?? ROUND_MS;
    // Another process may have led, and evicted, a moment ago.
    this.#startedAt = options.clock.monotonic();
  }

  /** Does one round of what is to be done for a workload, and comes back as long as there is anything. */
  async reconcile(key: string, signal: AbortSignal): Promise<ReconcileResult> {
    const { suspects, inventory } = this.#options;
    const workload = inventory.topLevel(key);
    const judged = suspects.of(key);
    if (workload === undefined || judged.length === 0) return this.#rest(workload);
    const guilty: Guilty[] = [];
    let isOpen = false;
    for (const one of judged) {
      const found = await this.#examine(key, workload, one, signal);
      if (found !== undefined && found !== 'open') guilty.push(found);
      isOpen ||= found !== undefined;
    }
    signal.throwIfAborted();
    await this.#evict(workload, guilty, signal);
    // Re-verification names the workload again with whatever else it finds.
    return isOpen ? { requeueAfterMs: this.#roundMs } : {};
  }

  #rest(workload: WorkloadObject | undefined): ReconcileResult {
    if (workload !== undefined) this.#rounds.delete(workload.metadata.uid ?? '');
    return {};
  }

  /** What an image is to be acted on for; `undefined` where that is nothing, `open` where it may come to that. */
  async #examine(
    key: string,
    workload: WorkloadObject,
    judged: Judged,
    signal: AbortSignal,
  ): Promise<Guilty | 'open' | undefined> {
    const { examiner, charges, absences } = this.#options;
    const ground = this.#groundOf(workload);
    if (ground === undefined) return 'open';
    const input = await examiner.inputOf(judged, ground);
    const found = await charges.of(key, input, signal);
    if (found === undefined) return 'open';
    const asked = new Set(judged.policies.map(({ policy }) => policy.name));
    const counted = found.filter(({ policy }) => asked.has(policy.name));
    const acted = counted.filter(({ cause }) => cause !== 'SignatureAbsent');
    if (acted.length < counted.length) {
      const absence = await absences.read(key, input, signal);
      this.#tellHeld(workload, judged, absence);
      if (absence === 'confirmed') return { judged, input, charges: counted };
      if (acted.length === 0) return 'open';
    }
    return acted.length === 0 ? undefined : { judged, input, charges: acted };
  }

  #tellHeld(workload: WorkloadObject, { image }: Judged, absence: Absence): void {
    if (absence !== 'storm') return;
    const { events, onOutcome } = this.#options;
    onOutcome('evict', 'held');
    const many = 'many images of the registry lost their signatures at the same time';
    const message = `${image}: nothing is done, as ${many}`;
    events.record(workload, {
      type: 'Warning',
      reason: RemediationReason.RemediationHeld,
      message,
    });
  }

  async #evict(
    workload: WorkloadObject,
    guilty: readonly Guilty[],
    signal: AbortSignal,
  ): Promise<void> {
    const { inventory, clock } = this.#options;
    const running = guilty.filter(({ judged }) => judged.observed.process === 'background');
    if (running.length === 0) return;
    const uid = workload.metadata.uid ?? '';
    const now = clock.monotonic();
    if (now - (this.#rounds.get(uid) ?? this.#startedAt) < this.#roundMs) return;
    const digests = new Set<Digest>(running.map(({ judged }) => judged.digest));
    const pods = podsToEvict(inventory.podsOf(workload), digests);
    if (pods.length > 0) this.#rounds.set(uid, now);
    for (const pod of pods) {
      // Whatever changed since: an exception, a policy, the evidence.
      if (!running.every((one) => this.#isStillSo(workload, one))) return;
      await this.#evictOne(workload, pod, running, signal);
    }
  }

  async #evictOne(
    workload: WorkloadObject,
    pod: WorkloadObject,
    running: readonly Guilty[],
    signal: AbortSignal,
  ): Promise<void> {
    const { api, onOutcome } = this.#options;
    let outcome: Eviction;
    try {
      outcome = await evict(api, pod, signal);
    } catch (thrown) {
      onOutcome('evict', 'failed');
      throw thrown;
    }
    if (outcome === 'gone') return;
    onOutcome('evict', outcome);
    this.#tellEviction(workload, pod, { outcome, running });
  }

  #tellEviction(
    workload: WorkloadObject,
    pod: WorkloadObject,
    { outcome, running }: { readonly outcome: Eviction; readonly running: readonly Guilty[] },
  ): void {
    const { events } = this.#options;
    const { name } = pod.metadata;
    const why = running.map(({ judged, charges }) => `${judged.image}: ${described(charges)}`);
    const isDone = outcome === 'done';
    const what = isDone
      ? `evicted ${name}`
      : `a PodDisruptionBudget does not let ${name} be evicted`;
    const reason = isDone ? RemediationReason.Evicted : RemediationReason.RemediationHeld;
    events.record(workload, { type: 'Warning', reason, message: `${what}: ${why.join('; ')}` });
  }

  /** Whether an image is still rejected, by the same policies as were looked at. */
  #isStillSo(workload: WorkloadObject, { input, charges }: Guilty): boolean {
    const ground = this.#groundOf(workload);
    if (ground === undefined) return false;
    const { snapshot, exceptions, namespaceLabels } = ground;
    const use = { ...input.use, namespaceLabels };
    const rejected = this.#options.charges.rejected({ ...input, snapshot, exceptions, use });
    return charges.some(({ policy, requirement }) =>
      rejected?.some(
        (judgement) =>
          judgement.policy === policy &&
          judgement.verdict.results.some(
            (result) => result.requirement === requirement && result.outcome === 'rejected',
          ),
      ),
    );
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

function described(charges: readonly Charge[]): string {
  return charges
    .map(({ policy, requirement, cause }) => `${cause} [${policy.name}/${requirement}]`)
    .join(', ');
}
