// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ImageTrustPolicySpecInput } from '../../crds/index.ts';
import {
  compilePolicy,
  evaluate,
  ExceptionIndex,
  FactCache,
  parseImageReference,
  VerificationError,
  type Digest,
  type Evidence,
  type Verdict,
} from '../../verification/index.ts';

const ISSUER = 'https://token.actions.githubusercontent.com';
const IDENTITY =
  'https://github.com/sigstore-conformance/extremely-dangerous-public-oidc-beacon/.github/workflows/extremely-dangerous-oidc-beacon.yml@refs/heads/main';
const MANIFEST = 'application/vnd.oci.image.manifest.v1+json';

/** What became of one case of the suite. */
export interface CaseOutcome {
  readonly name: string;
  /** A name that ends in `_fail` must be refused, every other accepted. */
  readonly right: boolean;
  readonly told: string;
}

/**
 * Judges one case of the shared suite of Sigstore clients by the function that judges every image: the
 * artefact stands for the manifest, the identity or key for the authority, the root for its trust.
 */
export function judgeCase(directory: string, name: string, now: Date): CaseOutcome {
  const expected = name.endsWith('_fail') ? 'refused' : 'verified';
  const told = verdictOf(new CaseFiles(directory, name), now);
  return { name, right: told.startsWith('verified') === (expected === 'verified'), told };
}

class CaseFiles {
  readonly #suite: string;
  readonly #case: string;

  constructor(suite: string, name: string) {
    this.#suite = suite;
    this.#case = join(suite, 'bundle-verify', name);
  }

  /** A file of the case; `undefined` where the case has none of its own. */
  own(file: string): Buffer | undefined {
    const path = join(this.#case, file);
    return existsSync(path) ? readFileSync(path) : undefined;
  }

  get bundle(): Buffer {
    return readFileSync(join(this.#case, 'bundle.sigstore.json'));
  }

  get artefact(): Buffer {
    return this.own('artifact') ?? readFileSync(join(this.#suite, 'bundle-verify', 'a.txt'));
  }

  get trustedRoot(): string {
    const own = this.own('trusted_root.json');
    const publicGood = join(this.#suite, '..', 'trusted_root.public-good.json');
    return (own ?? readFileSync(publicGood)).toString('utf8');
  }
}

function verdictOf(files: CaseFiles, now: Date): string {
  try {
    const verdict = judge(files, now);
    const { outcome } = verdict;
    return 'first' in verdict
      ? `${outcome} ${verdict.first.code}: ${verdict.first.message}`
      : outcome;
  } catch (thrown) {
    if (thrown instanceof VerificationError) return `refused ${thrown.code}: ${thrown.message}`;
    throw thrown;
  }
}

function judge(files: CaseFiles, now: Date): Verdict {
  const { artefact, bundle } = files;
  const digest: Digest = `sha256:${sha256(artefact)}`;
  const evidence: Evidence = {
    digest,
    manifest: { mediaType: MANIFEST, bytes: artefact },
    signatures: [
      {
        format: 'bundle',
        digest: `sha256:${sha256(bundle)}`,
        bytes: bundle,
        annotations: {},
        origin: 'referrers-api',
      },
    ],
    gaps: [],
  };
  return evaluate({
    policy: compilePolicy('conformance', policyOf(files)),
    subject: {
      image: parseImageReference(`conformance.test/artefact@${digest}`),
      digest,
      namespace: 'conformance',
      serviceAccount: 'default',
    },
    evidence: { state: 'collected', evidence },
    exceptions: new ExceptionIndex([]),
    now,
    facts: new FactCache(),
  });
}

function policyOf(files: CaseFiles): ImageTrustPolicySpecInput {
  const key = files.own('key.pub')?.toString('utf8');
  const root = files.trustedRoot;
  const material = { inline: root };
  const thresholds = thresholdsOf(root);
  const authority =
    key === undefined
      ? {
          name: 'signer',
          keyless: {
            issuer: text(files.own('issuer')) ?? ISSUER,
            subject: text(files.own('identity')) ?? IDENTITY,
            trustRoot: { material, thresholds },
          },
        }
      : {
          name: 'signer',
          key: {
            material: { inline: key },
            transparencyLog: 'Require' as const,
            trustRoot: {
              material,
              thresholds: {
                logEntries: thresholds.logEntries,
                timestamps: thresholds.timestamps,
              },
            },
          },
        };
  const anyOf = [authority.name];
  const predicateType = predicateTypeOf(files.bundle);
  return {
    mode: 'Enforce',
    match: { images: ['**'] },
    authorities: [authority],
    requirements: [
      predicateType === undefined
        ? { name: 'signed', signature: { anyOf } }
        : { name: 'attested', attestation: { anyOf, predicateType } },
    ],
  };
}

/** One of each kind that the root knows at all: private instances have no logs, or no timestamp authority. */
function thresholdsOf(root: string): { logEntries: number; scts: number; timestamps: number } {
  const { tlogs, ctlogs } = JSON.parse(root) as Readonly<Record<string, readonly unknown[]>>;
  const logEntries = (tlogs ?? []).length > 0 ? 1 : 0;
  return { logEntries, scts: (ctlogs ?? []).length > 0 ? 1 : 0, timestamps: 1 - logEntries };
}

/** What a statement in the bundle says it is; `undefined` where it holds none that can be read. */
function predicateTypeOf(bundle: Buffer): string | undefined {
  try {
    const { dsseEnvelope } = JSON.parse(bundle.toString('utf8')) as {
      readonly dsseEnvelope?: { readonly payload: string };
    };
    if (dsseEnvelope === undefined) return undefined;
    const payload = Buffer.from(dsseEnvelope.payload, 'base64').toString('utf8');
    const { predicateType } = JSON.parse(payload) as { readonly predicateType?: string };
    return predicateType;
  } catch {
    return undefined;
  }
}

function text(bytes: Buffer | undefined): string | undefined {
  return bytes?.toString('utf8').trim();
}

function sha256(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}
