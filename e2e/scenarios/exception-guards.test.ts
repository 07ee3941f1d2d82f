// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, describe, it } from 'mocha';
import { startControlPlane, waitFor } from '../harness/index.ts';
import type { CommandResult, ControlPlane, KubernetesObject } from '../harness/index.ts';
import { fails, succeeds } from './guards/answers.ts';
import { OPERATOR, SYSTEM } from './guards/cases.ts';
import {
  approval,
  AUDITOR,
  BOTH,
  DEV,
  everyRequirement,
  exception,
  FIRST,
  FLUX,
  incident,
  LEAD,
  NARROWINGS,
  ONCALL,
  OTHER,
  review,
  revocation,
  revoked,
  SECOND,
  SECOND_LEAD,
  THIRD,
  WIDENINGS,
} from './guards/exceptions.ts';

const CONFIG = join(import.meta.dirname, '..', '..', 'config');
/** The shipped roles, and who has them. */
const ROLES: Readonly<Record<string, readonly string[]>> = {
  requester: [DEV, OTHER, FLUX, ONCALL, BOTH],
  breakglass: [ONCALL],
  approver: [LEAD, SECOND_LEAD, BOTH],
  auditor: [AUDITOR],
};
const WITHIN = { timeoutMs: 20_000 };

interface StatusOf {
  readonly status?: {
    readonly approvals?: readonly { readonly approver: string; readonly comment: string }[];
    readonly reviews?: readonly { readonly comment: string }[];
    readonly revoked?: { readonly by: string };
    readonly observedGeneration?: number;
  };
}

describe('the guards of exceptions on a real API server, with nothing of ours running', function () {
  this.timeout(120_000);
  let cluster: ControlPlane;

  before(async () => {
    cluster = await startControlPlane({ scheduler: false, controllerManager: false });
    const { kubectl } = cluster;
    await kubectl.must(['apply', '--server-side', '--kustomize', join(CONFIG, 'crd')]);
    await kubectl.must(['wait', '--for=condition=Established', 'crd', '--all']);
    await kubectl.must(['create', 'namespace', SYSTEM]);
    for (const folder of ['rbac', 'guards']) await applyFolder(folder);
    for (const [role, users] of Object.entries(ROLES)) {
      const args = [
        `--clusterrole=countersign-exception-${role}`,
        ...users.map((u) => `--user=${u}`),
      ];
      await kubectl.must(['create', 'rolebinding', role, ...args]);
    }
    // kubectl reads the status before it patches it; the operator does not.
    const get = ['--verb=get', '--resource=signingexceptions/status'];
    await kubectl.must(['create', 'clusterrole', 'kubectl', ...get]);
    const operator = ['--clusterrole=kubectl', `--user=${OPERATOR}`];
    await kubectl.must(['create', 'rolebinding', 'operator', ...operator]);
    await succeedsAtLast(() => create(exception('try', DEV), DEV, 'dry'), 'the rights are there');
    await waitFor(async () => (await create(exception('try', DEV), OTHER, 'dry')).code !== 0, {
      ...WITHIN,
      message: 'the guard of the spec is in force',
    });
    await succeeds(create(exception('probe', DEV), DEV));
    await waitFor(
      async () => (await writeStatus(LEAD, 'probe', { specHash: 'x' }, 'dry')).code !== 0,
      { ...WITHIN, message: 'the guard of the status is in force' },
    );
  });

  after(async () => {
    await cluster.stop();
  });

  async function applyFolder(folder: string): Promise<void> {
    const text = await cluster.kubectl.must(['kustomize', join(CONFIG, folder)]);
    await cluster.kubectl.apply(text, { serverSide: true });
  }

  async function succeedsAtLast(
    attempt: () => Promise<CommandResult>,
    message: string,
  ): Promise<void> {
    await waitFor(async () => (await attempt()).code === 0, { ...WITHIN, message });
  }

  function as(user: string, args: readonly string[], input?: object): Promise<CommandResult> {
    return cluster.kubectl.run([...args, `--as=${user}`], {
      ...(input === undefined ? {} : { input: JSON.stringify(input) }),
    });
  }

  function create(
    object: KubernetesObject,
    user: string,
    dry: 'dry' | 'real' = 'real',
  ): Promise<CommandResult> {
    const flags = dry === 'dry' ? ['--dry-run=server'] : [];
    return as(user, ['create', '--filename=-', ...flags], object);
  }

  function edit(
    user: string,
    name: string,
    spec: object,
    dry: 'dry' | 'real' = 'dry',
  ): Promise<CommandResult> {
    const flags = dry === 'dry' ? ['--dry-run=server'] : [];
    const patch = ['--type=merge', '--patch', JSON.stringify({ spec }), ...flags];
    return as(user, ['patch', 'signingexception', name, ...patch]);
  }

  /** Writes fields of the status; lists are replaced as a whole. */
  function writeStatus(
    user: string,
    name: string,
    status: object,
    dry: 'dry' | 'real' = 'real',
  ): Promise<CommandResult> {
    const flags = dry === 'dry' ? ['--dry-run=server'] : [];
    const patch = ['--type=merge', '--patch', JSON.stringify({ status }), ...flags];
    return as(user, ['patch', 'signingexception', name, '--subresource=status', ...patch]);
  }

  async function statusOf(name: string): Promise<NonNullable<StatusOf['status']>> {
    const { status } = await cluster.kubectl.get<StatusOf>('signingexception', name, 'default');
    return status ?? {};
  }

  describe('the roles', () => {
    const RIGHTS: Readonly<Record<string, readonly string[]>> = {
      [DEV]: ['create', 'get', 'list', 'patch', 'update', 'watch'],
      [LEAD]: ['approve', 'get', 'list', 'revoke', 'watch'],
      [AUDITOR]: ['get', 'list', 'review', 'watch'],
      [ONCALL]: ['breakglass', 'create', 'get', 'list', 'patch', 'update', 'watch'],
    };
    const VERBS = [...new Set([...Object.values(RIGHTS).flat(), 'delete', 'deletecollection'])];

    for (const [user, expected] of Object.entries(RIGHTS)) {
      it(`let ${user} do no more with exceptions than ${expected.join(', ')}`, async () => {
        const rules = await rulesOf(user, 'signingexceptions.countersign.dev');
        assert.deepEqual(VERBS.filter((verb) => rules.includes(verb)).sort(), [...expected].sort());
      });
    }

    it('let approvers and auditors write the status, and requesters not', async () => {
      for (const user of [LEAD, AUDITOR]) {
        const rules = await rulesOf(user, 'signingexceptions.countersign.dev/status');
        assert.deepEqual([...rules].sort(), ['get', 'patch', 'update']);
      }
      assert.deepEqual(await rulesOf(DEV, 'signingexceptions.countersign.dev/status'), []);
    });

    it('let who reads the program read ConfigMaps of our namespace, and nothing else', async () => {
      const args = ['--role=countersign-program-reader', '--user=ci', `--namespace=${SYSTEM}`];
      await cluster.kubectl.must(['create', 'rolebinding', 'ci', ...args]);
      const question = ['auth', 'can-i', 'list', 'configmaps', `--namespace=${SYSTEM}`];
      await succeedsAtLast(() => as('ci', question), 'the role is bound');
      for (const [verb, resource, namespace] of [
        ['patch', 'configmaps', SYSTEM],
        ['get', 'secrets', SYSTEM],
        ['list', 'configmaps', 'default'],
      ] as const) {
        const { code } = await as('ci', [
          'auth',
          'can-i',
          verb,
          resource,
          `--namespace=${namespace}`,
        ]);
        assert.notEqual(code, 0, `${verb} ${resource}`);
      }
    });

    /** Verbs that a user has on a resource in the namespace `default`. */
    async function rulesOf(user: string, resource: string): Promise<readonly string[]> {
      const list = ['auth', 'can-i', '--list', '--namespace=default', `--as=${user}`];
      const lines = (await cluster.kubectl.must(list)).split('\n');
      return lines
        .filter((line) => line.startsWith(`${resource} `))
        .flatMap((line) => /\[([a-z ]+)\]$/.exec(line.trim())?.[1]?.split(' ') ?? []);
    }
  });

  describe('who asks', () => {
    before(() => succeeds(create(exception('granted', DEV), DEV)));

    it('is named by an exception that is accepted', async () => {
      await succeeds(create(exception('try', DEV), DEV, 'dry'));
    });

    it('is not somebody else, and the refusal says whom to name', async () => {
      await fails(
        create(exception('try', DEV), OTHER, 'dry'),
        /spec\.requestedBy: must be other@example\.com/,
      );
      await fails(create(exception('try', DEV), FLUX, 'dry'), /spec\.requestedBy/);
    });

    for (const [what, spec] of Object.entries(WIDENINGS)) {
      it(`alone may ${what}`, async () => {
        await fails(edit(OTHER, 'granted', spec), /spec\.requestedBy: must be other@example\.com/);
        await succeeds(edit(DEV, 'granted', spec));
      });
    }

    it("may be taken over from in one's own name only", async () => {
      await fails(
        edit(OTHER, 'granted', { requestedBy: 'third@example.com' }),
        /spec\.requestedBy/,
      );
      await fails(edit(DEV, 'granted', { requestedBy: OTHER }), /spec\.requestedBy/);
      const takenOver = { requestedBy: OTHER, expiresAt: '2026-11-28T00:00:00Z' };
      await succeeds(edit(OTHER, 'granted', takenOver));
    });

    for (const [what, spec] of Object.entries(NARROWINGS)) {
      it(`is not all who may ${what}: anybody with the right to edit may`, async () => {
        await succeeds(edit(OTHER, 'granted', spec));
      });
    }

    it('alone goes from some requirements to all of them', async () => {
      await succeeds(create(everyRequirement('all', DEV), DEV));
      const some = { allRequirements: null, requirements: ['signed', 'sbom'] };
      await succeeds(edit(OTHER, 'all', some, 'real'));
      const all = { allRequirements: true, requirements: null };
      await fails(edit(OTHER, 'all', all), /spec\.requestedBy/);
    });

    it('cannot take a revocation back either, nor delete the record', async () => {
      await succeeds(create(revoked('revoked', OTHER), OTHER));
      const back = /revoked cannot be taken back/;
      await fails(edit(DEV, 'revoked', { revoked: null }), back);
      await fails(edit(OTHER, 'revoked', { revoked: null }), back);
      const remove = ['delete', 'signingexception', 'revoked', '--dry-run=server'];
      await fails(as(OTHER, remove), /cannot delete resource "signingexceptions"/);
    });
  });

  describe('accounts of GitOps controllers', () => {
    const flux = (): Promise<CommandResult> => create(exception('try', DEV), FLUX, 'dry');

    it('may name the requester once countersign-gitops-accounts lists them, one a line', async () => {
      await succeeds(create(exception('git', DEV), DEV));
      await setAccounts(`system:serviceaccount:argocd:controller\n  ${FLUX}\n`);
      await succeedsAtLast(flux, 'Flux may create exceptions of others');
      await succeeds(edit(FLUX, 'git', WIDENINGS['end it later'] ?? {}));
      await fails(create(exception('try', DEV), OTHER, 'dry'), /spec\.requestedBy/);
    });

    it('need the verb breakglass themselves for the class Incident', async () => {
      await fails(
        create(incident('try', ONCALL), FLUX, 'dry'),
        /spec\.class: .*kustomize-controller needs the verb breakglass/,
      );
      await setAccounts('');
      await waitFor(async () => (await flux()).code !== 0, {
        ...WITHIN,
        message: 'Flux may not any more',
      });
    });

    it('are unknown while that ConfigMap is gone, and then nobody writes a spec', async () => {
      await cluster.kubectl.delete('configmap', 'countersign-gitops-accounts', SYSTEM);
      const attempt = (): Promise<CommandResult> => create(exception('try', DEV), DEV, 'dry');
      await waitFor(async () => (await attempt()).code !== 0, {
        ...WITHIN,
        message: 'the missing ConfigMap is noticed',
      });
      await fails(attempt(), /failed to configure binding: no params found/);
      await fails(edit(DEV, 'git', NARROWINGS['end it earlier'] ?? {}), /no params found/);
      // What narrows without the spec still works.
      await succeeds(writeStatus(LEAD, 'git', { revoked: revocation(LEAD) }, 'dry'));
      const remove = ['delete', 'signingexception', 'git', '--dry-run=server'];
      await cluster.kubectl.must(remove);
      await applyFolder('guards');
      await succeedsAtLast(attempt, 'the ConfigMap is back');
    });

    async function setAccounts(accounts: string): Promise<void> {
      const patch = ['--type=merge', '--patch', JSON.stringify({ data: { accounts } })];
      const target = ['configmap', 'countersign-gitops-accounts', '--namespace', SYSTEM];
      await cluster.kubectl.must(['patch', ...target, ...patch]);
    }
  });

  describe('the class Incident', () => {
    before(() => succeeds(create(incident('fire', ONCALL), ONCALL)));

    it('needs the verb breakglass', async () => {
      const without =
        /spec\.class: dev@example\.com needs the verb breakglass on signingexceptions/;
      await fails(create(incident('try', DEV), DEV, 'dry'), without);
      await succeeds(create(incident('try', ONCALL), ONCALL, 'dry'));
    });

    it('is not what an exception may be turned into, or back from', async () => {
      await succeeds(create(exception('planned', ONCALL), ONCALL));
      const turned = { class: 'Incident', expiresAt: '2026-11-21T00:00:00Z' };
      await fails(edit(ONCALL, 'planned', turned), /class cannot be changed/);
      await fails(edit(ONCALL, 'fire', { class: 'Planned' }), /class cannot be changed/);
    });

    const fixed = /what an exception of the class Incident permits cannot be changed/;
    for (const [what, spec] of Object.entries({
      'another policy': { policyRef: { name: 'other-images' } },
      'more digests': { digests: [FIRST, SECOND, THIRD] },
      'fewer digests': { digests: [FIRST] },
      'another day': { notBefore: '2026-11-21T00:00:00Z', expiresAt: '2026-11-22T00:00:00Z' },
      'another requester': { requestedBy: DEV },
    })) {
      it(`is not edited to ${what}, so that it stays in the way of the next one`, async () => {
        await fails(edit(ONCALL, 'fire', spec), fixed);
      });
    }

    it('may be made to end earlier by anybody with the right to edit, and not later again', async () => {
      await succeeds(edit(DEV, 'fire', { expiresAt: '2026-11-20T12:00:00Z' }, 'real'));
      await fails(edit(ONCALL, 'fire', { expiresAt: '2026-11-20T13:00:00Z' }), fixed);
    });
  });

  describe('approvals', () => {
    before(async () => {
      await succeeds(create(exception('asked', DEV), DEV));
      await succeeds(create(exception('by-both', BOTH), BOTH));
    });

    const approve = (user: string, name: string, of = user): Promise<CommandResult> =>
      writeStatus(user, name, { approvals: [approval(of)] }, 'dry');

    it('X26: are refused of who asked for the exception, however the name is written', async () => {
      await fails(
        approve(BOTH, 'by-both'),
        /status\.approvals: both@example\.com asked for this exception and may not approve it/,
      );
      const shouting = exception('shouting', BOTH);
      const spec = { ...shouting.spec, requestedBy: 'Both@Example.COM' };
      await succeeds(createAsAdmin({ ...shouting, spec }, 'Both@Example.COM'));
      await fails(approve(BOTH, 'shouting'), /asked for this exception/);
    });

    it('are refused without the verb approve', async () => {
      await fails(
        approve(AUDITOR, 'asked'),
        /status\.approvals: auditor@example\.com needs the verb approve on signingexceptions/,
      );
    });

    it('are refused without the right to write the status', async () => {
      await fails(approve(DEV, 'asked'), /cannot get resource "signingexceptions\/status"/);
    });

    it('are refused in the name of somebody else, of the operator too', async () => {
      const own = /status\.approvals: \S+ may add or withdraw only an approval of its own/;
      await fails(approve(LEAD, 'asked', SECOND_LEAD), own);
      await fails(approve(OPERATOR, 'asked', LEAD), own);
      await fails(approve(OPERATOR, 'asked'), /needs the verb approve/);
    });

    it('are taken away and changed by nobody but who gave them, who may withdraw them', async () => {
      const own = /may add or withdraw only an approval of its own/;
      await succeeds(writeStatus(LEAD, 'asked', { approvals: [approval(LEAD)] }));
      await fails(writeStatus(SECOND_LEAD, 'asked', { approvals: [] }), own);
      await fails(writeStatus(SECOND_LEAD, 'asked', { approvals: null }), own);
      await fails(writeStatus(SECOND_LEAD, 'asked', { approvals: [approval(SECOND_LEAD)] }), own);
      const changed = { approvals: [approval(LEAD, 'changed')] };
      await fails(writeStatus(SECOND_LEAD, 'asked', changed), own);
      await fails(writeStatus(OPERATOR, 'asked', { approvals: null }), own);
      await succeeds(writeStatus(LEAD, 'asked', changed));
      assert.deepEqual((await statusOf('asked')).approvals, [approval(LEAD, 'changed')]);
      await succeeds(writeStatus(LEAD, 'asked', { approvals: [] }));
      assert.deepEqual((await statusOf('asked')).approvals, []);
    });

    it('of several approvers stand side by side, each applied by a field manager of its own', async () => {
      const apply = (user: string): Promise<CommandResult> => {
        const object = {
          apiVersion: 'countersign.dev/v1alpha1',
          kind: 'SigningException',
          metadata: { name: 'asked', namespace: 'default' },
          status: { approvals: [approval(user)] },
        };
        const flags = ['--server-side', '--subresource=status', `--field-manager=approver-${user}`];
        return as(user, ['apply', '--filename=-', ...flags], object);
      };
      await succeeds(apply(LEAD));
      await succeeds(apply(SECOND_LEAD));
      const { approvals = [] } = await statusOf('asked');
      assert.deepEqual(
        approvals.map(({ approver }) => approver).sort(),
        [LEAD, SECOND_LEAD].sort(),
      );
    });

    it('X26: of what somebody else widened for oneself cannot be had', async () => {
      await succeeds(create(exception('theirs', DEV), DEV));
      const wider = { digests: [THIRD] };
      await fails(edit(BOTH, 'theirs', wider), /spec\.requestedBy: must be both@example\.com/);
      await succeeds(edit(BOTH, 'theirs', { ...wider, requestedBy: BOTH }, 'real'));
      await fails(approve(BOTH, 'theirs'), /asked for this exception and may not approve it/);
    });

    it('are dropped where an exception is created or edited with them', async () => {
      const status = { approvals: [approval(LEAD)], revoked: revocation(LEAD) };
      await succeeds(create({ ...exception('loaded', DEV), status }, DEV));
      assert.deepEqual(await statusOf('loaded'), { observedGeneration: -1 });
      const patch = ['--type=merge', '--patch', JSON.stringify({ status })];
      await succeeds(as(DEV, ['patch', 'signingexception', 'loaded', ...patch]));
      assert.deepEqual(await statusOf('loaded'), { observedGeneration: -1 });
    });

    /** In a name that no role is bound to: names are case-sensitive for RBAC. */
    function createAsAdmin(object: KubernetesObject, user: string): Promise<CommandResult> {
      return as(user, ['create', '--filename=-', '--as-group=system:masters'], object);
    }
  });

  describe('revocations in the status', () => {
    before(() => succeeds(create(exception('bad', DEV), DEV)));

    it("need the verb revoke, in one's own name", async () => {
      await fails(
        writeStatus(AUDITOR, 'bad', { revoked: revocation(AUDITOR) }, 'dry'),
        /status\.revoked: auditor@example\.com needs the verb revoke on signingexceptions/,
      );
      await fails(
        writeStatus(LEAD, 'bad', { revoked: revocation(DEV) }, 'dry'),
        /status\.revoked\.by: must be lead@example\.com/,
      );
      await fails(
        writeStatus(OPERATOR, 'bad', { revoked: revocation(OPERATOR) }, 'dry'),
        /needs the verb revoke/,
      );
    });

    it('are final', async () => {
      await succeeds(writeStatus(LEAD, 'bad', { revoked: revocation(LEAD) }));
      const final = /status\.revoked: cannot be changed or taken back/;
      for (const user of [LEAD, SECOND_LEAD, OPERATOR]) {
        await fails(writeStatus(user, 'bad', { revoked: null }), final);
        await fails(writeStatus(user, 'bad', { revoked: revocation(user, 'Never mind.') }), final);
      }
      assert.equal((await statusOf('bad')).revoked?.by, LEAD);
    });
  });

  describe('reviews', () => {
    before(() => succeeds(create(exception('old', DEV), DEV)));

    const first = review(AUDITOR, 'first');
    const write = (user: string, reviews: readonly object[]): Promise<CommandResult> =>
      writeStatus(user, 'old', { reviews });

    it("need the verb review, in one's own name", async () => {
      await fails(
        write(LEAD, [review(LEAD, 'fine')]),
        /status\.reviews: lead@example\.com needs the verb review on signingexceptions/,
      );
      await fails(
        write(AUDITOR, [review(LEAD, 'fine')]),
        /status\.reviews: by must be auditor@example\.com/,
      );
      await succeeds(write(AUDITOR, [first]));
      await succeeds(write(AUDITOR, [first, review(AUDITOR, 'second')]));
    });

    it('stay as they were recorded, in their order', async () => {
      const stay = /status\.reviews: recorded reviews stay as they are/;
      const second = review(AUDITOR, 'second');
      for (const reviews of [
        [],
        [second],
        [second, first],
        [first, review(AUDITOR, 'changed')],
        [review(AUDITOR, 'new'), first, second],
      ]) {
        await fails(write(AUDITOR, reviews), stay);
      }
    });

    it('lose the oldest one where there are 64, and no other', async () => {
      const many = Array.from({ length: 64 }, (_, i) => review(AUDITOR, `review ${i.toString()}`));
      const stay = /status\.reviews: recorded reviews stay as they are/;
      await succeeds(create(exception('older', DEV), DEV));
      const add = (reviews: readonly object[]): Promise<CommandResult> =>
        writeStatus(AUDITOR, 'older', { reviews });
      await succeeds(add(many));
      const latest = review(AUDITOR, 'latest');
      await fails(add(many.slice(1)), stay);
      await fails(add([...many.slice(2), latest, latest]), stay);
      await fails(add([...many.slice(0, 63), latest]), stay);
      await fails(add([...many.slice(1), review(LEAD, 'latest')]), /by must be auditor/);
      await fails(
        writeStatus(LEAD, 'older', { reviews: [...many.slice(1), review(LEAD, 'latest')] }),
        /needs the verb review/,
      );
      await succeeds(add([...many.slice(1), latest]));
      const { reviews = [] } = await statusOf('older');
      assert.deepEqual([reviews.length, reviews[0]?.comment], [64, 'review 1']);
    });
  });

  describe('what was observed', () => {
    const OBSERVED: Readonly<Record<string, unknown>> = {
      observedGeneration: 7,
      conditions: [
        {
          type: 'Approved',
          status: 'True',
          reason: 'Approved',
          message: 'approved by nobody',
          lastTransitionTime: '2026-11-20T00:00:00Z',
        },
      ],
      specHash: `sha256:${'f'.repeat(64)}`,
      usage: { firstSeen: '2026-11-20', lastSeen: '2026-11-20', digests: [], workloads: 0 },
      renewals: 3,
    };
    before(() => succeeds(create(exception('observed', DEV), DEV)));

    for (const [field, value] of Object.entries(OBSERVED)) {
      it(`is written by the operator alone: ${field}`, async () => {
        const alone = /status: what was observed is written by the operator alone/;
        for (const user of [LEAD, AUDITOR]) {
          await fails(writeStatus(user, 'observed', { [field]: value }), alone);
        }
        await succeeds(writeStatus(OPERATOR, 'observed', { [field]: value }));
        const all = await statusOf('observed');
        assert.deepEqual(new Map<string, unknown>(Object.entries(all)).get(field), value);
      });
    }
  });
});
