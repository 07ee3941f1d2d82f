// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

/** Every bound of reading a TUF repository, with units. 0 or negative is refused. */
export interface TufLimits {
  /** Bytes of a version of root metadata. */
  readonly rootBytes: number;
  /** Bytes of timestamp metadata. */
  readonly timestampBytes: number;
  /** Bytes of snapshot or targets metadata. */
  readonly metadataBytes: number;
  /** Bytes of `trusted_root.json`. */
  readonly targetBytes: number;
  /**
   * Members of one object or array of metadata. The library underneath takes time by the square of
   * it, on metadata whose signatures nobody has checked yet.
   */
  readonly members: number;
  /** Versions of root metadata that one refresh goes through. */
  readonly rootRotations: number;
  /** Milliseconds for a whole refresh. */
  readonly refreshMs: number;
}

/** Room for several times what public repositories publish. */
export const DEFAULT_TUF_LIMITS: TufLimits = {
  rootBytes: 1024 * 1024,
  timestampBytes: 64 * 1024,
  metadataBytes: 5 * 1024 * 1024,
  targetBytes: 1024 * 1024,
  members: 1024,
  rootRotations: 256,
  refreshMs: 60_000,
};

/** Merges overrides into the defaults; throws a RangeError naming the limit that is not positive. */
export function tufLimits(overrides: Partial<TufLimits> = {}): TufLimits {
  const merged: TufLimits = { ...DEFAULT_TUF_LIMITS, ...overrides };
  for (const [name, value] of Object.entries(merged) as [keyof TufLimits, number][]) {
    if (!Number.isSafeInteger(value) || value <= 0)
      throw new RangeError(`TUF limit ${name}: must be a positive integer`);
  }
  return merged;
}
