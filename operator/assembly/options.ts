// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import type { Audit } from '../../runtime/audit/index.ts';
import type { Clock } from '../../runtime/clock.ts';
import type { EvidenceCache, Judge } from '../../runtime/judge/index.ts';
import type { PooledKubeConfig } from '../../runtime/kube/index.ts';
import type { FencedClient } from '../../runtime/leadership/index.ts';
import type { Logger } from '../../runtime/log/index.ts';
import type { NotificationSink } from '../../runtime/notification/index.ts';
import type { DefaultAction } from '../../runtime/program/index.ts';
import type { KeychainProvider, TagDigests } from '../../runtime/registry/index.ts';
import type { TrustRootSource } from '../../verification/index.ts';
import type { OperatorMetrics } from '../metrics.ts';
import type { ReportApiSetting } from '../reporting/index.ts';

/** What the operator is made of. Times in milliseconds. */
export interface OperatorOptions {
  readonly kubeConfig: PooledKubeConfig;
  /** Writes only as long as this process leads, and only what is conditional. */
  readonly client: FencedClient;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: OperatorMetrics;
  /** Absent where no audit log is kept. */
  readonly audit?: Audit | undefined;
  /** Takes what is told of exceptions; absent where nobody is told. */
  readonly notifications?: NotificationSink | undefined;
  /** The namespace of operator, program and referenced material. */
  readonly namespace: string;
  readonly instance: string;
  readonly defaultAction: DefaultAction;
  /** Name of the cluster or fleet that signed approvals are for; `undefined` where it has none. */
  readonly cluster?: string | undefined;
  readonly exemptNamespaces: readonly string[];
  readonly materialMs: number;
  /** Workloads judged at the same time. */
  readonly concurrency: number;
  /** How often exceptions are to be reviewed. */
  readonly reviewMs: number;
  readonly reportApi: ReportApiSetting;
  /** Whether policies may ask for evictions and rollbacks. */
  readonly remediation: boolean;
  /** Whether we keep the CA of the webhook and set `caBundle`; false where somebody else does. */
  readonly ownCertificates: boolean;
  /** What each step of a rotation of that CA waits. */
  readonly caStepMs: number;
  readonly judge: Judge;
  readonly evidence: EvidenceCache;
  readonly tags: TagDigests;
  readonly keychains: KeychainProvider;
  /** Where trust roots that policies have through TUF are read. */
  readonly trustRoots: TrustRootSource;
}
