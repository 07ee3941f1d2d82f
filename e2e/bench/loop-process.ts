// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { systemClock } from '../../runtime/clock.ts';
import { openFacts } from '../../runtime/fact-workers/index.ts';
import { EvidenceCache, Judge, type JudgeInput } from '../../runtime/judge/index.ts';
import { PolicySnapshot } from '../../runtime/program/index.ts';
import { compilePolicy, ExceptionIndex, type Evidence } from '../../verification/index.ts';
import {
  bundleEvidence,
  evidenceOf,
  KeyIssuer,
  testManifest,
  testPolicy,
  testSubject,
} from '../../verification/testing/index.ts';

const SPDX = 'https://spdx.dev/Document';
const LONG_MS = 600_000;
const PACKAGES = 10_000;
/** Of a description, so that the bundle has 5 MB at least. */
const PADDING = 130;

/** What is judged: a large attestation by a short condition, or lists by conditions over them. */
const CONDITIONS: Readonly<Record<string, readonly string[]>> = {
  dsse: ['predicate.spdxVersion == "SPDX-2.3"'],
  cel: [
    'predicate.packages.all(p, p.name != "log4j-core")',
    'predicate.packages.all(p, p.externalRefs.exists(r, r.referenceLocator.startsWith("pkg:")))',
  ],
};

/**
 * Judges an image with an SBOM of 5 MB and 10,000 packages as a webhook does that has just started, and
 * prints a LoopBlock. Argument: which conditions.
 */
async function main(kind: string): Promise<void> {
  const issuer = new KeyIssuer();
  const manifest = testManifest('image');
  const bundle = issuer.bundle(manifest.digest, {
    predicateType: SPDX,
    payload: sbomStatement(manifest.digest),
  });
  assert.ok(bundle.byteLength >= 5_000_000);
  const conditions = (CONDITIONS[kind] ?? []).map((expression, n) => ({
    name: `condition-${n.toString()}`,
    expression,
  }));
  const attestation = { predicateType: SPDX, anyOf: ['key-0'], conditions };
  const policy = compilePolicy(
    'bench',
    testPolicy([issuer], { requirements: [{ name: 'sbom', attestation }] }),
  );
  const { image, ...use } = testSubject(manifest.digest);
  const input: JudgeInput = {
    snapshot: new PolicySnapshot(1, 'Deny', [policy]),
    use: { ...use, image: { ...image, digest: manifest.digest }, namespaceLabels: {} },
    exceptions: new ExceptionIndex(),
    keychain: { identity: 'bench', credentialFor: () => undefined },
  };
  const block = await blockOf(input, evidenceOf(manifest, [bundleEvidence(bundle)]));
  process.stdout.write(`${JSON.stringify(block)}\n`);
}

/** How long the event loop stood still at most, and how long of that can be by its own work. */
export interface LoopBlock {
  readonly blockMs: number;
  readonly workMs: number;
}

async function blockOf(input: JudgeInput, collected: Evidence): Promise<LoopBlock> {
  const opened = openFacts({ clock: systemClock });
  const evidence = new EvidenceCache({
    source: {
      collect: () => Promise.resolve(collected),
      resolveTag: () => Promise.resolve(collected.digest),
    },
    clock: systemClock,
    freshMs: LONG_MS,
    negativeMs: LONG_MS,
    collectionMs: LONG_MS,
    maxBytes: 256 * 1024 * 1024,
  });
  const judge = new Judge({ evidence, clock: systemClock, ...opened });
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  await sleep(200);
  delay.reset();
  const work = watchWork();
  const { policies } = await judge.judge(input, new AbortController().signal);
  await sleep(20);
  delay.disable();
  assert.deepEqual(
    policies.map(({ verdict }) => verdict.outcome),
    ['verified'],
  );
  await opened.stop();
  return { blockMs: delay.max / 1e6, workMs: work() };
}

/** Answers for how long the thread worked between two turns of its event loop at most, in milliseconds. */
function watchWork(): () => number {
  let longest = 0;
  let last = process.threadCpuUsage();
  const timer = setInterval(() => {
    const now = process.threadCpuUsage();
    longest = Math.max(longest, now.user + now.system - last.user - last.system);
    last = now;
  }, 1);
  return () => {
    clearInterval(timer);
    return longest / 1e3;
  };
}

function sbomStatement(digest: string): Buffer {
  const description = 'x'.repeat(PADDING);
  const packages = Array.from({ length: PACKAGES }, (_, n) => ({
    SPDXID: `SPDXRef-Package-${n.toString()}`,
    name: `package-${n.toString()}`,
    versionInfo: `1.2.${n.toString()}`,
    licenseConcluded: 'NOASSERTION',
    description,
    externalRefs: [
      {
        referenceCategory: 'PACKAGE-MANAGER',
        referenceType: 'purl',
        referenceLocator: `pkg:deb/debian/package-${n.toString()}@1.2.${n.toString()}`,
      },
    ],
  }));
  return Buffer.from(
    JSON.stringify({
      _type: 'https://in-toto.io/Statement/v1',
      subject: [{ name: 'app', digest: { sha256: digest.slice('sha256:'.length) } }],
      predicateType: SPDX,
      predicate: { spdxVersion: 'SPDX-2.3', packages },
    }),
  );
}

await main(process.argv[2] ?? 'dsse');
