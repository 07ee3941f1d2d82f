// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import type { Namespace } from './namespace.ts';
import { mustRun, runCommand } from './process.ts';
import type { CommandResult } from './process.ts';
import { newDirectory } from './run-directory.ts';
import { tool } from './tools.ts';

/** A key pair made by cosign; its password is empty. */
export interface CosignKey {
  /** Path of the private key. */
  readonly privateKey: string;
  /** PEM text of the public key. */
  readonly publicKey: string;
  /** Path of the public key. */
  readonly publicKeyFile: string;
}

/** What goes into a signature. */
export interface SignOptions {
  readonly annotations?: Readonly<Record<string, string>>;
  /** Where cosign runs. */
  readonly runIn?: Namespace;
}

/** No password, and nothing asked of anybody outside this machine. */
const ENVIRONMENT = { COSIGN_PASSWORD: '' };

let offline: Promise<{ signingConfig: string; trustedRoot: string }> | undefined;

/** Makes a key pair (P-256) in a folder of its own. */
export function generateKey(): Promise<CosignKey> {
  return keyPair((prefix) => ['generate-key-pair', '--output-key-prefix', prefix]);
}

/** Makes a key pair for cosign of a private key, PEM. */
export function importKey(pem: string): Promise<CosignKey> {
  const file = join(newDirectory('imported'), 'key.pem');
  writeFileSync(file, pem);
  return keyPair((prefix) => ['import-key-pair', '--key', file, '--output-key-prefix', prefix]);
}

async function keyPair(command: (prefix: string) => readonly string[]): Promise<CosignKey> {
  const directory = newDirectory('key');
  await cosign(command(join(directory, 'cosign')));
  const publicKeyFile = join(directory, 'cosign.pub');
  return {
    privateKey: join(directory, 'cosign.key'),
    publicKey: readFileSync(publicKeyFile, 'utf8'),
    publicKeyFile,
  };
}

/** Signs as cosign v3 does by default: a bundle, stored as a referrer; no log, no timestamp. */
export async function signBundle(
  key: CosignKey,
  pinned: string,
  options: SignOptions = {},
): Promise<void> {
  const { signingConfig, trustedRoot } = await offlineFiles();
  const services = ['--signing-config', signingConfig, '--trusted-root', trustedRoot];
  const flags = ['--yes', '--key', key.privateKey, ...services, ...annotationFlags(options)];
  await cosign(['sign', ...flags, pinned], options);
}

/** Signs as cosign did before v3: a `.sig` tag beside the image. */
export async function signLegacy(
  key: CosignKey,
  pinned: string,
  options: SignOptions = {},
): Promise<void> {
  const legacy = ['--use-signing-config=false', '--tlog-upload=false', '--new-bundle-format=false'];
  const flags = ['--yes', '--key', key.privateKey, ...legacy, ...annotationFlags(options)];
  await cosign(['sign', ...flags, pinned], options);
}

/** Lets cosign itself verify; answers how it ended. */
export async function cosignVerify(key: CosignKey, pinned: string): Promise<CommandResult> {
  const { trustedRoot } = await offlineFiles();
  const trust = ['--trusted-root', trustedRoot, '--insecure-ignore-tlog=true'];
  const args = ['verify', '--key', key.publicKeyFile, ...trust, pinned];
  return runCommand(tool('cosign'), args, { env: ENVIRONMENT });
}

/** Paths of a signing config and a trusted root that name no service, so that cosign asks none. */
export async function offlineFiles(): Promise<{ signingConfig: string; trustedRoot: string }> {
  offline ??= makeOfflineFiles();
  return offline;
}

async function makeOfflineFiles(): Promise<{ signingConfig: string; trustedRoot: string }> {
  const directory = newDirectory('cosign');
  const signingConfig = join(directory, 'signing-config.json');
  const trustedRoot = join(directory, 'trusted-root.json');
  await cosign(['signing-config', 'create', '--out', signingConfig]);
  await cosign(['trusted-root', 'create', '--out', trustedRoot]);
  return { signingConfig, trustedRoot };
}

function annotationFlags(options: SignOptions): string[] {
  return Object.entries(options.annotations ?? {}).flatMap(([key, value]) => [
    '-a',
    `${key}=${value}`,
  ]);
}

async function cosign(args: readonly string[], where: SignOptions = {}): Promise<void> {
  await mustRun(tool('cosign'), args, { env: ENVIRONMENT, runIn: where.runIn });
}
