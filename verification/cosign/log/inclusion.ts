// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import type { TransparencyLog } from '../../trust/index.ts';
import type { InclusionProof, LogEntry } from '../entity.ts';
import { isSignedBy, parseCheckpoint } from './checkpoint.ts';
import { rootOfProof } from './merkle.ts';
import { proofInvalid, timelyLogsOf } from './trusted-log.ts';

/**
 * Verifies that an entry is in the tree of a log that it names: the proof leads to the root of a
 * checkpoint that the log signed. A proof has no time of its own: `at` are the trusted times
 * (milliseconds) at which the key of the log must have been in use.
 *
 * Throws TLOG_KEY_UNTRUSTED for an unknown log and for a time outside of the window of its key,
 * TLOG_PROOF_INVALID for everything else, also for a proof that comes without a checkpoint: anybody
 * can make a tree.
 */
export function verifyInclusion(
  entry: LogEntry,
  logs: readonly TransparencyLog[],
  at: readonly number[] = [],
): { readonly log: TransparencyLog } {
  const timely = timelyLogsOf(entry, logs, at);
  const { proof, body } = entry;
  if (proof === undefined) throw proofInvalid('there is no inclusion proof');
  if (proof.checkpoint === undefined) throw proofInvalid('inclusion proof has no checkpoint');
  const checkpoint = parseCheckpoint(proof.checkpoint);
  if (proof.treeSize !== checkpoint.size || !proof.rootHash.equals(checkpoint.rootHash))
    throw proofInvalid('inclusion proof is not about the tree of its checkpoint');
  checkPath(body, proof);
  const log = timely.find((candidate) => isSignedBy(checkpoint, candidate));
  if (log === undefined) throw proofInvalid('checkpoint is not signed by the log of the entry');
  return { log };
}

/**
 * Throws TLOG_PROOF_INVALID where a proof does not lead from the body to its own root. That it does
 * proves nothing: old bundles carry proofs without a checkpoint beside a promise.
 */
export function checkPath(body: Uint8Array, proof: InclusionProof): void {
  if (rootOfProof(body, proof)?.equals(proof.rootHash) !== true)
    throw proofInvalid('inclusion proof does not lead to its root');
}
