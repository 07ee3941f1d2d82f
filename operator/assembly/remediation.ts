// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { RemediationReason } from '../../crds/index.ts';
import type { JudgeInput } from '../../runtime/judge/index.ts';
import {
  AbsenceReader,
  Absences,
  asksForAction,
  Charges,
  Evictor,
  RemediationReconciler,
  Rollback,
  Suspects,
  type RemediationAction,
  type RemediationOutcome,
  type Sample,
} from '../controllers/remediation/index.ts';
import {
  Refreshes,
  WorkloadExaminer,
  type FindingsFollower,
} from '../controllers/workload/index.ts';
import { CONCURRENCY, type Host, type Parts } from './host.ts';

/**
 * Adds what acts on workloads that run what is not trusted any more. Answers what is to be told of
 * findings; nothing where this installation does not act: then only policies that ask for it are told.
 */
export function addRemediation(host: Host, parts: Parts): FindingsFollower | undefined {
  const { options } = host;
  if (!options.remediation) {
    tellWhoAsks(host, parts);
    return undefined;
  }
  const { client: api, clock, judge, metrics } = options;
  const { mirrors, inventory, program, exceptions } = parts;
  const absences = new Absences(clock);
  const suspects = new Suspects({ absences, enqueue: (key) => host.enqueue('remediation', key) });
  const charges = new Charges({ judge, suspects });
  const examiner = createExaminer(host);
  const inputOf = (sample: Sample): Promise<JudgeInput | undefined> =>
    inputOfSample(sample, examiner, parts);
  const isComplete = (): boolean => parts.board.isComplete;
  const { events } = host;
  const onOutcome = (action: RemediationAction, outcome: RemediationOutcome): void =>
    metrics.remediated(action, outcome);
  const common = { api, events, onOutcome };
  const reconciler = new RemediationReconciler({
    suspects,
    charges,
    absences: new AbsenceReader({ judge, charges, absences, isComplete, inputOf, random }),
    evictor: new Evictor({ ...common, inventory, clock, roundMs: ROUND_MS }),
    rollback: new Rollback({ ...common, judge, examiner }),
    examiner,
    inventory,
    program,
    exceptions,
    namespaces: mirrors.namespaces.store,
    events,
    onOutcome,
    roundMs: ROUND_MS,
  });
  host.add({
    name: 'remediation',
    concurrency: CONCURRENCY,
    reconcile: (key, signal) => reconciler.reconcile(key, signal),
    needs: [mirrors.namespaces, mirrors.exceptions, ...Object.values(mirrors.workloads)],
  });
  return suspects;
}

const random = Math.random;
const ROUND_MS = 60_000;

function createExaminer(host: Host): WorkloadExaminer {
  const { clock, judge, evidence, tags, keychains } = host.options;
  return new WorkloadExaminer({
    judge,
    evidence,
    tags,
    keychains,
    refreshes: new Refreshes(clock),
  });
}

async function inputOfSample(
  sample: Sample,
  examiner: WorkloadExaminer,
  { program, exceptions, mirrors }: Parts,
): Promise<JudgeInput | undefined> {
  const { namespace } = sample;
  const object = mirrors.namespaces.store.get(namespace);
  const { snapshot } = program;
  if (snapshot === undefined || object === undefined) return undefined;
  const namespaceLabels = object.metadata.labels ?? {};
  const ground = { snapshot, exceptions: exceptions.index, namespace, namespaceLabels };
  return await examiner.inputOf(sample, ground);
}

/** Policies that ask for what this installation does not have. */
function tellWhoAsks({ events }: Host, { mirrors, program }: Parts): void {
  mirrors.policies.store.onChange((name, policy) => {
    const compiled = program.snapshot?.policies.find((one) => one.name === name);
    if (policy === undefined || compiled === undefined || !asksForAction(compiled)) return;
    const { onRejected } = compiled.spec.reverification;
    events.record(policy, {
      type: 'Warning',
      reason: RemediationReason.RemediationNotEnabled,
      message: `onRejected is ${onRejected}, but this installation only reports: it takes the component remediation`,
    });
  });
}
