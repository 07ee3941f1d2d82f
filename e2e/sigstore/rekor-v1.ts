// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { createHash } from 'node:crypto';
import { TestLog } from '../../verification/testing/index.ts';
import { startJsonServer, type LoopbackServer } from './loopback-server.ts';
import { recordedOf, type ProposedEntry } from './rekor-v1-body.ts';

/** A Rekor v1 that runs. */
export interface RekorV1 extends LoopbackServer {
  /** What its checkpoints begin with: its name. */
  readonly origin: string;
  /** What its promises and checkpoints are verified with, PEM. */
  readonly publicKey: string;
}

type LogEntry = ReturnType<TestLog['enterBody']>;
type Answers = Readonly<Record<string, unknown>>;

const ORIGIN = 'rekor-v1-local';
const API = '/api/v1/log';
/** What the identifier of an entry begins with: that of the tree, in hexadecimal. */
const TREE = BigInt('2605736670972794746').toString(16).padStart(16, '0');

/**
 * Starts a log with the API of Rekor v1 as far as cosign uses it to sign: it takes an entry, puts its
 * canonical body into a tree, and promises so with a signed entry timestamp of the present, beside a
 * proof and a checkpoint. Its key is of P-256.
 */
export async function startRekorV1(): Promise<RekorV1> {
  const log = new TestLog({ origin: ORIGIN });
  const publicKey = log.trusted.key.key.export({ type: 'spki', format: 'pem' }).toString();
  const entries = new Entries(log);
  const server = await startJsonServer((path, body) => {
    if (path === `${API}/publicKey`) {
      return new Response(publicKey, { headers: { 'content-type': 'application/x-pem-file' } });
    }
    const [, query, uuid] = /^\/api\/v1\/log\/entries(?:\?logIndex=(\d+)|\/([0-9a-f]+))?$/.exec(
      path,
    ) ?? [path];
    if (query !== undefined) return entries.byIndex(query);
    if (uuid !== undefined) return entries.byId(uuid);
    return path === `${API}/entries` ? entries.take(JSON.parse(body) as ProposedEntry) : undefined;
  });
  return { ...server, origin: ORIGIN, publicKey };
}

/** What the log has taken, by the identifiers it gave. */
class Entries {
  readonly #log: TestLog;
  readonly #known = new Map<string, Answers>();

  constructor(log: TestLog) {
    this.#log = log;
  }

  /** Answers as Rekor does, which names the entry in a header too. */
  take(proposed: ProposedEntry): Response {
    const { kind, body } = recordedOf(proposed);
    const id = `${TREE}${leafHash(body)}`;
    const location = `${API}/entries/${id}`;
    if (this.#known.has(id)) {
      const message = `an equivalent entry already exists in the transparency log with UUID ${id}`;
      return Response.json({ code: 409, message }, { status: 409, headers: { location } });
    }
    const entry = this.#log.enterBody(kind, body, { time: Math.floor(Date.now() / 1000) });
    const answer = answerOf(entry);
    this.#known.set(id, answer);
    return Response.json({ [id]: answer }, { status: 201, headers: { etag: id, location } });
  }

  byId(id: string): Answers | undefined {
    const found = this.#known.get(id);
    return found === undefined ? undefined : { [id]: found };
  }

  byIndex(index: string): Answers | undefined {
    const found = [...this.#known].find(([, answer]) => String(answer['logIndex']) === index);
    return found === undefined ? undefined : { [found[0]]: found[1] };
  }
}

function answerOf({ body, integratedTime, logId, logIndex, promise, proof }: LogEntry): Answers {
  return {
    body: body.toString('base64'),
    integratedTime: Number(integratedTime),
    logID: logId.toString('hex'),
    logIndex: Number(logIndex),
    verification: {
      inclusionProof: {
        checkpoint: proof?.checkpoint,
        hashes: proof?.hashes.map((hash) => hash.toString('hex')),
        logIndex: Number(proof?.logIndex),
        rootHash: proof?.rootHash.toString('hex'),
        treeSize: Number(proof?.treeSize),
      },
      signedEntryTimestamp: promise?.toString('base64'),
    },
  };
}

/** RFC 6962 §2.1. */
function leafHash(body: Buffer): string {
  return createHash('sha256').update(Uint8Array.of(0)).update(body).digest('hex');
}
