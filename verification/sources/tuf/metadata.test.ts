// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { ECDH, type JsonWebKey } from 'node:crypto';
import { describe, it } from 'mocha';
import fc from 'fast-check';
import { VerificationError } from '../../error.ts';
import {
  assertSoon,
  TestTufRepository,
  type TestTufRole,
  type TufJson,
  TufSigner,
} from '../../testing/index.ts';
import { keyIdentity } from './key-identity.ts';
import { DEFAULT_TUF_LIMITS, tufLimits } from './limits.ts';
import { checkMetadata, type MetadataHead } from './metadata.ts';
import { publicGoodSeed } from './seed.ts';

const INVALID = { name: 'VerificationError', code: 'TRUST_ROOT_INVALID' };
const PATHS = {
  root: '/1.root.json',
  timestamp: '/timestamp.json',
  snapshot: '/1.snapshot.json',
  targets: '/1.targets.json',
} as const;

/** Metadata of a role, changed before it is signed. */
function metadata(role: TestTufRole, edit: (signed: TufJson) => void = () => undefined): Buffer {
  const publication = {
    edit: (edited: TestTufRole, signed: TufJson) => {
      if (edited === role) edit(signed);
    },
  };
  const repository = new TestTufRepository(undefined, publication);
  repository.publish('{}', publication);
  return repository.files.get(PATHS[role])!;
}

function check(role: TestTufRole, edit?: (signed: TufJson) => void): MetadataHead {
  return checkMetadata(metadata(role, edit), role, DEFAULT_TUF_LIMITS);
}

function checkText(text: string, role: TestTufRole = 'root'): MetadataHead {
  return checkMetadata(Buffer.from(text), role, DEFAULT_TUF_LIMITS);
}

type Roles = Record<string, { keyids: unknown; threshold?: unknown }>;

describe('TUF metadata', () => {
  for (const role of ['root', 'timestamp', 'snapshot', 'targets'] as const) {
    it(`of the role ${role} is accepted as it is published`, () => {
      assert.deepEqual(check(role), { version: 1, expires: '2199-01-01T00:00:00Z' });
    });

    it(`F7: of the role ${role} is refused without its parts`, () => {
      for (const text of [
        '',
        '{}',
        '[]',
        'null',
        '1',
        '{"signed":{}}',
        '{"signed":{},"signatures":[]}',
      ]) {
        assert.throws(() => checkText(text, role), INVALID);
      }
      const parts = Object.keys(
        (JSON.parse(metadata(role).toString()) as { signed: TufJson }).signed,
      );
      const needed = parts.filter(
        (part) => !['spec_version', 'consistent_snapshot'].includes(part),
      );
      for (const part of needed) {
        const without = (signed: TufJson): boolean => Reflect.deleteProperty(signed, part);
        assert.throws(() => check(role, without), INVALID, part);
        for (const odd of [null, 0, -1, 1.5, '', 'x', [], {}, [1], true]) {
          assert.throws(() => check(role, (signed) => (signed[part] = odd)), INVALID, part);
        }
      }
    });
  }

  it('of the public good is accepted', () => {
    assert.equal(checkText(publicGoodSeed().root).version, 16);
  });

  for (const threshold of [0, -1, 1.5, '1', null, undefined, 3, 1e308]) {
    it(`F7: with the threshold ${String(threshold)} of two keys is refused`, () => {
      const edit = (signed: TufJson): void => {
        (signed['roles'] as Roles)['root']!.threshold = threshold;
      };
      assert.throws(() => check('root', edit), INVALID);
    });
  }

  it('F6: with a key id twice, none at all, or one that is not held is refused', () => {
    for (const change of [
      (ids: string[]) => [ids[0], ids[0]],
      () => [],
      () => ['constructor'],
      (ids: string[]) => [...ids, 'ff'],
      () => 'x',
      () => [1],
    ]) {
      const edit = (signed: TufJson): void => {
        const role = (signed['roles'] as Roles)['root']!;
        role.keyids = change(role.keyids as string[]);
        role.threshold = 1;
      };
      assert.throws(() => check('root', edit), INVALID);
    }
  });

  it('F6: with two signatures under one key id is refused', () => {
    const { signed, signatures } = JSON.parse(metadata('root').toString()) as {
      signed: TufJson;
      signatures: TufJson[];
    };
    const twice = { signed, signatures: [...signatures, signatures[0]] };
    assert.throws(() => checkText(JSON.stringify(twice)), INVALID);
  });

  it('F6: with a key of JSON twice is refused', () => {
    const text = metadata('root').toString();
    for (const again of ['"version":1,"version":1', '"version":1,"Version":1']) {
      assert.throws(() => checkText(text.replace('"version":1', again)), INVALID);
    }
  });

  it('with a role missing is refused', () => {
    for (const role of ['root', 'timestamp', 'snapshot', 'targets']) {
      const edit = (signed: TufJson): void => {
        Reflect.deleteProperty(signed['roles'] as Roles, role);
      };
      assert.throws(() => check('root', edit), INVALID);
    }
  });

  it('with an expiry that is no instant in UTC is refused', () => {
    for (const expires of ['2199-01-01', '2199-01-01T00:00:00', '2199-13-01T00:00:00Z', 'never']) {
      assert.throws(() => check('timestamp', (signed) => (signed['expires'] = expires)), INVALID);
    }
  });

  it('with odd hashes or lengths is refused', () => {
    const good = 'a'.repeat(64);
    for (const hashes of [
      {},
      { md5: good },
      { sha256: 'a' },
      { sha256: 1 },
      { sha256: '../' },
      [],
    ]) {
      const target = (signed: TufJson): void => {
        signed['targets'] = { 'trusted_root.json': { length: 1, hashes } };
      };
      const file = (signed: TufJson): void => {
        signed['meta'] = { 'snapshot.json': { version: 1, hashes } };
      };
      assert.throws(() => check('targets', target), INVALID);
      assert.throws(() => check('timestamp', file), INVALID);
    }
    for (const length of [-1, 0, 1.5, '1']) {
      const target = (signed: TufJson): void => {
        signed['targets'] = { 'trusted_root.json': { length, hashes: { sha256: good } } };
      };
      assert.throws(() => check('targets', target), INVALID);
    }
  });

  it('with more members than the library can take is refused before it sees them', () => {
    const members = Array.from({ length: 60_000 }, (_, i) => [`f${i.toString()}`, { version: 1 }]);
    const flood = (signed: TufJson): void => {
      signed['meta'] = Object.fromEntries(members) as TufJson;
    };
    const bytes = metadata('snapshot', flood);
    const refused = { ...INVALID, message: /many/ };
    assertSoon(1000, () =>
      assert.throws(() => checkMetadata(bytes, 'snapshot', DEFAULT_TUF_LIMITS), refused),
    );
  });

  it('in any form gives an answer or a coded error', () => {
    const text = metadata('root').toString();
    fc.assert(
      fc.property(fc.nat(text.length - 1), fc.string({ maxLength: 3 }), (at, put) => {
        const changed = text.slice(0, at) + put + text.slice(at + 1);
        try {
          checkText(changed);
        } catch (thrown) {
          assert.ok(thrown instanceof VerificationError);
        }
      }),
    );
    fc.assert(
      fc.property(fc.json(), (json) => {
        assert.throws(() => checkText(json), INVALID);
      }),
    );
  });
});

describe('the identity of a TUF key', () => {
  const hex = (key: TufSigner): { x: string; y: string } => {
    const { x = '', y = '' }: JsonWebKey = key.publicKey.export({ format: 'jwk' });
    const toHex = (part: string): string => Buffer.from(part, 'base64url').toString('hex');
    return { x: toHex(x), y: toHex(y) };
  };
  const pem = (key: TufSigner): string => (key.json['keyval'] as { public: string }).public;

  it('F6: is the same however an ECDSA key is written', () => {
    const key = new TufSigner();
    const scheme = 'ecdsa-sha2-nistp256';
    const { x, y } = hex(key);
    const point = `04${x}${y}`;
    const short = ECDH.convertKey(point, 'prime256v1', 'hex', 'hex', 'compressed').toString();
    const identities = [pem(key), `${pem(key)}\n\n`, point, point.toUpperCase(), short].map(
      (publicKey) => keyIdentity({ scheme, publicKey }),
    );
    assert.equal(new Set(identities).size, 1);
    assert.notEqual(identities[0], keyIdentity({ scheme, publicKey: pem(new TufSigner()) }));
  });

  it('F6: is the same however an Ed25519 key is written', () => {
    const key = new TufSigner('ed25519');
    const scheme = 'ed25519';
    const { x } = hex(key);
    const identities = [pem(key), x, x.toUpperCase()].map((publicKey) =>
      keyIdentity({ scheme, publicKey }),
    );
    assert.equal(new Set(identities).size, 1);
  });

  it('of what is no key is what is written', () => {
    const scheme = 'ecdsa-sha2-nistp256';
    const [one, two] = ['zz', '-----BEGIN PUBLIC KEY-----'].map((publicKey) =>
      keyIdentity({ scheme, publicKey }),
    );
    assert.notEqual(one, two);
  });
});

describe('limits of a TUF repository', () => {
  it('are refused where they bound nothing', () => {
    assert.throws(() => tufLimits({ rootBytes: 0 }), RangeError);
    assert.throws(() => tufLimits({ refreshMs: -1 }), RangeError);
    assert.equal(tufLimits({ members: 5 }).members, 5);
  });
});
