// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { TestCertificateAuthority } from '../../../verification/testing/index.ts';
import { importKey, mustRun, newDirectory, tool } from '../../harness/index.ts';
import type { Ground, Spec } from './ground.ts';

const SUBJECT = 'release@example.com';
const DAY_MS = 86_400_000;

/** A PKI of one's own, and one who signs with a certificate of it. */
export class Pki {
  readonly #ca: TestCertificateAuthority;

  constructor(name: string) {
    this.#ca = new TestCertificateAuthority({ name });
  }

  /** Root and intermediate, PEM. */
  get roots(): string {
    return this.#ca.pem;
  }

  /** An authority for the certificate, by timestamp; `more` is what is to be otherwise. */
  authority({ sigstore }: Ground, more: Spec = {}): Spec {
    return {
      certificate: {
        roots: { inline: this.roots },
        subject: SUBJECT,
        trustedTime: 'Timestamp',
        timestampRoots: { inline: sigstore.timestampRoots },
        ...more,
      },
    };
  }

  /** Lets cosign sign an image with the certificate; answers its digest reference. */
  async signed(ground: Ground, options: { readonly timestamp?: boolean } = {}): Promise<string> {
    const { pinned } = await ground.unsigned('certified');
    const now = Date.now();
    const leaf = this.#ca.issueLeaf({
      sans: [{ type: 'email', value: SUBJECT }],
      notBefore: now - DAY_MS,
      notAfter: now + DAY_MS,
    });
    const directory = newDirectory('pki');
    const file = (name: string, text: string): string => {
      writeFileSync(join(directory, name), text);
      return join(directory, name);
    };
    const pem = leaf.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
    const { privateKey } = await importKey(pem);
    await mustRun(
      tool('cosign'),
      [
        ...['sign', '--yes', '--key', privateKey],
        ...['--certificate', file('leaf.pem', leaf.pem)],
        ...['--certificate-chain', file('chain.pem', this.roots)],
        ...['--use-signing-config=false', '--new-bundle-format=false', '--tlog-upload=false'],
        ...['--trusted-root', ground.sigstore.trustedRootFile],
        ...(options.timestamp === false
          ? []
          : [`--timestamp-server-url=${ground.sigstore.timestampsUrl}`]),
        pinned,
      ],
      { env: { COSIGN_PASSWORD: '' } },
    );
    return pinned;
  }
}
