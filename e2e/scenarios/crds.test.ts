// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { after, before, describe, it } from 'mocha';
import { imageTrustPolicySpec } from '../../crds/index.ts';
import { startControlPlane } from '../harness/index.ts';
import type { ControlPlane, KubernetesObject } from '../harness/index.ts';
import { Api } from './crds/api.ts';
import type { Answer } from './crds/api.ts';
import { EXCEPTION, POLICY } from './crds/bases.ts';
import type { Draft, Subject } from './crds/bases.ts';
import { limitOf } from './crds/limits.ts';
import { Place } from './crds/place.ts';
import { RULE_CASES } from './crds/rule-cases.ts';
import { constraintsOf, CRDS, readSchema, rulesOf } from './crds/schema.ts';
import type { RuleCase } from './crds/rule-case.ts';
import type { Constraint } from './crds/schema.ts';

const READY = {
  type: 'Ready',
  status: 'True',
  lastTransitionTime: '2026-11-20T00:00:00Z',
  message: 'ready',
};

const IMPACT = {
  workloads: 9,
  verified: 2,
  rejected: 7,
  inconclusive: 0,
  exempt: 0,
  wouldDeny: 7,
  sample: ['Deployment checkout/cart'],
};

const SUBJECTS: readonly Subject[] = [POLICY, EXCEPTION];

describe('the CustomResourceDefinitions on a real API server', function () {
  this.timeout(120_000);
  let cluster: ControlPlane;
  let api: Api;
  /** Stored objects, for what is tried on status. */
  const stored = new Map<Subject, Draft>();

  before(async () => {
    cluster = await startControlPlane({ scheduler: false });
    await cluster.kubectl.must(['apply', '--server-side', '--kustomize', CRDS]);
    await cluster.kubectl.must(['wait', '--for=condition=Established', 'crd', '--all']);
    api = new Api(cluster.kubeconfig);
    for (const subject of SUBJECTS) stored.set(subject, await store(subject));
  });

  after(async () => {
    api.close();
    await cluster.stop();
  });

  async function store(subject: Subject): Promise<Draft> {
    const [base] = subject.bases;
    assert.ok(base);
    const answer = await api.send('POST', subject.collection, named(subject, base), false);
    assert.equal(answer.status, 201, answer.message);
    return answer.body;
  }

  /** Creates it, or replaces the status of the stored one, without keeping the result. */
  function attempt(subject: Subject, path: string, draft: Draft): Promise<Answer> {
    if (!path.startsWith('status')) {
      return api.send('POST', subject.collection, named(subject, draft), true);
    }
    const current = stored.get(subject);
    assert.ok(current);
    const { name } = current['metadata'] as { name: string };
    const body = { ...current, status: draft['status'] };
    return api.send('PUT', `${subject.collection}/${name}/status`, body, true);
  }

  async function accepts(subject: Subject, path: string, draft: Draft): Promise<void> {
    const { status, message } = await attempt(subject, path, draft);
    assert.ok(status < 300, message);
  }

  async function refuses(
    subject: Subject,
    path: string,
    place: Place,
    expected: { readonly field: string; readonly message?: string },
  ): Promise<void> {
    const answer = await attempt(subject, path, place.object);
    const tried = JSON.stringify({ value: place.value }).slice(0, 200);
    assert.ok(answer.status >= 400, `accepted ${expected.field} = ${tried}`);
    const said = `${JSON.stringify(answer.causes)} ${answer.message}`;
    const isExpected = answer.causes.some(
      (cause) => cause.field === expected.field && cause.message.includes(expected.message ?? ''),
    );
    const isUnknownField = answer.message.includes(`unknown field "${expected.field}"`);
    assert.ok(isExpected || isUnknownField, `${expected.field} = ${tried}: ${said}`);
  }

  for (const subject of SUBJECTS) {
    describe(subject.kind, () => {
      for (const base of subject.bases.keys()) {
        it(`accepts the valid object ${String(base)} that the cases change`, async () => {
          await accepts(subject, 'spec', subject.bases[base] ?? {});
          await accepts(subject, 'status', subject.bases[base] ?? {});
        });
      }

      for (const field of ['spec', 'status'] as const) {
        for (const constraint of constraintsOf(readSchema(subject.plural, field), field)) {
          it(`keeps ${titleOf(constraint)}`, () => tryConstraint(subject, constraint));
        }
      }
    });
  }

  async function tryConstraint(subject: Subject, constraint: Constraint): Promise<void> {
    const { path, keyword, property } = constraint;
    if (property !== undefined) {
      const place = Place.find(subject.bases, `${path}.${property}`);
      place.remove();
      await refuses(subject, path, place, { field: place.field, message: 'Required value' });
      return;
    }
    const { accepted, refused } = limitOf(constraint, Place.find(subject.bases, path).value);
    assert.ok(accepted.length > 0 && refused.length > 0);
    for (const value of accepted) {
      const place = Place.find(subject.bases, path);
      place.value = value;
      await accepts(subject, path, place.object);
    }
    for (const value of refused) {
      const place = Place.find(subject.bases, path);
      place.value = value;
      await refuses(subject, path, place, { field: refusedField(keyword, place) });
    }
  }

  describe('what the API server fills in and shows', () => {
    const minimalPolicy = {
      apiVersion: 'countersign.dev/v1alpha1',
      kind: 'ImageTrustPolicy',
      metadata: { name: 'minimal' },
      spec: {
        mode: 'Enforce',
        match: { images: ['**'] },
        authorities: [{ name: 'release', key: { material: { inline: 'pem' } } }],
        requirements: [{ name: 'signed', signature: { anyOf: ['release'] } }],
      },
    };

    it('fills in every default of the schema, as zod would', async () => {
      const { body, status, message } = await api.send(
        'POST',
        POLICY.collection,
        minimalPolicy,
        true,
      );
      assert.equal(status, 201, message);
      assert.deepEqual(body['spec'], imageTrustPolicySpec.parse(minimalPolicy.spec));
    });

    it('says of an object that nobody looked at that its observed generation is -1', async () => {
      for (const subject of SUBJECTS) {
        const [base] = subject.bases;
        const { body } = await api.send(
          'POST',
          subject.collection,
          named(subject, base ?? {}),
          true,
        );
        assert.deepEqual(body['status'], { observedGeneration: -1 });
      }
    });

    it('shows the state of both kinds in columns, by short name and by category', async () => {
      await setStatus(POLICY, {
        observedGeneration: 1,
        conditions: [{ ...READY, reason: 'Enforced' }],
        program: { replicasReady: 3 },
        impact: IMPACT,
      });
      await setStatus(EXCEPTION, {
        observedGeneration: 1,
        conditions: [
          { ...READY, type: 'Active', reason: 'InEffect' },
          { ...READY, type: 'Approved', reason: 'Approved' },
        ],
        usage: { firstSeen: '2026-11-20', lastSeen: '2026-11-21', digests: [], workloads: 1 },
      });
      const policies = await cluster.kubectl.must(['get', 'itp']);
      assert.match(policies, /^NAME +MODE +READY +REASON +ENFORCING +WOULD-DENY +AGE$/m);
      assert.match(policies, /Enforce +True +Enforced +3 +7 +\d+s$/m);
      const exceptions = await cluster.kubectl.must(['get', 'sigex', '--output=wide']);
      assert.match(
        exceptions,
        /^NAME +POLICY +ACTIVE +REASON +EXPIRES +APPROVED +LASTUSED +OWNER +DIGESTS +SERVICEACCOUNTS +CLASS +AGE$/m,
      );
      assert.match(
        exceptions,
        /team-images +True +InEffect +2026-11-27T00:00:00\+01:00 +True +2026-11-21 +team-checkout@example\.com +\["sha256:a+"\] +\["checkout"\] +Planned +\d+s$/m,
      );
      const both = await cluster.kubectl.must(['get', 'countersign', '--output=name']);
      assert.match(both, /^imagetrustpolicy\.countersign\.dev\//m);
      assert.match(both, /^signingexception\.countersign\.dev\//m);
    });

    it('merges authorities of two appliers by name', async () => {
      const applied = (name: string): KubernetesObject => ({
        ...minimalPolicy,
        spec: {
          ...minimalPolicy.spec,
          authorities: [
            ...minimalPolicy.spec.authorities,
            { name, key: { material: { inline: name } } },
          ],
        },
      });
      const flags = { serverSide: true };
      await cluster.kubectl.apply(applied('team-a'), { ...flags, fieldManager: 'team-a' });
      await cluster.kubectl.apply(applied('team-b'), { ...flags, fieldManager: 'team-b' });
      assert.deepEqual(await authorityNames('minimal'), ['release', 'team-a', 'team-b']);
      await cluster.kubectl.apply(minimalPolicy, { ...flags, fieldManager: 'team-a' });
      assert.deepEqual(await authorityNames('minimal'), ['release', 'team-b']);
    });

    it('takes the samples', async () => {
      const samples = join(CRDS, '..', 'config', 'samples');
      const strict = ['--validate=strict', '--dry-run=server'];
      const applied = await cluster.kubectl.must(['apply', '--kustomize', samples, ...strict]);
      assert.equal(applied.match(/created/g)?.length, 29);
    });
  });

  async function authorityNames(policy: string): Promise<readonly string[]> {
    const { spec } = await cluster.kubectl.get<{ spec: { authorities: { name: string }[] } }>(
      'itp',
      policy,
    );
    return spec.authorities.map(({ name }) => name);
  }

  async function setStatus(subject: Subject, status: object): Promise<void> {
    const { name, namespace } = stored.get(subject)?.['metadata'] as Record<string, string>;
    const target = { kind: subject.plural, name: name ?? '', ...(namespace && { namespace }) };
    const options = { subresource: 'status' };
    const { code, stderr } = await cluster.kubectl.patch(target, { status }, options);
    assert.equal(code, 0, stderr);
  }

  /** Creates the object that the rule is about edits of, and answers what is edited and how. */
  async function editsOf(rule: RuleCase): Promise<(draft: Draft) => Promise<Answer>> {
    const { subject, path } = rule;
    const place = Place.find(subject.bases, path);
    place.value = { ...(place.value as object), ...rule.from };
    const body = named(subject, place.object);
    const {
      status,
      message,
      body: created,
    } = await api.send('POST', subject.collection, body, false);
    assert.equal(status, 201, message);
    const { metadata } = created as { metadata: { name: string } };
    const url = `${subject.collection}/${metadata.name}`;
    return (draft) => api.send('PUT', url, { ...created, ...draft, metadata }, true);
  }

  describe('CEL rules', () => {
    for (const rule of RULE_CASES.filter(({ from }) => from !== undefined)) {
      const { subject, path, message } = rule;
      it(`${subject.kind} ${path}, on edits: ${message}`, async () => {
        const edit = await editsOf(rule);
        const tried = (change: unknown): Promise<Answer> => {
          const place = Place.find(subject.bases, path);
          place.value = { ...(place.value as object), ...rule.from, ...(change as object) };
          return edit(place.object);
        };
        for (const change of rule.accepted) {
          const answer = await tried(change);
          assert.equal(answer.status, 200, answer.message);
        }
        for (const change of rule.refused) {
          const answer = await tried(change);
          assert.equal(answer.status, 422, JSON.stringify(change));
          const { causes } = answer;
          assert.ok(
            causes.some((cause) => cause.message.includes(message)),
            answer.message,
          );
        }
      });
    }

    for (const rule of RULE_CASES.filter(({ from }) => from === undefined)) {
      const { subject, path, message } = rule;
      it(`${subject.kind} ${path}: ${message}`, async () => {
        for (const change of rule.accepted) {
          const place = Place.find(subject.bases, path);
          place.value = changed(place.value, change);
          await accepts(subject, path, place.object);
        }
        for (const change of rule.refused) {
          const place = Place.find(subject.bases, path);
          place.value = changed(place.value, change);
          await refuses(subject, path, place, { field: place.field, message });
        }
      });
    }

    it('are each tried both ways', () => {
      const id = (kind: string, path: string, message: string): string =>
        `${kind} ${path}: ${message}`;
      const written = SUBJECTS.flatMap((subject) =>
        (['spec', 'status'] as const).flatMap((field) =>
          rulesOf(readSchema(subject.plural, field), field).map((rule) =>
            id(subject.kind, rule.path, rule.message),
          ),
        ),
      );
      const tried = RULE_CASES.filter(
        ({ accepted, refused }) => accepted.length > 0 && refused.length > 0,
      ).map(({ subject, path, message }) => id(subject.kind, path, message));
      assert.deepEqual(tried.sort(), written.sort());
    });
  });
});

function named({ kind }: Subject, draft: Draft): Draft {
  const metadata = { name: `try-${randomUUID()}` };
  return { apiVersion: 'countersign.dev/v1alpha1', kind, metadata, ...draft };
}

function titleOf({ path, keyword, property, node }: Constraint): string {
  if (property !== undefined) return `${path}: required ${property}`;
  const value = new Map<string, unknown>(Object.entries(node)).get(keyword);
  const shown = typeof value === 'object' ? '' : ` ${JSON.stringify(value)}`;
  return keyword === 'properties'
    ? `${path}: closed to other fields`
    : `${path}: ${keyword}${shown}`;
}

/** Duplicates are reported at the element, unknown fields at themselves. */
function refusedField(keyword: string, place: Place): string {
  if (keyword === 'properties') return `${place.field}.unknownField`;
  if (keyword !== 'x-kubernetes-list-type') return place.field;
  return `${place.field}[${String((place.value as unknown[]).length - 1)}]`;
}

function changed(value: unknown, change: unknown): unknown {
  return typeof change === 'object' ? { ...(value as object), ...change } : change;
}
