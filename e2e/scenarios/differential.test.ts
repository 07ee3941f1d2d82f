// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { after, before, describe, it } from 'mocha';
import {
  ALLOWED_BY_COSIGN_ONLY,
  ALLOWED_BY_US_ONLY,
  Bench,
  commandLineAllows,
  differencesOf,
  reasonOf,
  runDifferential,
  tableOf,
  type Row,
  type Run,
} from '../differential/index.ts';
import { sharedSigstore } from '../sigstore/index.ts';

const PAGE: string = join(import.meta.dirname, '..', '..', 'docs', 'differences-from-cosign.md');
const TABLE: string = join(import.meta.dirname, '..', '..', 'reports', 'differential.txt');
/** Fewer would mean that the run looks at less than it did. */
const LEAST_DENIED_BY_BOTH = 250;
const LEAST_RANDOM = 2_000;

describe('cosign and Countersign, on the same artefacts', function () {
  this.timeout(400_000);
  let bench: Bench;
  let run: Run;

  before(async () => {
    bench = await Bench.start(await sharedSigstore());
    run = await runDifferential(bench);
    const table = tableOf(run.rows);
    mkdirSync(dirname(TABLE), { recursive: true });
    writeFileSync(TABLE, table);
    process.stdout.write(table);
  });
  after(async () => {
    await bench.stop();
  });

  const unknown = (rows: readonly Row[], known: typeof ALLOWED_BY_US_ONLY): readonly string[] =>
    rows
      .filter(({ name }) => reasonOf(known, name) === undefined)
      .map(({ name, code, told }) => `${name}: ${code} ${told.cosign}${told.ours}`);

  it('never allows what cosign denies, except for the reasons that are written down', () => {
    assert.deepEqual(unknown(differencesOf(run.rows).byUsOnly, ALLOWED_BY_US_ONLY), []);
  });

  it('denies what cosign allows for reasons that are written down', () => {
    assert.deepEqual(unknown(differencesOf(run.rows).byCosignOnly, ALLOWED_BY_COSIGN_ONLY), []);
  });

  it('allows what cosign makes, in both kinds of registry', () => {
    const made = run.rows.slice(0, run.goods);
    assert.deepEqual(
      made.filter(({ ours }) => ours === 'denies'),
      [],
    );
    const denied = made.filter(({ cosign }) => cosign === 'denies');
    assert.ok(denied.every(({ name }) => reasonOf(ALLOWED_BY_US_ONLY, name) !== undefined));
  });

  it('looks at what is wrong in as many ways as it should', () => {
    const both = run.rows.filter(({ cosign, ours }) => cosign === 'denies' && ours === 'denies');
    assert.ok(both.length >= LEAST_DENIED_BY_BOTH, `denied by both: ${both.length.toString()}`);
    assert.ok(run.randomChanges >= LEAST_RANDOM);
    const broken = run.rows.filter(({ code }) => code === 'INTERNAL');
    assert.deepEqual(broken, []);
  });

  it('says the same on the command line', async () => {
    const verdicts = new Map(run.rows.map(({ name, ours }) => [name, ours === 'allows']));
    const sample = run.sample.filter(isWellPosed);
    assert.ok(sample.length > 5);
    for (const artefact of sample)
      assert.equal(await commandLineAllows(artefact), verdicts.get(artefact.name), artefact.name);
  });

  it('is what the page about differences says', () => {
    const page = readFileSync(PAGE, 'utf8').replaceAll(/\s+/g, ' ');
    const reasons = [...ALLOWED_BY_US_ONLY, ...ALLOWED_BY_COSIGN_ONLY].map(({ reason }) => reason);
    assert.deepEqual(
      reasons.filter((reason) => !page.includes(reason)),
      [],
    );
    const { byUsOnly, byCosignOnly } = differencesOf(run.rows);
    const names = [...byUsOnly, ...byCosignOnly].map(({ name }) => name);
    const never = [...ALLOWED_BY_US_ONLY, ...ALLOWED_BY_COSIGN_ONLY].filter(
      (difference) => !names.some((name) => difference.names.test(name)),
    );
    assert.deepEqual(
      never.map(({ reason }) => reason),
      [],
      'did not show',
    );
  });
});

/** The command line cannot answer for a policy that does not compile. */
function isWellPosed({ name }: { readonly name: string }): boolean {
  return !name.includes('trusted root:');
}
