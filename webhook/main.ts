// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { openAudit, type Audit } from '../runtime/audit/index.ts';
import { systemClock } from '../runtime/clock.ts';
import { openFacts, type OpenedFacts } from '../runtime/fact-workers/index.ts';
import { serveHealth, serverFaults, WebServer } from '../runtime/http/index.ts';
import { EvidenceCache, Judge } from '../runtime/judge/index.ts';
import { KubeClient, loadKubeConfig } from '../runtime/kube/index.ts';
import { runMain, type LifecycleContext } from '../runtime/lifecycle/index.ts';
import { createLogger } from '../runtime/log/index.ts';
import { openKeychains, TagDigests, type RegistryKeychains } from '../runtime/registry/index.ts';
import { processSettings } from '../runtime/settings/index.ts';
import {
  openVerifiedEvidence,
  type KeepingOutcome,
  type VerifiedEvidence,
} from '../runtime/verified-evidence/index.ts';
import {
  exchangeTracer,
  openTracing,
  type SpanOutcome,
  type Tracer,
} from '../runtime/tracing/index.ts';
import { limits, type EvidenceSource } from '../verification/index.ts';
import { dockerConfigKeychain } from '../verification/sources/keychain/index.ts';
import { createOciSource } from '../verification/sources/oci/index.ts';
import { AdmissionAudit } from './audit/index.ts';
import { PinHandler } from './handlers/pin.ts';
import { ReferenceReader } from './handlers/references.ts';
import { ResourcesHandler } from './handlers/resources.ts';
import { VerifyHandler } from './handlers/verify.ts';
import { WebhookMetrics } from './metrics.ts';
import { Replica } from './replica.ts';
import { admissionRoutes } from './server.ts';
import { ServingSwitch, tlsOf } from './serving.ts';

const BODY_BYTES = 8 * 1024 * 1024;
const EVIDENCE_BYTES = 256 * 1024 * 1024;
const STOP_MS = 30_000;
const DRAIN_MS = 10_000;
/** In a cluster, endpoints need this long to forget a replica: it serves on meanwhile. */
const FAREWELL_MS = 3_000;

/** What reads registries, verifies what was read, and tells of it. */
interface Parts {
  readonly source: EvidenceSource;
  readonly keychains: RegistryKeychains;
  readonly facts: OpenedFacts;
  readonly audit: Audit | undefined;
  readonly tracer: Tracer | undefined;
  readonly kept: VerifiedEvidence;
}

const clock = systemClock;
const settings = processSettings();
const logger = createLogger({ level: settings.log.level, format: settings.log.format });
const metrics = new WebhookMetrics();
const onError = serverFaults(logger, () => metrics.fault('server'));

async function start(context: LifecycleContext): Promise<void> {
  const { kubeconfigPath } = settings;
  const connection = loadKubeConfig(kubeconfigPath === undefined ? {} : { kubeconfigPath });
  const client = new KubeClient(connection, clock);
  context.onStop('kubernetes connections', () => connection.close());
  const tracer = await traces(context);
  const parts: Parts = {
    source: registrySource(context, tracer),
    tracer,
    keychains: await openKeychains({
      settings: settings.registry,
      client,
      readConfig: dockerConfigKeychain,
      clock,
      logger,
    }),
    facts: openFacts({ clock, onJob: (outcome) => metrics.factJob(outcome) }),
    audit: openAudit(
      {
        settings: settings.audit,
        clock,
        logger,
        onRecords: (outcome, count) => metrics.audited(outcome, count),
      },
      context,
    ),
    kept: keptEvidence(context),
  };
  context.onStop('fact workers', () => parts.facts.stop());
  const server = new ServingSwitch();
  const replica = new Replica({
    client,
    clock,
    logger,
    namespace: settings.namespace,
    service: settings.webhook.service,
    certificateDirectory: settings.webhook.certificateDirectory,
    pod: settings.pod,
    onLeaf: (leaf) => server.take(leaf),
  });
  context.onStop('mirrors', () => replica.stop());
  replica.start();
  await serveHealth(
    {
      ...settings.health,
      ready: () => replica.readiness(),
      metrics: () => metrics.render(replica.state()),
      onError,
    },
    context,
  );
  void serve(parts, { replica, server, context }).catch(endProcess);
}

/** Says hello to the API server as soon as there is a certificate, and then to the operator. */
async function serve(
  parts: Parts,
  {
    replica,
    server,
    context,
  }: {
    readonly replica: Replica;
    readonly server: ServingSwitch;
    readonly context: LifecycleContext;
  },
): Promise<void> {
  const { signal } = context;
  const certificate = replica.runCertificate(signal);
  const leaf = await Promise.race([server.firstLeaf, certificate]);
  if (leaf === undefined) return;
  const { host, port } = settings.webhook;
  const web = new WebServer({
    routes: routesOf(parts, replica),
    tls: tlsOf(leaf),
    onError,
  });
  server.attach(web);
  const bound = await web.listen({ host, port });
  logger.info('serving admission requests', { host, port: bound });
  context.onStop('admission server', () => web.close(DRAIN_MS));
  const lease = replica.runLease(signal);
  context.onStop('farewell', async () => {
    replica.retire();
    await lease;
    if (settings.pod.uid !== undefined) await clock.sleep(FAREWELL_MS);
  });
}

function routesOf(
  { source, keychains, facts: { facts, establisher }, audit, kept, tracer }: Parts,
  replica: Replica,
): ReturnType<typeof admissionRoutes> {
  const { caches, webhook } = settings;
  const { collectionMs } = limits();
  const evidence = new EvidenceCache({
    source,
    clock,
    freshMs: caches.evidenceFreshMs,
    negativeMs: caches.evidenceNegativeMs,
    collectionMs,
    maxBytes: EVIDENCE_BYTES,
    onCollection: () => metrics.collected(),
  });
  const judge = new Judge({ evidence, facts, clock, establisher, lastVerified: { store: kept } });
  const tags = new TagDigests({
    source,
    clock,
    freshMs: caches.tagMs,
    resolveMs: collectionMs,
    onLookup: (hit) => metrics.tagLookedUp(hit),
  });
  const { program, exceptions, namespaces } = replica;
  const shared = {
    program,
    exceptions,
    namespaces,
    keychains,
    tags,
    references: new ReferenceReader(),
    observer: metrics,
  };
  const verify = new VerifyHandler({ ...shared, judge, keepsBasis: audit !== undefined });
  const pin = new PinHandler(shared);
  return admissionRoutes({
    verify,
    pin,
    resources: new ResourcesHandler(),
    clock,
    logger,
    metrics,
    ...(tracer === undefined ? {} : { tracer }),
    ...(audit === undefined ? {} : { audit: new AdmissionAudit(audit, clock, logger) }),
    longestMs: webhook.deadlineMs,
    bodyBytes: BODY_BYTES,
  });
}

function keptEvidence(context: LifecycleContext): VerifiedEvidence {
  const { cacheDirectory } = settings;
  const onOutcome = (outcome: KeepingOutcome): void => metrics.keptEvidence(outcome);
  const store = openVerifiedEvidence({ cacheDirectory, clock, logger, onOutcome });
  context.onStop('kept evidence', () => store.close());
  return store;
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

function traces(context: LifecycleContext): Promise<Tracer | undefined> {
  const serviceName = 'countersign-webhook';
  const onSpans = (outcome: SpanOutcome, count: number): void => metrics.traced(outcome, count);
  const { tracing, pod } = settings;
  const common = { serviceName, instance: pod.name, clock, logger, onSpans };
  return openTracing({ ...common, settings: tracing }, context);
}

/** What keeps the replica from serving at all ends the process: it is then started anew. */
function endProcess(error: unknown): void {
  queueMicrotask(() => {
    throw error;
  });
}

const onUnhandled = (): void => metrics.fault('process');
await runMain({ logger, stopMs: STOP_MS, onUnhandled }, start);
