// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { createPublicKey, generateKeyPair } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { createFulcioAuthority, createTimestampAuthority } from './authorities.ts';
import type { Authority } from './authorities.ts';

/** Whose a key or a certificate is: this Sigstore's, or that of one it has nothing to do with. */
export type Owner = 'own' | 'foreign';

/** Files of what a trusted root names. */
export interface PublicFiles {
  /** Certificates of Fulcio, PEM. */
  readonly fulcio: string;
  /** Certificates of the timestamp authority, PEM. */
  readonly timestamps: string;
  /** Public key of the log, PEM. */
  readonly log: string;
  /** Public key of the certificate log, PEM. */
  readonly ctLog: string;
}

/** All keys and certificates of a local Sigstore. */
export interface Material {
  readonly files: Readonly<Record<Owner, PublicFiles>>;
  readonly keyFiles: { readonly fulcio: string; readonly timestamps: string; readonly log: string };
  readonly ctLogKeys: Readonly<Record<Owner, KeyObject>>;
  readonly tokenKey: KeyObject;
}

interface Secrets {
  readonly fulcio: Authority;
  readonly timestamps: Authority;
  readonly log: KeyObject;
  readonly ctLog: KeyObject;
}

const generate = promisify(generateKeyPair);

/** Makes them, writing what programs need into the folder. */
export async function createMaterial(directory: string): Promise<Material> {
  const [own, foreign, token] = await Promise.all([
    createSecrets('own'),
    createSecrets('foreign'),
    generate('rsa', { modulusLength: 2048 }),
  ]);
  const write = (name: string, text: string): string => {
    const file = join(directory, name);
    writeFileSync(file, text);
    return file;
  };
  return {
    files: { own: publicFiles(own, 'own', write), foreign: publicFiles(foreign, 'foreign', write) },
    keyFiles: {
      fulcio: write('fulcio.key', own.fulcio.key),
      timestamps: write('timestamps.key', own.timestamps.key),
      log: write('log.key', own.log.export({ type: 'pkcs8', format: 'pem' }).toString()),
    },
    ctLogKeys: { own: own.ctLog, foreign: foreign.ctLog },
    tokenKey: token.privateKey,
  };
}

async function createSecrets(owner: Owner): Promise<Secrets> {
  const [fulcio, timestamps, log, ctLog] = await Promise.all([
    createFulcioAuthority(`${owner} fulcio`),
    createTimestampAuthority(`${owner} timestamps`),
    generate('ed25519'),
    generate('ec', { namedCurve: 'P-256' }),
  ]);
  return { fulcio, timestamps, log: log.privateKey, ctLog: ctLog.privateKey };
}

function publicFiles(
  secrets: Secrets,
  owner: Owner,
  write: (name: string, text: string) => string,
): PublicFiles {
  return {
    fulcio: write(`${owner}-fulcio.pem`, secrets.fulcio.chain),
    timestamps: write(`${owner}-timestamps.pem`, secrets.timestamps.chain),
    log: write(`${owner}-log.pub`, publicPem(secrets.log)),
    ctLog: write(`${owner}-ct-log.pub`, publicPem(secrets.ctLog)),
  };
}

function publicPem(key: KeyObject): string {
  return createPublicKey(key).export({ type: 'spki', format: 'pem' }).toString();
}
