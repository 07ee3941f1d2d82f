// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'mocha';
import 'reflect-metadata';
import * as x509 from '@peculiar/x509';

import { copyImage, generateKey, pushImage, startRegistry } from '../harness/index.ts';
import type { CosignKey, Registry } from '../harness/index.ts';
import {
  attachBundle,
  attest,
  attestWithKey,
  cosignVerify,
  cosignVerifyAttestation,
  expecting,
  sign,
  signKeyless,
  startSigstore,
  subjectOf,
} from '../sigstore/index.ts';
import type { GitHubIdentity, GitLabIdentity, Identity, LocalSigstore } from '../sigstore/index.ts';

const ALICE: Identity = { issuer: 'email', email: 'alice@example.com' };
const BOB: Identity = { issuer: 'email', email: 'bob@example.com' };
const WORKFLOW: GitHubIdentity = {
  issuer: 'github',
  repository: 'acme/app',
  workflow: '.github/workflows/release.yml',
  ref: 'refs/heads/main',
};
const PIPELINE: GitLabIdentity = {
  issuer: 'gitlab',
  project: 'acme/tools/app',
  ref: 'v1.2.3',
  refType: 'tag',
};
/** Parts of a trusted root, and what cosign says when one of them does not fit. */
const PARTS = [
  ['fulcio', /failed to verify leaf certificate/],
  ['timestamps', /threshold not met for verified signed timestamps/],
  ['log', /not enough verified log entries/],
  ['ctLog', /SCT|signed certificate timestamp/i],
] as const;
const SBOM = { bomFormat: 'CycloneDX', specVersion: '1.6', components: [] };

describe('the local Sigstore', function () {
  this.timeout(60_000);
  let sigstore: LocalSigstore;
  let registry: Registry;
  let key: CosignKey;

  before(async () => {
    [sigstore, registry, key] = await Promise.all([
      startSigstore(),
      startRegistry({ kind: 'olareg' }),
      generateKey(),
    ]);
  });
  after(async () => {
    await Promise.all([sigstore.stop(), registry.stop()]);
  });

  const image = async (): Promise<string> => (await pushImage(registry, 'app', 'v1')).pinned;
  const accepts = async (pinned: string, args: readonly string[]): Promise<void> => {
    const { ok, stderr } = await cosignVerify(pinned, args);
    assert.ok(ok, stderr);
  };
  const refuses = async (
    pinned: string,
    args: readonly string[],
    message: RegExp,
  ): Promise<void> => {
    const { ok, stderr } = await cosignVerify(pinned, args);
    assert.ok(!ok, 'cosign accepts it');
    assert.match(stderr, message);
  };

  describe('a signature of a person', () => {
    let pinned: string;
    before(async () => {
      pinned = await image();
      await signKeyless(pinned, { sigstore, identity: ALICE, annotations: { env: 'prod' } });
    });

    it('is accepted for that person only', async () => {
      await accepts(pinned, expecting(sigstore, ALICE));
      await accepts(pinned, [...expecting(sigstore, ALICE), '-a', 'env=prod']);
      await refuses(pinned, expecting(sigstore, BOB), /no matching CertificateIdentity/);
    });

    it('is refused under another issuer', async () => {
      const workflows = `--certificate-oidc-issuer=${sigstore.issuerUrl('github')}`;
      const args = [...expecting(sigstore, ALICE), workflows];
      await refuses(pinned, args, /no matching CertificateIdentity/);
    });

    for (const [part, message] of PARTS) {
      it(`is refused by a trusted root with another ${part}, and by one with none`, async () => {
        for (const trusted of ['foreign', 'none'] as const) {
          const { file } = await sigstore.trustedRootWith({ [part]: trusted });
          await refuses(pinned, expecting(sigstore, ALICE, file), message);
        }
      });
    }

    it('is refused by a trusted root whose authority had ended before', async () => {
      for (const part of ['fulcio', 'timestamps', 'ctLog'] as const) {
        const { file } = await sigstore.trustedRootWith({ [part]: 'ended' });
        await refuses(pinned, expecting(sigstore, ALICE, file), /failed to verify|SCT/);
      }
    });

    it('is accepted by cosign though the log had ended before: its entries tell no time', async () => {
      const { file } = await sigstore.trustedRootWith({ log: 'ended' });
      await accepts(pinned, expecting(sigstore, ALICE, file));
    });
  });

  it('signs without a log, with a timestamp alone, as GitHub does for private repositories', async () => {
    const pinned = await image();
    const services = { log: false };
    const bundle = await signKeyless(pinned, { sigstore, identity: WORKFLOW, services });
    assert.ok(!bundle.includes('tlogEntries'));
    await refuses(pinned, expecting(sigstore, WORKFLOW), /log/);
    const offline = ['--insecure-ignore-tlog=true', '--use-signed-timestamps'];
    await accepts(pinned, [...expecting(sigstore, WORKFLOW), ...offline]);
    const { file } = await sigstore.trustedRootWith({ log: 'none' });
    await accepts(pinned, [...expecting(sigstore, WORKFLOW, file), ...offline]);
  });

  it('signs with no proof of time at all', async () => {
    const pinned = await image();
    const services = { log: false, timestamps: false };
    await signKeyless(pinned, { sigstore, identity: ALICE, services });
    const offline = ['--insecure-ignore-tlog=true', '--use-signed-timestamps'];
    await refuses(pinned, [...expecting(sigstore, ALICE), ...offline], /timestamp/);
  });

  it('issues certificates without certificate timestamps, and with those of a foreign log', async () => {
    for (const scts of ['none', 'foreign'] as const) {
      const pinned = await image();
      await signKeyless(pinned, { sigstore, identity: ALICE, services: { scts } });
      await refuses(pinned, expecting(sigstore, ALICE), /SCT|signed certificate timestamp/i);
      await accepts(pinned, [...expecting(sigstore, ALICE), '--insecure-ignore-sct=true']);
    }
  });

  it('signs in the layout before bundles', async () => {
    const pinned = await image();
    await signKeyless(pinned, { sigstore, identity: ALICE, legacy: true });
    const offline = ['--insecure-ignore-tlog=true', '--use-signed-timestamps'];
    await accepts(pinned, [...expecting(sigstore, ALICE), ...offline]);
    await refuses(pinned, [...expecting(sigstore, BOB), ...offline], /identit/i);
  });

  it('signs with a key, with log entry and timestamp', async () => {
    const pinned = await image();
    const bundle = await sign(pinned, { by: { key, sigstore } });
    assert.match(bundle, /tlogEntries/);
    const root = `--trusted-root=${sigstore.trustedRootFile}`;
    await accepts(pinned, [`--key=${key.publicKeyFile}`, root]);
    const other = await generateKey();
    await refuses(pinned, [`--key=${other.publicKeyFile}`, root], /verifying log entry/);
  });

  it('stores a bundle as cosign does, also such as belongs to another image', async () => {
    for (const kind of ['olareg', 'distribution'] as const) {
      const own = kind === 'olareg' ? registry : await startRegistry({ kind });
      const [first, second] = [await pushImage(own, 'a', '1'), await pushImage(own, 'b', '1')];
      const bundle = await signKeyless(first.pinned, { sigstore, identity: ALICE });
      await attachBundle(second.pinned, bundle);
      await refuses(second.pinned, expecting(sigstore, ALICE), /digest/);
      await copyImage(first.pinned, `${own.host}/copy:1`);
      const copy = `${own.host}/copy@${first.digest}`;
      await attachBundle(copy, bundle);
      await accepts(copy, expecting(sigstore, ALICE));
      if (own !== registry) await own.stop();
    }
  });

  describe('an attestation', () => {
    const verified = async (pinned: string, args: readonly string[]): Promise<string> => {
      const { ok, stdout, stderr } = await cosignVerifyAttestation(pinned, args);
      assert.ok(ok, stderr);
      return stdout;
    };

    it('is accepted for its type and identity', async () => {
      const pinned = await image();
      const by = { sigstore, identity: PIPELINE };
      await attest(pinned, { type: 'cyclonedx', predicate: SBOM, by });
      const args = expecting(sigstore, PIPELINE);
      const envelope = await verified(pinned, [...args, '--type=cyclonedx']);
      assert.deepEqual(statementOf(envelope).predicate, SBOM);
      const other = await cosignVerifyAttestation(pinned, [...args, '--type=vuln']);
      assert.ok(!other.ok);
      assert.match(other.stderr, /predicate type/);
    });

    it('is accepted in the layout before bundles, while its certificate is valid', async () => {
      const pinned = await image();
      const by = { sigstore, identity: PIPELINE };
      await attest(pinned, { type: 'cyclonedx', predicate: SBOM, by, legacy: true });
      const args = [...expecting(sigstore, PIPELINE), '--type=cyclonedx'];
      const envelope = await verified(pinned, [...args, '--insecure-ignore-tlog=true']);
      assert.deepEqual(statementOf(envelope).predicate, SBOM);
    });

    for (const legacy of [false, true]) {
      it(`is accepted for its key, ${legacy ? 'before bundles' : 'in a bundle'}`, async () => {
        const pinned = await image();
        const type = 'https://example.com/reviewed/v1';
        await attestWithKey(pinned, key, { type, predicate: '{"by":"alice"}', legacy });
        const { file } = await sigstore.trustedRootWith({});
        const args = [`--key=${key.publicKeyFile}`, `--trusted-root=${file}`, `--type=${type}`];
        await verified(pinned, [...args, '--insecure-ignore-tlog=true']);
      });
    }
  });

  describe('the certificate', () => {
    it('of a workflow names its claims as one of GitHub Actions does', async () => {
      const bundle = await signKeyless(await image(), { sigstore, identity: WORKFLOW });
      const { names, claims } = certificateOf(bundle);
      const signer = 'https://github.com/acme/app/.github/workflows/release.yml@refs/heads/main';
      assert.equal(subjectOf(WORKFLOW), signer);
      assert.deepEqual(names, [`url:${signer}`]);
      const sha = claims.get(3) ?? '';
      assert.match(sha, /^[0-9a-f]{40}$/);
      assert.deepEqual(
        Object.fromEntries(claims),
        Object.fromEntries([
          [1, sigstore.issuerUrl('github')],
          [2, 'push'],
          [3, sha],
          [4, 'release'],
          [5, 'acme/app'],
          [6, 'refs/heads/main'],
          [8, sigstore.issuerUrl('github')],
          [9, signer],
          [10, sha],
          [11, 'github-hosted'],
          [12, 'https://github.com/acme/app'],
          [13, sha],
          [14, 'refs/heads/main'],
          [15, '814233'],
          [16, 'https://github.com/acme'],
          [17, '5512'],
          [18, signer],
          [19, sha],
          [20, 'push'],
          [21, 'https://github.com/acme/app/actions/runs/7700123/attempts/1'],
          [22, 'public'],
          [24, 'repo:acme/app:ref:refs/heads/main'],
        ]),
      );
    });

    it('of a reusable workflow tells the signer from the repository that called it', async () => {
      const reusableWorkflow = 'acme/shared/.github/workflows/build.yml@refs/tags/v3';
      const identity = { ...WORKFLOW, reusableWorkflow, environment: 'production' };
      const { names, claims } = certificateOf(
        await signKeyless(await image(), { sigstore, identity }),
      );
      assert.deepEqual(names, [`url:https://github.com/${reusableWorkflow}`]);
      assert.equal(claims.get(9), `https://github.com/${reusableWorkflow}`);
      assert.equal(claims.get(12), 'https://github.com/acme/app');
      assert.equal(claims.get(18), subjectOf(WORKFLOW));
      assert.equal(claims.get(23), 'production');
    });

    it('of a pipeline names its claims as one of GitLab does', async () => {
      const bundle = await signKeyless(await image(), { sigstore, identity: PIPELINE });
      const { names, claims } = certificateOf(bundle);
      const signer = 'https://gitlab.com/acme/tools/app//.gitlab-ci.yml@refs/tags/v1.2.3';
      assert.equal(subjectOf(PIPELINE), signer);
      assert.deepEqual(names, [`url:${signer}`]);
      assert.deepEqual(
        [8, 9, 11, 12, 14, 16, 18, 20, 21, 22, 24].map((arc) => claims.get(arc)),
        [
          sigstore.issuerUrl('gitlab'),
          signer,
          'gitlab-hosted',
          'https://gitlab.com/acme/tools/app',
          'refs/tags/v1.2.3',
          'https://gitlab.com/acme/tools',
          signer,
          'push',
          'https://gitlab.com/acme/tools/app/-/jobs/990077',
          'public',
          'project_path:acme/tools/app:ref_type:tag:ref:v1.2.3',
        ],
      );
    });

    it('is not issued for an email address that was not verified', async () => {
      const answer = async (token: string): Promise<string> => {
        const response = await fetch(`${sigstore.fulcioUrl}/api/v2/signingCert`, {
          method: 'POST',
          body: JSON.stringify({ credentials: { oidcIdentityToken: token } }),
        });
        return response.text();
      };
      const unverified = sigstore.token(ALICE, { email_verified: false });
      assert.match(await answer(unverified), /error processing the identity token/);
      assert.match(await answer(sigstore.token(ALICE)), /public key/);
    });
  });
});

interface Statement {
  readonly predicate: unknown;
}

function statementOf(envelope: string): Statement {
  const { payload } = JSON.parse(envelope) as { payload: string };
  return JSON.parse(Buffer.from(payload, 'base64').toString()) as Statement;
}

const FULCIO = '1.3.6.1.4.1.57264.1.';
/** The claims up to this one are plain text, the later ones a UTF8String. */
const LAST_PLAIN = 6;

/** Alternative names of a bundle's certificate, and its claims by the last number of their names. */
function certificateOf(bundle: string): { names: string[]; claims: Map<number, string> } {
  const { verificationMaterial } = JSON.parse(bundle) as {
    verificationMaterial: { certificate: { rawBytes: string } };
  };
  const certificate = new x509.X509Certificate(verificationMaterial.certificate.rawBytes);
  const alternative = certificate.getExtension(x509.SubjectAlternativeNameExtension);
  const names = alternative?.names.items.map(({ type, value }) => `${type}:${value}`) ?? [];
  const claims = new Map<number, string>();
  for (const { type, value } of certificate.extensions) {
    if (type.startsWith(FULCIO)) {
      const arc = Number(type.slice(FULCIO.length));
      claims.set(arc, claimText(Buffer.from(value), arc));
    }
  }
  return { names, claims };
}

function claimText(value: Buffer, arc: number): string {
  if (arc <= LAST_PLAIN) return value.toString('utf8');
  assert.equal(value[0], 0x0c, 'a UTF8String');
  assert.equal(value[1], value.length - 2);
  return value.toString('utf8', 2);
}
