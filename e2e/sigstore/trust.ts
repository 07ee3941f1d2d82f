// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { mustRun, tool } from '../harness/index.ts';
import type { Material, PublicFiles } from './material.ts';
import { LOG_ORIGIN } from './services.ts';

/** A file and what is in it. */
export interface TextFile {
  readonly file: string;
  readonly text: string;
}

/**
 * How a trusted root names one part: this Sigstore's own, no one, somebody else's under the same
 * name, or this Sigstore's own with a validity that ended before anything was signed.
 */
export type Trusted = 'own' | 'none' | 'foreign' | 'ended';

/** Parts of a trusted root that are not this Sigstore's own. */
export type TrustVariation = Readonly<Partial<Record<keyof PublicFiles, Trusted>>>;

/** Which services sign; all, with embedded certificate timestamps, unless told. */
export interface SigningServices {
  /**
   * Signed certificate timestamps in the certificate: by the own log, by one with a key that no
   * trusted root names, or none at all.
   */
  readonly scts?: 'own' | 'foreign' | 'none';
  readonly log?: boolean;
  /** Cosign refuses to upload a keyless signature to this log without a timestamp. */
  readonly timestamps?: boolean;
}

/** Where the services of a signing config are. */
export interface ServiceUrls {
  readonly fulcio: string;
  readonly oidc: string;
  readonly log: string | undefined;
  /** Version of the log's API; 2 unless told. */
  readonly logVersion?: 1 | 2;
  readonly timestamps: string | undefined;
}

const PARTS = {
  fulcio: { flag: 'fulcio', file: 'certificate-chain', url: 'http://fulcio.local' },
  timestamps: { flag: 'tsa', file: 'certificate-chain', url: 'http://timestamps.local' },
  log: { flag: 'rekor', file: 'public-key', url: `http://${LOG_ORIGIN}`, origin: LOG_ORIGIN },
  ctLog: { flag: 'ctfe', file: 'public-key', url: 'http://ct.local' },
} as const;

const HOUR_MS = 3_600_000;

/** A log that promises to enter what it is given, as Rekor v1 does. */
export interface PromisingLog {
  readonly url: string;
  /** What its checkpoints begin with: its name. */
  readonly origin: string;
  /** File of its public key, PEM. */
  readonly publicKey: string;
}

/**
 * Lets cosign write a trusted root of the material, and of a log beside its own, into the folder.
 * The key of that other log has been in use for an hour.
 */
export async function writeTrustedRoot(
  directory: string,
  material: Material,
  variation: TrustVariation,
  promising?: PromisingLog,
): Promise<TextFile> {
  const parts = Object.keys(PARTS) as (keyof PublicFiles)[];
  const flags = parts.flatMap((part) => trustFlag(material, part, variation[part] ?? 'own'));
  if (promising !== undefined) {
    const { origin, publicKey } = promising;
    flags.push(`--rekor=url=http://${origin},public-key=${publicKey},start-time=${ago(HOUR_MS)}`);
  }
  const name = parts.map((part) => variation[part] ?? 'own').join('-');
  const suffix = promising === undefined ? '' : '-promising';
  const file = join(directory, `trusted-root-${name}${suffix}.json`);
  await mustRun(tool('cosign'), ['trusted-root', 'create', ...flags, `--out=${file}`]);
  return { file, text: readFileSync(file, 'utf8') };
}

function trustFlag(material: Material, part: keyof PublicFiles, trusted: Trusted): string[] {
  if (trusted === 'none') return [];
  const { flag, file, url, ...rest } = PARTS[part];
  const files = material.files[trusted === 'foreign' ? 'foreign' : 'own'];
  const values: Readonly<Record<string, string>> = {
    url,
    [file]: files[part],
    'start-time': ago(HOUR_MS),
    ...rest,
    ...(trusted === 'ended' ? { 'end-time': ago(HOUR_MS / 2) } : {}),
  };
  const specification = Object.entries(values).map(([key, value]) => `${key}=${value}`);
  return [`--${flag}=${specification.join(',')}`];
}

/** Lets cosign write a signing config that names the services; returns its path. */
export async function writeSigningConfig(file: string, urls: ServiceUrls): Promise<string> {
  await mustRun(tool('cosign'), [
    ...['signing-config', 'create', `--out=${file}`],
    `--fulcio=${service(urls.fulcio, 1)}`,
    `--oidc-provider=${service(urls.oidc, 1)}`,
    ...(urls.log === undefined
      ? []
      : [`--rekor=${service(urls.log, urls.logVersion ?? 2)}`, '--rekor-config=ANY']),
    ...(urls.timestamps === undefined
      ? []
      : [`--tsa=${service(urls.timestamps, 1)}`, '--tsa-config=ANY']),
  ]);
  return file;
}

function service(url: string, version: number): string {
  return `url=${url},api-version=${version},start-time=${ago(HOUR_MS)},operator=tests`;
}

function ago(milliseconds: number): string {
  return new Date(Date.now() - milliseconds).toISOString().replace(/\.\d+/, '');
}
