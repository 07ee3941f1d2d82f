// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { join } from 'node:path';

import { mustRun } from './process.ts';

/** Where a certificate and its private key are, both PEM. */
export interface CertificateFiles {
  readonly cert: string;
  readonly key: string;
}

/** What a leaf certificate is for. */
export interface LeafOptions {
  readonly commonName: string;
  /** Kubernetes reads them as the groups of a client. */
  readonly organizations?: readonly string[];
  /** Subject alternative names as openssl writes them, such as `IP:127.0.0.1`. */
  readonly names?: readonly string[];
}

/** A certificate authority with a P-256 key in a folder of files. */
export class CertificateAuthority {
  readonly files: CertificateFiles;
  readonly #directory: string;

  private constructor(directory: string, files: CertificateFiles) {
    this.#directory = directory;
    this.files = files;
  }

  /** Makes a new one; its files are `<name>.crt` and `<name>.key`. */
  static async create(directory: string, name: string): Promise<CertificateAuthority> {
    const files = filesOf(directory, name);
    await request(files, `/CN=${name}`, [
      'basicConstraints=critical,CA:TRUE',
      'keyUsage=critical,keyCertSign,cRLSign',
    ]);
    return new CertificateAuthority(directory, files);
  }

  /** Issues a leaf good for servers and clients; its files are `<file>.crt` and `<file>.key`. */
  async issue(file: string, leaf: LeafOptions): Promise<CertificateFiles> {
    const files = filesOf(this.#directory, file);
    await request(
      files,
      subjectOf(leaf),
      [
        'basicConstraints=critical,CA:FALSE',
        'keyUsage=critical,digitalSignature',
        'extendedKeyUsage=serverAuth,clientAuth',
        ...(leaf.names === undefined ? [] : [`subjectAltName=${leaf.names.join(',')}`]),
      ],
      this.files,
    );
    return files;
  }
}

/** Makes a P-256 private key in the SEC 1 form, the one the API server takes for token keys. */
export async function createPrivateKey(file: string): Promise<string> {
  await mustRun('openssl', ['ecparam', '-name', 'prime256v1', '-genkey', '-noout', '-out', file]);
  return file;
}

/** Makes a certificate signing request for a client with a new key; returns the request in PEM. */
export function createSigningRequest(keyFile: string, leaf: LeafOptions): Promise<string> {
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
  return mustRun('openssl', [
    ...['req', '-new', '-utf8', '-config', '/dev/null', ...key],
    ...['-keyout', keyFile, '-subj', subjectOf(leaf)],
  ]);
}

function filesOf(directory: string, name: string): CertificateFiles {
  return { cert: join(directory, `${name}.crt`), key: join(directory, `${name}.key`) };
}

/** openssl reads `/` as the separator and `+` as a multi-valued name: both are escaped. */
function subjectOf(leaf: LeafOptions): string {
  const escape = (value: string): string => value.replaceAll(/[\\/+=]/g, String.raw`\$&`);
  const groups = (leaf.organizations ?? []).map((group) => `/O=${escape(group)}`);
  return `${groups.join('')}/CN=${escape(leaf.commonName)}`;
}

async function request(
  files: CertificateFiles,
  subject: string,
  extensions: readonly string[],
  issuer?: CertificateFiles,
): Promise<void> {
  const signer = issuer === undefined ? [] : ['-CA', issuer.cert, '-CAkey', issuer.key];
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
  await mustRun('openssl', [
    ...[
      'req',
      '-x509',
      '-utf8',
      '-sha256',
      '-days',
      '30',
      '-config',
      '/dev/null',
      ...key,
      ...signer,
    ],
    ...['-keyout', files.key, '-out', files.cert, '-subj', subject],
    ...extensions.flatMap((extension) => ['-addext', extension]),
  ]);
}
