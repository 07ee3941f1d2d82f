// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { isProgramName } from '../../runtime/program/index.ts';
import {
  BlobStore,
  IndexStore,
  MaterialReader,
  PolicyCompiler,
  ProgramReconciler,
} from '../controllers/policy/index.ts';
import type { TrustRoots } from '../controllers/trust/index.ts';
import { CLUSTER_REPORT, PROGRAM, type Host, type Parts } from './host.ts';

interface ProgramParts {
  readonly publisher: ProgramReconciler;
  readonly compiler: PolicyCompiler;
  readonly blobs: BlobStore;
  readonly material: MaterialReader;
}

/** Adds what publishes the program; answers it, for those who tell how policies stand. */
export function addProgram(host: Host, parts: Parts, trustRoots: TrustRoots): ProgramReconciler {
  const made = createPublisher(host, parts, trustRoots);
  const { policies, configMaps, leases } = parts.mirrors;
  const needs = [policies, configMaps, leases];
  const reconcile = () => made.publisher.reconcile();
  host.add({ name: 'program', concurrency: 1, reconcile, needs });
  host.enqueue('program', PROGRAM);
  follow(host, parts, made);
  return made.publisher;
}

function createPublisher(host: Host, parts: Parts, roots: TrustRoots): ProgramParts {
  const { client: api, namespace, clock, logger, metrics } = host.options;
  const { defaultAction, cluster, materialMs } = host.options;
  const { mirrors, replicas, program } = parts;
  const { policies, configMaps, leases } = mirrors;
  const material = new MaterialReader({ api, clock, namespace, maxAgeMs: materialMs });
  const blobs = new BlobStore({ api, configMaps: configMaps.store, namespace, clock, logger });
  const compiler = new PolicyCompiler({ material, roots, blobs });
  const publisher = new ProgramReconciler({
    api,
    policies: policies.store,
    synced: () => policies.hasSynced && configMaps.hasSynced && leases.hasSynced,
    highestRevision: () => Math.max(replicas.highestRevision, program.snapshot?.revision ?? 0),
    compiler,
    blobs,
    index: new IndexStore(api, namespace),
    defaultAction,
    cluster,
    materialMs,
    observer: metrics,
    logger,
    onChange: (names) => {
      host.enqueueAll('policy', names);
      host.enqueue('cluster-report', CLUSTER_REPORT);
    },
  });
  return { publisher, compiler, blobs, material };
}

function follow(host: Host, { mirrors }: Parts, { compiler, blobs, material }: ProgramParts): void {
  mirrors.policies.store.onChange((name, current, previous) => {
    if (current?.metadata.generation !== previous?.metadata.generation)
      host.enqueue('program', PROGRAM);
    host.enqueue('policy', name);
    // An exception may wait for it, or have lost it.
    if (current === undefined || previous === undefined)
      host.enqueueAll('exception', mirrors.exceptions.store.keys());
  });
  mirrors.configMaps.store.onChange((_key, current, previous) => {
    const name = (current ?? previous)?.metadata.name ?? '';
    if (isProgramName(name)) blobs.forget(name);
    else material.forgetConfigMap(name);
    if (isProgramName(name) || compiler.dependsOnMaterial) host.enqueue('program', PROGRAM);
  });
}
