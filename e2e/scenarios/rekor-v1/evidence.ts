// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { attachBundle, attachLayers, attest, readLayers, sign } from '../../sigstore/index.ts';
import type { LayerTag, SignatureLayer, Signer } from '../../sigstore/index.ts';

/** What is stored about an image, and in which layout. */
export interface Form {
  readonly name: string;
  /** The layout before bundles. */
  readonly legacy: boolean;
  readonly attested: boolean;
}

/** All of them. */
export const FORMS: readonly Form[] = [
  { name: 'a signature in a .sig tag', legacy: true, attested: false },
  { name: 'an attestation in an .att tag', legacy: true, attested: true },
  { name: 'a signature in a bundle', legacy: false, attested: false },
  { name: 'an attestation in a bundle', legacy: false, attested: true },
];

/** The predicate that {@link publish} attests, and how its type is called. */
export const PREDICATE = {
  type: 'cyclonedx',
  predicateType: 'https://cyclonedx.org/bom',
  predicate: { bomFormat: 'CycloneDX', specVersion: '1.6', components: [] },
} as const;

/** A signature or attestation as it was stored. */
export interface Evidence {
  readonly form: Form;
  /** JSON with the log entry in it: a bundle, or an annotation of the layer. */
  readonly text: string;
  readonly layer?: SignatureLayer;
}

const ANNOTATION = 'dev.sigstore.cosign/bundle';

/** Lets cosign sign or attest an image; answers what it stored. */
export async function publish(pinned: string, form: Form, by: Signer): Promise<Evidence> {
  const { attested, legacy } = form;
  const { predicate, type } = PREDICATE;
  const text = attested
    ? await attest(pinned, { by, legacy, type, predicate })
    : await sign(pinned, { by, legacy });
  if (!legacy) return { form, text };
  const [layer] = await readLayers(pinned, tagOf(form));
  return { form, text: layer?.annotations[ANNOTATION] ?? '', ...(layer && { layer }) };
}

/** Stores it about an image as cosign does, with another text. */
export async function attach(pinned: string, evidence: Evidence, text: string): Promise<void> {
  const { form, layer } = evidence;
  if (layer === undefined) {
    const { predicateType } = PREDICATE;
    await attachBundle(pinned, text, form.attested ? { predicateType } : {});
    return;
  }
  const annotations = { ...layer.annotations, [ANNOTATION]: text };
  await attachLayers(pinned, tagOf(form), [{ ...layer, annotations }]);
}

function tagOf({ attested }: Form): LayerTag {
  return attested ? 'att' : 'sig';
}

interface AnnotatedEntry {
  readonly SignedEntryTimestamp: string;
  readonly Payload: { readonly integratedTime: number };
}

interface BundledEntry {
  readonly integratedTime: string;
  readonly inclusionPromise?: { readonly signedEntryTimestamp: string } | undefined;
}

interface Bundle {
  readonly verificationMaterial: { readonly tlogEntries: readonly BundledEntry[] };
}

/** What is done to a log entry. */
export interface EntryEdit {
  readonly layer: (own: AnnotatedEntry, other: AnnotatedEntry) => AnnotatedEntry;
  readonly bundle: (own: BundledEntry, other: BundledEntry) => BundledEntry;
}

/** Puts the entry of something else in place of its own. */
export const ANOTHER_ENTRY: EntryEdit = {
  layer: (_, other) => other,
  bundle: (_, other) => other,
};

/** Keeps the entry, with the promise of another. */
export const ANOTHER_PROMISE: EntryEdit = {
  layer: (own, { SignedEntryTimestamp }) => ({ ...own, SignedEntryTimestamp }),
  bundle: (own, { inclusionPromise }) => ({ ...own, inclusionPromise }),
};

/** Claims that the entry was made a second earlier. */
export const ANOTHER_TIME: EntryEdit = {
  layer: (own) => ({
    ...own,
    Payload: { ...own.Payload, integratedTime: own.Payload.integratedTime - 1 },
  }),
  bundle: (own) => ({ ...own, integratedTime: String(Number(own.integratedTime) - 1) }),
};

/** The text of the evidence after an edit of its entry, with a hand from other evidence. */
export function edited({ layer, text }: Evidence, other: Evidence, edit: EntryEdit): string {
  if (layer !== undefined) {
    const [own, foreign] = [text, other.text].map((json) => JSON.parse(json) as AnnotatedEntry);
    assert.ok(own !== undefined && foreign !== undefined);
    return JSON.stringify(edit.layer(own, foreign));
  }
  const foreign = entryOf(JSON.parse(other.text) as Bundle);
  return withEntry(text, (own) => edit.bundle(own, foreign));
}

/** The bundle with its proof, but nobody's word about the time. */
export function withoutPromise({ text }: Evidence): string {
  return withEntry(text, (own) => ({ ...own, inclusionPromise: undefined }));
}

/** The bundle with a change of its one entry. */
export function withEntry(text: string, change: (own: BundledEntry) => BundledEntry): string {
  const bundle = JSON.parse(text) as Bundle;
  const tlogEntries = [change(entryOf(bundle))];
  const verificationMaterial = { ...bundle.verificationMaterial, tlogEntries };
  return JSON.stringify({ ...bundle, verificationMaterial });
}

function entryOf({ verificationMaterial }: Bundle): BundledEntry {
  const [only, ...more] = verificationMaterial.tlogEntries;
  assert.ok(only !== undefined && more.length === 0, 'the bundle has not exactly one entry');
  return only;
}
