// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { before, describe, it } from 'mocha';
import {
  copyImage,
  signBundle,
  waitFor,
  type CommandResult,
  type PushedImage,
} from '../harness/index.ts';
import {
  attachBundle,
  signKeyless,
  type GitHubIdentity,
  type Identity,
  type LocalSigstore,
  type SigningServices,
  type TrustVariation,
} from '../sigstore/index.ts';
import { reportOf, resultsOf } from '../story/index.ts';
import { assertAdmitted, assertDenied, deployment, policy } from '../world/index.ts';
import { ALICE, exactly, keyless, PIPELINE, RELEASE } from './shared/identities.ts';
import { signedBy, Stage, type Spec } from './shared/stage.ts';

const OTHER_BRANCH: GitHubIdentity = { ...RELEASE, ref: 'refs/heads/topic' };
const PRIVATE: GitHubIdentity = { ...RELEASE, visibility: 'private' };

describe('keyless signatures on a real API server', function () {
  this.timeout(120_000);
  let stage: Stage;
  let sigstore: LocalSigstore;

  before(async () => {
    stage = await Stage.open('keyless');
    ({ sigstore } = stage);
  });

  /** Demands a signature by the authority on everything in the repository. */
  const demand = (path: string, authority: Spec): Promise<void> =>
    stage.enforce(path, signedBy(stage.repository(path), authority));

  const signed = async (
    path: string,
    identity: Identity,
    services: SigningServices = {},
  ): Promise<PushedImage> => {
    const image = await stage.push(path);
    await signKeyless(image.pinned, { sigstore, identity, services });
    return image;
  };

  const admits = async ({ pinned }: PushedImage): Promise<void> =>
    assertAdmitted(await stage.ask(pinned));
  const denies = async ({ pinned }: PushedImage, code: string): Promise<void> =>
    assertDenied(await stage.ask(pinned), code);

  describe('of a workflow that is named exactly', () => {
    let bundle: string;

    before(async () => {
      const image = await stage.push('app');
      bundle = await signKeyless(image.pinned, { sigstore, identity: RELEASE });
      await demand('app', keyless(sigstore, RELEASE));
    });

    it('are admitted, by digest and by tag', async () => {
      const image = await signed('app', RELEASE);
      await admits(image);
      assertAdmitted(await stage.ask(image.reference));
    });

    it('are denied for another branch, and a good one beside it still counts', async () => {
      const image = await signed('app', OTHER_BRANCH);
      await denies(image, 'IDENTITY_MISMATCH');
      const both = await signed('app', OTHER_BRANCH);
      await signKeyless(both.pinned, { sigstore, identity: RELEASE });
      await admits(both);
    });

    it('are demanded: an image without any is denied, and one that is signed with a key', async () => {
      await denies(await stage.push('app'), 'NO_SIGNATURE');
      const image = await stage.push('app');
      await signBundle(stage.world.key, image.pinned);
      await denies(image, 'KEY_UNTRUSTED');
    });

    for (const [scts, code] of [
      ['none', 'SCT_MISSING'],
      ['foreign', 'SCT_INVALID'],
    ] as const) {
      it(`are denied with certificate timestamps: ${scts}`, async () => {
        await denies(await signed('app', RELEASE, { scts }), code);
      });
    }

    it('are denied without a log entry', async () => {
      await denies(await signed('app', RELEASE, { log: false }), 'TLOG_MISSING');
    });

    it('A40: are denied without a timestamp: entries of this log tell no time', async () => {
      const from = await stage.push('stripped');
      const text = await signKeyless(from.pinned, { sigstore, identity: RELEASE });
      await copyImage(from.pinned, `${stage.repository('app')}:stripped`);
      const pinned = `${stage.repository('app')}@${from.digest}`;
      await attachBundle(pinned, withoutTimestamps(text));
      assertDenied(await stage.ask(pinned), 'TIMESTAMP_MISSING');
    });

    it('A22: are denied where they are of another image', async () => {
      const image = await stage.push('app');
      await attachBundle(image.pinned, bundle);
      await denies(image, 'SUBJECT_MISMATCH');
    });

    it('are found under the fallback tag of a registry without the referrers API', async () => {
      const { tagRegistry } = stage.world;
      const spec = signedBy(stage.repository('app', tagRegistry), keyless(sigstore, RELEASE));
      const [image, other] = await Promise.all([
        stage.push('app', tagRegistry),
        stage.push('app', tagRegistry),
      ]);
      await signKeyless(image.pinned, { sigstore, identity: RELEASE });
      await signKeyless(other.pinned, { sigstore, identity: OTHER_BRANCH });
      await stage.enforce('app-by-tag', spec);
      await admits(image);
      await denies(other, 'IDENTITY_MISMATCH');
    });
  });

  it('are denied for another issuer, whoever the subject is', async () => {
    await demand('issuer', {
      keyless: {
        issuer: sigstore.issuerUrl('github'),
        subjectPattern: '.*',
        trustRoot: { material: { inline: sigstore.trustedRoot } },
      },
    });
    await denies(await signed('issuer', ALICE), 'IDENTITY_MISMATCH');
    await denies(await signed('issuer', PIPELINE), 'IDENTITY_MISMATCH');
    await admits(await signed('issuer', RELEASE));
  });

  it('are denied where a reusable workflow signs for another repository', async () => {
    const reusableWorkflow = 'acme/shared/.github/workflows/build.yml@refs/tags/v3';
    const own = { ...RELEASE, reusableWorkflow };
    const claims = { sourceRepositoryURI: 'https://github.com/acme/app' };
    await demand('claims', keyless(sigstore, own, { claims }));
    await admits(await signed('claims', own));
    await denies(await signed('claims', { ...own, repository: 'eve/app' }), 'IDENTITY_MISMATCH');
  });

  it('of GitLab are admitted by a pattern over projects and tags, which is anchored', async () => {
    const subjectPattern = 'https://gitlab\\.com/acme/.+//\\.gitlab-ci\\.yml@refs/tags/v[0-9.]+';
    const { issuer } = exactly(sigstore, PIPELINE);
    const trustRoot = { material: { inline: sigstore.trustedRoot } };
    await demand('gitlab', { keyless: { issuer, subjectPattern, trustRoot } });
    await admits(await signed('gitlab', PIPELINE));
    await admits(await signed('gitlab', { ...PIPELINE, project: 'acme/site' }));
    for (const wrong of [
      { ...PIPELINE, project: 'acme-evil/app' },
      { ...PIPELINE, ref: 'main', refType: 'branch' },
      { ...PIPELINE, ref: 'v1.2.3-rc' },
    ] as const) {
      await denies(await signed('gitlab', wrong), 'IDENTITY_MISMATCH');
    }
  });

  describe('with the thresholds of a private repository on GitHub', () => {
    const alone = { logEntries: 0, timestamps: 1 };

    before(async () => {
      const { text } = await sigstore.trustedRootWith({ log: 'none' });
      const root = (scts: number): Spec => ({
        trustRoot: { material: { inline: text }, thresholds: { ...alone, scts } },
      });
      await Promise.all([
        demand('private', keyless(sigstore, PRIVATE, root(1))),
        demand('private-unlogged', keyless(sigstore, PRIVATE, root(0))),
      ]);
    });

    it('are admitted with a timestamp and no log entry', async () => {
      await admits(await signed('private', PRIVATE, { log: false }));
    });

    it('are admitted without certificate timestamps only where none are asked for', async () => {
      const services = { log: false, scts: 'none' } as const;
      await admits(await signed('private-unlogged', PRIVATE, services));
      await denies(await signed('private', PRIVATE, services), 'SCT_MISSING');
    });

    it('are denied without a timestamp', async () => {
      const services = { log: false, timestamps: false };
      await denies(await signed('private', PRIVATE, services), 'TIMESTAMP_MISSING');
    });

    it('are admitted in the layout before bundles, with a timestamp', async () => {
      const image = await stage.push('private');
      await signKeyless(image.pinned, { sigstore, identity: PRIVATE, legacy: true });
      await admits(image);
      const other = await stage.push('private');
      await signKeyless(other.pinned, { sigstore, identity: OTHER_BRANCH, legacy: true });
      await denies(other, 'IDENTITY_MISMATCH');
      const untimed = await stage.push('private');
      const services = { timestamps: false };
      await signKeyless(untimed.pinned, { sigstore, identity: PRIVATE, legacy: true, services });
      await denies(untimed, 'TIMESTAMP_MISSING');
    });
  });

  describe('with a trusted root of which one part is not that of who signed', () => {
    const cases: readonly (readonly [TrustVariation, string])[] = [
      [{ fulcio: 'foreign' }, 'CERT_CHAIN_INVALID'],
      [{ fulcio: 'ended' }, 'CERT_CHAIN_INVALID'],
      [{ timestamps: 'foreign' }, 'TIMESTAMP_UNTRUSTED'],
      [{ timestamps: 'ended' }, 'TIMESTAMP_UNTRUSTED'],
      [{ timestamps: 'none' }, 'TIMESTAMP_MISSING'],
      [{ log: 'foreign' }, 'TLOG_KEY_UNTRUSTED'],
      [{ ctLog: 'foreign' }, 'SCT_INVALID'],
      [{ ctLog: 'ended' }, 'SCT_INVALID'],
    ];
    for (const [variation, code] of cases) {
      const [[part, how] = ['', '']] = Object.entries(variation);
      it(`are denied: ${part} ${how}`, async () => {
        const path = `${part}-${how}`.toLowerCase();
        const { text } = await sigstore.trustedRootWith(variation);
        const trustRoot = { material: { inline: text } };
        await demand(path, keyless(sigstore, RELEASE, { trustRoot }));
        await denies(await signed(path, RELEASE), code);
      });
    }

    it('cannot be asked for a log entry where the root knows no log', async () => {
      const { text } = await sigstore.trustedRootWith({ log: 'none' });
      const spec = (material: Spec): Spec =>
        signedBy(
          stage.repository('no-log'),
          keyless(sigstore, RELEASE, { trustRoot: { material } }),
        );
      const apply = (name: string, material: Spec): Promise<CommandResult> =>
        stage.world.kubectl.tryApply(policy(name, { mode: 'Enforce', ...spec(material) }));
      const field = /spec\.authorities\[0\]\.keyless\.trustRoot\.thresholds\.logEntries/;
      assert.match((await apply('keyless-no-log', { inline: text })).stderr, field);
      // Nobody can tell at apply what a ConfigMap holds.
      const name = 'keyless-no-log';
      await keepRoot(stage, name, text);
      const configMapRef = { name, key: ROOT_KEY };
      assertAdmitted(await apply(name, { configMapRef }));
      await waitFor(
        async () =>
          (await stalled(stage, name)).includes(
            'spec.authorities[0].keyless.trustRoot.thresholds.logEntries',
          ),
        {
          timeoutMs: 10_000,
          message: 'Stalled, with the field',
        },
      );
      await stage.world.kubectl.delete('imagetrustpolicy', name);
    });
  });

  it('F21: are denied, and reported, once a ConfigMap holds a root that trusts somebody else', async () => {
    const name = 'keyless-root';
    await keepRoot(stage, name, sigstore.trustedRoot);
    const trustRoot = { material: { configMapRef: { name, key: ROOT_KEY } } };
    await demand('root', keyless(sigstore, RELEASE, { trustRoot }));
    const image = await signed('root', RELEASE);
    await admits(image);
    const object = { name: 'root', namespace: stage.name, image: image.pinned };
    await stage.world.kubectl.apply(deployment({ ...object, replicas: 0 }));
    await reports(stage, 'root', ['pass']);
    const { text } = await sigstore.trustedRootWith({ fulcio: 'foreign' });
    await keepRoot(stage, name, text);
    await reports(stage, 'root', ['fail CERT_CHAIN_INVALID']);
    await denies(image, 'CERT_CHAIN_INVALID');
  });
});

const ROOT_KEY = 'trusted_root.json';

/** Puts a trusted root into a ConfigMap in the namespace of the operator. */
async function keepRoot({ world }: Stage, name: string, text: string): Promise<void> {
  const metadata = { name, namespace: 'countersign-system' };
  const data = { [ROOT_KEY]: text };
  await world.kubectl.apply({ apiVersion: 'v1', kind: 'ConfigMap', metadata, data });
}

function withoutTimestamps(bundle: string): string {
  const json = JSON.parse(bundle) as { verificationMaterial: Record<string, unknown> };
  const { timestampVerificationData, ...rest } = json.verificationMaterial;
  assert.ok(timestampVerificationData !== undefined);
  return JSON.stringify({ ...json, verificationMaterial: rest });
}

/** What a policy is stalled for. */
async function stalled(stage: Stage, name: string): Promise<string> {
  const { status } = await stage.world.kubectl.get<{
    status?: { conditions?: { type: string; status: string; message: string }[] };
  }>('imagetrustpolicy', name);
  const condition = status?.conditions?.find(({ type }) => type === 'Stalled');
  return condition?.status === 'True' ? condition.message : '';
}

/** Waits until the report of a Deployment says so; a changed ConfigMap is seen within a minute. */
async function reports(stage: Stage, name: string, wanted: readonly string[]): Promise<void> {
  const workload = { kind: 'Deployment', name, namespace: stage.name };
  const says = async (): Promise<boolean> => {
    const results = resultsOf(await reportOf(stage.world, workload));
    const said = results.map((r) => [r.result, r.properties['reason']].join(' ').trim());
    return said.join() === wanted.join();
  };
  await waitFor(says, { timeoutMs: 90_000, message: `report of ${name}: ${wanted.join()}` });
}
