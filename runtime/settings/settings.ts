// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { z } from 'zod';
import {
  notificationSettings,
  notificationVariables,
  type NotificationSettings,
} from './notification.ts';
import { tracingSettings, type TracingSettings } from './tracing.ts';

const list = (
  fallback = '',
): z.ZodPipe<z.ZodDefault<z.ZodString>, z.ZodTransform<string[], string>> =>
  z
    .string()
    .default(fallback)
    .transform((text) =>
      text
        .split(',')
        .map((item) => item.trim())
        .filter((item) => item !== ''),
    );
const port = (fallback: number): z.ZodDefault<z.ZodCoercedNumber> =>
  z.coerce.number().int().min(0).max(65535).default(fallback);
const positive = (fallback: number): z.ZodDefault<z.ZodCoercedNumber> =>
  z.coerce.number().int().min(1).max(86_400_000).default(fallback);
/** Name of an annotation: an optional DNS prefix, a slash, up to 63 characters. */
const ANNOTATION =
  /^(?:[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?\/)?[A-Za-z0-9](?:[\w.-]{0,61}[A-Za-z0-9])?$/;
const MAX_ANNOTATIONS = 16;
const flag = z
  .enum(['true', 'false'])
  .default('false')
  .transform((text) => text === 'true');

/** Every setting there is: environment variable, form and default. Empty counts as not set. */
const schema = z.object({
  /** Namespace of operator, webhook, program and referenced material. */
  COUNTERSIGN_NAMESPACE: z.string().min(1).default('countersign-system'),
  /** Kubeconfig outside a cluster. */
  COUNTERSIGN_KUBECONFIG: z.string().optional(),
  /** Name and UID of this pod; the name makes the replica's Lease. */
  COUNTERSIGN_POD_NAME: z.string().min(1).default('local'),
  COUNTERSIGN_POD_UID: z.string().optional(),
  /** Where the webhook listens. */
  COUNTERSIGN_WEBHOOK_HOST: z.string().min(1).default('0.0.0.0'),
  COUNTERSIGN_WEBHOOK_PORT: port(9443),
  /** Name of the webhook's Service: part of its certificate. */
  COUNTERSIGN_WEBHOOK_SERVICE: z.string().min(1).default('countersign-webhook'),
  /** Milliseconds that an admission request may take at most. */
  COUNTERSIGN_WEBHOOK_DEADLINE_MS: positive(9000),
  /**
   * Where the webhook reads its certificate (`tls.crt`, `tls.key`), again whenever it changes; the
   * operator then leaves the CA and `caBundle` to whoever writes them. Where it is left out, they are ours.
   */
  COUNTERSIGN_WEBHOOK_CERTIFICATE_DIRECTORY: z.string().regex(/^\//, 'must be absolute').optional(),
  /** Seconds that each step of a rotation of our CA waits for API servers and replicas to follow. */
  COUNTERSIGN_WEBHOOK_CA_STEP_SECONDS: positive(30),
  /** Where health and metrics are served, without TLS. */
  COUNTERSIGN_HEALTH_HOST: z.string().min(1).default('0.0.0.0'),
  COUNTERSIGN_HEALTH_PORT: port(8080),
  /** What happens to images that no policy matches. */
  COUNTERSIGN_DEFAULT_ACTION: z.enum(['Allow', 'Deny']).default('Allow'),
  /** Name of this cluster, or of its fleet: what signed approvals of exceptions are for. None counts without it. */
  COUNTERSIGN_CLUSTER_NAME: z.string().max(253).optional(),
  /** Namespaces that admission leaves alone; still judged and reported, without scoring. */
  COUNTERSIGN_EXEMPT_NAMESPACES: list('kube-system,countersign-system'),
  /**
   * Where a process keeps what it has read: metadata of trust roots, and evidence for the time when a
   * registry is away. Each has one of its own.
   */
  COUNTERSIGN_CACHE_DIRECTORY: z
    .string()
    .regex(/^\//, 'must be absolute')
    .default('/tmp/countersign'),
  /** Registries, TUF mirrors and a receiver of notifications (host or host:port) that may be spoken to without TLS. */
  COUNTERSIGN_PLAIN_HTTP_HOSTS: list(),
  /**
   * Registries (host or host:port) that may lie at, or redirect to, private addresses, and TUF mirrors
   * that are services of the cluster; a receiver of notifications at a private address.
   */
  COUNTERSIGN_PRIVATE_REGISTRY_HOSTS: list(),
  /** Docker configuration with credentials of registries. */
  COUNTERSIGN_DOCKER_CONFIG: z.string().optional(),
  /** Whether pull secrets of pods are read. */
  COUNTERSIGN_PULL_SECRETS: flag,
  /** Seconds that a tag is known. */
  COUNTERSIGN_TAG_CACHE_SECONDS: positive(10),
  /** Seconds that evidence is fresh, and that its absence is believed. */
  COUNTERSIGN_EVIDENCE_FRESH_SECONDS: positive(600),
  COUNTERSIGN_EVIDENCE_NEGATIVE_SECONDS: positive(30),
  /** Seconds between two looks at referenced material. */
  COUNTERSIGN_MATERIAL_SECONDS: positive(60),
  /** Workloads judged at the same time. */
  COUNTERSIGN_REVERIFICATION_CONCURRENCY: positive(8),
  /** Whether policies may ask for evictions and rollbacks; needs the rights of the component remediation. */
  COUNTERSIGN_REMEDIATION: flag,
  /** How often exceptions are to be reviewed. */
  COUNTERSIGN_EXCEPTION_REVIEW_INTERVAL_HOURS: positive(168),
  /** Which API reports are written in; `auto` is PolicyReport where it is served, else OpenReports. */
  COUNTERSIGN_REPORT_API: z.enum(['auto', 'policyreport', 'openreports', 'none']).default('auto'),
  /** File (or named pipe) that audit records are appended to, `-` for standard output; none where empty. */
  COUNTERSIGN_AUDIT_LOG: z
    .string()
    .regex(/^(?:-|\/.+)$/, 'must be an absolute path or -')
    .optional(),
  /** Annotations of workloads that name the pipeline run or change; audit records carry their values. */
  COUNTERSIGN_AUDIT_ANNOTATIONS: list().refine(
    (names) => names.length <= MAX_ANNOTATIONS && names.every((name) => ANNOTATION.test(name)),
    `must be at most ${MAX_ANNOTATIONS.toString()} names of annotations`,
  ),
  ...notificationVariables,
  COUNTERSIGN_LOG_LEVEL: z.enum(['error', 'warn', 'info', 'debug']).default('info'),
  COUNTERSIGN_LOG_FORMAT: z.enum(['json', 'text']).default('json'),
});

type Raw = z.infer<typeof schema>;

/** Settings of a process, checked. Names are those of the variables without their prefix. */
export interface Settings {
  readonly namespace: string;
  readonly kubeconfigPath: string | undefined;
  readonly pod: { readonly name: string; readonly uid: string | undefined };
  readonly webhook: {
    readonly host: string;
    readonly port: number;
    readonly service: string;
    readonly deadlineMs: number;
    readonly certificateDirectory: string | undefined;
    readonly caStepMs: number;
  };
  readonly health: { readonly host: string; readonly port: number };
  readonly defaultAction: 'Allow' | 'Deny';
  readonly cluster: string | undefined;
  readonly exemptNamespaces: readonly string[];
  readonly cacheDirectory: string;
  readonly registry: {
    readonly plainHttpHosts: readonly string[];
    readonly privateHosts: readonly string[];
    readonly dockerConfigPath: string | undefined;
    readonly pullSecrets: boolean;
  };
  readonly caches: {
    readonly tagMs: number;
    readonly evidenceFreshMs: number;
    readonly evidenceNegativeMs: number;
  };
  readonly materialMs: number;
  readonly reverificationConcurrency: number;
  readonly remediation: boolean;
  /** Milliseconds; how often exceptions are to be reviewed. */
  readonly exceptionReviewMs: number;
  readonly reportApi: Raw['COUNTERSIGN_REPORT_API'];
  readonly audit: {
    /** Path, or `-` for standard output. */
    readonly destination: string | undefined;
    readonly annotations: readonly string[];
  };
  /** `undefined` where none are sent. */
  readonly notification: NotificationSettings | undefined;
  /** `undefined` where no spans are sent. */
  readonly tracing: TracingSettings | undefined;
  readonly log: {
    readonly level: Raw['COUNTERSIGN_LOG_LEVEL'];
    readonly format: Raw['COUNTERSIGN_LOG_FORMAT'];
  };
}

/** A setting is wrong; the message names the variable. */
export class SettingsError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'SettingsError';
  }
}

/** Reads settings from an environment. Throws SettingsError for a wrong value or an unknown variable of ours. */
export function loadSettings(environment: Readonly<Record<string, string | undefined>>): Settings {
  const given = Object.entries(environment).filter(
    ([name, value]) => name.startsWith('COUNTERSIGN_') && value !== undefined && value !== '',
  );
  const unknown = given.find(([name]) => !Object.hasOwn(schema.shape, name));
  if (unknown !== undefined) throw new SettingsError(`${unknown[0]}: is not a setting`);
  const result = schema.safeParse(Object.fromEntries(given));
  if (!result.success) {
    const issue = result.error.issues[0];
    throw new SettingsError(`${String(issue?.path[0])}: ${issue?.message ?? 'malformed'}`);
  }
  const tracing = tracingSettings(environment);
  if (tracing !== undefined && 'variable' in tracing)
    throw new SettingsError(`${tracing.variable}: ${tracing.message}`);
  const notification = notificationSettings(result.data);
  if (notification !== undefined && 'variable' in notification)
    throw new SettingsError(`${notification.variable}: ${notification.message}`);
  return settingsOf(result.data, { tracing, notification });
}

/** Settings of this process: the only place that reads its environment. */
export function processSettings(): Settings {
  return loadSettings(process.env);
}

function settingsOf(raw: Raw, own: Pick<Settings, 'tracing' | 'notification'>): Settings {
  return {
    namespace: raw.COUNTERSIGN_NAMESPACE,
    kubeconfigPath: raw.COUNTERSIGN_KUBECONFIG,
    pod: { name: raw.COUNTERSIGN_POD_NAME, uid: raw.COUNTERSIGN_POD_UID },
    webhook: {
      host: raw.COUNTERSIGN_WEBHOOK_HOST,
      port: raw.COUNTERSIGN_WEBHOOK_PORT,
      service: raw.COUNTERSIGN_WEBHOOK_SERVICE,
      deadlineMs: raw.COUNTERSIGN_WEBHOOK_DEADLINE_MS,
      certificateDirectory: raw.COUNTERSIGN_WEBHOOK_CERTIFICATE_DIRECTORY,
      caStepMs: raw.COUNTERSIGN_WEBHOOK_CA_STEP_SECONDS * 1000,
    },
    health: { host: raw.COUNTERSIGN_HEALTH_HOST, port: raw.COUNTERSIGN_HEALTH_PORT },
    defaultAction: raw.COUNTERSIGN_DEFAULT_ACTION,
    cluster: raw.COUNTERSIGN_CLUSTER_NAME,
    exemptNamespaces: raw.COUNTERSIGN_EXEMPT_NAMESPACES,
    cacheDirectory: raw.COUNTERSIGN_CACHE_DIRECTORY,
    registry: {
      plainHttpHosts: raw.COUNTERSIGN_PLAIN_HTTP_HOSTS,
      privateHosts: raw.COUNTERSIGN_PRIVATE_REGISTRY_HOSTS,
      dockerConfigPath: raw.COUNTERSIGN_DOCKER_CONFIG,
      pullSecrets: raw.COUNTERSIGN_PULL_SECRETS,
    },
    caches: {
      tagMs: raw.COUNTERSIGN_TAG_CACHE_SECONDS * 1000,
      evidenceFreshMs: raw.COUNTERSIGN_EVIDENCE_FRESH_SECONDS * 1000,
      evidenceNegativeMs: raw.COUNTERSIGN_EVIDENCE_NEGATIVE_SECONDS * 1000,
    },
    materialMs: raw.COUNTERSIGN_MATERIAL_SECONDS * 1000,
    reverificationConcurrency: raw.COUNTERSIGN_REVERIFICATION_CONCURRENCY,
    remediation: raw.COUNTERSIGN_REMEDIATION,
    exceptionReviewMs: raw.COUNTERSIGN_EXCEPTION_REVIEW_INTERVAL_HOURS * 3_600_000,
    reportApi: raw.COUNTERSIGN_REPORT_API,
    audit: {
      destination: raw.COUNTERSIGN_AUDIT_LOG,
      annotations: raw.COUNTERSIGN_AUDIT_ANNOTATIONS,
    },
    ...own,
    log: { level: raw.COUNTERSIGN_LOG_LEVEL, format: raw.COUNTERSIGN_LOG_FORMAT },
  };
}
