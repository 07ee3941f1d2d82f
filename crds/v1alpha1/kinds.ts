// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import type { ImageTrustPolicySpec, ImageTrustPolicyStatus } from './imagetrustpolicy.ts';
import type { SigningExceptionSpec, SigningExceptionStatus } from './signingexception.ts';

/** The part of ObjectMeta that we read. */
export interface ObjectMeta {
  readonly name: string;
  readonly namespace?: string;
  readonly uid?: string;
  readonly generation?: number;
  readonly resourceVersion?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly creationTimestamp?: string;
  readonly deletionTimestamp?: string;
}

/** Cluster-scoped: which images must be signed by whom. */
export interface ImageTrustPolicy {
  readonly apiVersion?: string;
  readonly kind?: string;
  readonly metadata: ObjectMeta;
  readonly spec: ImageTrustPolicySpec;
  readonly status?: ImageTrustPolicyStatus;
}

/** Namespaced: permission to run images that do not satisfy a policy, until a deadline. */
export interface SigningException {
  readonly apiVersion?: string;
  readonly kind?: string;
  readonly metadata: ObjectMeta;
  readonly spec: SigningExceptionSpec;
  readonly status?: SigningExceptionStatus;
}
