// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { fixedClock, type FixedClock } from '../clock-testing.ts';
import { createLogger } from '../log/index.ts';
import { hashOf, ProcessConfig, type DockerConfigParser } from './process-config.ts';

/** A configuration is the name of a user here; `broken` is none. */
const parse: DockerConfigParser = (text) => {
  if (text === 'broken') throw new Error('not a configuration');
  return () => ({ kind: 'basic', username: text, password: 'secret' });
};

describe('the registry configuration of the process', () => {
  let folder: string;
  let path: string;
  let clock: FixedClock;
  let log: string[];
  let parsed: number;
  let config: ProcessConfig;

  const make = (where: string | undefined): ProcessConfig => {
    const logger = createLogger({ level: 'debug', format: 'json', sink: (line) => log.push(line) });
    const counted: DockerConfigParser = (text) => {
      parsed += 1;
      return parse(text);
    };
    return new ProcessConfig({ path: where, parse: counted, clock, logger });
  };
  const user = (): string | undefined => {
    const credential = config.current.find('registry.example', 'app');
    return credential?.kind === 'basic' ? credential.username : undefined;
  };
  /** Resolves once a look in the background has ended so; fails after some seconds. */
  const comesTo = async (name: string): Promise<void> => {
    for (let turn = 0; turn < 1000 && user() !== name; turn += 1) await sleep(2);
    assert.equal(user(), name);
  };

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'countersign-'));
    path = join(folder, 'config.json');
    clock = fixedClock();
    log = [];
    parsed = 0;
    config = make(path);
  });
  afterEach(async () => {
    await rm(folder, { recursive: true });
  });

  it('is anonymous where none is named', async () => {
    config = make(undefined);
    await config.load();
    assert.deepEqual([config.current.identity, user()], ['', undefined]);
    assert.deepEqual(log, []);
  });

  it('is anonymous as long as there is no file, and says so once', async () => {
    await config.load();
    await config.load();
    assert.deepEqual([config.current.identity, user()], ['', undefined]);
    assert.equal(log.length, 1);
    assert.match(log[0] ?? '', /cannot read the registry configuration; the last one stays/);
  });

  it('is what the file says, under a name that tells no secret', async () => {
    await writeFile(path, 'alice');
    await config.load();
    assert.deepEqual([user(), config.current.identity], ['alice', hashOf('alice')]);
    assert.match(config.current.identity, /^[0-9a-f]{16}$/);
  });

  it('is read in the background of its first use', async () => {
    await writeFile(path, 'alice');
    assert.equal(user(), undefined);
    await comesTo('alice');
    assert.equal(parsed, 1);
  });

  it('is looked at again after ten seconds, not before, while the last one is used', async () => {
    await writeFile(path, 'alice');
    await config.load();
    await writeFile(path, 'bob');
    await clock.advance(10_000);
    assert.equal(user(), 'alice');
    await sleep(20);
    assert.equal(user(), 'alice');
    await clock.advance(1);
    assert.equal(user(), 'alice');
    await comesTo('bob');
  });

  it('is parsed again only where it changed: the same file is the same set of credentials', async () => {
    await writeFile(path, 'alice');
    await config.load();
    const before = config.current;
    await writeFile(path, 'alice');
    await config.load();
    assert.equal(config.current, before);
    assert.equal(parsed, 1);
  });

  it('stays where the file is lost, broken or too long, and tells of it once', async () => {
    await writeFile(path, 'alice');
    await config.load();
    for (const spoil of [
      () => rm(path),
      () => writeFile(path, 'broken'),
      () => writeFile(path, Buffer.alloc(1024 * 1024 + 1, 'a')),
    ]) {
      log.length = 0;
      await spoil();
      await config.load();
      await config.load();
      assert.equal(user(), 'alice');
      assert.equal(log.length, 1);
      assert.doesNotMatch(log.join(), /secret/);
      await writeFile(path, 'alice');
      await config.load();
    }
    await writeFile(path, 'bob');
    await config.load();
    assert.equal(user(), 'bob');
  });

  it('tells in the log what is wrong, and quotes nothing of the file', async () => {
    config = new ProcessConfig({
      path,
      clock,
      logger: createLogger({ level: 'debug', format: 'json', sink: (line) => log.push(line) }),
      parse: (text) => {
        JSON.parse(text);
        return () => undefined;
      },
    });
    await writeFile(path, '{"auths":{"r":{"password":hunter2');
    await config.load();
    assert.match(log.join(), /SyntaxError/);
    assert.doesNotMatch(log.join(), /hunter2/);
    log.length = 0;
    config = make(join(folder, 'elsewhere.json'));
    await config.load();
    assert.match(log.join(), /ENOENT/);
  });

  it('takes a file that was broken before as soon as it is not', async () => {
    await writeFile(path, 'broken');
    await config.load();
    assert.equal(config.current.identity, '');
    await writeFile(path, 'carol');
    await config.load();
    assert.equal(user(), 'carol');
  });
});
