// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { draftOf, type BundleDraft } from './bundle-draft.ts';

/** What a bundle is mixed with. */
export interface Donors {
  /** A bundle by the same signer, of the same kind, about another image. */
  readonly other: string;
  /** Digest of the image at hand, and of the other one: `sha256:…`. */
  readonly digest: string;
  readonly otherDigest: string;
  /** Certificates of the CA, base64 of DER: what signs, and its root. */
  readonly chain: readonly string[];
}

/** One way to change a bundle. */
export interface Mutation {
  readonly name: string;
  readonly apply: (bundle: string, donors: Donors) => string;
}

/** Changes a bundle in place. */
export type Edit = (draft: BundleDraft, donor: BundleDraft, donors: Donors) => void;

/** Edits of the bundle's JSON as mutations. */
export function edited(edits: Readonly<Record<string, Edit>>): readonly Mutation[] {
  return Object.entries(edits).map(([name, edit]) => ({
    name,
    apply: (bundle, donors) => {
      const draft = draftOf(bundle);
      edit(draft, draftOf(donors.other), donors);
      return JSON.stringify(draft);
    },
  }));
}
