// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { mustRun, newDirectory, offlineFiles, runCommand, tool } from '../harness/index.ts';
import type { CosignKey, Namespace } from '../harness/index.ts';
import { subjectOf } from './identity.ts';
import type { Identity } from './identity.ts';
import type { LocalSigstore } from './sigstore.ts';
import type { SigningServices } from './trust.ts';

/** Signs with a certificate of the Sigstore for the identity. */
export interface KeylessSigner {
  readonly sigstore: LocalSigstore;
  readonly identity: Identity;
  readonly services?: SigningServices;
}

/** Signs with a key; with the log and the timestamps of a Sigstore where one is given. */
export interface KeySigner {
  readonly key: CosignKey;
  readonly sigstore?: LocalSigstore;
  readonly services?: SigningServices;
}

/** Who signs. */
export type Signer = KeylessSigner | KeySigner;

/** How a private registry is reached; one on loopback without TLS needs nothing. */
export interface RegistryAccess {
  readonly username?: string;
  readonly password?: string;
  /** File of the certificates that its own is checked with, PEM. */
  readonly ca?: string;
}

/** What is common to signatures and attestations. */
export interface PublishOptions {
  /**
   * The layout before bundles: tags `.sig` and `.att`. Keyless ones carry a timestamp and no log
   * entry, as does a key's where a Sigstore is given: that layout cannot carry entries of Rekor v2,
   * while those of a Rekor v1 go along.
   */
  readonly legacy?: boolean;
  readonly registry?: RegistryAccess;
  /** Where cosign runs. */
  readonly runIn?: Namespace;
}

/** What goes into a signature. */
export interface SignatureOptions extends PublishOptions {
  readonly annotations?: Readonly<Record<string, string>>;
  /** Also signs what an index lists. */
  readonly recursive?: boolean;
}

/** What goes into an attestation. */
export interface AttestationOptions extends PublishOptions {
  /** A name that cosign knows (`cyclonedx`, `spdxjson`, `slsaprovenance1`, `vuln`, …) or a URI. */
  readonly type: string;
  /** Content of the predicate: text as it stands, anything else as JSON. */
  readonly predicate: unknown;
}

/** How a command of cosign ended. */
export interface Verdict {
  readonly ok: boolean;
  readonly stdout: string;
  readonly stderr: string;
}

const ENVIRONMENT = { COSIGN_PASSWORD: '' };

/** Signs an image; returns the bundle's JSON, which is empty for the legacy layout. */
export async function sign(
  pinned: string,
  options: SignatureOptions & { readonly by: Signer },
): Promise<string> {
  const annotations = Object.entries(options.annotations ?? {});
  const flags = annotations.flatMap(([name, value]) => ['-a', `${name}=${value}`]);
  const depth = options.recursive === true ? ['--recursive'] : [];
  return publish('sign', pinned, options, [...flags, ...depth]);
}

/** Signs an image with a certificate; returns as {@link sign} does. */
export function signKeyless(
  pinned: string,
  options: SignatureOptions & KeylessSigner,
): Promise<string> {
  return sign(pinned, { ...options, by: options });
}

/** Attests something about an image; returns as {@link sign} does. */
export async function attest(
  pinned: string,
  options: AttestationOptions & { readonly by: Signer },
): Promise<string> {
  const { predicate, type } = options;
  const file = join(newDirectory('predicate'), 'predicate.json');
  writeFileSync(file, typeof predicate === 'string' ? predicate : JSON.stringify(predicate));
  return publish('attest', pinned, options, ['--type', type, '--predicate', file]);
}

/** Attests with a key and without any service; returns as {@link sign} does. */
export function attestWithKey(
  pinned: string,
  key: CosignKey,
  options: AttestationOptions,
): Promise<string> {
  return attest(pinned, { ...options, by: { key } });
}

/** Attests something about bytes that are no image; returns the bundle's JSON. */
export async function attestBlob(
  blob: string,
  { by, type, predicate }: Pick<AttestationOptions, 'type' | 'predicate'> & { readonly by: Signer },
): Promise<string> {
  const directory = newDirectory('blob');
  const write = (name: string, text: string): string => {
    const file = join(directory, name);
    writeFileSync(file, text);
    return file;
  };
  const bundle = join(directory, 'bundle.json');
  const what = ['--type', type, '--predicate', write('predicate.json', JSON.stringify(predicate))];
  const how = [...signerFlags(by), ...(await bundleFlags(by)), `--bundle=${bundle}`];
  const args = ['attest-blob', '--yes', ...what, ...how, write('blob', blob)];
  await mustRun(tool('cosign'), args, { env: ENVIRONMENT });
  return readFileSync(bundle, 'utf8');
}

/** Lets cosign verify the signatures of an image; never throws for its verdict. */
export function cosignVerify(pinned: string, args: readonly string[]): Promise<Verdict> {
  return verdict(['verify', ...args, pinned]);
}

/** Lets cosign verify the attestations of an image; never throws for its verdict. */
export function cosignVerifyAttestation(pinned: string, args: readonly string[]): Promise<Verdict> {
  return verdict(['verify-attestation', ...args, pinned]);
}

/** What cosign has to be told to expect exactly this identity, with this trusted root. */
export function expecting(
  sigstore: LocalSigstore,
  identity: Identity,
  trustedRootFile: string = sigstore.trustedRootFile,
): string[] {
  return [
    `--trusted-root=${trustedRootFile}`,
    `--certificate-identity=${subjectOf(identity)}`,
    `--certificate-oidc-issuer=${sigstore.issuerUrl(identity.issuer)}`,
  ];
}

async function publish(
  command: 'sign' | 'attest',
  pinned: string,
  options: PublishOptions & { readonly by: Signer },
  flags: readonly string[],
): Promise<string> {
  const { by, legacy = false, registry, runIn } = options;
  const bundle = join(newDirectory('bundle'), 'bundle.json');
  const layout = legacy
    ? await legacyFlags(by)
    : [...(await bundleFlags(by)), `--bundle=${bundle}`];
  const access = [...signerFlags(by), ...registryFlags(registry ?? {})];
  const args = [command, '--yes', ...flags, ...layout, ...access, pinned];
  await mustRun(tool('cosign'), args, { env: ENVIRONMENT, runIn });
  return existsSync(bundle) ? readFileSync(bundle, 'utf8') : '';
}

async function verdict(args: readonly string[]): Promise<Verdict> {
  const { code, stdout, stderr } = await runCommand(tool('cosign'), args, { env: ENVIRONMENT });
  return { ok: code === 0, stdout, stderr };
}

function signerFlags(by: Signer): string[] {
  if ('key' in by) return [`--key=${by.key.privateKey}`];
  const file = join(newDirectory('token'), 'token');
  writeFileSync(file, by.sigstore.token(by.identity));
  return [`--identity-token=${file}`];
}

async function bundleFlags({ sigstore, services }: Signer): Promise<string[]> {
  if (sigstore === undefined) {
    const { signingConfig, trustedRoot } = await offlineFiles();
    return [`--signing-config=${signingConfig}`, `--trusted-root=${trustedRoot}`];
  }
  const signingConfig = await sigstore.signingConfig(services);
  return [`--signing-config=${signingConfig}`, `--trusted-root=${sigstore.trustedRootFile}`];
}

async function legacyFlags(by: Signer): Promise<string[]> {
  const { sigstore, services } = by;
  const layout = ['--use-signing-config=false', '--new-bundle-format=false'];
  if (sigstore === undefined) return [...layout, '--tlog-upload=false'];
  return [
    ...layout,
    sigstore.promises && services?.log !== false
      ? `--rekor-url=${sigstore.logUrl}`
      : '--tlog-upload=false',
    `--trusted-root=${sigstore.trustedRootFile}`,
    ...('key' in by ? [] : [`--fulcio-url=${await sigstore.fulcioWith(services?.scts ?? 'own')}`]),
    ...(services?.timestamps === false ? [] : [`--timestamp-server-url=${sigstore.timestampsUrl}`]),
  ];
}

function registryFlags({ username, password, ca }: RegistryAccess): string[] {
  return [
    ...(username === undefined ? [] : [`--registry-username=${username}`]),
    ...(password === undefined ? [] : [`--registry-password=${password}`]),
    ...(ca === undefined ? [] : [`--registry-cacert=${ca}`]),
  ];
}
