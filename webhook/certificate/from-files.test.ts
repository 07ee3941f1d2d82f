// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, before, beforeEach, describe, it } from 'mocha';
import { createCa, issueLeaf, type CertifiedKey, type Leaf } from '../../runtime/tls/index.ts';
import { FileLeafSource } from './from-files.ts';

const NAME = 'countersign-webhook.countersign-system.svc';
const NOW = new Date();

describe('a certificate from files', () => {
  let ca: CertifiedKey;
  let first: Leaf;
  let second: Leaf;
  let directory: string;
  let source: FileLeafSource;

  before(async () => {
    ca = await createCa(NOW);
    first = await issueLeaf(ca, { dnsNames: [NAME], now: NOW });
    second = await issueLeaf(ca, { dnsNames: [NAME], now: NOW });
  });
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'countersign-certificate-'));
    source = new FileLeafSource({ directory, dnsName: NAME });
  });
  afterEach(() => {
    rmSync(directory, { recursive: true });
  });

  const put = (certPem: string, keyPem: string): void => {
    writeFileSync(join(directory, 'tls.crt'), certPem);
    writeFileSync(join(directory, 'tls.key'), keyPem);
  };

  it('is taken with its whole chain, and once as long as it stays the same', async () => {
    put(first.certPem + ca.certPem, first.keyPem);
    const leaf = await source.renewed(undefined);
    assert.deepEqual(leaf, {
      certPem: first.certPem + ca.certPem,
      keyPem: first.keyPem,
      notAfter: first.notAfter,
    });
    put(first.certPem + ca.certPem, first.keyPem);
    assert.equal(await source.renewed(leaf), undefined);
  });

  it('is taken again when its content changes, also by a link as kubelets switch volumes', async () => {
    for (const [name, { certPem, keyPem }] of Object.entries({ first, second })) {
      mkdirSync(join(directory, name));
      writeFileSync(join(directory, name, 'tls.crt'), certPem);
      writeFileSync(join(directory, name, 'tls.key'), keyPem);
    }
    for (const file of ['tls.crt', 'tls.key'])
      symlinkSync(join('data', file), join(directory, file));
    symlinkSync('first', join(directory, 'data'));
    const taken = await source.renewed(undefined);
    assert.equal(taken?.certPem, first.certPem);
    symlinkSync('second', join(directory, 'new'));
    renameSync(join(directory, 'new'), join(directory, 'data'));
    assert.equal((await source.renewed(taken))?.certPem, second.certPem);
  });

  it('is refused while only one of the two files has been written, and without the key in the message', async () => {
    put(second.certPem, first.keyPem);
    await assert.rejects(source.renewed(first), /tls\.key is not the key of tls\.crt$/);
    put(second.certPem, 'MIIsecret');
    await assert.rejects(source.renewed(first), /tls\.key holds no private key$/);
  });

  it('is refused where a file is missing, holds nothing, or is too large', async () => {
    await assert.rejects(source.renewed(undefined), { code: 'ENOENT' });
    put('', first.keyPem);
    await assert.rejects(source.renewed(undefined), /tls\.crt holds no certificate$/);
    put(first.certPem + ' '.repeat(128 * 1024), first.keyPem);
    await assert.rejects(source.renewed(undefined), /tls\.crt is too large$/);
  });

  it('is refused where it is for another name than the one the API server asks for', async () => {
    const other = await issueLeaf(ca, { dnsNames: ['countersign-webhook.other.svc'], now: NOW });
    put(other.certPem, other.keyPem);
    await assert.rejects(source.renewed(undefined), new RegExp(`is not for ${NAME}$`));
  });
});
