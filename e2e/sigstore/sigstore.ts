// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { newDirectory } from '../harness/index.ts';
import { startCtLogs } from './ct-log.ts';
import { fulcioConfig } from './fulcio-config.ts';
import type { Identity, IssuerKind, TokenClaims } from './identity.ts';
import type { LoopbackServer } from './loopback-server.ts';
import { createMaterial } from './material.ts';
import type { Material } from './material.ts';
import { startOidcIssuers } from './oidc-issuers.ts';
import type { OidcIssuers } from './oidc-issuers.ts';
import { startRekorV1, type RekorV1 } from './rekor-v1.ts';
import { startFulcio, startRekor, startTimestamps } from './services.ts';
import type { Service } from './services.ts';
import { writeSigningConfig, writeTrustedRoot } from './trust.ts';
import type { PromisingLog, SigningServices, TextFile, TrustVariation } from './trust.ts';

/**
 * A whole Sigstore on loopback, with keys of its own: three token issuers, Fulcio, a certificate
 * log, Rekor v2 and a timestamp authority.
 */
export interface LocalSigstore {
  /** Its `trusted_root.json`. */
  readonly trustedRoot: string;
  /** Path of {@link LocalSigstore.trustedRoot}. */
  readonly trustedRootFile: string;
  /** Certificates of its timestamp authority, PEM. */
  readonly timestampRoots: string;
  /** Those of one that has nothing to do with it. */
  readonly foreignTimestampRoots: string;
  readonly fulcioUrl: string;
  readonly logUrl: string;
  /** Where timestamps are asked for, path included. */
  readonly timestampsUrl: string;
  /** The issuer that certificates of such identities name. */
  issuerUrl(kind: IssuerKind): string;
  /** An identity token; `overrides` replaces claims. */
  token(identity: Identity, overrides?: TokenClaims): string;
  /** A trusted root some part of which is not this Sigstore's. */
  trustedRootWith(variation: TrustVariation): Promise<TextFile>;
  /** Path of a signing config that names these services only. */
  signingConfig(services?: SigningServices): Promise<string>;
  /** The Fulcio whose certificates carry such timestamps; started when first asked for. */
  fulcioWith(scts: 'own' | 'foreign' | 'none'): Promise<string>;
  /**
   * The same Sigstore, but for the log it signs with: a Rekor v1, started when first asked for, whose
   * entries tell a time. Its trusted roots name this log beside the other one; the layout before
   * bundles carries entries of it.
   */
  withRekorV1(): Promise<LocalSigstore>;
  /** Whether the log is a Rekor v1. */
  readonly promises: boolean;
  /** Ends everything. */
  stop(): Promise<void>;
}

interface Parts {
  readonly directory: string;
  readonly material: Material;
  readonly issuers: OidcIssuers;
  readonly ctLogs: LoopbackServer;
}

/** All that signs, but for the log. */
interface Services extends Parts {
  readonly fulcios: Fulcios;
  readonly timestampsUrl: string;
}

/** Starts one; everything answers when this resolves. */
export async function startSigstore(): Promise<LocalSigstore> {
  const directory = newDirectory('sigstore');
  const material = await createMaterial(directory);
  const [issuers, ctLogs] = await Promise.all([
    startOidcIssuers(material.tokenKey),
    startCtLogs(material.ctLogKeys),
  ]);
  const parts = { directory, material, issuers, ctLogs };
  const fulcios = new Fulcios(parts);
  const [rekor, timestamps] = await Promise.all([
    startRekor(directory, material),
    startTimestamps(directory, material),
    fulcios.urlOf('own'),
  ]);
  const services = { ...parts, fulcios, timestampsUrl: `${timestamps.url}/api/v1/timestamp` };
  let rekorV1: RekorV1 | undefined;
  const stop = async (): Promise<void> => {
    await Promise.all([fulcios.stop(), rekor.stop(), timestamps.stop(), rekorV1?.stop()]);
    await Promise.all([issuers.stop(), ctLogs.stop()]);
  };
  const withRekorV1 = remembered(async (): Promise<LocalSigstore> => {
    rekorV1 = await startRekorV1();
    const { url, origin } = rekorV1;
    const publicKey = join(directory, 'rekor-v1.pub');
    writeFileSync(publicKey, rekorV1.publicKey);
    return signingInto({ url, origin, publicKey }, services, { stop, withRekorV1 });
  });
  return signingInto(rekor, services, { stop, withRekorV1 });
}

/** The Sigstore with one of its logs; one that has a public key here is a Rekor v1. */
async function signingInto(
  log: { readonly url: string } | PromisingLog,
  { directory, material, issuers, fulcios, timestampsUrl }: Services,
  whole: Pick<LocalSigstore, 'stop' | 'withRekorV1'>,
): Promise<LocalSigstore> {
  const promising = 'publicKey' in log ? log : undefined;
  const logVersion = promising === undefined ? 2 : 1;
  const trustedRootWith = (variation: TrustVariation): Promise<TextFile> =>
    writeTrustedRoot(directory, material, variation, promising);
  const signingConfig = async (services: SigningServices = {}): Promise<string> => {
    const { scts = 'own', log: logged = true, timestamps = true } = services;
    const name = [scts, logged ? `v${logVersion.toString()}` : 'unlogged', timestamps].join('-');
    return writeSigningConfig(join(directory, `signing-config-${name}.json`), {
      fulcio: await fulcios.urlOf(scts),
      oidc: issuers.issuerUrl('email'),
      log: logged ? log.url : undefined,
      logVersion,
      timestamps: timestamps ? timestampsUrl : undefined,
    });
  };
  const root = await trustedRootWith({});
  return {
    trustedRoot: root.text,
    trustedRootFile: root.file,
    timestampRoots: readFileSync(material.files.own.timestamps, 'utf8'),
    foreignTimestampRoots: readFileSync(material.files.foreign.timestamps, 'utf8'),
    fulcioUrl: await fulcios.urlOf('own'),
    logUrl: log.url,
    promises: promising !== undefined,
    timestampsUrl,
    issuerUrl: (kind) => issuers.issuerUrl(kind),
    token: (identity, overrides) => issuers.token(identity, overrides),
    trustedRootWith,
    signingConfig: remembered(signingConfig),
    fulcioWith: (scts) => fulcios.urlOf(scts),
    ...whole,
  };
}

/** Fulcios with one CA, that differ in the certificate log they ask. */
class Fulcios {
  readonly #parts: Parts;
  readonly #config: string;
  readonly #running = new Map<string, Promise<Service>>();

  constructor(parts: Parts) {
    this.#parts = parts;
    this.#config = join(parts.directory, 'fulcio.yaml');
    writeFileSync(
      this.#config,
      fulcioConfig((kind) => parts.issuers.issuerUrl(kind)),
    );
  }

  async urlOf(scts: 'own' | 'foreign' | 'none'): Promise<string> {
    let service = this.#running.get(scts);
    if (service === undefined) {
      service = this.#start(scts);
      this.#running.set(scts, service);
    }
    return (await service).url;
  }

  async stop(): Promise<void> {
    await Promise.all([...this.#running.values()].map(async (service) => (await service).stop()));
  }

  #start(scts: 'own' | 'foreign' | 'none'): Promise<Service> {
    const { directory, material, ctLogs } = this.#parts;
    const ctLogUrl = scts === 'none' ? '' : `${ctLogs.url}/${scts}`;
    const name = `fulcio-${scts}`;
    return startFulcio({ name, directory, material, config: this.#config, ctLogUrl });
  }
}

/** Asks once for each argument. */
function remembered<A, T>(make: (argument?: A) => Promise<T>): (argument?: A) => Promise<T> {
  const made = new Map<string, Promise<T>>();
  return (argument) => {
    const key = JSON.stringify(argument ?? {});
    const known = made.get(key) ?? make(argument);
    made.set(key, known);
    return known;
  };
}
