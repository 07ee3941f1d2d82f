// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { entriesOf, entryOf, stampOf, stampsOf, type BundleDraft } from './bundle-draft.ts';
import { base64, flipBase64, flipBehind, textOf } from './bytes.ts';
import { edited, type Edit, type Mutation } from './mutation.ts';

/** SHA-256 and what comes before the hash of the signature; the tag of a time and its length. */
const IMPRINT = '0609608648016503040201050004';
const GENERALIZED_TIME = '180f';

const TIME: Readonly<Record<string, Edit>> = {
  'timestamp: removed': (b) => {
    stampsOf(b).length = 0;
  },
  'timestamp of another signature': (b, d) => {
    stampOf(b).signedTimestamp = stampOf(d).signedTimestamp;
  },
  'timestamp of another signature besides': (b, d) => {
    stampsOf(b).push(stampOf(d));
  },
  'timestamp: the same twice': (b) => {
    stampsOf(b).push(stampOf(b));
  },
  'timestamp: empty': (b) => {
    stampOf(b).signedTimestamp = '';
  },
  'timestamp: one bit of what it is over': (b) => {
    const stamp = stampOf(b);
    stamp.signedTimestamp = flipBehind(stamp.signedTimestamp, IMPRINT, 8);
  },
  'timestamp: one bit of its time': (b) => {
    const stamp = stampOf(b);
    stamp.signedTimestamp = flipBehind(stamp.signedTimestamp, GENERALIZED_TIME, 13);
  },
  'timestamp: one bit of its signature': (b) => {
    stampOf(b).signedTimestamp = flipBase64(stampOf(b).signedTimestamp, 0.98);
  },
  'timestamp: removed, the entry tells a time': (b) => {
    stampsOf(b).length = 0;
    for (const entry of b.verificationMaterial.tlogEntries ?? [])
      entry['integratedTime'] = Math.floor(Date.now() / 1000).toString();
  },
};

const LOG: Readonly<Record<string, Edit>> = {
  'entry: removed': (b) => {
    b.verificationMaterial.tlogEntries = [];
  },
  'entry of another signature': (b, d) => {
    b.verificationMaterial.tlogEntries = [entryOf(d)];
  },
  'entry of another signature besides': (b, d) => {
    entriesOf(b).push(entryOf(d));
  },
  'entry of another signature before': (b, d) => {
    entriesOf(b).unshift(entryOf(d));
  },
  'entry: the same twice': (b) => {
    entriesOf(b).push(entryOf(b));
  },
  'entry: body of another': (b, d) => {
    entryOf(b).canonicalizedBody = entryOf(d).canonicalizedBody;
  },
  'entry: body with a blank more': (b) => {
    entryOf(b).canonicalizedBody = base64(`${textOf(entryOf(b).canonicalizedBody)} `);
  },
  'entry: body removed': (b) => {
    entryOf(b).canonicalizedBody = '';
  },
  'entry: proof of another': (b, d) => {
    entryOf(b).inclusionProof = entryOf(d).inclusionProof;
  },
  'entry: proof removed': (b) => {
    delete (entryOf(b) as { inclusionProof?: unknown }).inclusionProof;
  },
  'entry: other integratedTime': (b) => {
    entryOf(b)['integratedTime'] = '1700000000';
  },
  'entry: other logIndex': (b) => {
    entryOf(b).logIndex = '987';
  },
  'entry: negative logIndex': (b) => {
    entryOf(b).logIndex = '-1';
  },
  'entry: logIndex as a number': (b) => {
    entryOf(b).logIndex = Number(entryOf(b).logIndex ?? 0);
  },
  'entry: other logId': (b) => {
    entryOf(b).logId.keyId = base64('z'.repeat(32));
  },
  'entry: other kind': (b) => {
    entryOf(b).kindVersion.kind = 'dsse';
  },
  'entry: other version': (b) => {
    entryOf(b).kindVersion.version = '0.0.1';
  },
  'entry: promise of nobody': (b) => {
    entryOf(b)['inclusionPromise'] = { signedEntryTimestamp: base64('promised') };
  },
  'proof: other rootHash': (b) => {
    const { inclusionProof: proof } = entryOf(b);
    proof.rootHash = flipBase64(proof.rootHash, 0.5);
  },
  'proof: other treeSize': (b) => {
    entryOf(b).inclusionProof.treeSize = '1000';
  },
  'proof: other logIndex': (b) => {
    const { inclusionProof: proof } = entryOf(b);
    proof.logIndex = (Number(proof.logIndex ?? '0') + 1).toString();
  },
  'proof: one bit of a hash': (b) => {
    const { inclusionProof: proof } = entryOf(b);
    proof.hashes = (proof.hashes ?? []).map((hash) => flipBase64(hash, 0.5));
  },
  'proof: no hashes': (b) => {
    entryOf(b).inclusionProof.hashes = [];
  },
  'proof: a hash more': (b) => {
    const { inclusionProof: proof } = entryOf(b);
    proof.hashes = [...(proof.hashes ?? []), base64('h'.repeat(32))];
  },
  'checkpoint of another': (b, d) => {
    entryOf(b).inclusionProof.checkpoint = entryOf(d).inclusionProof.checkpoint;
  },
  'checkpoint: other origin': (b) => {
    editCheckpoint(b, (text) => text.replaceAll('rekor-local', 'rekor-other'));
  },
  'checkpoint: other origin in its first line': (b) => {
    editCheckpoint(b, (text) => text.replace('rekor-local', 'rekor-other'));
  },
  'checkpoint: other size': (b) => {
    editCheckpoint(b, (text) => text.replace(/\n\d+\n/, '\n99999\n'));
  },
  'checkpoint: one bit of its signature': (b) => {
    editCheckpoint(b, (text) =>
      text.replace(/(\S+)\n$/, (_, signature: string) => `${flipBase64(signature, 0.7)}\n`),
    );
  },
  'checkpoint: one bit of its root': (b) => {
    editCheckpoint(b, (text) =>
      text.replace(/\n([A-Za-z0-9+/]{43}=)\n/, (_, root: string) => `\n${flipBase64(root, 0)}\n`),
    );
  },
  'checkpoint: another line': (b) => {
    editCheckpoint(b, (text) => text.replace('\n\n', '\nmore\n\n'));
  },
  'checkpoint: signed by others besides': (b) => {
    editCheckpoint(b, (text) => `${text}— other ${base64('s'.repeat(68))}\n`);
  },
  'checkpoint: signed by others before': (b) => {
    editCheckpoint(b, (text) => text.replace('\n\n', `\n\n— other ${base64('s'.repeat(68))}\n`));
  },
  'checkpoint: no signature': (b) => {
    editCheckpoint(b, (text) => text.slice(0, text.indexOf('—')));
  },
  'checkpoint: removed': (b) => {
    entryOf(b).inclusionProof.checkpoint.envelope = '';
  },
};

function editCheckpoint(bundle: BundleDraft, edit: (text: string) => string): void {
  const { checkpoint } = entryOf(bundle).inclusionProof;
  checkpoint.envelope = edit(checkpoint.envelope);
}

/** Of what a timestamp authority says. */
export const STAMP_MUTATIONS: readonly Mutation[] = edited(TIME);
/** Of what a log says. */
export const LOG_MUTATIONS: readonly Mutation[] = edited(LOG);
