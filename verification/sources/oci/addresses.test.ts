// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { AddressGuard, classifyAddress, type AddressClass } from './addresses.ts';

const CLASSES: readonly (readonly [AddressClass, readonly string[]])[] = [
  [
    'public',
    [
      '1.1.1.1',
      '8.8.8.8',
      '172.32.0.1',
      '100.128.0.1',
      '2606:4700::1111',
      '::ffff:8.8.8.8',
      '64:ff9b::808:808',
      '2002:808:808::1',
    ],
  ],
  [
    'private',
    [
      '10.0.0.1',
      '172.16.0.1',
      '172.31.255.255',
      '192.168.1.1',
      '100.64.0.1',
      '198.18.0.1',
      'fd12::1',
      'fec0::1',
      '::ffff:10.1.2.3',
      '::10.1.2.3',
      '64:ff9b::a00:1',
      '2002:a00:1::1',
      '64:ff9b:1::1',
    ],
  ],
  [
    'loopback',
    [
      '127.0.0.1',
      '127.255.255.254',
      '::1',
      '0:0:0:0:0:0:0:1',
      '::ffff:127.0.0.1',
      '::ffff:7f00:1',
      '::7f00:1',
      '64:ff9b::7f00:1',
      '2002:7f00:1::',
    ],
  ],
  ['link-local', ['169.254.0.1', 'fe80::1', 'fe80::1%eth0', 'febf::1', '::ffff:169.254.1.1']],
  [
    'metadata',
    [
      '169.254.169.254',
      '169.254.170.2',
      '100.100.100.200',
      '168.63.129.16',
      '192.0.0.192',
      'fd00:ec2::254',
      'fd00:ec2::23',
      'fd20:ce::254',
      'fd00:42::42',
      'fd00:c1::a9fe:a9fe',
      '::ffff:0:a9fe:a9fe',
      '::ffff:169.254.169.254',
      '::ffff:a9fe:a9fe',
      '64:ff9b::a9fe:a9fe',
    ],
  ],
  ['unspecified', ['0.0.0.0', '0.1.2.3', '::', '::ffff:0.0.0.0']],
  [
    'reserved',
    [
      '224.0.0.1',
      '255.255.255.255',
      '240.0.0.1',
      'ff02::1',
      '2001::1',
      '',
      'localhost',
      '1.2.3',
      '0x7f.1',
      '127.1',
    ],
  ],
];

describe('classifyAddress', () => {
  for (const [kind, addresses] of CLASSES) {
    it(`knows ${kind} addresses in every spelling`, () => {
      for (const address of addresses) assert.equal(classifyAddress(address), kind, address);
    });
  }
});

describe('AddressGuard', () => {
  const at = (...addresses: string[]) =>
    addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }));
  const unsafe = { code: 'REGISTRY_UNSAFE' };

  it('X37: lets a registry be public or private, and nowhere else', () => {
    const guard = new AddressGuard('r.example', new Set());
    assert.equal(guard.admit('r.example', at('1.1.1.1'))[0].address, '1.1.1.1');
    assert.equal(guard.admit('r.example', at('10.0.0.1'))[0].address, '10.0.0.1');
    for (const bad of ['127.0.0.1', '169.254.169.254', '0.0.0.0', 'fe80::1', '224.0.0.1']) {
      assert.throws(() => guard.admit('r.example', at(bad)), unsafe);
    }
  });

  it('uses only the addresses that are allowed', () => {
    const guard = new AddressGuard('r.example', new Set());
    const found = guard.admit(
      'r.example',
      at('127.0.0.1', '1.1.1.1', '169.254.169.254', '2606:4700::1'),
    );
    assert.deepEqual(
      found.map((f) => f.address),
      ['1.1.1.1', '2606:4700::1'],
    );
    assert.throws(() => guard.admit('r.example', []), unsafe);
  });

  it('lets others be at private addresses only where the registry is', () => {
    const open = new AddressGuard('r.example', new Set());
    open.admit('r.example', at('1.1.1.1'));
    assert.throws(() => open.admit('blobs.example', at('10.0.0.2')), unsafe);
    const inside = new AddressGuard('r.example', new Set());
    inside.admit('r.example', at('10.0.0.1'));
    assert.equal(inside.admit('blobs.example', at('10.0.0.2'))[0].address, '10.0.0.2');
    assert.throws(() => inside.admit('blobs.example', at('127.0.0.1')), unsafe);
    assert.throws(() => inside.admit('kubernetes.default.svc', at('10.0.0.2')), unsafe);
  });

  it('lets others be on loopback only where a listed registry is', () => {
    const guard = new AddressGuard('localhost:5000', new Set(['localhost:5000']));
    guard.admit('localhost:5000', at('127.0.0.1', '::1'));
    assert.equal(guard.admit('localhost:5001', at('127.0.0.1'))[0].address, '127.0.0.1');
    assert.throws(() => guard.admit('localhost:5001', at('169.254.169.254')), unsafe);
  });

  it('lets listed hosts be anywhere, by exact host and port', () => {
    const guard = new AddressGuard('r.example', new Set(['minio.svc:9000']));
    assert.equal(guard.admit('minio.svc:9000', at('10.0.0.2'))[0].address, '10.0.0.2');
    for (const other of [
      'minio.svc',
      'minio.svc:9001',
      'x.minio.svc:9000',
      'minio.svc.cluster.local:9000',
    ]) {
      assert.throws(() => guard.admit(other, at('10.0.0.2')), unsafe);
    }
  });
});
