// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { mkdirSync, readFileSync } from 'node:fs';
import {
  CertificateAuthority,
  newDirectory,
  startRegistry,
  type Registry,
} from '../../harness/index.ts';
import type { World } from '../../world/index.ts';

/** A registry behind TLS, and certificates. */
export interface TlsRegistry extends Registry {
  /** File of the authority that issued its certificate. */
  readonly caFile: string;
  /** That authority, PEM. */
  readonly ca: string;
  /** Another one, PEM. */
  readonly otherCa: string;
}

/** Starts a registry where the processes may speak TLS to one; they do not know its certificate. */
export async function startTlsRegistry(world: World): Promise<TlsRegistry> {
  const directory = newDirectory('fields-tls');
  mkdirSync(directory, { recursive: true });
  const ca = await CertificateAuthority.create(directory, 'registry-ca');
  const other = await CertificateAuthority.create(directory, 'other-ca');
  const names = ['IP:127.0.0.1'];
  const tls = await ca.issue('registry', { commonName: 'registry', names });
  const port = Number(world.tlsHost.split(':')[1]);
  const registry = await startRegistry({ kind: 'distribution', port, tls });
  const text = (authority: CertificateAuthority): string =>
    readFileSync(authority.files.cert, 'utf8');
  return { ...registry, caFile: ca.files.cert, ca: text(ca), otherCa: text(other) };
}
