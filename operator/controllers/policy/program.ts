// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import type { ImageTrustPolicy } from '../../../crds/index.ts';
import { KubeError, type ObjectView } from '../../../runtime/kube/index.ts';
import type { Logger } from '../../../runtime/log/index.ts';
import type { DefaultAction, ProgramIndex } from '../../../runtime/program/index.ts';
import type { ReconcileResult } from '../../../runtime/queue/index.ts';
import { pathOf, RESOURCES, type KubeApi } from '../../state/resources.ts';
import type { BlobStore } from './blobs.ts';
import { mustWait, planIndex, type IndexPlan, type PlannedPolicy } from './index-plan.ts';
import type { IndexStore, StoredIndex } from './index-store.ts';
import type { PolicyCompiler, PolicyOutcome } from './outcome.ts';
import { ProgramViews, type ProgramView } from './views.ts';

/** What the metrics are told of the program. */
export interface ProgramObserver {
  /** The index that is in the cluster now. */
  published(index: ProgramIndex): void;
  /** How many policies there are by outcome. */
  policies(counts: Readonly<Record<'compiled' | 'keptLast' | 'notEnforced', number>>): void;
}

/** What publishing the program needs. */
export interface ProgramReconcilerOptions {
  readonly api: Pick<KubeApi, 'get' | 'list'>;
  readonly policies: Pick<ObjectView<ImageTrustPolicy>, 'list'>;
  /** Whether every mirror that the index depends on holds a whole list. */
  readonly synced: () => boolean;
  /** The highest revision that any replica acknowledged, and that this process enforces. */
  readonly highestRevision: () => number;
  readonly compiler: PolicyCompiler;
  readonly blobs: BlobStore;
  readonly index: IndexStore;
  readonly defaultAction: DefaultAction;
  /** Name of the cluster or fleet, where it has one. */
  readonly cluster?: string | undefined;
  /** How long referenced material is used before it is read again. */
  readonly materialMs: number;
  readonly observer: ProgramObserver;
  readonly logger: Logger;
  /** Told the names of the policies whose part in the program changed. */
  readonly onChange: (names: readonly string[]) => void;
}

const ATTEMPTS = 4;
/** How often garbage is looked for where nothing else happens. */
const GARBAGE_MS = 120_000;
const UNSYNCED_MS = 200;

type Outcomes = ReadonlyMap<string, PolicyOutcome | undefined>;

/**
 * Publishes the program: compiles every policy, stores the blobs, then writes the index (design §2).
 * One reconciler for all policies, because the index speaks of all of them: it is complete or it is not
 * written. What cannot be done now is thrown at the end, when everything else is done.
 */
export class ProgramReconciler {
  readonly #options: ProgramReconcilerOptions;
  readonly #views = new ProgramViews();
  readonly #failures: unknown[] = [];
  #published = 0;

  constructor(options: ProgramReconcilerOptions) {
    this.#options = options;
  }

  /** How a policy stands in the program; `undefined` before that was found out. */
  viewOf(policy: string): ProgramView | undefined {
    return this.#views.get(policy);
  }

  /** Brings the program in line with the policies. Throws what is to be tried again. */
  async reconcile(): Promise<ReconcileResult> {
    const { policies, synced, compiler, materialMs } = this.#options;
    if (!synced()) return { requeueAfterMs: UNSYNCED_MS };
    this.#failures.length = 0;
    const existing = policies.list();
    compiler.keepOnly(new Set(existing.map((policy) => policy.metadata.name)));
    const outcomes = await this.#compileAll(existing);
    await this.#publish(existing, outcomes);
    if (this.#failures.length > 0)
      throw new AggregateError(this.#failures, messagesOf(this.#failures));
    return {
      requeueAfterMs: compiler.dependsOnMaterial ? Math.min(materialMs, GARBAGE_MS) : GARBAGE_MS,
    };
  }

  /** Compiles and stores; a policy whose outcome cannot be told now has `undefined`. */
  async #compileAll(existing: readonly ImageTrustPolicy[]): Promise<Outcomes> {
    const outcomes = new Map<string, PolicyOutcome | undefined>();
    for (const policy of existing) {
      const { name } = policy.metadata;
      outcomes.set(name, await this.#attempt(() => this.#compileOne(policy)));
    }
    return outcomes;
  }

  async #compileOne(policy: ImageTrustPolicy): Promise<PolicyOutcome> {
    const outcome = await this.#options.compiler.outcomeOf(policy);
    if (outcome.state === 'compiled') await this.#options.blobs.write(outcome.blob);
    return outcome;
  }

  async #publish(existing: readonly ImageTrustPolicy[], outcomes: Outcomes): Promise<void> {
    for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
      const stored = await this.#options.index.read();
      const plan = await this.#plan(existing, outcomes, stored);
      const rewrite = plan.changed || stored.problem !== undefined;
      if (!rewrite || (await this.#options.index.write(plan.index, stored))) {
        if (rewrite) this.#told(plan, stored);
        await this.#afterwards(existing, outcomes, plan.index);
        return;
      }
    }
    throw new Error('the program index is written by somebody else at the same time');
  }

  async #plan(
    existing: readonly ImageTrustPolicy[],
    outcomes: Outcomes,
    stored: StoredIndex,
  ): Promise<IndexPlan> {
    const policies = existing.map((policy): PlannedPolicy => {
      const { name } = policy.metadata;
      return { name, outcome: outcomes.get(name), remembered: policy.status?.program?.blob };
    });
    const { index, problem } = stored;
    if (mustWait({ current: index, policies })) {
      throw new AggregateError(
        this.#failures,
        `there is no index, and not every policy could be compiled: ${messagesOf(this.#failures)}`,
      );
    }
    if (index === undefined && existing.length === 0) await this.#assertNoPolicies();
    const gone = await this.#goneOf(index, outcomes);
    const floor = this.#floor(existing, index, problem);
    const { defaultAction, cluster } = this.#options;
    return planIndex({ current: index, policies, gone, floor, defaultAction, cluster });
  }

  /** What the next revision must be above: of a rewritten index also its own. */
  #floor(
    existing: readonly ImageTrustPolicy[],
    index: ProgramIndex | undefined,
    problem: string | undefined,
  ): number {
    const told = existing.map((policy) => policy.status?.program?.revision ?? 0);
    const rewritten = problem === 'the index was rewritten' ? (index?.revision ?? 0) + 1 : 0;
    return Math.max(0, ...told, this.#published, this.#options.highestRevision(), rewritten);
  }

  /** An empty index opens everything: the cache alone is not enough to say that there is no policy. */
  async #assertNoPolicies(): Promise<void> {
    const page = await this.#options.api.list<ImageTrustPolicy>(pathOf(RESOURCES.policies), {
      limit: 1,
    });
    if (page.items.length > 0) throw new Error('policies exist that the cache does not know yet');
  }

  /** Names in the index without a policy in the cache, of which a live GET says that they are gone. */
  async #goneOf(index: ProgramIndex | undefined, outcomes: Outcomes): Promise<ReadonlySet<string>> {
    const gone = new Set<string>();
    for (const name of index?.policies.keys() ?? []) {
      if (outcomes.has(name)) continue;
      const live = await this.#attempt(async () => {
        const object = await this.#options.api.get<ImageTrustPolicy>(
          pathOf(RESOURCES.policies, { name }),
        );
        return object === undefined ? 'gone' : 'there';
      });
      if (live === 'gone') gone.add(name);
    }
    return gone;
  }

  #told({ index }: IndexPlan, { index: before, problem }: StoredIndex): void {
    const { logger } = this.#options;
    const fields = { revision: index.revision, policies: index.policies.size };
    if (problem !== undefined) logger.warn('repaired the program index', { ...fields, problem });
    else if (before === undefined)
      logger.info('published a program index where there was none', fields);
    else logger.info('published a program', fields);
  }

  async #afterwards(
    existing: readonly ImageTrustPolicy[],
    outcomes: Outcomes,
    index: ProgramIndex,
  ): Promise<void> {
    const { observer, blobs, onChange } = this.#options;
    this.#published = Math.max(this.#published, index.revision);
    observer.published(index);
    const changed = this.#views.update(existing, outcomes, index);
    observer.policies(this.#views.counts());
    if (changed.length > 0) onChange(changed);
    const named = new Set<string>(index.policies.values());
    for (const blob of named) await this.#attempt(() => this.#restore(blob));
    for (const { status } of existing)
      if (status?.program?.blob !== undefined) named.add(status.program.blob);
    await this.#attempt(() => blobs.collectGarbage(named));
  }

  async #restore(blob: string): Promise<void> {
    if (await this.#options.blobs.restore(blob)) return;
    this.#options.logger.error(
      'the index names a blob that is lost: replicas keep what they have',
      { blob },
    );
  }

  /** Does one step; what it throws is kept for the end, so that it holds up nothing else. */
  async #attempt<T>(step: () => Promise<T>): Promise<T | undefined> {
    try {
      return await step();
    } catch (thrown) {
      if (!(thrown instanceof KubeError)) throw thrown;
      this.#failures.push(thrown);
      return undefined;
    }
  }
}

function messagesOf(failures: readonly unknown[]): string {
  return failures.map((f) => (f instanceof Error ? f.message : String(f))).join('; ');
}
