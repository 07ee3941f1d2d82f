// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { beforeEach, describe, it } from 'mocha';
import type { ImageTrustPolicySpecInput } from '../../../crds/index.ts';
import { fixedClock, type FixedClock } from '../../../runtime/clock-testing.ts';
import type { DefaultAction } from '../../../runtime/program/index.ts';
import {
  compileException,
  ExceptionIndex,
  VerificationError,
  type Digest,
} from '../../../verification/index.ts';
import {
  KeyIssuer,
  testException,
  testManifest,
  testPolicy,
} from '../../../verification/testing/index.ts';
import { observedImage } from '../../__fixtures__/findings.ts';
import type { FakeKeychains, FakeRegistry } from '../../__fixtures__/registry.ts';
import { judgingParts, snapshotOf } from '../../__fixtures__/world.ts';
import type { Finding, Ground, WorkloadExaminer } from './examine.ts';
import type { ObservedImage } from './observed.ts';

const HOUR = 3_600_000;
const APP = 'registry.example/app';
const issuer = new KeyIssuer();
const good = testManifest('good');
const bad = testManifest('bad');
const DOWN = new VerificationError('REGISTRY_UNAVAILABLE', '503');
const ONE: Partial<ImageTrustPolicySpecInput> = {};

type Policies = Readonly<Record<string, Partial<ImageTrustPolicySpecInput>>>;

function ground(
  policies: Policies = { team: ONE },
  edits: Partial<Ground> = {},
  defaultAction: DefaultAction = 'Allow',
): Ground {
  const specs = Object.entries(policies).map(([name, spec]) => [name, testPolicy([issuer], spec)]);
  const whole = Object.fromEntries(specs) as Record<string, ImageTrustPolicySpecInput>;
  return {
    snapshot: snapshotOf(whole, defaultAction),
    exceptions: new ExceptionIndex(),
    namespace: 'checkout',
    namespaceLabels: {},
    ...edits,
  };
}

/** A manifest with this content. */
function manifestOf(mediaType: string, content: object): ReturnType<typeof testManifest> {
  const bytes = Buffer.from(JSON.stringify(content));
  const digest: Digest = `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
  return { bytes, digest, mediaType };
}

/** Of each finding: what was judged, and what each policy says. */
function brief(findings: readonly Finding[]): unknown {
  return findings.map((finding) => {
    if ('error' in finding) return [finding.error.code, finding.policies.map((p) => p.name)];
    const said = finding.policies.map(({ policy, verdict }) => {
      const { outcome } = verdict;
      const code = outcome === 'rejected' || outcome === 'inconclusive' ? verdict.first.code : '';
      return `${policy.name} ${outcome} ${code}`.trim();
    });
    return [finding.digest === good.digest ? 'good' : finding.digest, ...said];
  });
}

describe('the examination of images', () => {
  let clock: FixedClock;
  let registry: FakeRegistry;
  let keychains: FakeKeychains;
  let examiner: WorkloadExaminer;

  beforeEach(() => {
    clock = fixedClock('2026-11-21T00:00:00Z');
    ({ registry, keychains, examiner } = judgingParts(clock));
    registry.push(APP, good, issuer);
    registry.push(APP, bad);
  });

  const examine = async (
    images: readonly Partial<ObservedImage>[],
    where = ground(),
    signal = new AbortController().signal,
  ): Promise<readonly Finding[]> =>
    await examiner.examine(images.map(observedImage), where, signal);

  describe('of a pinned digest', () => {
    const written = `${APP}@${good.digest}`;

    it('judges that digest by its signatures', async () => {
      const imageId = `${APP}@${good.digest}`;
      assert.deepEqual(brief(await examine([{ written }])), [['good', 'team verified']]);
      assert.deepEqual(brief(await examine([{ written, imageId }])), [['good', 'team verified']]);
      const unsigned = await examine([{ written: `${APP}@${bad.digest}` }]);
      assert.deepEqual(brief(unsigned), [[bad.digest, 'team rejected NO_SIGNATURE']]);
    });

    it('X52: judges what the node reports as a second image where it is another', async () => {
      const findings = await examine([{ written, imageId: `${APP}@${bad.digest}` }]);
      assert.deepEqual(brief(findings), [
        ['good', 'team verified'],
        [bad.digest, 'team rejected NO_SIGNATURE'],
      ]);
    });

    it('X52: does not take a good report for a pass of a bad image', async () => {
      const findings = await examine([{ written: `${APP}@${bad.digest}`, imageId: written }]);
      assert.deepEqual(brief(findings), [
        [bad.digest, 'team rejected NO_SIGNATURE'],
        ['good', 'team verified'],
      ]);
    });

    it('X52: cannot tell of a report that no registry knows, and says so', async () => {
      const imageId = `${APP}@sha256:${'0'.repeat(64)}`;
      const [, other] = await examine([{ written, imageId }]);
      assert.deepEqual(brief([other!]), [
        [`sha256:${'0'.repeat(64)}`, 'team inconclusive REGISTRY_UNAVAILABLE'],
      ]);
    });

    it('is one image where the node reports the child of an index, or the same configuration', async () => {
      const config = { digest: `sha256:${'c'.repeat(64)}` };
      const type = 'application/vnd.oci.image.manifest.v1+json';
      const child = manifestOf(type, { config });
      const copy = manifestOf(type, { config, annotations: { copied: 'yes' } });
      const index = manifestOf('application/vnd.oci.image.index.v1+json', {
        manifests: [{ digest: child.digest }],
      });
      for (const manifest of [child, copy]) registry.push('mirror.example/app', manifest);
      for (const [named, running] of [
        [index, child],
        [child, copy],
      ] as const) {
        const pinned = registry.push(APP, named, issuer);
        const imageId = `mirror.example/app@${running.digest}`;
        const findings = await examine([{ written: pinned, imageId }]);
        assert.deepEqual(brief(findings), [[named.digest, 'team verified']]);
      }
    });

    it('leaves out a report that cannot be read, and one of a repository that no policy is for', async () => {
      const policies = { team: { match: { images: [APP] } } };
      for (const imageId of [
        'sha256:abc',
        'not a reference',
        `elsewhere.example/x@${bad.digest}`,
      ]) {
        const findings = await examine([{ written, imageId }], ground(policies));
        assert.deepEqual(brief(findings), [['good', 'team verified']]);
      }
    });

    it('is inconclusive, never rejected, where the registry fails', async () => {
      registry.fault = DOWN;
      assert.deepEqual(brief(await examine([{ written }])), [
        ['good', 'team inconclusive REGISTRY_UNAVAILABLE'],
      ]);
    });

    it('is inconclusive where the time is over before the registry answers', async () => {
      const findings = await examine([{ written }], ground(), AbortSignal.abort());
      assert.deepEqual(brief(findings), [['good', 'team inconclusive DEADLINE_EXCEEDED']]);
    });

    it('X22: is judged by every policy that matches, each by itself', async () => {
      const strict = { requirements: [{ name: 'listed', allowedDigests: [bad.digest] }] };
      const other = { match: { images: ['elsewhere.example/**'] } };
      const findings = await examine([{ written }], ground({ strict, team: ONE, other }));
      assert.deepEqual(brief(findings), [
        ['good', 'strict rejected DIGEST_NOT_ALLOWED', 'team verified'],
      ]);
    });

    it('is exempt under a live exception, without the registry', async () => {
      const exceptions = new ExceptionIndex([compileException(testException([bad.digest]))]);
      const where = ground(
        { team: { exceptions: { allowed: true, approval: 'NotRequired' } } },
        { exceptions },
      );
      const findings = await examine([{ written: `${APP}@${bad.digest}` }], where);
      assert.deepEqual(brief(findings), [[bad.digest, 'team exempt']]);
      assert.deepEqual(registry.collected, []);
    });
  });

  describe('of a tag', () => {
    const written = `${APP}:1.2`;

    it('judges a pod by what its node reports, and resolves nothing', async () => {
      for (const [manifest, said] of [
        [good, ['good', 'team verified']],
        [bad, [bad.digest, 'team rejected NO_SIGNATURE']],
      ] as const) {
        const imageId = `${APP}@${manifest.digest}`;
        assert.deepEqual(brief(await examine([{ written, imageId }])), [said]);
      }
      assert.deepEqual(registry.resolved, []);
    });

    it('X2: is DIGEST_REQUIRED for a pod whose node reports none', async () => {
      for (const image of [{ written }, { written, imageId: 'x@y' }, { written, imageId: APP }])
        assert.deepEqual(brief(await examine([image])), [['DIGEST_REQUIRED', ['team']]]);
      assert.deepEqual(registry.resolved, []);
    });

    it('says nothing of a pod that is starting, except where tags are denied', async () => {
      const starting = { written, starting: true } as const;
      assert.deepEqual(brief(await examine([starting])), []);
      const policies = ground({ none: { tags: 'Deny' } });
      assert.deepEqual(brief(await examine([starting], policies)), [['DIGEST_REQUIRED', ['none']]]);
    });

    it('resolves the tag of a template, and follows it when it moves', async () => {
      registry.tag(written, good.digest);
      const image = { written, process: 'template' } as const;
      assert.deepEqual(brief(await examine([image])), [['good', 'team verified']]);
      registry.tag(written, bad.digest);
      await clock.advance(10_000);
      assert.deepEqual(brief(await examine([image])), [[bad.digest, 'team rejected NO_SIGNATURE']]);
    });

    it('is what the registry fails with where the tag of a template cannot be resolved', async () => {
      const image = { written, process: 'template' } as const;
      const [finding] = await examine([image]);
      assert.deepEqual(brief([finding!]), [['REGISTRY_UNAVAILABLE', ['team']]]);
    });

    it('is DIGEST_REQUIRED under a policy that denies tags, whatever is reported or resolved', async () => {
      registry.tag(written, good.digest);
      const imageId = `${APP}@${good.digest}`;
      const policies = ground({ none: { tags: 'Deny' } });
      for (const image of [{ written, imageId }, { written, process: 'template' } as const])
        assert.deepEqual(brief(await examine([image], policies)), [['DIGEST_REQUIRED', ['none']]]);
      assert.deepEqual([registry.resolved, registry.collected], [[], []]);
    });

    it('is both where one policy denies tags and another one pins them', async () => {
      const imageId = `${APP}@${good.digest}`;
      const where = ground({ none: { tags: 'Deny' }, team: ONE });
      assert.deepEqual(brief(await examine([{ written, imageId }], where)), [
        ['DIGEST_REQUIRED', ['none']],
        ['good', 'team verified'],
      ]);
    });
  });

  describe('of an image that no policy matches', () => {
    const policies: Policies = { other: { match: { images: ['elsewhere.example/**'] } } };

    it('X23: finds nothing by default Allow, and NO_POLICY by default Deny', async () => {
      const image = { written: `${APP}@${good.digest}` };
      assert.deepEqual(await examine([image], ground(policies)), []);
      const [finding] = await examine([image], ground(policies, {}, 'Deny'));
      assert.deepEqual(brief([finding!]), [['NO_POLICY', []]]);
      assert.deepEqual(registry.collected, []);
    });

    it('B22: goes on with the others, in every order', async () => {
      const unmatched = { written: 'docker.io/library/x:1' };
      const bads = { written: `${APP}@${bad.digest}` };
      const goods = { written: `${APP}@${good.digest}` };
      const where = ground({ team: { match: { images: [APP] } } });
      for (const images of [
        [unmatched, bads, goods],
        [goods, unmatched, bads],
        [bads, goods, unmatched],
      ]) {
        const findings = brief(await examine(images, where)) as readonly (readonly string[])[];
        assert.deepEqual([...findings].map((found) => found[1]).sort(), [
          'team rejected NO_SIGNATURE',
          'team verified',
        ]);
      }
    });
  });

  describe('of a reference that cannot be read', () => {
    const image = { written: 'registry.example./app:1' };
    const dev: Policies = {
      dev: { match: { images: ['**'], namespaceSelector: { matchLabels: { env: 'dev' } } } },
    };

    it('lets every policy speak that is for the namespace and the account', async () => {
      const narrow = { match: { images: ['elsewhere.example/**'] } };
      const foreign = { match: { images: ['**'], serviceAccounts: ['other'] } };
      const findings = await examine([image], ground({ team: ONE, narrow, foreign, ...dev }));
      assert.deepEqual(brief(findings), [['REF_INVALID', ['team', 'narrow']]]);
    });

    it('lets the cluster default speak too, by Allow only where nobody else does, and mildly', async () => {
      const denied = await examine([image], ground({ team: { mode: 'Audit' } }, {}, 'Deny'));
      assert.deepEqual(brief(denied), [
        ['REF_INVALID', ['team']],
        ['REF_INVALID', []],
      ]);
      const [finding, ...none] = await examine([image], ground(dev));
      assert.deepEqual([brief([finding!]), none], [[['REF_INVALID', []]], []]);
      assert.ok('error' in finding! && finding.defaultMode === 'Audit');
    });
  });

  describe('of the same image again', () => {
    const written = `${APP}@${good.digest}`;
    const due = (findings: readonly Finding[]): readonly number[] =>
      findings.map((finding) => ('dueInMs' in finding ? finding.dueInMs : Number.NaN));

    it('reads the registry once an interval, however often and for however many workloads', async () => {
      const workloads = Array.from({ length: 20 }, (_, i) => [{ written, container: `c${i}` }]);
      for (let hour = 1; hour <= 3; hour += 1) {
        for (const images of workloads) await examine(images);
        assert.equal(registry.collected.length, hour);
        await clock.advance(HOUR - 1);
        for (const images of workloads) await examine(images);
        assert.equal(registry.collected.length, hour);
        await clock.advance(1);
      }
    });

    it('notices within an interval that a signature was taken away', async () => {
      assert.deepEqual(brief(await examine([{ written }])), [['good', 'team verified']]);
      registry.push(APP, good);
      assert.deepEqual(brief(await examine([{ written }])), [['good', 'team verified']]);
      await clock.advance(HOUR);
      assert.deepEqual(brief(await examine([{ written }])), [
        ['good', 'team rejected NO_SIGNATURE'],
      ]);
    });

    it('X34: notices it for every set of credentials', async () => {
      const images = [[{ written }], [{ written, pullSecrets: ['a'] }]];
      for (const each of images) await examine(each);
      registry.push(APP, good);
      await clock.advance(HOUR);
      for (const each of images)
        assert.deepEqual(brief(await examine(each)), [['good', 'team rejected NO_SIGNATURE']]);
    });

    it('keeps what is known while the registry is away, and stays due until it was read', async () => {
      assert.deepEqual(due(await examine([{ written }])), [HOUR]);
      await clock.advance(HOUR);
      registry.fault = DOWN;
      const stale = await examine([{ written }]);
      assert.deepEqual(brief(stale), [['good', 'team verified']]);
      assert.deepEqual(due(stale), [0]);
      registry.fault = undefined;
      await clock.advance(60_000);
      assert.deepEqual(due(await examine([{ written }])), [HOUR]);
    });

    it('follows the shortest interval of the policies that match', async () => {
      const policies: Policies = {
        team: ONE,
        often: { reverification: { interval: '10m' } },
        other: { match: { images: ['elsewhere.example/**'] }, reverification: { interval: '5m' } },
      };
      assert.deepEqual(due(await examine([{ written }], ground(policies))), [HOUR / 6]);
    });

    it('X35: answers a change of policy from what is known, without the registry', async () => {
      await examine([{ written }]);
      const rotated = ground();
      const spec = testPolicy([new KeyIssuer()]);
      const findings = await examine([{ written }], {
        ...rotated,
        snapshot: snapshotOf({ team: spec }),
      });
      assert.deepEqual(brief(findings), [['good', 'team rejected SIGNATURE_INVALID']]);
      assert.equal(registry.collected.length, 1);
    });
  });

  it('uses the pull secrets of the pod spec, and the service account only for a template without', async () => {
    const written = `${APP}@${good.digest}`;
    const pullSecrets = ['pull'];
    await examine([
      { written },
      { written, pullSecrets },
      { written, process: 'template' },
      { written, process: 'template', pullSecrets },
    ]);
    assert.deepEqual(keychains.requests, [
      { namespace: 'checkout', pullSecrets: [] },
      { namespace: 'checkout', pullSecrets },
      { namespace: 'checkout', pullSecrets: [], serviceAccount: 'web' },
      { namespace: 'checkout', pullSecrets },
    ]);
  });
});
