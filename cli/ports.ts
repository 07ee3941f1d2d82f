// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import type { Clock } from '../runtime/clock.ts';
import type { SignKeyless } from './approval/keyless.ts';
import type { EvidenceSource, Keychain, TrustRootSource } from '../verification/index.ts';
import type { OpenCluster } from './cluster/cluster.ts';

/** Registries and TUF mirrors that are read in another way than over TLS at a public address. */
export interface RegistryHosts {
  readonly plainHttpHosts: readonly string[];
  readonly privateHosts: readonly string[];
}

/** Registries to read from; `close` ends the connections. */
export type OpenSource = EvidenceSource & { close(): Promise<void> };

/** Trusted roots through TUF; `close` ends the connections. */
export type OpenTrustRoots = TrustRootSource & { close(): Promise<void> };

/** What the command line reaches the world by: chosen in `main.ts`, replaced by tests. */
export interface CliPorts {
  readonly clock: Clock;
  readonly stdout: (text: string) => void;
  readonly stderr: (text: string) => void;
  /** Throws a VerificationError where an entry is no host. */
  readonly openSource: (hosts: RegistryHosts) => OpenSource;
  /**
   * Asked only where a policy has a trusted root through TUF. Keeps what it reads below the directory,
   * by default where the user's caches are. Throws a VerificationError where an entry is no host.
   */
  readonly openTrustRoots: (hosts: RegistryHosts, cacheDirectory?: string) => OpenTrustRoots;
  /** Credentials of a parsed docker configuration; throws a VerificationError where it is none. */
  readonly keychain: (dockerConfig: unknown, identity: string) => Keychain;
  /** Signs for an identity; what it needs is loaded when it is asked. */
  readonly signKeyless: SignKeyless;
  /** The token of the identity that the environment gives. Rejects where it should, and does not. */
  readonly identityToken: () => Promise<string | undefined>;
  /** Asked only by commands that need a cluster: the client is loaded then. */
  readonly openCluster: OpenCluster;
  /** Asks a person at a terminal; `undefined` where there is none. */
  readonly confirm: ((question: string) => Promise<boolean>) | undefined;
}
