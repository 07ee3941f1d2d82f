// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { mkdirSync } from 'node:fs';
import { join } from 'node:path';

import { freePort, ManagedProcess, markBulky, tool, waitFor } from '../harness/index.ts';
import type { Material } from './material.ts';

/** A program of Sigstore that runs and answers. */
export interface Service {
  readonly url: string;
  stop(): Promise<void>;
}

/** The name of the log: what its checkpoints begin with. */
export const LOG_ORIGIN = 'rekor-local';

/** What one Fulcio is started with. */
export interface FulcioOptions {
  /** Names its log file. */
  readonly name: string;
  readonly directory: string;
  readonly material: Material;
  /** File of its configuration. */
  readonly config: string;
  /** Where it asks for signed certificate timestamps; it does without where it has none to ask. */
  readonly ctLogUrl: string;
}

/** Starts Fulcio; the issuers of its configuration must answer already. */
export async function startFulcio(options: FulcioOptions): Promise<Service> {
  const { directory, material, name } = options;
  const port = String(await freePort());
  const args = [
    ...['serve', '--host=127.0.0.1', '--grpc-host=127.0.0.1'],
    ...[`--port=${port}`, `--grpc-port=${String(await freePort())}`],
    `--metrics-port=${String(await freePort())}`,
    // A name in the abstract namespace, which is the machine's.
    `--legacy-unix-domain-socket=@fulcio-${port}`,
    ...[`--config-path=${options.config}`, `--ct-log-url=${options.ctLogUrl}`],
    ...['--ca=fileca', '--fileca-watch=false', '--fileca-key-passwd=none'],
    ...[`--fileca-cert=${material.files.own.fulcio}`, `--fileca-key=${material.keyFiles.fulcio}`],
  ];
  const program = tool('fulcio');
  const server = ManagedProcess.start({ name, program, args, logFile: log(directory, name) });
  return answering(server, `http://127.0.0.1:${port}`, '/healthz');
}

/** Starts Rekor v2 with an empty log. */
export async function startRekor(directory: string, material: Material): Promise<Service> {
  const port = String(await freePort());
  const storage = markBulky(join(directory, 'log'));
  mkdirSync(storage);
  const args = [
    ...['serve', `--hostname=${LOG_ORIGIN}`, `--storage-dir=${storage}`],
    ...[`--http-port=${port}`, `--grpc-port=${String(await freePort())}`],
    `--http-metrics-port=${String(await freePort())}`,
    `--signer-filepath=${material.keyFiles.log}`,
    // An upload is answered once a checkpoint covers it.
    ...['--checkpoint-interval=100ms', '--batch-max-age=20ms'],
  ];
  const program = tool('rekor-server');
  const logFile = log(directory, 'rekor');
  const server = ManagedProcess.start({ name: 'rekor', program, args, logFile });
  return answering(server, `http://127.0.0.1:${port}`, '/healthz');
}

/** Starts the timestamp authority. */
export async function startTimestamps(directory: string, material: Material): Promise<Service> {
  const port = String(await freePort());
  const { timestamps: key } = material.keyFiles;
  const args = ['--port', port, '--key', key, '--chain', material.files.own.timestamps];
  const program = tool('timestamp-server');
  const logFile = log(directory, 'timestamps');
  const server = ManagedProcess.start({ name: 'timestamps', program, args, logFile });
  return answering(server, `http://127.0.0.1:${port}`, '/ping');
}

function log(directory: string, name: string): string {
  return join(directory, `${name}.log`);
}

async function answering(server: ManagedProcess, url: string, path: string): Promise<Service> {
  const answers = async (): Promise<boolean> =>
    !server.isRunning || (await fetch(`${url}${path}`)).ok;
  await waitFor(answers, { timeoutMs: 15_000, intervalMs: 10, message: server.name });
  if (!server.isRunning) throw server.failure();
  return { url, stop: () => server.stop() };
}
