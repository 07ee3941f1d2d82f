// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import fc from 'fast-check';
import { VerificationError } from '../../error.ts';
import { KeyIssuer } from '../../testing/issuer.ts';
import { signMessage } from '../../testing/signed-entity.ts';
import { TestLog, type EnterOptions } from '../../testing/transparency-log.ts';
import type { LogEntry } from '../entity.ts';
import { assertSoon } from '../../testing/cpu-time.ts';
import { parseCheckpoint } from './checkpoint.ts';
import { verifyInclusion } from './inclusion.ts';

const { entity, pem } = signMessage(new KeyIssuer(), Buffer.from('payload'));
const v1 = new TestLog({ version: 1, origin: 'rekor.example' });
const v2 = new TestLog({ version: 2, origin: 'log2026.rekor.example' });
const invalid = { name: 'VerificationError', code: 'TLOG_PROOF_INVALID' };

/** The same note: name and key ID of its line stay, and the last byte of the signature changes. */
function otherSignature(note: string): string {
  return note.replace(/^(\u2014 \S*rekor\S+) (\S+)$/mu, (_, name: string, text: string) => {
    const bytes = Buffer.from(text, 'base64');
    bytes.writeUInt8(bytes.readUInt8(bytes.length - 1) ^ 1, bytes.length - 1);
    return `${name} ${bytes.toString('base64')}`;
  });
}

for (const log of [v1, v2]) {
  const logs = [new TestLog().trusted, log.trusted];
  const enter = (options: EnterOptions = {}): LogEntry => log.enter(entity, pem, options);

  describe(`verifyInclusion, Rekor v${log.version.toString()}`, () => {
    it('answers the log whose checkpoint the proof leads to', () =>
      assert.equal(verifyInclusion(enter(), logs).log, log.trusted));
    it('takes trees of every size', () => {
      const growing = new TestLog({ version: log.version, others: 0 });
      for (let size = 1; size <= 20; size += 1)
        verifyInclusion(growing.enter(entity, pem), [growing.trusted]);
    });
    it('passes over cosignatures of witnesses', () => {
      const entry = enter({ witnesses: ['witness.example', 'witness.example/w2'] });
      assert.equal(verifyInclusion(entry, logs).log, log.trusted);
    });
    it('passes over lines of others, also under its own name and in front of its line', () => {
      const other = new TestLog({ version: 2, origin: log.trusted.origin });
      for (const line of ['\u2014 witness.example AAAAAAA=\n', other.signatureLine('something')]) {
        const entry = enter({ editNote: (note) => note.replace('\n\n', `\n\n${line}`) });
        assert.equal(verifyInclusion(entry, logs).log, log.trusted);
      }
    });

    const notes: readonly (readonly [string, (note: string) => string])[] = [
      ['without a signature', (note) => note.slice(0, note.indexOf('\u2014'))],
      ['without a signature and its empty line', (note) => note.slice(0, note.indexOf('\n\n'))],
      ['signed by witnesses alone', (note) => note.replace(/\u2014 [^w].*\n/u, '')],
      ['signed under another name', (note) => note.replaceAll('rekor.example', 'rekor.github')],
      ['whose signer is named otherwise', (note) => note.replace('\u2014 ', '\u2014 a')],
      ['A17: signed under a pattern', (note) => note.replace(/\u2014 \S+/u, '\u2014 .*')],
      [
        'whose line has another key ID',
        (note) => note.replace(/^(\u2014 \S+) \S{5}/mu, '$1 AAAAA'),
      ],
      ['whose signature is another one', otherSignature],
      ['of another origin', (note) => `x${note}`],
      ['that names no origin', (note) => note.slice(note.indexOf('\n') + 1)],
      [
        'about another root',
        (note) => note.replace(/\n[A-Za-z0-9+/]{43}=/, `\n${'A'.repeat(43)}=`),
      ],
      ['whose size was changed', (note) => note.replace(/\n(\d+)\n/, '\n9$1\n')],
      ['A17: whose size is hexadecimal', (note) => note.replace(/\n(\d+)\n/, '\n0x$1\n')],
      ['whose size has a leading zero', (note) => note.replace(/\n(\d+)\n/, '\n0$1\n')],
      ['without a size', (note) => note.replace(/\n\d+\n/, '\n')],
      ['that continues', (note) => `${note}more`],
      ['that continues with an empty line', (note) => `${note}\n`],
      ['with a carriage return', (note) => note.replace('\n', '\r\n')],
      ['with a lone surrogate', (note) => `${note.slice(0, -1)}\ud800\n`],
      ['with a hundred lines', (note) => note + '\u2014 witness.example AAAAAAA=\n'.repeat(100)],
      ['of 64 KiB', (note) => `${note}\u2014 witness.example ${'A'.repeat(64 * 1024)}\n`],
      ['that is empty', () => ''],
    ];
    for (const [what, editNote] of notes) {
      it(`refuses a checkpoint ${what}`, () => {
        const entry = enter({ editNote, witnesses: ['witness.example'] });
        assert.throws(() => verifyInclusion(entry, logs), invalid);
      });
    }

    const texts: readonly (readonly [string, (text: string) => string])[] = [
      ['that is of another origin', (text) => `not-${text}`],
      ['that adds to the origin', (text) => text.replace('\n', '.evil.example\n')],
      ['that adds a tree number of letters', (text) => text.replace(/( - \d+)?\n/, ' - x\n')],
      ['that has an empty line', (text) => `${text}\nmore\n`],
      ['that holds a control character', (text) => `${text}a\u0000b\n`],
      ['about a tree of another size', (text) => text.replace(/\n(\d+)\n/, '\n1$1\n')],
    ];
    for (const [what, editText] of texts) {
      it(`refuses a checkpoint by the log ${what}`, () =>
        assert.throws(() => verifyInclusion(enter({ editText }), logs), invalid));
    }

    it('A21: refuses a proof without a checkpoint', () =>
      assert.throws(() => verifyInclusion(enter({ without: ['checkpoint'] }), logs), invalid));
    it('A21: refuses a tree of its own under the ID of the log', () => {
      const own = new TestLog({ version: log.version, origin: log.trusted.origin });
      const entry = { ...own.enter(entity, pem), logId: log.trusted.logId };
      assert.throws(() => verifyInclusion(entry, logs), invalid);
    });
    it('A21: refuses a tree of its own beside a checkpoint about one of the same size', () => {
      const { proof } = enter();
      const others = Number(proof!.treeSize) - 1;
      const own = new TestLog({ version: log.version, others }).enter(entity, pem);
      assert.equal(own.proof!.treeSize, proof!.treeSize);
      const checkpoint = proof!.checkpoint!;
      const mixed = { ...own, logId: log.trusted.logId, proof: { ...own.proof!, checkpoint } };
      const message = /not about the tree of its checkpoint/;
      assert.throws(() => verifyInclusion(mixed, logs), { ...invalid, message });
    });
    it('refuses an entry without a proof', () =>
      assert.throws(() => verifyInclusion(enter({ without: ['proof'] }), logs), invalid));
    it('refuses a proof whose own root or size is not that of the checkpoint', () => {
      const entry = enter();
      const proof = entry.proof!;
      for (const change of [{ rootHash: Buffer.alloc(32) }, { treeSize: proof.treeSize + 1n }])
        assert.throws(
          () => verifyInclusion({ ...entry, proof: { ...proof, ...change } }, logs),
          invalid,
        );
    });
    it('A1: refuses the proof of another entry', () => {
      const { proof } = enter();
      const other = log.enter(signMessage(new KeyIssuer(), Buffer.from('other')).entity, pem);
      assert.throws(() => verifyInclusion({ ...other, proof: proof! }, logs), invalid);
    });
    it('A31: takes no key but those of trusted logs', () =>
      assert.throws(() => verifyInclusion(enter(), [new TestLog().trusted]), {
        code: 'TLOG_KEY_UNTRUSTED',
      }));
    it('X45: wants the key of the log in use at every trusted time, both ends included', () => {
      const retired = { ...log.trusted, validity: { from: 1000, until: 2000 } };
      assert.equal(verifyInclusion(enter(), [retired], [1000, 2000]).log, retired);
      for (const at of [[999], [2001], [1500, 2001], [Number.NaN]])
        assert.throws(() => verifyInclusion(enter(), [retired], at), {
          code: 'TLOG_KEY_UNTRUSTED',
        });
    });
    it('X33: lets no mutation of a checkpoint pass', () => {
      const good = enter();
      const proof = good.proof!;
      const note = proof.checkpoint!;
      const checked = (checkpoint: string): unknown =>
        verifyInclusion({ ...good, proof: { ...proof, checkpoint } }, logs);
      checked(note);
      fc.assert(
        fc.property(
          fc.nat(note.length - 1),
          fc.string({ minLength: 1, maxLength: 3 }),
          (at, by) => {
            const changed = note.slice(0, at) + by + note.slice(at + 1);
            if (changed !== note) assert.throws(() => checked(changed), invalid);
          },
        ),
        { numRuns: 200 },
      );
    });
  });
}

describe('a Rekor v1 log', () => {
  it('may leave out the number of its tree', () => {
    const editText = (text: string): string => text.replace(/ - \d+/, '');
    assert.equal(
      verifyInclusion(v1.enter(entity, pem, { editText }), [v1.trusted]).log,
      v1.trusted,
    );
  });
});

describe('parseCheckpoint', () => {
  it('reads a checkpoint with extension lines', () => {
    const root = Buffer.alloc(32, 1);
    const note = `a b\n0\n${root.toString('base64')}\nmore\n\n\u2014 n AAAAAAE=\n`;
    assert.deepEqual(parseCheckpoint(note), {
      origin: 'a b',
      size: 0n,
      rootHash: root,
      text: Buffer.from(note.slice(0, note.indexOf('\n\n') + 1)),
      signatures: [{ name: 'n', keyId: Buffer.alloc(4), signature: Buffer.of(1) }],
    });
  });
  it('A17: throws nothing but a VerificationError for any text, and that soon', () => {
    const line = fc.oneof(
      fc.string(),
      fc.constantFrom('', '1', '01', '0x1', '(a+)+$', `${'A'.repeat(43)}=`, '\u2014 n AAAAAAE='),
    );
    fc.assert(
      fc.property(fc.array(line), (lines) => {
        try {
          parseCheckpoint(lines.join('\n'));
        } catch (thrown) {
          assert.ok(thrown instanceof VerificationError);
          assert.equal(thrown.code, 'TLOG_PROOF_INVALID');
        }
      }),
    );
    for (const text of ['\u2014 '.repeat(30_000), '\n'.repeat(65_000), ' a'.repeat(32_000)])
      assertSoon(200, () =>
        assert.throws(() => parseCheckpoint(`o\n1\n${'A'.repeat(43)}=\n\n${text}\n`), invalid),
      );
  });
});
