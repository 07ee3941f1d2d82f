// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { signLegacy } from '../../harness/index.ts';
import { withEnvironment, type Spec } from './ground.ts';
import { policyTrial, type Trial } from './trial.ts';

/** Fields that say what an image must satisfy, and what happens where it does not. */
export const REQUIREMENT_TRIALS: readonly Trial[] = [
  policyTrial('authorities[].name', 'the key counts under that name', async (ground) => {
    const { pinned } = await ground.signed();
    const { key, otherKey } = ground.world;
    const spec = (trusted: string, unused: string): Spec =>
      ground.policy({
        authorities: [
          { name: trusted, key: { material: { inline: key.publicKey } } },
          { name: unused, key: { material: { inline: otherKey.publicKey } } },
        ],
      });
    return {
      sides: [
        [spec('release-key', 'other-key'), 'admitted'],
        [spec('other-key', 'release-key'), 'denied KEY_UNTRUSTED'],
      ],
      observe: () => ground.pod(pinned),
    };
  }),
  policyTrial('requirements[].name', 'is the rule in the report', async (ground) => {
    const { pinned } = await ground.unsigned();
    await ground.deploy(pinned);
    const spec = (name: string): Spec =>
      ground.policy({ requirements: [{ name, signature: { anyOf: ['release-key'] } }] });
    return {
      sides: [
        [spec('signed'), 'fail of signed'],
        [spec('released'), 'fail of released'],
      ],
      observe: () => ground.report(({ result, rule = '' }) => `${result} of ${rule}`),
    };
  }),
  policyTrial(
    'requirements[].signature.anyOf[]',
    'only authorities that it names are accepted',
    async (ground) => {
      const { pinned } = await ground.signed();
      const spec = (name: string): Spec =>
        ground.policy({ ...twoKeys(ground.world), ...signatureBy({ anyOf: [name] }) });
      return {
        sides: [
          [spec('first'), 'admitted'],
          [spec('second'), 'denied KEY_UNTRUSTED'],
        ],
        observe: () => ground.pod(pinned),
      };
    },
  ),
  policyTrial(
    'requirements[].signature.threshold',
    'so many of them must have signed',
    async (ground) => {
      const { pinned } = await ground.signed();
      const spec = (threshold: number): Spec =>
        ground.policy({
          ...twoKeys(ground.world),
          ...signatureBy({ anyOf: ['first', 'second'], threshold }),
        });
      return {
        sides: [
          [spec(1), 'admitted'],
          [spec(2), 'denied THRESHOLD_NOT_MET'],
        ],
        observe: () => ground.pod(pinned),
      };
    },
  ),
  policyTrial(
    'requirements[].signature.annotations',
    'the signature must carry them',
    async (ground) => {
      const { pinned } = await ground.signed({ annotations: { env: 'dev' } });
      const spec = (env: string): Spec =>
        ground.policy(signatureBy({ anyOf: ['release-key'], annotations: { env } }));
      return {
        sides: [
          [spec('dev'), 'admitted'],
          [spec('prod'), 'denied ANNOTATION_MISMATCH'],
        ],
        observe: () => ground.pod(pinned),
      };
    },
  ),
  policyTrial('requirements[].allowedDigests[]', 'only they are admitted', async (ground) => {
    const [image, other] = await Promise.all([ground.unsigned('1'), ground.unsigned('2')]);
    const spec = (digest: string): Spec =>
      ground.policy({ requirements: [{ name: 'approved', allowedDigests: [digest] }] });
    return {
      sides: [
        [spec(image.digest), 'admitted'],
        [spec(other.digest), 'denied DIGEST_NOT_ALLOWED'],
      ],
      observe: () => ground.pod(image.pinned),
    };
  }),
  policyTrial('requirements[].allowedRepositories[]', 'only they are admitted', async (ground) => {
    const { pinned } = await ground.unsigned();
    const spec = (repository: string): Spec =>
      ground.policy({ requirements: [{ name: 'source', allowedRepositories: [repository] }] });
    return {
      sides: [
        [spec(ground.repository), 'admitted'],
        [spec(`${ground.repository}-2`), 'denied REPOSITORY_NOT_ALLOWED'],
      ],
      observe: () => ground.pod(pinned),
    };
  }),
  policyTrial('tags', 'Pin admits a signed image by its tag, Deny does not', async (ground) => {
    const { reference } = await ground.signed();
    return {
      sides: [
        [ground.policy({ tags: 'Pin' }), 'admitted'],
        [ground.policy({ tags: 'Deny' }), 'denied DIGEST_REQUIRED'],
      ],
      observe: () => ground.pod(reference),
    };
  }),
  policyTrial(
    'templates',
    'Deny refuses a Deployment, Warn warns, Ignore is silent',
    async (ground) => {
      const { pinned } = await ground.unsigned();
      return {
        sides: [
          [ground.policy({ templates: 'Deny' }), 'denied NO_SIGNATURE'],
          [ground.policy({ templates: 'Warn' }), 'warned NO_SIGNATURE'],
          [ground.policy({ templates: 'Ignore' }), 'admitted'],
        ],
        observe: () => ground.template(pinned),
      };
    },
  ),
  policyTrial('exceptions.allowed', 'an exception counts only where it is true', async (ground) => {
    const image = await ground.unsigned();
    await ground.grant(ground.exception(image));
    const spec = (allowed: boolean): Spec =>
      ground.policy({ exceptions: { allowed, approval: 'NotRequired' } });
    return {
      sides: [
        [spec(true), 'admitted'],
        [spec(false), 'denied EXCEPTION_INVALID'],
      ],
      observe: () => ground.pod(image.pinned),
    };
  }),
  policyTrial('exceptions.maxDuration', 'a longer exception does not count', async (ground) => {
    const image = await ground.unsigned();
    await ground.grant(ground.exception(image));
    const spec = (maxDuration: string): Spec =>
      ground.policy({ exceptions: { allowed: true, approval: 'NotRequired', maxDuration } });
    return {
      sides: [
        [spec('3h'), 'admitted'],
        [spec('2h59m'), 'denied EXCEPTION_INVALID'],
      ],
      observe: () => ground.pod(image.pinned),
    };
  }),
  policyTrial('registry.signatureRepository', 'signatures are looked for there', async (ground) => {
    const { pinned } = await ground.unsigned();
    const place = `${ground.world.registry.host}/${ground.folder}/signatures`;
    const runIn = withEnvironment({ COSIGN_REPOSITORY: place });
    await signLegacy(ground.world.key, pinned, { runIn });
    const spec = (signatureRepository: string): Spec =>
      ground.policy({ registry: { signatureRepository } });
    return {
      sides: [
        [spec(place), 'admitted'],
        [spec(ground.repository), 'denied NO_SIGNATURE'],
      ],
      observe: () => ground.pod(pinned),
    };
  }),
];

interface TwoKeys {
  readonly key: { readonly publicKey: string };
  readonly otherKey: { readonly publicKey: string };
}

function twoKeys({ key, otherKey }: TwoKeys): Spec {
  return {
    authorities: [
      { name: 'first', key: { material: { inline: key.publicKey } } },
      { name: 'second', key: { material: { inline: otherKey.publicKey } } },
    ],
  };
}

function signatureBy(signature: Spec): Spec {
  return { requirements: [{ name: 'signed', signature }] };
}
