// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { certificatesOf, fingerprintOf } from '../../../runtime/tls/index.ts';
import type { KubeObject } from '../../../runtime/kube/index.ts';
import { waitFor, type KubernetesObject } from '../../harness/index.ts';
import type { ApiFault } from '../../world/index.ts';
import type { ChaosStage } from './stage.ts';

const SYSTEM = 'countersign-system';
const AS_OPERATOR = `--as=system:serviceaccount:${SYSTEM}:countersign-operator`;
const VALIDATING = 'validatingwebhookconfiguration';
const REPORTS = '/policyreports';

interface ConfigurationLike extends KubernetesObject {
  readonly webhooks: readonly { readonly clientConfig: { readonly caBundle?: string } }[];
}
interface ReportLike extends KubeObject {
  readonly scope?: { readonly kind: string; readonly name: string };
}

/** What we keep in the API server, and what others do to it. */
export function objectChapters(stageOf: () => ChaosStage): void {
  describe('our own objects', () => {
    it('program objects that are edited and deleted are put right, and what was in force stays', async () => {
      const stage = stageOf();
      const { world, recorder } = stage;
      const configMap = (verb: string, args: readonly string[]): Promise<string> =>
        world.kubectl.must([verb, 'configmap', ...args, '-n', SYSTEM, AS_OPERATOR]);
      stage.timeline.note('the program is edited and deleted');
      const broken = '-p={"data":{"index.json":"{"}}';
      await configMap('patch', ['countersign-program', '--type=merge', broken]);
      await recorder.sees('signed', 'admitted');
      await recorder.sees('unsigned', 'NO_SIGNATURE');
      const maps = await world.kubectl.list('configmaps', SYSTEM, 'countersign.dev/program');
      await configMap(
        'delete',
        maps.map(({ metadata }) => metadata?.name ?? ''),
      );
      await recorder.sees('signed', 'admitted');
      await recorder.sees('unsigned', 'NO_SIGNATURE');
      await stage.accepts([world.key]);
      await recorder.sees('rotated', 'SIGNATURE_INVALID');
      await stage.accepts([world.key, world.otherKey]);
      await recorder.sees('rotated', 'admitted');
    });

    it('fault 23: a caBundle that is edited away costs denials until it is right again', async () => {
      const { world, recorder, timeline } = stageOf();
      const mark = recorder.length;
      const path = '/webhooks/0/clientConfig/caBundle';
      const value = Buffer.from('garbage').toString('base64');
      timeline.note('the caBundle is edited');
      const target = { kind: VALIDATING, name: 'countersign' };
      const patch = [{ op: 'replace', path, value }];
      const { code, stderr } = await world.kubectl.patch(target, patch, { type: 'json' });
      assert.equal(code, 0, stderr);
      await recorder.sees('signed', 'admitted');
      await recorder.sees('unsigned', 'NO_SIGNATURE');
      await waitFor(async () => (await bundle(stageOf())).length > 0, {
        timeoutMs: 10_000,
        message: 'repaired',
      });
      for (const { answer } of recorder.since(mark))
        if (answer.kind === 'failed') assert.match(answer.message, /failed calling webhook/);
    });

    it('fault 24: a configuration that is deleted admits without a proof, and the record shows it', async () => {
      const stage = stageOf();
      const { world, recorder } = stage;
      const { apiVersion, kind, webhooks } = await world.kubectl.get<ConfigurationLike>(
        VALIDATING,
        'countersign',
      );
      const [mark, from] = [recorder.length, Date.now()];
      await world.kubectl.delete(VALIDATING, 'countersign');
      await recorder.sees('unsigned', 'admitted');
      const caught = await stage.judged(recorder.since(mark));
      assert.ok(caught.unproven.some((line) => line.includes('"label":"unsigned"')));
      const over = stage.timeline.opens(from);
      const metadata = { name: 'countersign' };
      await world.kubectl.apply({ apiVersion, kind, metadata, webhooks } as KubernetesObject);
      await recorder.sees('unsigned', 'NO_SIGNATURE');
      over();
      const told = await stage.judged(recorder.since(mark));
      assert.ok(told.excused >= caught.unproven.length);
      assert.deepEqual(told.unproven, []);
    });

    it('fault 11: reports that cannot be written for a while are written then, and nothing is hammered', async () => {
      const { members, recorder, timeline } = stageOf();
      const mark = recorder.length;
      const written = (): number =>
        members.operators
          .flatMap(({ api }) => api.writes)
          .filter(({ path }) => path.includes(REPORTS)).length;
      const refuse = async (fault: ApiFault): Promise<void> => {
        timeline.note(`reports are refused: ${JSON.stringify(fault)}`);
        const before = written();
        for (const { api } of members.operators)
          api.fault = ({ method, path }) =>
            method !== 'GET' && path.includes(REPORTS) ? fault : undefined;
        await waitFor(() => written() > before, { timeoutMs: 30_000, message: 'a report' });
      };
      await refuse({ status: 429, retryAfterSeconds: 1 });
      await refuse({ status: 500 });
      for (const { api } of members.operators) api.fault = () => undefined;
      const storedOnes = () =>
        recorder.since(mark).filter(({ dryRun, answer }) => !dryRun && answer.kind === 'admitted');
      await waitFor(() => storedOnes().length > 0, { timeoutMs: 30_000, message: 'a stored pod' });
      const stored = storedOnes();
      await waitFor(
        async () => {
          const reported = await reportedPods(stageOf());
          return stored.every(({ pod }) => reported.has(pod));
        },
        { timeoutMs: 45_000, message: 'a report of each pod', intervalMs: 250 },
      );
    });
  });
}

/** What we trust is replaced. It takes a while, in which other things may be waited for. */
export function rotationChapter(stageOf: () => ChaosStage): void {
  it('fault 23: the CA is rotated under load, and no review fails', async () => {
    const { world, recorder, timeline } = stageOf();
    const [before] = await bundle(stageOf());
    const mark = recorder.length;
    timeline.note('the CA is rotated');
    const rotate = ['countersign-webhook-ca', 'countersign.dev/rotate-ca=now', '-n', SYSTEM];
    await world.kubectl.must(['annotate', 'secret', ...rotate]);
    const trusts = (count: number): Promise<readonly string[]> =>
      waitFor(
        async () => {
          const trusted = await bundle(stageOf());
          return trusted.length === count && trusted[0] !== '' ? trusted : undefined;
        },
        { timeoutMs: 60_000, message: `${count.toString()} CAs`, intervalMs: 200 },
      );
    const [old, fresh] = await trusts(2);
    assert.equal(old, before);
    assert.deepEqual(await trusts(1), [fresh]);
    await recorder.sees('signed', 'admitted');
    await recorder.sees('unsigned', 'NO_SIGNATURE');
    const failed = recorder.since(mark).filter(({ answer }) => answer.kind === 'failed');
    assert.deepEqual(failed, []);
  });
}

/** What the webhook for pods trusts, by certificate; empty where it is not even PEM. */
async function bundle(stage: ChaosStage): Promise<readonly string[]> {
  const path = '/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations/countersign';
  const found = await stage.client.get<ConfigurationLike>(path);
  const pem = Buffer.from(found?.webhooks[0]?.clientConfig.caBundle ?? '', 'base64').toString();
  return pem.includes('BEGIN CERTIFICATE') ? certificatesOf(pem).map(fingerprintOf) : [];
}

async function reportedPods({ client }: ChaosStage): Promise<ReadonlySet<string>> {
  const { items } = await client.list<ReportLike>(
    '/apis/wgpolicyk8s.io/v1alpha2/namespaces/chaos/policyreports',
  );
  return new Set(items.map(({ scope }) => scope?.name ?? ''));
}
