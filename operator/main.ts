// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { randomUUID } from 'node:crypto';
import { openAudit, type AuditOutcome } from '../runtime/audit/index.ts';
import { systemClock } from '../runtime/clock.ts';
import { openFacts } from '../runtime/fact-workers/index.ts';
import { serveHealth, serverFaults } from '../runtime/http/index.ts';
import { EvidenceCache, Judge } from '../runtime/judge/index.ts';
import { KubeClient, loadKubeConfig, type PooledKubeConfig } from '../runtime/kube/index.ts';
import { Leadership, type FencedClient } from '../runtime/leadership/index.ts';
import { preferSmallHeap, runMain, type LifecycleContext } from '../runtime/lifecycle/index.ts';
import { createLogger } from '../runtime/log/index.ts';
import { openNotifications, type NotificationSink } from '../runtime/notification/index.ts';
import { openKeychains, TagDigests } from '../runtime/registry/index.ts';
import { processSettings } from '../runtime/settings/index.ts';
import {
  exchangeTracer,
  openTracing,
  type SpanOutcome,
  type Tracer,
} from '../runtime/tracing/index.ts';
import {
  openVerifiedEvidence,
  type KeepingOutcome,
  type VerifiedEvidence,
} from '../runtime/verified-evidence/index.ts';
import {
  limits,
  type CompiledPolicy,
  type EvidenceSource,
  type TrustRootSource,
} from '../verification/index.ts';
import { dockerConfigKeychain } from '../verification/sources/keychain/index.ts';
import { createOciSource } from '../verification/sources/oci/index.ts';
import { createReceiver } from '../verification/sources/receiver/index.ts';
import { createTufSource } from '../verification/sources/tuf/index.ts';
import { CountersignOperator } from './countersign-operator.ts';
import { OperatorMetrics } from './metrics.ts';
import { OperatorTerms } from './terms.ts';

/** The Lease of the replica that leads; rights name it, too. */
const LEASE = 'countersign-operator';
const STOP_MS = 30_000;
const EVIDENCE_BYTES = 256 * 1024 * 1024;
/**
 * Evidence is read again by the interval of policies. Until then it is used as it is, so that a change
 * of trust or of an exception needs no registry.
 */
const EVIDENCE_FRESH_MS = 168 * 3_600_000;

const clock = systemClock;
const settings = processSettings();
const logger = createLogger({ level: settings.log.level, format: settings.log.format });
const metrics = new OperatorMetrics();

async function start(context: LifecycleContext): Promise<void> {
  const kubeConfig = connectionOf(context);
  const client = new KubeClient(kubeConfig, clock);
  const { collectionMs } = limits();
  const source = registrySource(context, await traces(context));
  const { judge, evidence } = judging(source, context);
  const lasting = {
    kubeConfig,
    clock,
    logger,
    metrics,
    audit: auditLog(context),
    notifications: await notifications(context),
    namespace: settings.namespace,
    instance: settings.pod.name,
    defaultAction: settings.defaultAction,
    cluster: settings.cluster,
    exemptNamespaces: settings.exemptNamespaces,
    materialMs: settings.materialMs,
    concurrency: settings.reverificationConcurrency,
    reportApi: settings.reportApi,
    remediation: settings.remediation,
    reviewMs: settings.exceptionReviewMs,
    ownCertificates: settings.webhook.certificateDirectory === undefined,
    caStepMs: settings.webhook.caStepMs,
    judge,
    evidence,
    tags: new TagDigests({
      source,
      clock,
      freshMs: settings.caches.tagMs,
      resolveMs: collectionMs,
    }),
    keychains: await openKeychains({
      settings: settings.registry,
      client,
      readConfig: dockerConfigKeychain,
      clock,
      logger,
    }),
    trustRoots: trustRootSource(context),
  };
  const create = (fenced: FencedClient): CountersignOperator =>
    new CountersignOperator({ ...lasting, client: fenced });
  const terms = new OperatorTerms({ leadership: leadershipBy(context), client, metrics, create });
  await serveHealth(
    {
      ...settings.health,
      ready: () => terms.readiness(),
      metrics: () => terms.renderMetrics(),
      onError: serverFaults(logger, () => metrics.fault('server')),
    },
    context,
  );
  const working = terms.run(context.signal);
  context.onStop('operator', () => working);
}

/** Connections to the API server, until the end. */
function connectionOf(context: LifecycleContext): PooledKubeConfig {
  const { kubeconfigPath } = settings;
  const kubeConfig = loadKubeConfig(kubeconfigPath === undefined ? {} : { kubeconfigPath });
  context.onStop('kubernetes connections', () => kubeConfig.close());
  return kubeConfig;
}

/**
 * Takes part in the election of the replica that works. By a connection of its own: renewing the Lease
 * must not wait behind whatever else is asked of the API server.
 */
function leadershipBy(context: LifecycleContext): Leadership {
  const client = new KubeClient(connectionOf(context), clock);
  const { namespace, pod } = settings;
  const identity = `${pod.name}_${randomUUID()}`;
  return new Leadership({
    client,
    clock,
    logger,
    namespace,
    name: LEASE,
    identity,
    random: Math.random,
  });
}

/** What judges images, and the evidence that it keeps. */
function judging(
  source: EvidenceSource,
  context: LifecycleContext,
): { readonly judge: Judge; readonly evidence: EvidenceCache } {
  const evidence = new EvidenceCache({
    source,
    clock,
    freshMs: EVIDENCE_FRESH_MS,
    negativeMs: settings.caches.evidenceNegativeMs,
    collectionMs: limits().collectionMs,
    maxBytes: EVIDENCE_BYTES,
    onCollection: () => metrics.collected(),
  });
  const opened = openFacts({ clock, onJob: (outcome) => metrics.factJob(outcome) });
  context.onStop('fact workers', () => opened.stop());
  const { facts, establisher } = opened;
  const lastVerified = {
    store: keptEvidence(context),
    // What to act on, and what not, is told by what was verified before.
    keep: ({ spec }: CompiledPolicy) =>
      settings.remediation && spec.reverification.onRejected !== 'Report',
  };
  return { judge: new Judge({ evidence, facts, clock, establisher, lastVerified }), evidence };
}

function keptEvidence(context: LifecycleContext): VerifiedEvidence {
  const { cacheDirectory } = settings;
  const onOutcome = (outcome: KeepingOutcome): void => metrics.keptEvidence(outcome);
  const store = openVerifiedEvidence({ cacheDirectory, clock, logger, onOutcome });
  context.onStop('kept evidence', () => store.close());
  return store;
}

function auditLog(context: LifecycleContext): ReturnType<typeof openAudit> {
  const { audit } = settings;
  const onRecords = (outcome: AuditOutcome, count: number): void => metrics.audited(outcome, count);
  return openAudit({ settings: audit, clock, logger, onRecords }, context);
}

function notifications(context: LifecycleContext): Promise<NotificationSink | undefined> {
  const { plainHttpHosts, privateHosts } = settings.registry;
  const hosts = { plainHttpHosts, privateHosts, limits: limits() };
  return openNotifications(
    {
      settings: settings.notification,
      createReceiver: (url) => createReceiver({ url, ...hosts }),
      clock,
      logger,
      random: Math.random,
      onOutcome: (outcome) => metrics.notified(outcome),
    },
    context,
  );
}

function traces(context: LifecycleContext): Promise<Tracer | undefined> {
  const serviceName = 'countersign-operator';
  const onSpans = (outcome: SpanOutcome, count: number): void => metrics.traced(outcome, count);
  const { tracing, pod } = settings;
  const common = { serviceName, instance: pod.name, clock, logger, onSpans };
  return openTracing({ ...common, settings: tracing }, context);
}

function registrySource(context: LifecycleContext, tracer: Tracer | undefined): EvidenceSource {
  const { plainHttpHosts, privateHosts } = settings.registry;
  const source = createOciSource({
    limits: limits(),
    plainHttpHosts,
    privateHosts,
    now: () => clock.now().getTime(),
    observe: (event) => metrics.exchanged(event.outcome),
    trace: exchangeTracer(tracer),
  });
  context.onStop('registry connections', () => source.close());
  return source;
}

function trustRootSource(context: LifecycleContext): TrustRootSource {
  const { plainHttpHosts, privateHosts } = settings.registry;
  const source = createTufSource({
    cacheDirectory: `${settings.cacheDirectory}/tuf`,
    limits: limits(),
    plainHttpHosts,
    privateHosts,
    now: () => clock.now().getTime(),
  });
  context.onStop('trust root connections', () => source.close());
  return source;
}

preferSmallHeap();
await runMain({ logger, stopMs: STOP_MS, onUnhandled: () => metrics.fault('process') }, start);
