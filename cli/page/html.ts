// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { createHash } from 'node:crypto';
import type { ReviewDocument } from '../exceptions/document.ts';
import { SCRIPT, STYLE } from './bundle.generated.ts';
import { escapeHtml, jsonForScript } from './escape.ts';
import { fallbackOf } from './fallback.ts';
import { titleOf } from './title.ts';

/**
 * The review as one HTML file that needs nothing else: the same document gives the same bytes. Its
 * policy lets only the script and the style run that are in it, and nothing leave it.
 */
export function pageOf(document: ReviewDocument): string {
  const title = escapeHtml(titleOf(document));
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${POLICY}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<meta name="color-scheme" content="light dark">
<title>${title}</title>
<link rel="icon" href="data:,">
<style>${STYLE}</style>
</head>
<body>
<div id="page"></div>
<noscript>
${fallbackOf(document)}
</noscript>
<script type="application/json" id="document">${jsonForScript(document)}</script>
<script>${SCRIPT}</script>
</body>
</html>
`;
}

/** Values reach the page as text only: a string that became markup would be refused, too. */
const POLICY = [
  "default-src 'none'",
  `script-src ${hashOf(SCRIPT)}`,
  `style-src ${hashOf(STYLE)}`,
  'img-src data:',
  "base-uri 'none'",
  "form-action 'none'",
  "require-trusted-types-for 'script'",
  "trusted-types 'none'",
].join('; ');

function hashOf(text: string): string {
  return `'sha256-${createHash('sha256').update(text).digest('base64')}'`;
}
