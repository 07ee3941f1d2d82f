// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { realpathSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { after, before, describe, it } from 'mocha';
import { parseAllDocuments } from 'yaml';
import { loadSettings } from '../../runtime/settings/index.ts';
import { newDirectory, startControlPlane, waitFor } from '../harness/index.ts';
import type { CommandResult, ControlPlane, KubernetesObject } from '../harness/index.ts';
import { fails, succeeds } from './guards/answers.ts';
import { OPERATOR, RIGHTS, SYSTEM, WEBHOOK } from './guards/cases.ts';

const CONFIG = join(import.meta.dirname, '..', '..', 'config');
/** Of both Deployments together. */
const REPLICAS = 5;
const FINALIZER = '{"metadata":{"finalizers":["example.com/keep"]}}';
const NO_FINALIZER = '{"metadata":{"finalizers":null}}';
const POLICIES = [
  'countersign-program',
  'countersign-webhook-writes',
  'countersign-exception-spec',
  'countersign-exception-status',
];

describe('config/default on a real API server', function () {
  this.timeout(120_000);
  let cluster: ControlPlane;

  before(async () => {
    cluster = await startControlPlane({ scheduler: false });
    await cluster.kubectl.apply(await rendered('default'), { serverSide: true });
    await cluster.kubectl.must(['wait', '--for=condition=Established', 'crd', '--all']);
    await waitFor(async () => (await program(undefined, 'try')).code !== 0, {
      timeoutMs: 20_000,
      message: 'the guards are in force',
    });
  });

  after(async () => {
    await cluster.stop();
  });

  function rendered(folder: string): Promise<string> {
    return cluster.kubectl.must(['kustomize', join(CONFIG, folder)]);
  }

  function as(
    user: string | undefined,
    args: readonly string[],
    input?: KubernetesObject,
  ): Promise<CommandResult> {
    const who = user === undefined ? [] : [`--as=${user}`];
    return cluster.kubectl.run([...args, ...who], {
      ...(input === undefined ? {} : { input: JSON.stringify(input) }),
    });
  }

  /** Tries to create a ConfigMap of that name in the operator's namespace. */
  function program(user: string | undefined, name: string): Promise<CommandResult> {
    const metadata = { name: `countersign-program-${name}`, namespace: SYSTEM };
    const object = { apiVersion: 'v1', kind: 'ConfigMap', metadata };
    return as(user, ['create', '--filename=-', '--dry-run=server'], object);
  }

  describe('the manifests', () => {
    it('apply again without a change', async () => {
      const text = await rendered('default');
      const applied = await cluster.kubectl.apply(text, { serverSide: true });
      assert.match(applied, /deployment\.apps\/countersign-webhook serverside-applied/);
    });

    it('hold settings that operator and webhook understand, and ports that agree with them', async () => {
      const objects = parseAllDocuments(await rendered('default')).map(
        (document) => document.toJS() as Manifest,
      );
      const named = (kind: string, name: string): Manifest | undefined =>
        objects.find((object) => object.kind === kind && object.metadata?.name === name);
      const data = named('ConfigMap', 'countersign-settings')?.data ?? {};
      for (const name of ['countersign-operator', 'countersign-webhook']) {
        const container = named('Deployment', name)?.spec?.template?.spec.containers[0];
        assert.ok(container);
        const env = container.env.map(({ name: key, value = 'x' }): [string, string] => [
          key,
          value,
        ]);
        const settings = loadSettings({ ...data, ...Object.fromEntries<string>(env) });
        const ports = new Map(container.ports.map((port) => [port.name, port.containerPort]));
        assert.equal(ports.get('health'), settings.health.port);
        assert.equal(ports.get('https') ?? settings.webhook.port, settings.webhook.port);
      }
    });

    it('hold guards whose expressions type-check', async () => {
      for (const name of POLICIES) {
        const policy = await waitFor(() => checkedPolicy(name), {
          timeoutMs: 20_000,
          message: `${name} was type-checked`,
        });
        assert.deepEqual(policy.status?.typeChecking?.expressionWarnings ?? [], [], name);
      }
    });

    it('hold Deployments whose pods restricted Pod Security lets in', async () => {
      const pods = await waitFor(
        async () => {
          const list = await cluster.kubectl.list('pods', SYSTEM);
          return list.length === REPLICAS ? list : undefined;
        },
        { timeoutMs: 30_000, message: 'both Deployments have their pods' },
      );
      assert.deepEqual(
        pods.map((pod) => pod.metadata?.namespace),
        Array<string>(REPLICAS).fill(SYSTEM),
      );
    });

    it('render with the components, and with network policies', async () => {
      const text = await rendered('network-policy');
      assert.match(await cluster.kubectl.apply(text, { serverSide: true }), /countersign-webhook/);
      const overlay = newDirectory('overlay');
      const at = (folder: string): string => relative(realpathSync(overlay), join(CONFIG, folder));
      const kustomization = {
        resources: [at('default'), at('admission')],
        components: [at('components/port-9443'), at('components/pull-secrets')],
      };
      writeFileSync(join(overlay, 'kustomization.yaml'), JSON.stringify(kustomization));
      const composed = await cluster.kubectl.must(['kustomize', overlay]);
      assert.equal(composed.match(/port: 9443$/gm)?.length, 5);
      assert.doesNotMatch(composed, /port: 443$/m);
      assert.match(composed, /name: countersign-pull-secrets/);
      assert.match(composed, /COUNTERSIGN_PULL_SECRETS: "true"/);
    });
  });

  async function checkedPolicy(name: string): Promise<CheckedPolicy | undefined> {
    const policy = await cluster.kubectl.get<CheckedPolicy>('validatingadmissionpolicy', name);
    return policy.status?.typeChecking === undefined ? undefined : policy;
  }

  describe('the guard of the program', () => {
    const ofOperator = ['--namespace', SYSTEM];

    it('refuses it to a cluster administrator, and says what to do instead', async () => {
      const { code, stderr } = await program(undefined, 'abc');
      assert.notEqual(code, 0);
      assert.match(stderr, /written by the operator alone; edit the ImageTrustPolicy instead/);
    });

    it('refuses it to every other account, the webhook included', async () => {
      assert.notEqual((await program(WEBHOOK, 'abc')).code, 0);
    });

    it('lets the operator create, change and delete it, and nobody else after that', async () => {
      const name = 'countersign-program';
      const create = ['create', 'configmap', name, ...ofOperator];
      const label = ['label', 'configmap', name, 'x=y', '--overwrite', ...ofOperator];
      const remove = ['delete', 'configmap', name, ...ofOperator];
      await succeeds(as(OPERATOR, create));
      await fails(as(undefined, label), /operator alone/);
      await fails(as(undefined, remove), /operator alone/);
      const collection = `/api/v1/namespaces/${SYSTEM}/configmaps?fieldSelector=metadata.name%3D${name}`;
      await fails(as(undefined, ['delete', `--raw=${collection}`]), /operator alone/);
      await succeeds(as(OPERATOR, label));
      await succeeds(as(OPERATOR, remove));
    });

    it('says nothing about other ConfigMaps, or about other namespaces', async () => {
      await succeeds(as(undefined, ['create', 'configmap', 'other', ...ofOperator]));
      await succeeds(as(undefined, ['create', 'configmap', 'countersign-program']));
    });
  });

  describe('the guard of the webhook', () => {
    const lease = (name: string, namespace = SYSTEM): KubernetesObject => ({
      apiVersion: 'coordination.k8s.io/v1',
      kind: 'Lease',
      metadata: { name, namespace },
    });
    const inSystem = ['--namespace', SYSTEM];

    before(async () => {
      // Rights far beyond its own: what is refused is refused by the guard.
      const args = ['--clusterrole=cluster-admin', `--user=${WEBHOOK}`];
      await cluster.kubectl.must(['create', 'clusterrolebinding', 'webhook-admin', ...args]);
      await cluster.kubectl.must(['create', 'namespace', 'scratch']);
      await succeeds(as(OPERATOR, ['create', '--filename=-'], lease('countersign-operator')));
    });
    after(() => cluster.kubectl.delete('clusterrolebinding', 'webhook-admin'));

    it('lets it create, change and delete Leases of its replicas', async () => {
      const name = 'countersign-webhook-0';
      await succeeds(as(WEBHOOK, ['create', '--filename=-'], lease(name)));
      await succeeds(as(WEBHOOK, ['annotate', 'lease', name, 'x=1', ...inSystem]));
      await succeeds(as(WEBHOOK, ['delete', 'lease', name, ...inSystem]));
    });

    it('refuses Leases of the operator and of other namespaces', async () => {
      const only = /nothing but Leases named countersign-webhook-<pod>/;
      await fails(
        as(WEBHOOK, ['annotate', 'lease', 'countersign-operator', 'x=1', ...inSystem]),
        only,
      );
      await fails(as(WEBHOOK, ['delete', 'lease', 'countersign-operator', ...inSystem]), only);
      await fails(as(WEBHOOK, ['create', '--filename=-'], lease('mine')), only);
      const elsewhere = lease('countersign-webhook-0', 'default');
      await fails(as(WEBHOOK, ['create', '--filename=-'], elsewhere), only);
    });

    it('lets a replica write its own Lease only, where its token is bound to a pod', async () => {
      const bound = '--as-user-extra=authentication.kubernetes.io/pod-name=replica-1';
      const create = ['create', '--filename=-', '--dry-run=server', bound];
      await succeeds(as(WEBHOOK, create, lease('countersign-webhook-replica-1')));
      const only = /nothing but Leases named countersign-webhook-<pod>/;
      for (const name of ['countersign-webhook-replica-2', 'countersign-webhook-replica-11']) {
        await fails(as(WEBHOOK, create, lease(name)), only);
      }
    });

    it('refuses whatever else RBAC comes to grant, and leaves questions about rights alone', async () => {
      const only = /nothing but Leases/;
      await fails(as(WEBHOOK, ['create', 'configmap', 'mine']), only);
      await fails(as(WEBHOOK, ['create', 'token', 'default']), only);
      await fails(as(WEBHOOK, ['delete', 'namespace', 'scratch']), only);
      await succeeds(as(WEBHOOK, ['auth', 'can-i', 'create', 'configmaps']));
    });
  });

  describe('the rights', () => {
    const rights = (user: string, namespace: string): Promise<string> =>
      cluster.kubectl.must(['auth', 'can-i', '--list', '--namespace', namespace, `--as=${user}`]);

    for (const [user, verb, resource, namespace, expected] of RIGHTS) {
      it(`${expected}: ${user.replace(/^.*:/, '')} ${verb} ${resource} in ${namespace}`, async () => {
        const args = ['auth', 'can-i', verb, ...resource.split(' '), `--namespace=${namespace}`];
        const { stdout } = await as(user, args);
        assert.equal(stdout.trim().split('\n').at(-1), expected);
      });
    }

    it('hold no list or watch of Secrets, anywhere, and no wildcard', async () => {
      for (const user of [OPERATOR, WEBHOOK]) {
        for (const namespace of [SYSTEM, 'default']) {
          const lines = (await rights(user, namespace)).split('\n');
          const ofSecrets = lines.filter((line) => line.startsWith('secrets '));
          assert.ok(
            ofSecrets.every((line) => !/\b(list|watch|delete)\b/.test(line)),
            user,
          );
          assert.ok(
            lines.every((line) => !line.includes('*.')),
            user,
          );
        }
      }
    });

    it('reach pull secrets of other namespaces by get once the component is applied', async () => {
      const question = ['auth', 'can-i', 'get', 'secrets', '--namespace=default'];
      assert.notEqual((await as(WEBHOOK, question)).code, 0);
      await cluster.kubectl.apply(await rendered('components/pull-secrets'), { serverSide: true });
      assert.equal((await as(WEBHOOK, question)).code, 0);
      assert.notEqual(
        (await as(WEBHOOK, ['auth', 'can-i', 'list', 'secrets', '--namespace=default'])).code,
        0,
      );
    });

    it('of people aggregate into view, and into nothing that lets anybody write', async () => {
      const objects = parseAllDocuments(await rendered('default')).map(
        (document) => document.toJS() as KubernetesObject,
      );
      const labels = objects
        .filter(({ kind }) => kind === 'ClusterRole')
        .flatMap(({ metadata }) => Object.keys(metadata?.labels ?? {}))
        .filter((label) => label.startsWith('rbac.authorization.k8s.io/'));
      assert.deepEqual(labels, ['rbac.authorization.k8s.io/aggregate-to-view']);
    });

    it('let who may view a namespace view its exceptions, and not who may edit it write them', async () => {
      const binding = ['create', 'rolebinding', 'editor', '--clusterrole=edit', '--user=editor'];
      await cluster.kubectl.must(binding);
      const canI = async (verb: string): Promise<boolean> =>
        (await as('editor', ['auth', 'can-i', verb, 'signingexceptions'])).code === 0;
      await waitFor(() => canI('list'), { timeoutMs: 10_000, message: 'the role is aggregated' });
      assert.equal(await canI('create'), false);
      assert.equal(await canI('patch'), false);
    });
  });

  describe('config/admission', () => {
    const pod = (name: string, namespace = 'default'): KubernetesObject => ({
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name, namespace },
      spec: { containers: [{ name: 'app', image: 'registry.example.com/app:1' }] },
    });
    const operatorPatch = (kind: string, webhook: string): Promise<CommandResult> => {
      const patch = [
        { op: 'test', path: '/webhooks/0/name', value: webhook },
        { op: 'add', path: '/webhooks/0/clientConfig/caBundle', value: '' },
      ];
      return as(OPERATOR, [
        'patch',
        kind,
        'countersign',
        '--type=json',
        `--patch=${JSON.stringify(patch)}`,
      ]);
    };

    before(async () => {
      await succeeds(as(undefined, ['create', '--filename=-'], pod('before')));
      await cluster.kubectl.apply(await rendered('admission'), { serverSide: true });
      await waitFor(async () => (await tryCreate('probe')).code !== 0, {
        timeoutMs: 20_000,
        message: 'the webhooks are called',
      });
    });
    after(async () => {
      await cluster.kubectl.must(['delete', '--kustomize', join(CONFIG, 'admission')]);
    });

    const tryCreate = (name: string, namespace?: string): Promise<CommandResult> =>
      as(undefined, ['create', '--filename=-', '--dry-run=server'], pod(name, namespace));

    it('holds no caBundle, which the operator alone sets', async () => {
      assert.doesNotMatch(await rendered('admission'), /caBundle/);
      await succeeds(operatorPatch('validatingwebhookconfiguration', 'pods.countersign.dev'));
      await succeeds(operatorPatch('mutatingwebhookconfiguration', 'pin.countersign.dev'));
    });

    it('denies pods while nobody answers, with the name of the webhook', async () => {
      await fails(tryCreate('new'), /failed calling webhook "pods\.countersign\.dev"/);
      const image = ['set', 'image', 'pod/before', 'app=registry.example.com/app:2'];
      await fails(as(undefined, image), /failed calling webhook "pods\.countersign\.dev"/);
    });

    it('is not asked about edits that leave the images alone', async () => {
      await succeeds(as(undefined, ['label', 'pod', 'before', 'x=y']));
      await succeeds(as(undefined, ['patch', 'pod', 'before', '--patch', FINALIZER]));
      await succeeds(as(undefined, ['patch', 'pod', 'before', '--patch', NO_FINALIZER]));
      await succeeds(as(undefined, ['delete', 'pod', 'before', '--dry-run=server']));
    });

    it('is not asked about kube-system and its own namespace, whatever labels say elsewhere', async () => {
      await succeeds(tryCreate('new', 'kube-system'));
      const label = 'kubernetes.io/metadata.name=kube-system';
      await as(undefined, ['label', 'namespace', 'default', label, '--overwrite']);
      await fails(tryCreate('new'), /failed calling webhook/);
    });

    it('lets templates pass while nobody answers', async () => {
      const args = ['create', 'deployment', 'app', '--image=registry.example.com/app:1'];
      await succeeds(as(undefined, [...args, '--dry-run=server']));
    });
  });

  describe('taking it away again', () => {
    it('deletes the namespace although the program is guarded', async () => {
      await succeeds(as(OPERATOR, ['create', 'configmap', 'countersign-program', '-n', SYSTEM]));
      await cluster.kubectl.must(['delete', 'namespace', SYSTEM, '--timeout=60s']);
    });
  });
});

/** The fields of manifests that are looked at. */
interface Manifest extends KubernetesObject {
  readonly data?: Readonly<Record<string, string>>;
  readonly spec?: { readonly template?: { readonly spec: { readonly containers: Container[] } } };
}

interface Container {
  readonly env: readonly { readonly name: string; readonly value?: string }[];
  readonly ports: readonly { readonly name: string; readonly containerPort: number }[];
}

interface CheckedPolicy {
  readonly status?: {
    readonly typeChecking?: { readonly expressionWarnings?: readonly unknown[] };
  };
}
