// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { LRUCache } from 'lru-cache';
import { RemediationReason } from '../../../crds/index.ts';
import { isStatus } from '../../../runtime/kube/index.ts';
import type { Judge, PolicyJudgement } from '../../../runtime/judge/index.ts';
import { parseImageReference, type ImageReference } from '../../../verification/index.ts';
import { pathOf, type KubeApi } from '../../state/resources.ts';
import type { EventSink } from '../../status/events.ts';
import { WORKLOADS, type WorkloadExaminer } from '../workload/index.ts';
import {
  described,
  type Convicted,
  type Guilty,
  type RemediationAction,
  type RemediationOutcome,
} from './guilty.ts';
import {
  earlierTemplates,
  isOwnedByGitOps,
  readLive,
  ROLLBACK_KINDS,
  type LiveWorkload,
  type RollbackKind,
  type Template,
} from './revisions.ts';

/** What rolling back needs. */
export interface RollbackOptions {
  readonly api: Pick<KubeApi, 'get' | 'list' | 'patch'>;
  readonly judge: Pick<Judge, 'refresh' | 'judge'>;
  readonly examiner: Pick<WorkloadExaminer, 'inputOf'>;
  readonly events: EventSink;
  readonly onOutcome: (action: RemediationAction, outcome: RemediationOutcome) => void;
}

/** An image of a template, by its JSON pointer, and what takes its place. */
interface Exchange {
  readonly path: string;
  readonly from: string;
  readonly to: string;
}

type Plan =
  | { readonly exchanges: readonly Exchange[] }
  /** `later` where that may change by itself. */
  | { readonly reason: 'impossible' | 'later'; readonly why: string };

const LISTS = ['initContainers', 'containers'] as const;
const MAX_WRITTEN = 100_000;
const GITOPS = 'Flux or Argo CD own it: what they apply has to change';

/** Puts images of a template back to what the workload had before and what verifies now. */
export class Rollback {
  readonly #options: RollbackOptions;
  /** The generation that we wrote last, by uid: what came of it is not rolled back once more. */
  readonly #written = new LRUCache<string, number>({ max: MAX_WRITTEN });

  constructor(options: RollbackOptions) {
    this.#options = options;
  }

  /** Rolls back where that can be done. Throws KubeError where the API server cannot be asked. */
  async run(convicted: Convicted, signal: AbortSignal): Promise<void> {
    try {
      await this.#run(convicted, signal);
    } catch (thrown) {
      this.#options.onOutcome('rollback', 'failed');
      throw thrown;
    }
  }

  async #run(convicted: Convicted, signal: AbortSignal): Promise<void> {
    const { workload, guilty } = convicted;
    const kind = ROLLBACK_KINDS.find((one) => one === workload.kind);
    if (kind === undefined) {
      this.#impossible(convicted, `a ${workload.kind ?? ''} keeps nothing of before`);
      return;
    }
    const templates = guilty.filter(({ judged }) => judged.observed.process === 'template');
    // What runs is not what is wanted any more: the rollout takes care of it.
    if (templates.length === 0) return;
    const { api } = this.#options;
    const live = await readLive(api, kind, workload.metadata, signal);
    if (live === undefined) return;
    if (isOwnedByGitOps(live)) {
      this.#tell(convicted, RemediationReason.RollbackSkipped, GITOPS, 'skipped');
      return;
    }
    if (this.#written.get(workload.metadata.uid ?? '') === live.metadata.generation) {
      this.#impossible(convicted, 'it was rolled back already');
      return;
    }
    const earlier = await earlierTemplates(api, kind, live, signal);
    const plan = await this.#plan({ convicted, templates, live, earlier }, signal);
    if ('exchanges' in plan) await this.#apply({ convicted, kind, live }, plan.exchanges, signal);
    else if (plan.reason === 'impossible') this.#impossible(convicted, plan.why);
  }

  /** What is to be exchanged: all images that are charged, or nothing. */
  async #plan(
    { convicted, templates, live, earlier }: Situation,
    signal: AbortSignal,
  ): Promise<Plan> {
    const exchanges: Exchange[] = [];
    for (const guilty of templates) {
      const { container, written } = guilty.judged.observed;
      const at = pathIn(live.spec?.template, container, written);
      // What was judged is not there any more, or is no image of a container.
      if (at === undefined) return { reason: 'later', why: '' };
      const candidates = imagesOf(earlier, container).filter((image) => image !== written);
      const to = await this.#firstVerified(candidates, guilty, convicted, signal);
      if (to === 'unsure') return { reason: 'later', why: '' };
      if (to === undefined)
        return { reason: 'impossible', why: `no earlier image of ${container} verifies now` };
      exchanges.push({ path: at, from: written, to });
    }
    return { exchanges };
  }

  /** The newest one that verifies now; `unsure` where that cannot be told of one and no other does. */
  async #firstVerified(
    candidates: readonly string[],
    guilty: Guilty,
    { ground }: Convicted,
    signal: AbortSignal,
  ): Promise<string | undefined> {
    const { judge, examiner } = this.#options;
    let otherwise: 'unsure' | undefined;
    for (const written of candidates) {
      const digest = referenceOf(written)?.digest;
      if (digest === undefined || digest === guilty.judged.digest) continue;
      const observed = { ...guilty.judged.observed, written };
      const input = await examiner.inputOf({ observed, image: written, digest }, ground);
      const isRead = await judge.refresh(input, signal);
      const { policies } = await judge.judge(input, signal);
      if (isRead && policies.length > 0 && policies.every(isVerified)) return written;
      if (!isRead) otherwise = 'unsure';
    }
    return otherwise;
  }

  async #apply(
    { convicted, kind, live }: Pick<Situation, 'convicted' | 'live'> & { kind: RollbackKind },
    exchanges: readonly Exchange[],
    signal: AbortSignal,
  ): Promise<void> {
    if (!(await convicted.isStillSo())) return;
    const { namespace = '', name, resourceVersion, uid = '' } = live.metadata;
    const path = pathOf(WORKLOADS[kind].resource, { namespace, name });
    const operations = [
      { op: 'test', path: '/metadata/resourceVersion', value: resourceVersion },
      ...exchanges.flatMap(({ path: at, from, to }) => [
        { op: 'test', path: at, value: from },
        { op: 'replace', path: at, value: to },
      ]),
    ];
    try {
      const after = await this.#options.api.patch<LiveWorkload>(path, operations, 'json', {
        signal,
      });
      this.#written.set(uid, after.metadata.generation ?? 0);
    } catch (thrown) {
      // It is another version by now: the next round sees that one.
      if (isStatus(thrown, 409) || isStatus(thrown, 422)) return;
      throw thrown;
    }
    const done = exchanges.map(({ from, to }) => `${from} to ${to}`).join(', ');
    this.#tell(convicted, RemediationReason.RolledBack, `rolled back ${done}`, 'done');
  }

  #impossible(convicted: Convicted, why: string): void {
    this.#tell(convicted, RemediationReason.RollbackImpossible, why, 'impossible');
  }

  #tell(
    { workload, guilty }: Convicted,
    reason: string,
    what: string,
    outcome: RemediationOutcome,
  ): void {
    const { events, onOutcome } = this.#options;
    onOutcome('rollback', outcome);
    events.record(workload, { type: 'Warning', reason, message: `${what}: ${described(guilty)}` });
  }
}

interface Situation {
  readonly convicted: Convicted;
  readonly templates: readonly Guilty[];
  readonly live: LiveWorkload;
  readonly earlier: readonly Template[];
}

/** JSON pointer of the image of a container; `undefined` where it is not the one that is expected. */
function pathIn(
  template: Template | undefined,
  container: string,
  image: string,
): string | undefined {
  for (const list of LISTS) {
    const index = template?.spec?.[list]?.findIndex(
      (one) => one.name === container && one.image === image,
    );
    if (index !== undefined && index >= 0)
      return `/spec/template/spec/${list}/${index.toString()}/image`;
  }
  return undefined;
}

/** The images that a container had, each once, in the order of the templates. */
function imagesOf(templates: readonly Template[], container: string): readonly string[] {
  const images = templates.flatMap(({ spec }) =>
    LISTS.flatMap((list) => spec?.[list] ?? [])
      .filter(({ name }) => name === container)
      .flatMap(({ image }) => image ?? []),
  );
  return [...new Set(images)];
}

/** By what the registry has now; exceptions and kept evidence are no reason to go back to an image. */
function isVerified({ verdict, lastVerified }: PolicyJudgement): boolean {
  return verdict.outcome === 'verified' && lastVerified === undefined;
}

function referenceOf(written: string): ImageReference | undefined {
  try {
    return parseImageReference(written);
  } catch {
    return undefined;
  }
}
