// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import type { KubeObject, Reflector } from '../../runtime/kube/index.ts';
import type { FollowedExceptions } from '../../runtime/exceptions/index.ts';
import type { FollowedProgram } from '../../runtime/program/index.ts';
import type {
  ForeignOwners,
  ReportStore,
  VerificationLog,
  WorkloadInventory,
} from '../controllers/workload/index.ts';
import type { ControllerSpec, MirrorSpec } from '../framework/index.ts';
import type { OperatorMirrors } from '../mirrors.ts';
import type { ReportCollection, ReportWriter } from '../reporting/index.ts';
import type { ExceptionUsageBoard } from '../state/exception-usage.ts';
import type { FindingsBoard } from '../state/findings-board.ts';
import type { ReplicaTracker } from '../state/replicas.ts';
import type { EventSink } from '../status/events.ts';
import type { OperatorOptions } from './options.ts';

/** The controllers that there are. */
export type ControllerName =
  | 'program'
  | 'policy'
  | 'exception'
  | 'configuration'
  | 'workload'
  | 'remediation'
  | 'report-api'
  | 'cluster-report';

/** The one key of what there is only one of. */
export const PROGRAM = 'program';
export const REPORT_API = 'report-api';
export const CLUSTER_REPORT = 'cluster-report';
/** Keys worked on at the same time where each is a few calls to the API server. */
export const CONCURRENCY = 4;

/** What the operator offers to those who put its controllers together. */
export interface Host {
  readonly options: OperatorOptions;
  readonly events: EventSink;
  /** Mirrors a collection from the start of the operator on. */
  mirror<T extends KubeObject>(spec: MirrorSpec<T>): Reflector<T>;
  /** Ends a mirror. */
  drop(mirror: object): void;
  /** Adds a controller; it works when what it needs is mirrored. */
  add(spec: ControllerSpec & { readonly name: ControllerName }): void;
  /** Gives a key to a controller; nothing where there is no such controller yet. */
  enqueue(controller: ControllerName, key: string): void;
  enqueueAll(controller: ControllerName, keys: readonly string[]): void;
  /** Gives a key to a controller after a while, once however often it is asked for until then. */
  enqueueAfter(controller: ControllerName, key: string, ms: number): void;
}

/** What several controllers work with. */
export interface Parts {
  readonly mirrors: OperatorMirrors;
  /** The program that is in force, as every webhook replica follows it. */
  readonly program: FollowedProgram;
  readonly exceptions: FollowedExceptions;
  readonly replicas: ReplicaTracker;
  readonly inventory: WorkloadInventory;
  /** Owners of kinds that are not mirrored. */
  readonly owners: ForeignOwners;
  readonly board: FindingsBoard;
  readonly usage: ExceptionUsageBoard;
  readonly log: VerificationLog;
  readonly reports: ReportStore;
  /** Our reports in the API that is in use. */
  readonly collection: ReportCollection;
  readonly reportWriter: ReportWriter;
}
