// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'mocha';
import { pushImage, signBundle, waitFor, type PushedImage } from '../harness/index.ts';
import {
  assertAdmitted,
  assertDenied,
  deployment,
  exception,
  keyPolicySpec,
  namespace,
  pod,
  policy,
} from '../world/index.ts';
import { startRefusingWebhook } from './reporting/refusing-webhook.ts';
import { ReportStage, type StoredReport } from './reporting/stage.ts';

const NS = 'reporting';
const POLICYREPORTS = 'policyreports.wgpolicyk8s.io';
const CLUSTERPOLICYREPORTS = 'clusterpolicyreports.wgpolicyk8s.io';
const REPORTS = 'reports.openreports.io';
const CLUSTERREPORTS = 'clusterreports.openreports.io';

describe('what is reported, in either API', function () {
  this.timeout(120_000);
  let stage: ReportStage;
  let signed: PushedImage;
  let unsigned: PushedImage;
  let stray: PushedImage;

  const applyPolicy = async (mode: 'Audit' | 'Enforce'): Promise<void> => {
    const images = [`${stage.world.registry.host}/reporting/**`];
    const keys = [stage.world.key.publicKey];
    await stage.world.kubectl.apply(
      policy(
        'team',
        keyPolicySpec({
          images,
          keys,
          mode,
          exceptions: { allowed: true, approval: 'NotRequired' },
        }),
      ),
    );
    await stage.world.enforced('team');
  };
  const deploy = async (name: string, image: PushedImage, inNamespace = NS): Promise<void> => {
    const made = deployment({ name, namespace: inNamespace, image: image.pinned, replicas: 0 });
    assertAdmitted(await stage.world.kubectl.create(made));
  };
  const impactWith = (verified: number, denied: readonly string[], exempt = 0): unknown => ({
    workloads: verified + denied.length + exempt,
    verified,
    rejected: denied.length,
    inconclusive: 0,
    exempt,
    wouldDeny: denied.length,
    sample: denied.map((name) => `Deployment ${NS}/${name}`),
  });
  const impactBecomes = (impact: unknown): Promise<void> =>
    stage.becomes(async () => inOrder(await stage.impactOf('team')), inOrder(impact));
  const clusterSays = async (kind?: string): Promise<readonly string[]> =>
    (await stage.clusterResults(kind)).map((r) =>
      [r.result, r.policy, r.rule, r.properties['repository'] ?? r.properties['namespace']]
        .filter((part) => part !== undefined)
        .join(' '),
    );
  const strayResult = (): string =>
    `warn cluster-coverage images-without-policy ${stage.world.registry.host}/stray/app`;
  const exemptResult = 'warn cluster-coverage exempt-namespace kube-system';
  const toldOf = (kind: string) => async (): Promise<unknown> => [
    await stage.told(kind, NS, 'good'),
    await stage.told(kind, NS, 'bad'),
  ];

  before(async () => {
    stage = await ReportStage.start();
    const { world } = stage;
    await world.kubectl.apply([namespace(NS), namespace('reporting-marker')]);
    [signed, unsigned, stray] = await Promise.all([
      pushImage(world.registry, 'reporting/signed', '1.0'),
      pushImage(world.registry, 'reporting/unsigned', '1.0'),
      pushImage(world.registry, 'stray/app', '1.0'),
    ]);
    await signBundle(world.key, signed.pinned);
    await applyPolicy('Audit');
    await deploy('good', signed);
    await deploy('worse', unsigned);
    await deploy('bad', unsigned);
    await deploy('stray', stray);
    await deploy('exempt', stray, 'kube-system');
  });
  after(async () => {
    await stage.stop();
  });

  describe('the impact of a policy', () => {
    it('tells in Audit what would be denied, and shows it in a column', async () => {
      await impactBecomes(impactWith(1, ['bad', 'worse']));
      const table = await stage.world.kubectl.must(['get', 'itp', 'team']);
      assert.match(table, /WOULD-DENY/);
      const spec = pod({ name: 'probe', namespace: NS, image: unsigned.pinned });
      assertAdmitted(await stage.world.kubectl.create(spec));
      await stage.world.kubectl.delete('pod', 'probe', NS);
      await impactBecomes(impactWith(1, ['bad', 'worse']));
    });

    it('counts what an exception covers apart, until that ends', async () => {
      const expiresAt = new Date(Date.now() + 600_000);
      const digests = [unsigned.digest];
      const granted = { name: 'hotfix', namespace: NS, policy: 'team', digests, expiresAt };
      await stage.world.kubectl.apply(exception({ ...granted, requestedBy: await me() }));
      await impactBecomes(impactWith(1, [], 2));
      await stage.world.kubectl.delete('signingexception', 'hotfix', NS);
      await impactBecomes(impactWith(1, ['bad', 'worse']));
    });

    it('is true: after the switch to Enforce exactly these are denied, and it goes on', async () => {
      await applyPolicy('Enforce');
      const { kubectl } = stage.world;
      assertDenied(
        await kubectl.create(pod({ name: 'bad', namespace: NS, image: unsigned.pinned })),
        'NO_SIGNATURE',
      );
      assertAdmitted(
        await kubectl.create(pod({ name: 'fine', namespace: NS, image: signed.pinned })),
      );
      await impactBecomes(impactWith(2, ['bad', 'worse']));
      await kubectl.delete('deployment', 'worse', NS);
      await impactBecomes(impactWith(2, ['bad']));
    });
  });

  describe('the report about the cluster', () => {
    it('tells of images that no policy covers and of exempt namespaces that run images', async () => {
      await stage.becomes(clusterSays, [exemptResult, strayResult()]);
      const results = await stage.clusterResults();
      for (const { category, scored, source } of results)
        assert.deepEqual([category, scored, source], ['Image Coverage', false, 'countersign']);
      assert.equal(results[1]?.properties['namespaces'], NS);
      const images = [`${stage.world.registry.host}/stray/**`];
      const keys = [stage.world.key.publicKey];
      const covering = policy('stray', keyPolicySpec({ images, keys, mode: 'Audit' }));
      await stage.world.kubectl.apply(covering);
      await stage.becomes(clusterSays, [exemptResult]);
      await stage.world.kubectl.delete('imagetrustpolicy', 'stray');
      await stage.becomes(clusterSays, [exemptResult, strayResult()]);
    });

    it('20: tells of a trust root that cannot be read, as long as a policy has it', async () => {
      const { kubectl, mirrorHost } = stage.world;
      const trustRoot = { tuf: { mirror: `http://${mirrorHost}`, root: { inline: '{}' } } };
      const keyless = { issuer: 'https://idp.example', subject: 'dev@example.com', trustRoot };
      const spec = keyPolicySpec({ images: ['elsewhere.example/**'], keys: [] });
      await kubectl.apply(
        policy('rooted', {
          ...spec,
          authorities: [{ name: 'people', keyless }],
          requirements: [{ name: 'signed', signature: { anyOf: ['people'] } }],
        }),
      );
      await stage.becomes(async () => (await clusterSays())[0], 'error rooted trust-root');
      const [result] = await stage.clusterResults();
      assert.equal(result?.scored, true);
      assert.deepEqual(
        result.resources?.map(({ kind, name }) => [kind, name]),
        [['ImageTrustPolicy', 'rooted']],
      );
      await kubectl.delete('imagetrustpolicy', 'rooted');
      await stage.becomes(clusterSays, [exemptResult, strayResult()]);
    });
  });

  describe('reports as they are stored', () => {
    it('holds what policy-reporter assumes of stored reports', async () => {
      await stage.becomes(toldOf(POLICYREPORTS), ['pass', 'fail']);
      const reports = await stage.ours(POLICYREPORTS);
      const cluster = await stage.ours(CLUSTERPOLICYREPORTS);
      assert.equal(cluster.length, 1);
      const ids = [...reports, ...cluster].flatMap(assertAssumptions);
      assert.equal(new Set(ids).size, ids.length, 'a resultID is used twice');
      for (const { scope, metadata } of reports) {
        assert.equal(metadata.ownerReferences?.length, 1);
        assert.equal(scope?.name === undefined, false);
      }
      const scopes = reports.map(({ scope, metadata }) =>
        [scope?.kind, metadata.namespace, scope?.name].join(' '),
      );
      assert.equal(new Set(scopes).size, scopes.length, 'two reports on one workload');
    });

    it('writes nothing where nothing changed: not in a second pass of an operator that was restarted', async () => {
      const { kubectl } = stage.world;
      const states = async (): Promise<readonly string[]> =>
        [
          ...(await stage.ours(POLICYREPORTS)),
          ...(await stage.ours(CLUSTERPOLICYREPORTS)),
          await kubectl.get<StoredReport>('imagetrustpolicy', 'team'),
        ].map(({ metadata }) => `${metadata.name} ${metadata.resourceVersion}`);
      await impactBecomes(impactWith(2, ['bad']));
      const [before, writes] = [await states(), await stage.writes()];
      await stage.restart();
      // Once its impact is told, every workload was judged again; this and its policy are two writes each.
      const images = ['marker.example/**'];
      await kubectl.apply(
        policy('marker', keyPolicySpec({ images, keys: [stage.world.key.publicKey] })),
      );
      await stage.becomes(async () => (await stage.impactOf('marker'))?.workloads, 0);
      assert.deepEqual(await states(), before);
      const ofMarker = (await stage.writes()) - writes;
      assert.ok(ofMarker <= 5, `${ofMarker.toString()} writes`);
      await kubectl.delete('imagetrustpolicy', 'marker');
    });

    it('fault 11: report writes that are answered 429 and 500 come later, and admission goes on', async () => {
      const refusing = await startRefusingWebhook(stage.world.kubectl);
      try {
        refusing.answer = { code: 429, retryAfterSeconds: 2 };
        await waitFor(
          async () => {
            await stage.world.kubectl.run(['delete', 'policyreport', '--all', '-n', 'default']);
            return true;
          },
          { timeoutMs: 5_000, message: 'the API server knows the webhook' },
        );
        await deploy('late', unsigned);
        // A change of the workload is a reason to try at once; else it is waited as long as was asked.
        const waited = (): boolean =>
          refusing.refused.some((at, i, all) => at - (all[i - 1] ?? at) >= 1_900);
        await waitFor(waited, { timeoutMs: 20_000, message: 'a pause between two writes' });
        assert.ok(refusing.refused.length < 10, `${refusing.refused.length.toString()} writes`);
        refusing.answer = { code: 500 };
        assertDenied(
          await stage.world.kubectl.create(
            pod({ name: 'no', namespace: NS, image: unsigned.pinned }),
          ),
          'NO_SIGNATURE',
        );
        const seen = refusing.refused.length;
        await waitFor(() => refusing.refused.length > seen, {
          timeoutMs: 20_000,
          message: 'a third refusal',
        });
        await impactBecomes(impactWith(2, ['bad', 'late']));
        assert.equal(await stage.told(POLICYREPORTS, NS, 'late'), undefined);
        refusing.answer = undefined;
        await stage.becomes(() => stage.told(POLICYREPORTS, NS, 'late'), 'fail', 20_000);
      } finally {
        await refusing.stop();
      }
    });
  });

  describe('the API', () => {
    const foreign = (apiVersion: string, kind: string, name: string, label: string) => ({
      apiVersion,
      kind,
      metadata: { name, namespace: NS, labels: { 'app.kubernetes.io/managed-by': label } },
      results: [],
    });

    before(async function () {
      if (!ReportStage.hasOpenReports) this.skip();
      await stage.applyOpenReports();
      await stage.world.kubectl.apply([
        foreign(
          'wgpolicyk8s.io/v1alpha2',
          'PolicyReport',
          'countersign-0123456789abcdef',
          'kyverno',
        ),
        foreign('openreports.io/v1alpha1', 'Report', 'theirs', 'kyverno'),
      ]);
    });

    it('is OpenReports where that is set: the same results, and ours of the other API go', async () => {
      const strip = (reports: readonly StoredReport[]): unknown =>
        reports.map(({ scope, summary, results }) => [
          scope,
          summary,
          results?.map((result) => ({ ...result, timestamp: undefined })),
        ]);
      const wanted = strip(await stage.ours(POLICYREPORTS));
      await stage.restart({ COUNTERSIGN_REPORT_API: 'openreports' });
      await stage.becomes(async () => strip(await stage.ours(REPORTS)), wanted);
      await stage.becomes(async () => (await stage.ours(POLICYREPORTS)).length, 0);
      await stage.becomes(() => clusterSays(CLUSTERREPORTS), [exemptResult, strayResult()]);
      assert.equal((await stage.ours(CLUSTERPOLICYREPORTS)).length, 0);
      for (const { source } of await stage.ours(REPORTS)) assert.equal(source, 'countersign');
      const left = await stage.world.kubectl.list<StoredReport>(POLICYREPORTS, NS);
      assert.deepEqual(
        left.map(({ metadata }) => metadata.name),
        ['countersign-0123456789abcdef'],
      );
    });

    it('is PolicyReport by default where both are served, and ours move back', async () => {
      await stage.restart();
      await stage.becomes(toldOf(POLICYREPORTS), ['pass', 'fail']);
      await stage.becomes(async () => (await stage.ours(REPORTS)).length, 0);
      await stage.becomes(async () => (await stage.ours(CLUSTERREPORTS)).length, 0);
      const left = await stage.world.kubectl.list<StoredReport>(REPORTS, NS);
      assert.deepEqual(
        left.map(({ metadata }) => metadata.name),
        ['theirs'],
      );
    });

    it('is none where that is set: ours go, and the impact is told all the same', async () => {
      await stage.restart({ COUNTERSIGN_REPORT_API: 'none' });
      await stage.becomes(async () => (await stage.ours(POLICYREPORTS)).length, 0);
      await stage.becomes(async () => (await stage.ours(CLUSTERPOLICYREPORTS)).length, 0);
      await deploy('unreported', unsigned);
      await impactBecomes(impactWith(2, ['bad', 'late', 'unreported']));
    });

    it('may be missing: a metric and the log tell, and reports come when one is served', async () => {
      const { kubectl } = stage.world;
      await kubectl.must([
        'delete',
        'crd',
        POLICYREPORTS,
        CLUSTERPOLICYREPORTS,
        REPORTS,
        CLUSTERREPORTS,
      ]);
      await stage.restart();
      await stage.becomes(() => stage.metric('reports_available'), 0);
      const isSaid = () => stage.operator.logTail(200).includes('no reports can be written');
      await stage.becomes(() => Promise.resolve(isSaid()), true);
      await impactBecomes(impactWith(2, ['bad', 'late', 'unreported']));
      await stage.applyOpenReports();
      await stage.becomes(toldOf(REPORTS), ['pass', 'fail'], 40_000);
      await stage.becomes(() => clusterSays(CLUSTERREPORTS), [exemptResult, strayResult()]);
      assert.equal(await stage.metric('reports_available'), 1);
    });
  });

  async function me(): Promise<string> {
    return await stage.world.kubectl.whoAmI();
  }
});

/** Policy-reporter reads it so; answers the identifiers of the results. */
function assertAssumptions(report: StoredReport): readonly string[] {
  assert.equal(report.metadata.labels?.['app.kubernetes.io/managed-by'], 'countersign');
  return (report.results ?? []).map((result) => {
    const { source, category = '', severity = '', message = '' } = result;
    assert.equal(source, 'countersign');
    assert.notEqual(category, '');
    assert.match(result.result, /^(?:pass|fail|warn|error|skip)$/);
    assert.match(severity, /^(?:high|medium|info)$/);
    assert.doesNotMatch(message, /\d{4}-\d\d-\d\dT|\d ?m?s(?:econds)? ago/);
    assertTime(result.timestamp);
    return assertProperties(result.properties);
  });
}

/** Seconds since the epoch; not older than this run. */
function assertTime(timestamp: { readonly seconds: number; readonly nanos: number } | undefined) {
  const now = Date.now() / 1000;
  assert.ok(timestamp !== undefined && Number.isInteger(timestamp.seconds));
  assert.ok(timestamp.seconds > now - 3_600 && timestamp.seconds <= now + 1);
  assert.equal(timestamp.nanos, 0);
}

/** Strings, and short enough for chips where they can be. */
function assertProperties(properties: Readonly<Record<string, string>>): string {
  for (const value of Object.values(properties)) assert.equal(typeof value, 'string');
  for (const chip of ['container', 'digest', 'reason', 'process', 'resultID'])
    assert.ok((properties[chip] ?? '').length <= 75, chip);
  const { resultID = '' } = properties;
  assert.match(resultID, /^[0-9a-f]{32}$/);
  return resultID;
}

/** With its fields in one order, to be compared as text. */
function inOrder(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
}
