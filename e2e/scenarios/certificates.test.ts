// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { realpathSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { after, before, describe, it } from 'mocha';
import { parseAllDocuments } from 'yaml';
import { certificatesOf } from '../../runtime/tls/index.ts';
import {
  newDirectory,
  pushImage,
  signBundle,
  waitFor,
  type PushedImage,
} from '../harness/index.ts';
import {
  assertAdmitted,
  assertDenied,
  keyPolicySpec,
  namespace,
  pod,
  policy,
  type Component,
  type World,
} from '../world/index.ts';
import { Load } from './shared/load.ts';
import { foreignCa, MountedFiles, type ForeignCa } from './certificates/mounted-files.ts';
import {
  CA_SECRET,
  MUTATING,
  pathOf,
  printsOf,
  SERVICE,
  shownBy,
  Stage,
  SYSTEM,
  type StageReplica,
  VALIDATING,
} from './certificates/stage.ts';

const NS = 'certificates';
const CONFIG = join(import.meta.dirname, '..', '..', 'config');
const ROTATE = 'countersign.dev/rotate-ca';
/** Replicas look at the Secret every five seconds; each step waits two more. */
const FOLLOWED_MS = 45_000;

/** What is read of the objects that the component makes or changes. */
interface Rendered {
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly annotations?: Readonly<Record<string, string>>;
  };
  readonly data: Readonly<Record<string, string>>;
  readonly spec: {
    readonly dnsNames?: readonly string[];
    readonly secretName?: string;
    readonly issuerRef?: { readonly name: string };
    readonly template: { readonly spec: PodSpec };
  };
}

interface PodSpec {
  readonly volumes: readonly { readonly name: string; readonly secret?: { secretName: string } }[];
  readonly containers: readonly {
    readonly volumeMounts: readonly { readonly name: string; readonly mountPath: string }[];
  }[];
}

describe('the certificates of the webhook', function () {
  this.timeout(120_000);
  let stage: Stage;
  let world: World;
  let signed: PushedImage;
  let unsigned: PushedImage;
  let sequence = 0;

  const create = (image: string) => {
    sequence += 1;
    return world.kubectl.create(pod({ name: `pod-${sequence.toString()}`, namespace: NS, image }));
  };
  const load = (): Load =>
    new Load({
      kubeconfig: world.plane.kubeconfig,
      namespace: NS,
      // By tag: where one of the two webhooks cannot be called, it is not admitted.
      admitted: [signed.reference, signed.pinned],
      denied: [{ image: unsigned.pinned, code: 'NO_SIGNATURE' }],
    });
  const signingPrint = async (): Promise<string> =>
    printsOf(await stage.secret('tls.crt'))[0] ?? '';

  before(async () => {
    stage = await Stage.start({ COUNTERSIGN_WEBHOOK_CA_STEP_SECONDS: '2' });
    ({ world } = stage);
    await world.kubectl.apply(namespace(NS));
    [signed, unsigned] = await Promise.all([
      pushImage(world.registry, 'certificates/signed', '1.0'),
      pushImage(world.registry, 'certificates/unsigned', '1.0'),
    ]);
    await signBundle(world.key, signed.pinned);
    const images = [`${world.registry.host}/certificates/**`];
    await world.kubectl.apply(
      policy('certificates', keyPolicySpec({ images, keys: [world.key.publicKey] })),
    );
    await world.enforced('certificates');
    assertAdmitted(await create(signed.reference));
    assertDenied(await create(unsigned.pinned), 'NO_SIGNATURE');
  });
  after(async () => {
    await stage.stop();
  });

  it('are of one CA that is good for a year; gauges tell when CA and certificate end', async () => {
    const [print] = await stage.trusted(1, 10_000);
    assert.equal(print, await signingPrint());
    const [ca] = certificatesOf(await stage.secret('tls.crt'));
    const end = ca?.validToDate.getTime() ?? 0;
    assert.equal(Math.round((end - Date.now()) / 86_400_000), 365);
    const name = 'webhook_ca_expiration_timestamp_seconds';
    assert.equal(await stage.metric(world.operator, name), end / 1000);
    const leaf = await stage.metric(
      world.webhook,
      'webhook_certificate_expiration_timestamp_seconds',
    );
    assert.equal(Math.round((leaf * 1000 - Date.now()) / 86_400_000), 7);
  });

  it('fault 23: the CA is rotated under load, a replica starts meanwhile, and no review fails', async () => {
    const before = await signingPrint();
    const serial = await shownBy(stage.first.port, await stage.secret('tls.crt'));
    const running = load();
    const watched = watchReadiness(stage.first.component);
    const args = ['annotate', 'secret', CA_SECRET, `${ROTATE}=now`, '--namespace', SYSTEM];
    await world.kubectl.must(args);
    await looks(1);
    const both = await stage.trusted(2, 15_000);
    assert.equal(both[0], before);
    assert.equal(
      await signingPrint(),
      before,
      'the new CA signs before it can be known everywhere',
    );
    const second = await stage.addReplica('webhook-process-1');
    await second.component.ready();

    const [now] = await stage.trusted(1, FOLLOWED_MS);
    assert.equal(now, both[1]);
    assert.equal(now, await signingPrint());
    const after = running.answered;
    await waitFor(() => running.answered > after + 20, {
      timeoutMs: 20_000,
      message: 'load after the rotation',
    });
    const { admissions, denials, failures } = await running.stop();
    assert.deepEqual(failures, []);
    assert.ok(admissions > 100 && denials > 50, `${admissions.toString()} admissions`);
    assert.deepEqual(watched.stop(), [], 'the replica was not ready for a while');

    const pem = await stage.secret('tls.crt');
    for (const { port } of [stage.first, second])
      assert.match(await shownBy(port, pem), /^[0-9A-F]+$/);
    assert.notEqual(await shownBy(stage.first.port, pem), serial);
    assert.equal(await stage.secret('previous.crt'), '');
  });

  it('fault 23: the Secret of the CA is deleted under load, and no review fails', async () => {
    const before = await signingPrint();
    const running = load();
    await world.kubectl.delete('secret', CA_SECRET, SYSTEM);
    await looks(1);
    const both = await stage.trusted(2, 15_000);
    assert.equal(both[0], before);
    const [now] = await stage.trusted(1, FOLLOWED_MS);
    assert.equal(now, both[1]);
    assert.equal(now, await signingPrint());
    const { admissions, failures } = await running.stop();
    assert.deepEqual(failures, []);
    assert.ok(admissions > 50, `${admissions.toString()} admissions`);
  });

  const DAMAGES: Readonly<Record<string, readonly object[]>> = {
    emptied: [{ op: 'replace', path: '/webhooks/0/clientConfig/caBundle', value: '' }],
    'taken away': [{ op: 'remove', path: '/webhooks/0/clientConfig/caBundle' }],
    garbled: [{ op: 'replace', path: '/webhooks/0/clientConfig/caBundle', value: 'Z2FyYmFnZQ==' }],
  };
  for (const [damage, operations] of Object.entries(DAMAGES)) {
    it(`fault 23: a caBundle that is ${damage} is right again within five seconds`, async () => {
      const [trusted] = await stage.trusted(1, 5_000);
      await Promise.all(
        [VALIDATING, MUTATING].map((kind) => stage.client.patch(pathOf(kind), operations, 'json')),
      );
      assert.deepEqual(await stage.trusted(1, 5_000), [trusted]);
      await waitFor(async () => (await create(signed.reference)).code === 0, {
        timeoutMs: 5_000,
        message: 'admitted again',
      });
    });
  }

  it('fault 23: a caBundle is right again within five seconds also where others edit the configuration all the time', async () => {
    const [trusted] = await stage.trusted(1, 5_000);
    const { client } = stage;
    const path = pathOf(VALIDATING);
    let edits = 0;
    let editing = true;
    const edit = async (): Promise<void> => {
      while (editing) {
        edits += 1;
        const labels = { edited: edits.toString() };
        await client.patch(path, { metadata: { labels } }, 'merge');
      }
    };
    const running = edit();
    const refused = [{ op: 'test', path: '/metadata/resourceVersion', value: '1' }];
    await assert.rejects(client.patch(path, refused, 'json'), { status: 422 });
    await client.patch(path, DAMAGES['garbled'], 'json');
    assert.deepEqual(await stage.trusted(1, 5_000), [trusted]);
    editing = false;
    await running;
    assert.ok(edits > 5, `${edits.toString()} edits`);
  });

  it('two configurations: a replica that one of them refuses is not ready, and says which', async () => {
    await world.operator.stop();
    await stage.client.patch(pathOf(MUTATING), DAMAGES['garbled'], 'json');
    const { body } = await waitFor(
      async () => {
        const answer = await stage.first.component.probe('/readyz');
        return answer.status === 503 ? answer : undefined;
      },
      { timeoutMs: 10_000, message: 'not ready' },
    );
    assert.match(
      body,
      /the caBundle of pin\.countersign\.dev does not accept the serving certificate/,
    );
    assert.doesNotMatch(body, /pods\.countersign\.dev/);
    await world.operator.start();
    await stage.trusted(1, 45_000);
    await stage.first.component.ready();
    await waitFor(async () => (await create(signed.reference)).code === 0, {
      timeoutMs: 5_000,
      message: 'admitted again',
    });
  });

  it('fault 24: what an administrator edits is reported and not undone', async () => {
    const target = { kind: VALIDATING, name: 'countersign' };
    const open = [{ op: 'replace', path: '/webhooks/0/failurePolicy', value: 'Ignore' }];
    const sample = 'webhook_configuration_drift{configuration="validating"}';
    await world.kubectl.patch(target, open, { type: 'json' });
    await waitFor(async () => (await stage.metric(world.operator, sample)) === 1, {
      timeoutMs: 5_000,
      message: 'drift is reported',
    });
    await eventOf('ConfigurationDrift', /pods\.countersign\.dev: failurePolicy is not Fail/);
    await looks(2);
    const policyOf = async (): Promise<unknown> =>
      (await world.kubectl.get<{ webhooks: { failurePolicy: string }[] }>(target.kind, target.name))
        .webhooks[0]?.failurePolicy;
    assert.equal(await policyOf(), 'Ignore');
    await world.kubectl.patch(
      target,
      [{ op: 'replace', path: '/webhooks/0/failurePolicy', value: 'Fail' }],
      { type: 'json' },
    );
    await waitFor(async () => (await stage.metric(world.operator, sample)) === 0, {
      timeoutMs: 5_000,
      message: 'no drift any more',
    });
  });

  it('fault 24: a configuration that is deleted stays deleted, loudly; applied again, it works again', async () => {
    const [trusted] = await stage.trusted(1, 5_000);
    const { apiVersion, kind, webhooks } = await world.kubectl.get<{
      apiVersion: string;
      kind: string;
      webhooks: { clientConfig: { caBundle?: string } }[];
    }>(VALIDATING, 'countersign');
    await world.kubectl.delete(VALIDATING, 'countersign');
    await waitFor(async () => (await create(unsigned.pinned)).code === 0, {
      timeoutMs: 5_000,
      message: 'the emergency switch takes effect',
    });
    const exists = 'webhook_configuration_exists{configuration="validating"}';
    await waitFor(async () => (await stage.metric(world.operator, exists)) === 0, {
      timeoutMs: 5_000,
      message: 'the metric tells',
    });
    await eventOf(
      'ConfigurationMissing',
      /ValidatingWebhookConfiguration countersign does not exist/,
    );
    assert.match(world.operator.logTail(30), /it does not exist/);
    await looks(2);
    assert.equal(await world.kubectl.find(VALIDATING, 'countersign'), undefined);
    assert.equal(await stage.first.component.isReady(), true);

    const bare = webhooks.map(({ clientConfig, ...rest }) => ({
      ...rest,
      clientConfig: { ...clientConfig, caBundle: undefined },
    }));
    await world.kubectl.apply({
      apiVersion,
      kind,
      metadata: { name: 'countersign' },
      webhooks: bare,
    });
    assert.deepEqual(await stage.trusted(1, 5_000), [trusted]);
    await waitFor(async () => (await create(unsigned.pinned)).stderr.includes('NO_SIGNATURE'), {
      timeoutMs: 5_000,
      message: 'denied again',
    });
    assertAdmitted(await create(signed.reference));
  });

  describe('from files that somebody else keeps', () => {
    const files = new MountedFiles();
    let ca: ForeignCa;
    let operator: Component;
    let replica: StageReplica;

    /** Sets caBundle everywhere, as an injector of CAs does. */
    const inject = async (pem: string): Promise<void> => {
      const value = Buffer.from(pem).toString('base64');
      for (const kind of [VALIDATING, MUTATING]) {
        const { webhooks } = await world.kubectl.get<{ webhooks: unknown[] }>(kind, 'countersign');
        const operations = webhooks.map((_webhook, index) => {
          const path = `/webhooks/${index.toString()}/clientConfig/caBundle`;
          return { op: 'add', path, value };
        });
        await stage.client.patch(pathOf(kind), operations, 'json');
      }
    };
    const shows = async (pem: string, other: string): Promise<string> =>
      await waitFor(
        async () => {
          const serial = await shownBy(replica.port, pem);
          return /^[0-9A-F]+$/.test(serial) && serial !== other ? serial : undefined;
        },
        { timeoutMs: 20_000, message: 'another certificate is served' },
      );

    before(async () => {
      ca = await foreignCa('theirs');
      files.put(await ca.issue());
      await world.operator.stop();
      await stage.removeAll();
      await world.kubectl.delete('secret', CA_SECRET, SYSTEM);
      const env = { COUNTERSIGN_WEBHOOK_CERTIFICATE_DIRECTORY: files.directory };
      operator = await stage.addOperator(env);
      replica = await stage.addReplica('webhook-process-2', env);
      await operator.ready();
    });

    it('as the component for cert-manager has it: one Secret, mounted where the setting says, for the name that is called', async () => {
      const objects = await composed('default', 'cert-manager');
      const of = (kind: string, name: string): Rendered => {
        const found = objects.find((o) => o.kind === kind && o.metadata.name === name);
        assert.ok(found, `${kind} ${name}`);
        return found;
      };
      const { spec: certificate } = of('Certificate', 'countersign-webhook');
      assert.ok(certificate.dnsNames?.includes(SERVICE));
      assert.equal(
        certificate.issuerRef?.name,
        of('Issuer', 'countersign-webhook-ca').metadata.name,
      );
      const { volumes, containers } = of('Deployment', 'countersign-webhook').spec.template.spec;
      const volume = volumes.find(({ secret }) => secret !== undefined);
      assert.equal(volume?.secret?.secretName, certificate.secretName);
      const mount = containers[0]?.volumeMounts.find(({ name }) => name === volume?.name);
      const { data } = of('ConfigMap', 'countersign-settings');
      assert.equal(mount?.mountPath, data['COUNTERSIGN_WEBHOOK_CERTIFICATE_DIRECTORY']);
      assert.match(mount?.mountPath ?? '', /^\/etc\//);

      const configurations = await composed('admission', 'cert-manager-admission');
      assert.deepEqual(
        configurations.map((o) => o.metadata.annotations?.['cert-manager.io/inject-ca-from']),
        Array.from({ length: 2 }, () => `${SYSTEM}/countersign-webhook`),
      );
    });

    it('are served, ready when the caBundle that was injected accepts them', async () => {
      const { body } = await waitFor(
        async () => {
          const answer = await replica.component.probe('/readyz');
          return answer.body.includes('caBundle') ? answer : undefined;
        },
        { timeoutMs: 20_000, message: 'not ready for the caBundle alone' },
      );
      assert.match(body, /the caBundle of pods\.countersign\.dev does not accept/);
      await inject(ca.pem);
      await replica.component.ready();
      await waitFor(async () => (await create(signed.reference)).code === 0, {
        timeoutMs: 10_000,
        message: 'admitted',
      });
      assertDenied(await create(unsigned.pinned), 'NO_SIGNATURE');
    });

    it('fault 23: are renewed and their CA is rotated under load, without a restart and a failed review', async () => {
      const { pid } = replica.component;
      const running = load();
      const first = await shownBy(replica.port, ca.pem);
      files.put(await ca.issue());
      const second = await shows(ca.pem, first);

      const next = await foreignCa('theirs-next');
      await inject(ca.pem + next.pem);
      files.put(await next.issue());
      await shows(next.pem, second);
      await inject(next.pem);
      const { answered } = running;
      await waitFor(() => running.answered > answered + 20, {
        timeoutMs: 20_000,
        message: 'load after the rotation',
      });
      const { admissions, failures } = await running.stop();
      assert.deepEqual(failures, []);
      assert.ok(admissions > 20, `${admissions.toString()} admissions`);
      assert.equal(replica.component.pid, pid);
      ca = next;
    });

    it('stay what they are where the files are damaged', async () => {
      const serial = await shownBy(replica.port, ca.pem);
      const [one, other] = [await ca.issue(), await ca.issue()];
      files.put({ cert: one.cert, key: other.key });
      await waitFor(() => replica.component.logTail(20).includes('is not the key of'), {
        timeoutMs: 10_000,
        message: 'the log tells',
      });
      assert.equal(await shownBy(replica.port, ca.pem), serial);
      assertAdmitted(await create(signed.pinned));
      files.put(other);
      await shows(ca.pem, serial);
    });

    it('leave the CA and caBundle to their keeper: the operator tells drift, and writes nothing', async () => {
      const garbled = Buffer.from('garbage');
      await inject(garbled.toString());
      await looks(2, operator);
      const { webhooks } = await world.kubectl.get<{
        webhooks: { clientConfig: { caBundle: string } }[];
      }>(VALIDATING, 'countersign');
      assert.deepEqual(
        webhooks.map(({ clientConfig }) => clientConfig.caBundle),
        Array.from({ length: 3 }, () => garbled.toString('base64')),
      );
      assert.equal(await world.kubectl.find('secret', CA_SECRET, SYSTEM), undefined);
      const end = await stage.metric(operator, 'webhook_ca_expiration_timestamp_seconds');
      assert.equal(end, Number.NaN);
      const exists = 'webhook_configuration_exists{configuration="validating"}';
      assert.equal(await stage.metric(operator, exists), 1);
    });
  });

  /** A folder of `config/` with one of its components, as kustomize puts them together. */
  async function composed(folder: string, component: string): Promise<readonly Rendered[]> {
    const overlay = newDirectory('overlay');
    const at = (path: string): string => relative(realpathSync(overlay), join(CONFIG, path));
    const kustomization = { resources: [at(folder)], components: [at(`components/${component}`)] };
    writeFileSync(join(overlay, 'kustomization.yaml'), JSON.stringify(kustomization));
    const text = await world.kubectl.must(['kustomize', overlay]);
    return parseAllDocuments(text).map((document) => document.toJS() as Rendered);
  }

  /** Makes the operator look at both configurations so many times more: at every change of one it does. */
  async function looks(count: number, operator = world.operator): Promise<void> {
    const sample = 'reconciles_total{controller="configuration",outcome="ok"}';
    for (let turn = 0; turn < count; turn += 1) {
      const before = await stage.metric(operator, sample);
      sequence += 1;
      const labels = { 'looked-at': sequence.toString() };
      await stage.client.patch(pathOf(MUTATING), { metadata: { labels } }, 'merge');
      await waitFor(async () => (await stage.metric(operator, sample)) >= before + 2, {
        timeoutMs: 15_000,
        message: 'the operator looks again',
      });
    }
  }

  async function eventOf(reason: string, message: RegExp): Promise<void> {
    await waitFor(
      async () => {
        const events = await world.kubectl.list<{ reason: string; message: string }>('events');
        return events.some((event) => event.reason === reason && message.test(event.message));
      },
      { timeoutMs: 10_000, message: `an Event ${reason}` },
    );
  }
});

/** Notes whenever a replica is not ready, until it is stopped. */
function watchReadiness(component: Component): { stop(): readonly string[] } {
  const problems: string[] = [];
  let running = true;
  const watch = async (): Promise<void> => {
    while (running) {
      const { status, body } = await component.probe('/readyz');
      if (status !== 200) problems.push(`${status.toString()} ${body}`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  };
  void watch();
  return {
    stop: () => {
      running = false;
      return problems;
    },
  };
}
