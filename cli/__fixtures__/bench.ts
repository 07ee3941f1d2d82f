// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { API_VERSION, type ImageTrustPolicySpecInput, type SigningException } from '../../crds/index.ts';
import { systemClock } from '../../runtime/clock.ts';
import { limits } from '../../verification/index.ts';
import { dockerConfigKeychain } from '../../verification/sources/keychain/index.ts';
import { createTufSource } from '../../verification/sources/tuf/index.ts';
import { createOciSource } from '../../verification/sources/oci/index.ts';
import type { CliPorts } from '../ports.ts';
import { runCli } from '../program.ts';
import { LocalRegistry } from './registry.ts';

/** What one run of the command line answered. */
export interface Answer {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** A folder of input files and a registry, at noon of 20 November 2026. */
export class Bench {
  readonly registry = new LocalRegistry();
  #folder = '';

  async start(): Promise<void> {
    this.#folder = mkdtempSync(join(tmpdir(), 'cli-'));
    await this.registry.start();
  }

  async stop(): Promise<void> {
    await this.registry.stop();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  /** Where a file or folder of that name would be. */
  path(name: string): string {
    return join(this.#folder, name);
  }

  /** Writes a file and answers its path. */
  file(name: string, content: string | Uint8Array): string {
    const path = this.path(name);
    writeFileSync(path, content);
    return path;
  }

  /** A file with one policy. */
  policy(spec: ImageTrustPolicySpecInput, name = 'team'): string {
    return this.file(`${name}.yaml`, policyYaml(spec, name));
  }

  /** A file with exceptions. */
  exceptions(...exceptions: readonly SigningException[]): string {
    return this.file('exceptions.yaml', exceptions.map(exceptionYaml).join('---\n'));
  }

  /** `countersign verify` with the registry listed as a plain HTTP one. */
  async verify(...args: readonly string[]): Promise<Answer> {
    return await this.run(['verify', ...args, '--plain-http', this.registry.host]);
  }

  /** The command line in this process, with a real registry client. */
  async run(argv: readonly string[], ports: Partial<CliPorts> = {}): Promise<Answer> {
    let stdout = '';
    let stderr = '';
    const code = await runCli(argv, {
      clock: { ...systemClock, now: () => new Date('2026-11-20T12:00:00Z') },
      stdout: (text) => (stdout += text),
      stderr: (text) => (stderr += text),
      openSource: (hosts) => createOciSource({ ...hosts, limits: limits({ requestMs: 2000, connectMs: 1000 }), now: () => performance.now() }),
      openTrustRoots: (hosts, cacheDirectory = this.path('cache')) =>
        createTufSource({ ...hosts, cacheDirectory, limits: limits({ requestMs: 2000, connectMs: 1000 }), now: () => systemClock.now().getTime() }),
      keychain: dockerConfigKeychain,
      signKeyless: () => Promise.reject(new Error('no service of Sigstore is there')),
      identityToken: () => Promise.resolve(undefined),
      openCluster: () => Promise.reject(new Error('this bench has no cluster')),
      confirm: undefined,
      ...ports,
    });
    return { code, stdout, stderr };
  }
}

/** A policy as people write it. */
export function policyYaml(spec: ImageTrustPolicySpecInput, name = 'team'): string {
  return stringify({ apiVersion: API_VERSION, kind: 'ImageTrustPolicy', metadata: { name }, spec });
}

/** An exception as people write it. */
export function exceptionYaml(exception: SigningException): string {
  return stringify({ apiVersion: API_VERSION, kind: 'SigningException', ...exception });
}
