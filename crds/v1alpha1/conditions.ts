// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

/**
 * Condition types of both kinds. Ready is positive; Stalled and Reconciling are present only while
 * true (kstatus); Active speaks of the deadline of an exception and never makes it unhealthy.
 */
export const ConditionType = {
  /** The current generation is in force on every live webhook replica (policy), or was judged valid (exception). */
  Ready: 'Ready',
  /** The spec cannot be used as written; somebody must act. Present only while true. */
  Stalled: 'Stalled',
  /** The current generation is on its way. Present only while true. */
  Reconciling: 'Reconciling',
  /** The exception has effect now. */
  Active: 'Active',
  /**
   * The trust roots that the policy has through TUF were read lately and hold. Present only on policies
   * that have one so. The last good one stays in force; Ready does not depend on it.
   */
  TrustMaterialFresh: 'TrustMaterialFresh',
  /** The exception is approved, or needs no approval. Never makes it unhealthy: it waits for somebody. */
  Approved: 'Approved',
  /** The exception ends within seven days. Present only while true. */
  ExpiringSoon: 'ExpiringSoon',
  /** No workload was seen for seven days that runs by the exception, which is in effect. Present only while true. */
  Unused: 'Unused',
  /** The exception is in effect, and was not reviewed for longer than it should. Present only while true. */
  ReviewOverdue: 'ReviewOverdue',
} as const;

/** Reasons of the conditions of an ImageTrustPolicy. */
export const PolicyReason = {
  /** Ready=True: every live replica enforces this generation. */
  Enforced: 'Enforced',
  /** Ready=False: published, not yet acknowledged by every live replica. */
  AwaitingReplicas: 'AwaitingReplicas',
  /** Ready=False: no webhook replica is alive. */
  NoReplicas: 'NoReplicas',
  /** Stalled=True: the spec does not compile; the message names field and reason. */
  CompileFailed: 'CompileFailed',
  /** Stalled=True: a ConfigMap or Secret that the spec refers to cannot be read. */
  MaterialMissing: 'MaterialMissing',
  /** Stalled=True: the compiled policy does not fit into a ConfigMap. */
  ProgramTooLarge: 'ProgramTooLarge',
  /** Reconciling=True: the program is being published. */
  Publishing: 'Publishing',
  /** TrustMaterialFresh=Unknown: not read yet; with Ready=False and Reconciling=True where none was ever had. */
  AwaitingTrustRoot: 'AwaitingTrustRoot',
  /** TrustMaterialFresh=True: every trust root is as published. */
  TrustRootFresh: 'TrustRootFresh',
  /** TrustMaterialFresh=False: a repository cannot be read, or its metadata expired; Stalled=True where no text was ever had. */
  TrustRootStale: 'TrustRootStale',
  /** TrustMaterialFresh=False: what a repository serves cannot be trusted; Stalled=True where no text was ever had. */
  TrustRootInvalid: 'TrustRootInvalid',
} as const;

/** Reasons of the Events that tell of remediation, and values of the label `outcome` of its metric. */
export const RemediationReason = {
  /** On the workload: some of its pods were evicted. */
  Evicted: 'Evicted',
  /** On the workload: an image of its template was put back to an earlier one that verifies. */
  RolledBack: 'RolledBack',
  /** On the workload: Flux or Argo CD own it, so that it is left as it is. */
  RollbackSkipped: 'RollbackSkipped',
  /** On the workload: there is nothing that it could be rolled back to. */
  RollbackImpossible: 'RollbackImpossible',
  /** On the workload: nothing is done although there is a cause, for now. */
  RemediationHeld: 'RemediationHeld',
  /** On the policy: it asks for remediation, which this installation does not have. */
  RemediationNotEnabled: 'RemediationNotEnabled',
} as const;

/** Reasons of Events that tell of exceptions, besides those of conditions. */
export const ExceptionEvent = {
  /** On the exception: a workload runs by it for the first time. */
  FirstUsed: 'FirstUsed',
  /** On the exception: it is of the class Incident, in effect, and nobody approved it. */
  UnapprovedIncident: 'UnapprovedIncident',
  /** On the workload: it begins to run by an exception. */
  ExceptionUsed: 'ExceptionUsed',
  /** On the workload: the exception by which it runs has ended. */
  ExceptionExpired: 'ExceptionExpired',
} as const;

/** Reasons of the conditions of a SigningException. */
export const ExceptionReason = {
  /** Ready=True: the spec is valid under its policy. */
  Accepted: 'Accepted',
  /** Active=True: between notBefore and expiresAt. */
  InEffect: 'InEffect',
  /** Active=False: before notBefore. */
  NotYetActive: 'NotYetActive',
  /** Active=False: at or after expiresAt. */
  Expired: 'Expired',
  /** Active=False: revoked, or about to be deleted. */
  Revoked: 'Revoked',
  /** Active=False and Reconciling=True: the policy exists and is not in force yet. */
  AwaitingPolicy: 'AwaitingPolicy',
  /** Active=False and Stalled=True: the policy does not exist. */
  PolicyNotFound: 'PolicyNotFound',
  /** Active=False and Stalled=True: the policy does not allow exceptions. */
  NotAllowedByPolicy: 'NotAllowedByPolicy',
  /** Active=False and Stalled=True: longer than the maxDuration of the policy. */
  TooLong: 'TooLong',
  /** Active=False and Stalled=True: of the class Incident, which the policy does not allow. */
  IncidentNotAllowed: 'IncidentNotAllowed',
  /** Active=False and Approved=False: nobody else approved it as it is now. */
  AwaitingApproval: 'AwaitingApproval',
  /** Active=False: another one of the class Incident for the same is not approved yet. */
  EarlierIncident: 'EarlierIncident',
  /** Approved=True: approved by somebody else. */
  Approved: 'Approved',
  /** Approved=True: the policy asks for no approval. */
  NotRequired: 'NotRequired',
  /** Approved=False: of the class Incident, over by now, and never approved. */
  ApprovalOverdue: 'ApprovalOverdue',
  /** ExpiringSoon=True. */
  EndsWithinDays: 'EndsWithinDays',
  /** Unused=True: nothing ran by it yet. */
  NeverUsed: 'NeverUsed',
  /** Unused=True: nothing has run by it lately. */
  NotUsedLately: 'NotUsedLately',
  /** ReviewOverdue=True. */
  NotReviewed: 'NotReviewed',
  /** Stalled=True: names a requirement that the policy does not have; that name has no effect. */
  UnknownRequirement: 'UnknownRequirement',
  /** Active=False and Stalled=True: the spec cannot be read. */
  Invalid: 'Invalid',
} as const;
