// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

/**
 * Whether two user names look like one person's: they may differ in case, in the Unicode form of a
 * character, in characters that do not show and in white space around. To be mistaken costs an approval
 * by somebody else; to tell apart what looks alike would let people approve what they asked for.
 */
export function isSamePerson(a: string, b: string): boolean {
  return a === b || folded(a) === folded(b);
}

/** Upper case first: some letters have one only there, and others have several lower ones. */
function folded(name: string): string {
  return name
    .normalize('NFKC')
    .replace(/[\p{Default_Ignorable_Code_Point}\p{Cc}\p{Cf}]/gu, '')
    .toUpperCase()
    .toLowerCase()
    .normalize('NFKC')
    .trim();
}
