// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import type { Clock } from '../runtime/clock.ts';
import type { Readiness } from '../runtime/http/index.ts';
import { FollowedExceptions } from '../runtime/exceptions/index.ts';
import type { KubeClient } from '../runtime/kube/index.ts';
import type { Logger } from '../runtime/log/index.ts';
import { FollowedProgram } from '../runtime/program/index.ts';
import type { Leaf } from '../runtime/tls/index.ts';
import {
  CaLeafSource,
  FileLeafSource,
  serviceNames,
  ServingCertificate,
  type LeafSource,
} from './certificate/index.ts';
import { ReplicaLease } from './lease.ts';
import type { ReplicaState } from './metrics.ts';
import { ConfigurationState } from './state/configurations.ts';
import { allMirrors, createMirrors, type Mirrors } from './state/mirrors.ts';
import { NamespaceState } from './state/namespaces.ts';
import { exceptionsAreStale, readinessProblems } from './state/readiness.ts';

/** What a replica is made of. */
export interface ReplicaOptions {
  readonly client: Pick<KubeClient, 'get' | 'list' | 'stream' | 'create' | 'replace' | 'delete'>;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly namespace: string;
  readonly service: string;
  /** Where somebody else writes our certificate; absent where we mint it from the CA of the operator. */
  readonly certificateDirectory?: string | undefined;
  readonly pod: { readonly name: string; readonly uid: string | undefined };
  /** Told of every certificate that is to be served from now on. */
  readonly onLeaf: (leaf: Leaf) => void;
}

/**
 * What one webhook replica knows of the cluster and tells it: program, exceptions, namespaces and
 * webhook configurations as mirrored, its certificate, its Lease, and whether it is ready.
 */
export class Replica {
  readonly program: FollowedProgram;
  readonly exceptions: FollowedExceptions;
  readonly namespaces: NamespaceState;
  readonly #clock: Clock;
  readonly #mirrors: Mirrors;
  readonly #configurations: ConfigurationState;
  readonly #certificate: ServingCertificate;
  readonly #lease: ReplicaLease;
  #stopping = false;

  constructor(options: ReplicaOptions) {
    const { client, clock, logger, namespace, pod } = options;
    this.#clock = clock;
    this.#mirrors = createMirrors({ client, clock, logger, namespace });
    const { program, exceptions, namespaces, validating, mutating } = this.#mirrors;
    this.exceptions = new FollowedExceptions(exceptions.store, logger, () =>
      exceptionsAreStale(exceptions.secondsSinceContact()),
    );
    this.namespaces = new NamespaceState(namespaces.store, client, logger);
    this.#configurations = new ConfigurationState([validating.store, mutating.store]);
    const accepts = (leafPem: string): boolean =>
      this.#configurations.refusing(leafPem, clock.now()).length === 0;
    this.#certificate = new ServingCertificate({
      source: leafSource(options),
      clock,
      logger,
      accepts,
      onLeaf: (leaf) => {
        options.onLeaf(leaf);
        this.#lease.poke();
      },
    });
    this.#lease = new ReplicaLease({
      client,
      clock,
      logger,
      namespace,
      podName: pod.name,
      ...(pod.uid === undefined ? {} : { podUid: pod.uid }),
      revision: () => this.program.snapshot?.revision,
      servingCa: () => this.#certificate.leaf?.issuer,
    });
    this.program = new FollowedProgram({
      store: program.store,
      namespace,
      logger,
      onRevision: () => this.#lease.poke(),
    });
  }

  /** Starts mirroring. */
  start(): void {
    for (const mirror of allMirrors(this.#mirrors)) mirror.start();
  }

  /** Ends mirroring. */
  async stop(): Promise<void> {
    await Promise.all(allMirrors(this.#mirrors).map((mirror) => mirror.stop()));
  }

  /** Keeps the certificate fresh until the signal aborts. */
  async runCertificate(signal: AbortSignal): Promise<void> {
    await this.#certificate.run(signal);
  }

  /** Keeps the Lease until the signal aborts, then takes it away. */
  async runLease(signal: AbortSignal): Promise<void> {
    await this.#lease.run(signal);
    await this.#lease.release();
  }

  /** From now on not ready: the process is about to end. */
  retire(): void {
    this.#stopping = true;
  }

  /** Whether the API server may send requests here, and why not. */
  readiness(): Readiness {
    const { exceptions, namespaces, validating, mutating } = this.#mirrors;
    const problems = readinessProblems({
      programmed: this.program.snapshot !== undefined,
      mirrors: {
        exceptions,
        namespaces,
        'validating webhooks': validating,
        'mutating webhooks': mutating,
      },
      exceptionsSilentSeconds: exceptions.secondsSinceContact(),
      serving: this.#certificate.leaf !== undefined,
      refusing: this.#refusing(),
    });
    const reasons = this.#stopping ? ['stopping', ...problems] : problems;
    return { ok: reasons.length === 0, reasons };
  }

  /** State for gauges. */
  state(): ReplicaState {
    const { snapshot, problem } = this.program;
    const silent = allMirrors(this.#mirrors).map(
      (mirror) => [mirror.status().resource, mirror.secondsSinceContact()] as const,
    );
    return {
      revision: snapshot?.revision,
      programProblem: problem !== undefined,
      policies: snapshot?.policies.length ?? 0,
      exceptions: this.exceptions.count,
      invalidExceptions: this.exceptions.invalidCount,
      leafNotAfter: this.#certificate.leaf?.notAfter,
      refusing: this.#refusing().length,
      ready: this.readiness().ok,
      silentSeconds: Object.fromEntries(silent),
    };
  }

  #refusing(): readonly string[] {
    const { leaf } = this.#certificate;
    return leaf === undefined ? [] : this.#configurations.refusing(leaf.certPem, this.#clock.now());
  }
}

function leafSource(options: ReplicaOptions): LeafSource {
  const { client, namespace, service, certificateDirectory: directory } = options;
  const dnsNames = serviceNames({ name: service, namespace });
  return directory === undefined
    ? new CaLeafSource({ client, namespace, dnsNames })
    : new FileLeafSource({ directory, dnsName: dnsNames[0] });
}
