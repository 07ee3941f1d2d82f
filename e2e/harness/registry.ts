// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import type { CertificateFiles } from './certificates.ts';
import type { Namespace } from './namespace.ts';
import { ManagedProcess } from './process.ts';
import { markBulky, newDirectory } from './run-directory.ts';
import { tool } from './tools.ts';
import { freePort } from './port.ts';
import { waitFor } from './wait.ts';

/** `olareg` has the referrers API, `distribution` has not. */
export type RegistryKind = 'olareg' | 'distribution';

/** What a registry is started with. */
export interface RegistryOptions {
  readonly kind: RegistryKind;
  /** A free one unless told. */
  readonly port?: number;
  /** Address to listen on; loopback unless told. Only for `distribution`. */
  readonly address?: string;
  /** Serves TLS with this certificate. Only for `distribution`. */
  readonly tls?: CertificateFiles;
  /** Asks for {@link REGISTRY_USER}. Only for `distribution`. */
  readonly private?: boolean;
  /** Runs it inside these namespaces; nobody waits for it to answer then. */
  readonly runIn?: Namespace;
}

/** Who may use a registry that is private. */
export const REGISTRY_USER = { username: 'reader', password: 'correct horse' } as const;
/** The user as a line of htpasswd: bcrypt with the least cost, since every request is checked. */
const HTPASSWD = `${REGISTRY_USER.username}:$2b$04$QRsQbPe2V2LaxDkXbhK//.5DPhwPkoaOaUta/EiQoEGBa64TL/Rtm`;

/** A real OCI registry on loopback, without TLS and without credentials unless told. */
export interface Registry {
  readonly kind: RegistryKind;
  /** `<address>:<port>`. */
  readonly host: string;
  stop(): Promise<void>;
}

/** The status with which a server that is written in Go answers a request without TLS where it expects TLS. */
const PLAIN_TO_TLS = 400;
const UNAUTHORIZED = 401;

/** Starts a registry with an empty folder of its own; it answers when this resolves. */
export async function startRegistry(options: RegistryOptions): Promise<Registry> {
  const port = options.port ?? (await freePort());
  const directory = newDirectory(options.kind);
  const data = markBulky(join(directory, 'data'));
  mkdirSync(data);
  const server = ManagedProcess.start({
    name: options.kind,
    ...commandOf(options, { port, directory, data }),
    logFile: join(directory, `${options.kind}.log`),
    runIn: options.runIn,
  });
  const host = addressOf(options, port);
  if (options.runIn === undefined) {
    await waitFor(() => answers(host, firstStatus(options)), {
      timeoutMs: 10_000,
      message: `registry ${options.kind}`,
    });
  }
  return { kind: options.kind, host, stop: () => server.stop() };
}

interface Place {
  readonly port: number;
  readonly directory: string;
  readonly data: string;
}

function addressOf(options: RegistryOptions, port: number): string {
  return `${options.address ?? '127.0.0.1'}:${String(port)}`;
}

function commandOf(options: RegistryOptions, place: Place): { program: string; args: string[] } {
  const { port, directory, data } = place;
  if (options.kind === 'olareg') {
    const where = ['--addr', '127.0.0.1', '--port', String(port), '--dir', data];
    return { program: tool('olareg'), args: ['serve', '--api-delete', ...where] };
  }
  const file = join(directory, 'config.yml');
  const users = join(directory, 'htpasswd');
  writeFileSync(users, HTPASSWD);
  const config = {
    version: 0.1,
    log: { level: 'warn' },
    storage: { filesystem: { rootdirectory: data }, delete: { enabled: true } },
    ...(options.private === true ? { auth: { htpasswd: { realm: 'tests', path: users } } } : {}),
    http: {
      addr: addressOf(options, port),
      ...(options.tls === undefined
        ? {}
        : { tls: { certificate: options.tls.cert, key: options.tls.key } }),
    },
  };
  writeFileSync(file, JSON.stringify(config)); // JSON is YAML
  return { program: tool('registry'), args: ['serve', file] };
}

/** The status of an anonymous request without TLS where the registry is up. */
function firstStatus(options: RegistryOptions): number {
  if (options.tls !== undefined) return PLAIN_TO_TLS;
  return options.private === true ? UNAUTHORIZED : 200;
}

async function answers(host: string, status: number): Promise<boolean> {
  const response = await fetch(`http://${host}/v2/`);
  return response.status === status;
}
