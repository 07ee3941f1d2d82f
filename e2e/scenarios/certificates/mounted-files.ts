// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { copyFileSync, mkdirSync, readFileSync, renameSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { CertificateAuthority, newDirectory } from '../../harness/index.ts';
import { SERVICE } from './stage.ts';

/** Somebody else's CA, as cert-manager keeps one. */
export interface ForeignCa {
  readonly pem: string;
  /** Issues a certificate for the Service of the webhook; answers its files. */
  issue(): Promise<{ readonly cert: string; readonly key: string }>;
}

/** Makes a CA with openssl. */
export async function foreignCa(name: string): Promise<ForeignCa> {
  const authority = await CertificateAuthority.create(newDirectory(name), name);
  let issued = 0;
  return {
    pem: readFileSync(authority.files.cert, 'utf8'),
    issue: () => {
      issued += 1;
      const names = [`DNS:${SERVICE}`, `DNS:${SERVICE}.cluster.local`];
      return authority.issue(`leaf-${issued.toString()}`, { commonName: SERVICE, names });
    },
  };
}

/** A folder that is filled as a kubelet fills the volume of a Secret: the files change all at once. */
export class MountedFiles {
  readonly directory: string = newDirectory('certificate');
  #version = 0;

  /** Puts a certificate and its key there, in the place of what was there. */
  put({ cert, key }: { readonly cert: string; readonly key: string }): void {
    this.#version += 1;
    const version = `..${this.#version.toString()}`;
    mkdirSync(join(this.directory, version));
    copyFileSync(cert, join(this.directory, version, 'tls.crt'));
    copyFileSync(key, join(this.directory, version, 'tls.key'));
    symlinkSync(version, join(this.directory, '..data_tmp'));
    renameSync(join(this.directory, '..data_tmp'), join(this.directory, '..data'));
    if (this.#version > 1) return;
    for (const file of ['tls.crt', 'tls.key'])
      symlinkSync(join('..data', file), join(this.directory, file));
  }
}
