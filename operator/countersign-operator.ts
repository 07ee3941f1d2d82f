// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import type { Clock } from '../runtime/clock.ts';
import { FollowedExceptions } from '../runtime/exceptions/index.ts';
import type { Readiness } from '../runtime/http/index.ts';
import type { EvidenceCache, Judge } from '../runtime/judge/index.ts';
import type { KubeClient, PooledKubeConfig } from '../runtime/kube/index.ts';
import type { Logger } from '../runtime/log/index.ts';
import { FollowedProgram, isProgramName, type DefaultAction } from '../runtime/program/index.ts';
import type { QueueObserver, Reconciler, WorkQueue } from '../runtime/queue/index.ts';
import type { KeychainProvider, TagDigests } from '../runtime/registry/index.ts';
import { parseTrustedRoot, type TrustRootSource } from '../verification/index.ts';
import { ExceptionReconciler } from './controllers/exception/index.ts';
import {
  BlobStore,
  IndexStore,
  MaterialReader,
  PolicyCompiler,
  PolicyReconciler,
  ProgramReconciler,
} from './controllers/policy/index.ts';
import { TrustRoots } from './controllers/trust/index.ts';
import {
  CaStore,
  CONFIGURATIONS,
  WebhookConfigurationReconciler,
} from './controllers/webhook-configuration/index.ts';
import {
  followChanges,
  Refreshes,
  ReportStore,
  WorkloadExaminer,
  WorkloadInventory,
  WorkloadReconciler,
  type WorkloadKind,
} from './controllers/workload/index.ts';
import { ControllerOperator, type ControllerSpec } from './framework/index.ts';
import type { OperatorMetrics } from './metrics.ts';
import { createMirrors, type OperatorMirrors } from './mirrors.ts';
import { ReplicaTracker } from './state/replicas.ts';
import { RESOURCES } from './state/resources.ts';
import { EventRecorder } from './status/event-recorder.ts';

/** What the operator is made of. Times in milliseconds. */
export interface OperatorOptions {
  readonly kubeConfig: PooledKubeConfig;
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: OperatorMetrics;
  /** The namespace of operator, program and referenced material. */
  readonly namespace: string;
  readonly instance: string;
  readonly defaultAction: DefaultAction;
  readonly exemptNamespaces: readonly string[];
  readonly materialMs: number;
  /** Workloads judged at the same time. */
  readonly concurrency: number;
  readonly reports: boolean;
  readonly judge: Judge;
  readonly evidence: EvidenceCache;
  readonly tags: TagDigests;
  readonly keychains: KeychainProvider;
  /** Where trust roots that policies have through TUF are read. */
  readonly trustRoots: TrustRootSource;
}

/** The one key of what there is only one of. */
const PROGRAM = 'program';
const CONCURRENCY = 4;

type ControllerName = 'program' | 'policy' | 'exception' | 'configuration' | 'workload';

/** What several controllers work with. */
interface Parts {
  readonly mirrors: OperatorMirrors;
  /** The program that is in force, as every webhook replica follows it. */
  readonly program: FollowedProgram;
  readonly exceptions: FollowedExceptions;
  readonly replicas: ReplicaTracker;
  readonly inventory: WorkloadInventory;
  readonly reports: ReportStore;
}

/**
 * The operator: one controller each for the program, the status of policies, exceptions, webhook
 * configurations and workloads. One replica works at a time; leader election will stand before `start`.
 */
export class CountersignOperator extends ControllerOperator {
  readonly #options: OperatorOptions;
  readonly #events: EventRecorder;
  readonly #queues = new Map<ControllerName, WorkQueue>();
  readonly #trustRoots: TrustRoots;
  #parts: Parts | undefined;
  #publisher: ProgramReconciler | undefined;

  constructor(options: OperatorOptions) {
    const { kubeConfig, client, clock, logger, metrics, instance } = options;
    const observerOf = (name: string): QueueObserver => metrics.observerOf(name, logger);
    super({ kubeConfig, client, clock, logger, observerOf });
    this.#options = options;
    this.#events = new EventRecorder({ api: client, clock, logger, instance });
    this.#trustRoots = new TrustRoots({
      source: options.trustRoots,
      check: parseTrustedRoot,
      clock,
      logger,
      random: Math.random,
      observer: metrics,
      onChange: () => this.#enqueue('program', PROGRAM),
    });
  }

  /** Whether everything that decides is mirrored, and what is missing. Reports may be missing. */
  readiness(): Readiness {
    const reasons = this.mirrorStatus
      .filter(({ synced, resource }) => !synced && resource !== RESOURCES.reports.plural)
      .map(({ resource, problem = 'not listed yet' }) => `${resource}: ${problem}`);
    return { ok: this.#parts !== undefined && reasons.length === 0, reasons };
  }

  /** The exposition of the metrics, as things are now. */
  async renderMetrics(): Promise<{ readonly contentType: string; readonly body: string }> {
    return await this.#options.metrics.render({
      mirrors: this.mirrorStatus,
      depths: this.depths,
      reportsAvailable: this.#parts?.reports.available ?? false,
      trustRoots: this.#trustRoots.counts(),
    });
  }

  /** Reads no more trust roots either. */
  override async shutDown(): Promise<void> {
    this.#trustRoots.close();
    await super.shutDown();
    // A last reconcile may have asked for one.
    this.#trustRoots.close();
  }

  protected override init(): Promise<void> {
    const parts = this.#createParts();
    this.#parts = parts;
    this.#addProgram(parts);
    this.#addPolicies(parts);
    this.#addExceptions(parts);
    this.#addConfigurations(parts);
    this.#addWorkloads(parts);
    return Promise.resolve();
  }

  #createParts(): Parts {
    const { namespace, logger, clock, client, metrics, reports } = this.#options;
    const mirrors = createMirrors((spec) => this.mirror(spec), namespace);
    return {
      mirrors,
      program: new FollowedProgram({
        store: mirrors.configMaps.store,
        namespace,
        logger,
        onRevision: () => this.#programChanged(),
      }),
      exceptions: new FollowedExceptions(mirrors.exceptions.store, logger),
      replicas: new ReplicaTracker({
        leases: mirrors.leases,
        clock,
        onChange: () => this.#enqueueAll('policy', mirrors.policies.store.keys()),
      }),
      inventory: new WorkloadInventory(storesOf(mirrors)),
      reports: new ReportStore({
        api: client,
        mirror: mirrors.reports,
        clock,
        enabled: reports,
        onWrite: () => metrics.reportWritten(),
      }),
    };
  }

  #addProgram({ mirrors, program, replicas }: Parts): void {
    const { client: api, namespace, clock, logger, metrics, materialMs } = this.#options;
    const { policies, configMaps, leases } = mirrors;
    const material = new MaterialReader({ api, clock, namespace, maxAgeMs: materialMs });
    const blobs = new BlobStore({ api, configMaps: configMaps.store, namespace, clock, logger });
    const compiler = new PolicyCompiler({ material, roots: this.#trustRoots, blobs });
    const publisher = new ProgramReconciler({
      api,
      policies: policies.store,
      synced: () => policies.hasSynced && configMaps.hasSynced && leases.hasSynced,
      highestRevision: () => Math.max(replicas.highestRevision, program.snapshot?.revision ?? 0),
      compiler,
      blobs,
      index: new IndexStore(api, namespace),
      defaultAction: this.#options.defaultAction,
      materialMs,
      observer: metrics,
      logger,
      onChange: (names) => this.#enqueueAll('policy', names),
    });
    this.#publisher = publisher;
    const needs = [policies, configMaps, leases];
    this.#add({ name: 'program', concurrency: 1, reconcile: () => publisher.reconcile(), needs });
    this.#enqueue('program', PROGRAM);
    policies.store.onChange((name, current, previous) => {
      if (current?.metadata.generation !== previous?.metadata.generation)
        this.#enqueue('program', PROGRAM);
      this.#enqueue('policy', name);
      // An exception may wait for it, or have lost it.
      if (current === undefined || previous === undefined) {
        this.#enqueueAll('exception', mirrors.exceptions.store.keys());
      }
    });
    configMaps.store.onChange((_key, current, previous) => {
      const name = (current ?? previous)?.metadata.name ?? '';
      if (isProgramName(name)) blobs.forget(name);
      else material.forgetConfigMap(name);
      if (isProgramName(name) || compiler.dependsOnMaterial) this.#enqueue('program', PROGRAM);
    });
  }

  #addPolicies({ mirrors, replicas }: Parts): void {
    const { client: api, clock } = this.#options;
    const { policies, leases } = mirrors;
    const reconciler = new PolicyReconciler({
      api,
      policies: policies.store,
      program: { viewOf: (policy) => this.#publisher?.viewOf(policy) },
      replicas,
      events: this.#events,
      clock,
    });
    const reconcile: Reconciler = (name) => reconciler.reconcile(name);
    this.#add({ name: 'policy', concurrency: CONCURRENCY, reconcile, needs: [policies, leases] });
  }

  #addExceptions({ mirrors, program }: Parts): void {
    const { client: api, clock } = this.#options;
    const { exceptions, configMaps } = mirrors;
    const events = this.#events;
    const reconciler = new ExceptionReconciler({
      api,
      exceptions: exceptions.store,
      policies: mirrors.policies.store,
      program,
      events,
      clock,
    });
    const reconcile: Reconciler = (key) => reconciler.reconcile(key);
    const needs = [exceptions, configMaps, mirrors.policies];
    this.#add({ name: 'exception', concurrency: CONCURRENCY, reconcile, needs });
    exceptions.store.onChange((key) => this.#enqueue('exception', key));
  }

  #addConfigurations({ mirrors }: Parts): void {
    const { client: api, namespace, clock, logger, metrics } = this.#options;
    const { validating, mutating } = mirrors;
    const reconciler = new WebhookConfigurationReconciler({
      api,
      stores: { validating: validating.store, mutating: mutating.store },
      ca: new CaStore({ api, namespace, clock, logger }),
      events: this.#events,
      observer: metrics,
      logger,
    });
    const reconcile: Reconciler = (key) => reconciler.reconcile(key);
    const needs = [validating, mutating];
    this.#add({ name: 'configuration', concurrency: 1, reconcile, needs });
    this.#enqueueAll('configuration', CONFIGURATIONS);
    for (const mirror of needs) {
      mirror.store.onChange(() => this.#enqueueAll('configuration', CONFIGURATIONS));
    }
  }

  #addWorkloads({ mirrors, program, exceptions, inventory, reports }: Parts): void {
    const { clock, logger, judge, evidence, tags, keychains, metrics } = this.#options;
    const refreshes = new Refreshes(clock);
    const reconciler = new WorkloadReconciler({
      inventory,
      program,
      exceptions,
      namespaces: mirrors.namespaces.store,
      exemptNamespaces: new Set(this.#options.exemptNamespaces),
      examiner: new WorkloadExaminer({ judge, evidence, tags, keychains, refreshes }),
      reports,
      events: this.#events,
      observer: metrics,
      clock,
      logger,
      random: Math.random,
    });
    const reconcile: Reconciler = (key, signal) => reconciler.reconcile(key, signal);
    const { namespaces, configMaps, exceptions: exceptionMirror } = mirrors;
    const needs = [namespaces, configMaps, exceptionMirror, ...Object.values(mirrors.workloads)];
    this.#add({ name: 'workload', concurrency: this.#options.concurrency, reconcile, needs });
    const sources = {
      workloads: storesOf(mirrors),
      exceptions: exceptionMirror.store,
      namespaces: namespaces.store,
      reports: mirrors.reports.store,
    };
    followChanges(sources, inventory, (key) => this.#enqueue('workload', key));
    // What was judged before reports could be written is judged again.
    void mirrors.reports.synced.then(() => this.#enqueueAll('workload', inventory.keys()));
  }

  #programChanged(): void {
    const { mirrors, inventory } = this.#parts ?? {};
    this.#enqueueAll('exception', mirrors?.exceptions.store.keys() ?? []);
    this.#enqueueAll('workload', inventory?.keys() ?? []);
  }

  #add(spec: ControllerSpec & { readonly name: ControllerName }): void {
    this.#queues.set(spec.name, this.controller(spec));
  }

  #enqueue(controller: ControllerName, key: string): void {
    this.#queues.get(controller)?.add(key);
  }

  #enqueueAll(controller: ControllerName, keys: readonly string[]): void {
    for (const key of keys) this.#enqueue(controller, key);
  }
}

type Stores = { readonly [K in WorkloadKind]: OperatorMirrors['workloads'][K]['store'] };

function storesOf({ workloads }: OperatorMirrors): Stores {
  const entries = Object.entries(workloads).map(([kind, mirror]) => [kind, mirror.store] as const);
  return Object.fromEntries(entries) as Stores;
}
