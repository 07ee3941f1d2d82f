// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { before, describe, it } from 'mocha';
import { signBundle, type PushedImage } from '../harness/index.ts';
import { attest, attestWithKey, type LocalSigstore } from '../sigstore/index.ts';
import { assertAdmitted, assertDenied, type World } from '../world/index.ts';
import {
  BUILDER,
  EXAMPLES,
  provenance,
  sbom,
  SOURCE,
  vex,
  vulnerabilities,
  type Example,
} from './shared/attestations.ts';
import { keyless, PIPELINE, RELEASE } from './shared/identities.ts';
import { Stage, type Spec } from './shared/stage.ts';

const GOOD_SBOM = sbom(['alpine-baselayout', 'busybox']);
const BAD_SBOM = sbom(['busybox', 'log4j-core']);

describe('attestations on a real API server', function () {
  this.timeout(120_000);
  let stage: Stage;
  let world: World;
  let sigstore: LocalSigstore;

  before(async () => {
    stage = await Stage.open('attestations');
    ({ world, sigstore } = stage);
  });

  /** Demands an attestation of everything in the repository, by the key of the world unless told. */
  const demand = (
    path: string,
    attestation: Spec,
    more: { readonly authority?: Spec; readonly registry?: { readonly host: string } } = {},
  ): Promise<void> => {
    const { authority = { key: { material: { inline: world.key.publicKey } } } } = more;
    return stage.enforce(path, {
      match: { images: [stage.repository(path, more.registry)] },
      authorities: [{ name: 'signer', ...authority }],
      requirements: [{ name: 'attested', attestation: { anyOf: ['signer'], ...attestation } }],
    });
  };
  const admits = async ({ pinned }: PushedImage): Promise<void> =>
    assertAdmitted(await stage.ask(pinned));
  const denies = async ({ pinned }: PushedImage, code: string): Promise<string> => {
    const answer = await stage.ask(pinned);
    assertDenied(answer, code);
    return answer.stderr;
  };

  for (const kind of ['registry', 'tagRegistry'] as const) {
    describe(`of an SBOM, in the ${kind === 'registry' ? 'registry with' : 'one without'} the referrers API`, () => {
      const { predicateType, condition } = EXAMPLES.sbom;
      const path = kind.toLowerCase();
      const push = (): Promise<PushedImage> => stage.push(path, world[kind]);
      const attested = async (predicate: unknown, legacy: boolean): Promise<PushedImage> => {
        const image = await push();
        await attestWithKey(image.pinned, world.key, { type: 'cyclonedx', predicate, legacy });
        return image;
      };

      before(() =>
        demand(path, { predicateType, conditions: [condition] }, { registry: world[kind] }),
      );

      for (const legacy of [false, true]) {
        it(`admit and deny by what it says, ${legacy ? 'in an .att tag' : 'in a bundle'}`, async () => {
          await admits(await attested(GOOD_SBOM, legacy));
          const said = await denies(await attested(BAD_SBOM, legacy), 'PREDICATE_REJECTED');
          assert.ok(said.includes(condition.message), said);
        });

        it(`A4: are of the type that is asked for, ${legacy ? 'in an .att tag' : 'in a bundle'}`, async () => {
          const image = await push();
          const predicate = vulnerabilities('LOW');
          await attestWithKey(image.pinned, world.key, { type: 'vuln', predicate, legacy });
          await denies(image, 'PREDICATE_TYPE_MISMATCH');
        });

        it(`count beside others that do not, ${legacy ? 'in an .att tag' : 'in a bundle'}`, async () => {
          const image = await attested(BAD_SBOM, !legacy);
          const options = { type: 'cyclonedx', predicate: GOOD_SBOM, legacy };
          await attestWithKey(image.pinned, world.otherKey, options);
          await denies(image, 'PREDICATE_REJECTED');
          const both = await attested(BAD_SBOM, !legacy);
          await attestWithKey(both.pinned, world.key, options);
          await admits(both);
        });
      }

      it('A35: are missing where there is none', async () => {
        await denies(await push(), 'ATTESTATION_MISSING');
      });

      it('A5: are missing where there is a signature only', async () => {
        const image = await push();
        await signBundle(world.key, image.pinned);
        await denies(image, 'ATTESTATION_MISSING');
      });

      it('do not count by a key that nobody trusts', async () => {
        const image = await push();
        const options = { type: 'cyclonedx', predicate: GOOD_SBOM };
        await attestWithKey(image.pinned, world.otherKey, options);
        await denies(image, 'KEY_UNTRUSTED');
      });
    });
  }

  describe('of each type that teams publish', () => {
    const other = { builder: 'https://ci.example.com/laptop', source: SOURCE };
    const predicates: readonly (readonly [Example, good: unknown, bad: readonly unknown[]])[] = [
      [EXAMPLES.vulnerabilities, vulnerabilities('MEDIUM'), [vulnerabilities('CRITICAL')]],
      [
        EXAMPLES.provenance,
        provenance({ builder: BUILDER, source: SOURCE }),
        [provenance(other), provenance({ builder: BUILDER, source: 'https://github.com/eve/app' })],
      ],
      [EXAMPLES.vex, vex('not_affected'), [vex('affected'), vex('under_investigation')]],
    ];

    for (const [{ type, predicateType, condition }, good, bad] of predicates) {
      it(`${type}: ${condition.message}`, async () => {
        await demand(type, { predicateType, conditions: [condition] });
        const attested = async (predicate: unknown): Promise<PushedImage> => {
          const image = await stage.push(type);
          await attestWithKey(image.pinned, world.key, { type, predicate });
          return image;
        };
        await admits(await attested(good));
        for (const predicate of bad) {
          const said = await denies(await attested(predicate), 'PREDICATE_REJECTED');
          assert.ok(said.includes(condition.message), said);
        }
      });
    }
  });

  describe('by an identity', () => {
    const { predicateType, condition } = EXAMPLES.sbom;
    const attested = async (path: string, by: typeof RELEASE | typeof PIPELINE) => {
      const image = await stage.push(path);
      const options = { type: 'cyclonedx', predicate: GOOD_SBOM };
      await attest(image.pinned, { ...options, by: { sigstore, identity: by } });
      return image;
    };

    it('count for that identity only', async () => {
      const authority = keyless(sigstore, RELEASE);
      await demand('keyless', { predicateType, conditions: [condition] }, { authority });
      await admits(await attested('keyless', RELEASE));
      await denies(await attested('keyless', PIPELINE), 'IDENTITY_MISMATCH');
    });

    it('tell a condition who signed', async () => {
      const expression = `signer.claims.sourceRepositoryURI == "${SOURCE}" && image.digest.startsWith("sha256:")`;
      const conditions = [{ name: 'own', expression }];
      const anybody = keyless(sigstore, RELEASE, { subject: undefined, subjectPattern: '.*' });
      await demand('signer', { predicateType, conditions }, { authority: anybody });
      await admits(await attested('signer', RELEASE));
      const fork = { ...RELEASE, repository: 'eve/app' };
      await denies(await attested('signer', fork), 'PREDICATE_REJECTED');
    });

    it('are old by their trusted time, and at once where nobody vouches for one', async () => {
      const authority = keyless(sigstore, RELEASE);
      await demand('aged', { predicateType, maxAge: '1h' }, { authority });
      await admits(await attested('aged', RELEASE));
      await demand('untimed', { predicateType, maxAge: '87600h' });
      const image = await stage.push('untimed');
      const options = { type: 'cyclonedx', predicate: GOOD_SBOM };
      await attestWithKey(image.pinned, world.key, options);
      await denies(image, 'ATTESTATION_STALE');
    });
  });

  it('are demanded of as many authorities as the threshold says, each by its own', async () => {
    const { predicateType } = EXAMPLES.sbom;
    await stage.enforce('two', {
      match: { images: [stage.repository('two')] },
      authorities: [
        { name: 'first', key: { material: { inline: world.key.publicKey } } },
        { name: 'second', key: { material: { inline: world.otherKey.publicKey } } },
      ],
      requirements: [
        {
          name: 'attested',
          attestation: { predicateType, anyOf: ['first', 'second'], threshold: 2 },
        },
      ],
    });
    const image = await stage.push('two');
    const options = { type: 'cyclonedx', predicate: GOOD_SBOM };
    await attestWithKey(image.pinned, world.key, options);
    await attestWithKey(image.pinned, world.key, { ...options, legacy: true });
    await denies(image, 'THRESHOLD_NOT_MET');
    const both = await stage.push('two');
    await attestWithKey(both.pinned, world.key, options);
    await attestWithKey(both.pinned, world.otherKey, { ...options, legacy: true });
    await admits(both);
  });
});
