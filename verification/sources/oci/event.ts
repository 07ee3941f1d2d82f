// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

/** How one exchange with a registry ended; a closed set, fit for a metric label. */
export type ExchangeOutcome =
  | 'answered'
  | 'absent'
  | 'unauthorized'
  | 'throttled'
  | 'failed'
  | 'unreachable'
  | 'refused'
  | 'aborted';

/** What `observe` is told: one event an HTTP exchange, redirects and token requests included. */
export interface OciEvent {
  readonly kind: 'exchange';
  /** Registry of the image reference, not the host that a redirect led to. */
  readonly registry: string;
  readonly outcome: ExchangeOutcome;
  /** HTTP status; absent where there was no answer. */
  readonly status?: number;
  readonly milliseconds: number;
  /** Bytes of the body that were kept. */
  readonly bytes: number;
}

/**
 * Told when an exchange begins, and what it came to. `headers` go along with it, to whatever host;
 * they hold no credentials.
 */
export type ExchangeTracer = (exchange: {
  readonly method: string;
  /** Where it goes, `host:port`. */
  readonly host: string;
  /** Registry of the image reference. */
  readonly registry: string;
}) => {
  readonly headers: Readonly<Record<string, string>>;
  end(outcome: ExchangeOutcome, status: number | undefined): void;
};
