// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { before, describe, it } from 'mocha';
import { copyImage, type PushedImage } from '../harness/index.ts';
import {
  cosignVerify,
  cosignVerifyAttestation,
  expecting,
  type GitHubIdentity,
  type LocalSigstore,
  type Signer,
} from '../sigstore/index.ts';
import { assertAdmitted, assertDenied } from '../world/index.ts';
import {
  ANOTHER_ENTRY,
  ANOTHER_PROMISE,
  ANOTHER_TIME,
  attach,
  edited,
  FORMS,
  PREDICATE,
  publish,
  withoutPromise,
  type Evidence,
  type Form,
} from './rekor-v1/evidence.ts';
import { recordedAsInToto } from './rekor-v1/in-toto.ts';
import { keyless, RELEASE } from './shared/identities.ts';
import { signedBy, Stage, type Spec } from './shared/stage.ts';

const OTHER_BRANCH: GitHubIdentity = { ...RELEASE, ref: 'refs/heads/topic' };
const [, , , ATTESTED] = FORMS;
const EDITS = [
  ['A1: with the entry of something else', ANOTHER_ENTRY, 'TLOG_ENTRY_MISMATCH'],
  ['A15: with the promise of another entry', ANOTHER_PROMISE, 'TLOG_PROOF_INVALID'],
  ['A15: with a time that nobody promised', ANOTHER_TIME, 'TLOG_PROOF_INVALID'],
] as const;

type Kind = 'keyless' | 'key';

describe('signatures with signed entry timestamps of a Rekor v1, on a real API server', function () {
  this.timeout(120_000);
  let stage: Stage;
  let sigstore: LocalSigstore;
  let signers: Readonly<Record<Kind, { readonly own: Signer; readonly other: Signer }>>;

  before(async () => {
    stage = await Stage.open('rekor-v1');
    sigstore = await stage.sigstore.withRekorV1();
    const common = { sigstore, services: { timestamps: false } };
    const { key, otherKey } = stage.world;
    signers = {
      keyless: {
        own: { ...common, identity: RELEASE },
        other: { ...common, identity: OTHER_BRANCH },
      },
      key: { own: { ...common, key }, other: { ...common, key: otherKey } },
    };
    await Promise.all(
      (['keyless', 'key'] as const).flatMap((kind) => [
        demand('trusting', kind, sigstore.trustedRoot),
        demand('doubting', kind, stage.sigstore.trustedRoot),
      ]),
    );
  });

  /** Demands signatures in one repository and attestations in another, both with a log entry. */
  const demand = async (name: string, kind: Kind, root: string): Promise<void> => {
    const material = { inline: root };
    const thresholds = { logEntries: 1, timestamps: 0 };
    const { publicKey } = stage.world.key;
    const authority: Spec =
      kind === 'keyless'
        ? keyless(sigstore, RELEASE, { trustRoot: { material, thresholds } })
        : {
            key: {
              material: { inline: publicKey },
              transparencyLog: 'Require',
              trustRoot: { material },
            },
          };
    const { predicateType } = PREDICATE;
    const requirement = { name: 'attested', attestation: { anyOf: ['signer'], predicateType } };
    for (const attested of [false, true]) {
      const path = pathOf(name, kind, { attested });
      const requirements = attested ? { requirements: [requirement] } : {};
      await stage.enforce(path, signedBy(stage.repository(path), authority, requirements));
    }
  };

  const push = (name: string, kind: Kind, form: Form): Promise<PushedImage> =>
    stage.push(pathOf(name, kind, form));

  /** What cosign says of it, which asks for a log entry unless told. */
  const cosign = async (
    { pinned }: PushedImage,
    kind: Kind,
    { attested, legacy }: Form,
    root = sigstore,
  ): Promise<boolean> => {
    const args = [
      ...(legacy ? ['--new-bundle-format=false'] : []),
      ...(kind === 'keyless'
        ? expecting(root, RELEASE)
        : [`--key=${stage.world.key.publicKeyFile}`, `--trusted-root=${root.trustedRootFile}`]),
    ];
    const { ok } = attested
      ? await cosignVerifyAttestation(pinned, [...args, `--type=${PREDICATE.type}`])
      : await cosignVerify(pinned, args);
    return ok;
  };

  /** The same image in another repository, as it was before anybody signed it, with this about it. */
  const retold = async (
    image: PushedImage,
    path: string,
    evidence: Evidence,
    text: string,
  ): Promise<PushedImage> => {
    const repository = stage.repository(path);
    const reference = `${repository}:${image.digest.slice(-12)}`;
    await copyImage(image.pinned, reference);
    const pinned = `${repository}@${image.digest}`;
    await attach(pinned, evidence, text);
    return { ...image, reference, pinned };
  };

  for (const kind of ['keyless', 'key'] as const) {
    for (const form of FORMS) {
      describe(`${form.name}, ${kind === 'key' ? 'by a key' : 'with a certificate'}`, () => {
        it('is accepted by cosign and admitted, and by nobody whose root lacks the log', async () => {
          const image = await push('trusting', kind, form);
          const { text } = await publish(image.pinned, form, signers[kind].own);
          assert.match(text, /signedEntryTimestamp/i);
          assert.ok(!text.includes('timestampVerificationData'));
          assert.ok(await cosign(image, kind, form));
          assertAdmitted(await stage.ask(image.pinned));

          const doubted = await push('doubting', kind, form);
          await publish(doubted.pinned, form, signers[kind].own);
          assert.ok(!(await cosign(doubted, kind, form, stage.sigstore)));
          assertDenied(await stage.ask(doubted.pinned), 'TLOG_KEY_UNTRUSTED');
        });

        it('is denied by somebody else', async () => {
          const image = await push('trusting', kind, form);
          await publish(image.pinned, form, signers[kind].other);
          assert.ok(!(await cosign(image, kind, form)));
          // A bundle says which key it is of.
          const keyCode = form.legacy ? 'SIGNATURE_INVALID' : 'KEY_UNTRUSTED';
          const code = kind === 'keyless' ? 'IDENTITY_MISMATCH' : keyCode;
          assertDenied(await stage.ask(image.pinned), code);
        });

        describe('is denied', () => {
          let other: Evidence;

          before(async () => {
            const image = await push('apart', kind, form);
            other = await publish(image.pinned, form, signers[kind].own);
          });

          for (const [what, edit, code] of EDITS) {
            it(what, async () => {
              const image = await push('apart', kind, form);
              const evidence = await publish(image.pinned, form, signers[kind].own);
              const text = edited(evidence, other, edit);
              const told = await retold(image, pathOf('trusting', kind, form), evidence, text);
              assert.ok(!(await cosign(told, kind, form)), 'cosign accepts it');
              assertDenied(await stage.ask(told.pinned), code);
            });
          }
        });
      });
    }
  }

  it('A15: a proof without a promise tells no time, which a key does not need', async () => {
    assert.ok(ATTESTED);
    for (const kind of ['keyless', 'key'] as const) {
      const image = await push('apart', kind, ATTESTED);
      const evidence = await publish(image.pinned, ATTESTED, signers[kind].own);
      const path = pathOf('trusting', kind, ATTESTED);
      const told = await retold(image, path, evidence, withoutPromise(evidence));
      const answer = await stage.ask(told.pinned);
      if (kind === 'key') assertAdmitted(answer);
      else assertDenied(answer, 'TIMESTAMP_MISSING');
    }
  });

  it('an attestation that was recorded before the log knew DSSE counts', async () => {
    assert.ok(ATTESTED);
    const image = await push('apart', 'keyless', ATTESTED);
    const evidence = await publish(image.pinned, ATTESTED, signers.keyless.own);
    const text = await recordedAsInToto(sigstore.logUrl, evidence.text);
    const path = pathOf('trusting', 'keyless', ATTESTED);
    const told = await retold(image, path, evidence, text);
    assert.ok(await cosign(told, 'keyless', ATTESTED));
    assertAdmitted(await stage.ask(told.pinned));
  });
});

/** Of the repository of such evidence. */
function pathOf(name: string, kind: Kind, { attested }: Pick<Form, 'attested'>): string {
  return `${name}-${kind}${attested ? '-attested' : ''}`;
}
