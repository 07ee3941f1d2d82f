// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { readFileSync } from 'node:fs';
import { bindConditions, type ConditionBindings } from '../condition.ts';
import { parseStatement, type Statement } from '../statement.ts';

const DIGEST = '5f0d3c1b7c8e4a2f9b6d1e0c3a7f8b5d2e4c6a9f1b3d5e7082946a1c3e5f7092';

/** A predicate of this folder, by the name of its file. */
export function predicateFixture(name: string): unknown {
  return JSON.parse(readFileSync(new URL(`${name}.json`, import.meta.url), 'utf8'));
}

/** The bytes of a statement about the image of the fixtures. */
export function statementBytes(predicate: unknown, edit: object = {}): Uint8Array {
  const statement = {
    _type: 'https://in-toto.io/Statement/v1',
    subject: [{ name: 'registry.example.com/shop/cart', digest: { sha256: DIGEST } }],
    predicateType: 'https://example.com/predicate/v1',
    predicate,
    ...edit,
  };
  return Buffer.from(JSON.stringify(statement));
}

/** What a condition is told about a predicate of the image of the fixtures. */
export function bindingsOf(predicate: unknown): ConditionBindings {
  return bindStatement(parseStatement(statementBytes(predicate)));
}

/** The same for a statement that was parsed before. */
export function bindStatement({ json, predicate }: Statement): ConditionBindings {
  return bindConditions({
    statement: json,
    predicate,
    image: {
      registry: 'registry.example.com',
      repository: 'registry.example.com/shop/cart',
      digest: `sha256:${DIGEST}`,
      reference: `registry.example.com/shop/cart@sha256:${DIGEST}`,
    },
    signer: {
      authority: 'release',
      identity: 'https://github.com/example-shop/cart/.github/workflows/release.yml@refs/heads/main',
      issuer: 'https://token.actions.githubusercontent.com',
      claims: new Map([['sourceRepositoryURI', 'https://github.com/example-shop/cart']]),
    },
    now: new Date('2026-11-05T12:00:00Z'),
  });
}

/** An SPDX document of so many packages, each with two external references. */
export function largeSpdx(packages: number): object {
  return {
    spdxVersion: 'SPDX-2.3',
    packages: Array.from({ length: packages }, (_, index) => spdxPackage(index)),
  };
}

function spdxPackage(index: number): object {
  const version = `1.${(index % 40).toString()}.${(index % 7).toString()}`;
  return {
    name: `package-${index.toString()}`,
    SPDXID: `SPDXRef-Package-npm-${index.toString()}`,
    versionInfo: version,
    supplier: 'NOASSERTION',
    downloadLocation: 'NOASSERTION',
    filesAnalyzed: false,
    sourceInfo: 'acquired package info from installed node module manifest file: /app/package.json',
    licenseConcluded: index % 3 === 0 ? 'Apache-2.0' : 'MIT',
    copyrightText: 'NOASSERTION',
    externalRefs: [
      {
        referenceCategory: 'SECURITY',
        referenceType: 'cpe23Type',
        referenceLocator: `cpe:2.3:a:package:package:${version}:*:*:*:*:*:*:*`,
      },
      {
        referenceCategory: 'PACKAGE-MANAGER',
        referenceType: 'purl',
        referenceLocator: `pkg:npm/package-${index.toString()}@${version}`,
      },
    ],
  };
}
