// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

/**
 * What would change how a text around it looks, or cannot be seen: controls but for line ends and tabs,
 * marks that turn the direction, widthless characters and tags. Joiners stay, scripts need them.
 */
const UNSEEN =
  /(?![\t\n])\p{Cc}|[\u00ad\u061c\u115f\u1160\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\u3164\ufeff\uffa0\ufff9-\ufffb]|[\u{e0000}-\u{e0fff}]/gu;

/** The text with everything written out that could not be seen or would deceive, such as `\u{202e}`. */
export function visibleText(text: string): string {
  return text.replace(
    UNSEEN,
    (character) => `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`,
  );
}
