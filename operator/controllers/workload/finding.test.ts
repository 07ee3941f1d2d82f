// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { PolicySnapshot } from '../../../runtime/program/index.ts';
import { ExceptionIndex, VerificationError } from '../../../verification/index.ts';
import { judgedWith, observedImage, policyNamed, resultWith } from '../../__fixtures__/findings.ts';
import { pod, workload } from '../../__fixtures__/workloads.ts';
import type { Finding } from './examine.ts';
import { workloadFinding, type FindingInput } from './finding.ts';

const team = policyNamed('team', { match: { images: ['registry.example/team/**'] } });
const other = policyNamed('other');
const NODE = { apiVersion: 'v1', kind: 'Node', name: 'n', uid: 'u', controller: true };

const unjudged = (code: 'DIGEST_REQUIRED' | 'REGISTRY_UNAVAILABLE'): Finding => ({
  observed: observedImage(),
  error: new VerificationError(code, 'it is so'),
  policies: [team],
});

function found(edits: Partial<FindingInput> = {}): ReturnType<typeof workloadFinding> {
  return workloadFinding({
    workload: workload('Deployment', 'web'),
    images: [observedImage({ written: 'registry.example/team/app:1' })],
    findings: [],
    results: [],
    ground: {
      snapshot: new PolicySnapshot(1, 'Allow', [team]),
      exceptions: new ExceptionIndex(),
      namespace: 'checkout',
      namespaceLabels: {},
    },
    exempt: false,
    ...edits,
  });
}

function said(findings: readonly Finding[], edits: Partial<FindingInput> = {}): unknown {
  const { policies } = found({ findings, ...edits });
  return [...policies].map(([name, { outcome, wouldDeny }]) => [name, outcome, wouldDeny]);
}

describe('what is kept of a workload', () => {
  const by = (outcome: 'verified' | 'exempt' | 'inconclusive' | 'rejected', policy = team) =>
    judgedWith(resultWith(outcome), { policy });

  it('is the worst that each policy says of any of its images', () => {
    const worst = [by('rejected'), by('inconclusive'), by('exempt'), by('verified')];
    for (const [from, outcome, wouldDeny] of [
      [0, 'rejected', true],
      [1, 'inconclusive', true],
      [2, 'exempt', false],
      [3, 'verified', false],
    ] as const) {
      const findings = worst.slice(from);
      assert.deepEqual(said(findings), [['team', outcome, wouldDeny]]);
      assert.deepEqual(said(findings.toReversed()), [['team', outcome, wouldDeny]]);
    }
    assert.deepEqual(said([by('verified'), by('rejected', other)]), [
      ['team', 'verified', false],
      ['other', 'rejected', true],
    ]);
  });

  it('says of what has no digest what admission would say', () => {
    assert.deepEqual(said([unjudged('DIGEST_REQUIRED')]), [['team', 'rejected', true]]);
    assert.deepEqual(said([unjudged('REGISTRY_UNAVAILABLE')]), [['team', 'inconclusive', true]]);
  });

  it('X17, X18: is never denied where admission leaves it alone, or a node runs it by itself', () => {
    const rejected = [by('rejected')];
    const mirror = pod('static');
    const metadata = { ...mirror.metadata, ownerReferences: [NODE] };
    assert.deepEqual(said(rejected, { exempt: true }), [['team', 'rejected', false]]);
    assert.deepEqual(said(rejected, { workload: { ...mirror, metadata } }), [
      ['team', 'rejected', false],
    ]);
    assert.deepEqual(said(rejected, { workload: mirror }), [['team', 'rejected', true]]);
  });

  it('names the repositories that no policy covers, once, and leaves out what cannot be read', () => {
    const written = [
      'registry.example/team/app:1',
      'registry.example/free/b:1',
      'registry.example/free/b:2',
      'nginx',
      'NOT A REFERENCE',
    ];
    const images = written.map((one) => observedImage({ written: one }));
    assert.deepEqual(found({ images }).uncovered, [
      'docker.io/library/nginx',
      'registry.example/free/b',
    ]);
  });

  it('is called as people call it', () => {
    const { label, namespace, exempt, runsImages } = found({ images: [] });
    assert.deepEqual(
      [label, namespace, exempt, runsImages],
      ['Deployment checkout/web', 'checkout', false, false],
    );
  });
});
