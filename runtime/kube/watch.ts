// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import type { KubeClient, StreamOptions } from './client.ts';
import type { KubeObject } from './objects.ts';

/**
 * What a watch tells. `OPENED` comes first, once the API server has accepted it. `BOOKMARK` carries
 * only a resourceVersion; `ERROR` carries a Status.
 */
export type WatchEvent<T> =
  | { readonly type: 'OPENED' }
  | { readonly type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK'; readonly object: T }
  | {
      readonly type: 'ERROR';
      readonly object: { readonly code?: number; readonly message?: string };
    };

/** The API server ends a watch after this time. */
const WATCH_SECONDS = 300;
/** Bytes that one event may have; the API server's objects are at most a few MiB. */
const MAX_LINE_BYTES = 16 * 1024 * 1024;
const NEWLINE = 0x0a;

/**
 * One watch of a collection from a resourceVersion in `query`, with bookmarks. Ends when the API server
 * ends it; throws a KubeError where it is refused, and an error where it is cut, stalls or is garbled.
 */
export async function* watch<T extends KubeObject>(
  client: Pick<KubeClient, 'stream'>,
  path: string,
  options: StreamOptions,
): AsyncGenerator<WatchEvent<T>> {
  const query = {
    ...options.query,
    watch: 'true',
    allowWatchBookmarks: 'true',
    timeoutSeconds: WATCH_SECONDS.toString(),
  };
  const stream = await client.stream(path, { ...options, query });
  yield { type: 'OPENED' };
  for await (const line of readLines(stream)) yield JSON.parse(line) as WatchEvent<T>;
}

/**
 * Splits a stream of bytes into lines, without blank ones. Throws for a line longer than 16 MiB, and
 * where the stream ends within a line.
 */
async function* readLines(stream: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  let parts: Uint8Array[] = [];
  let size = 0;
  const take = (last: Uint8Array): string => {
    const line = Buffer.concat([...parts, last])
      .toString('utf8')
      .trim();
    parts = [];
    size = 0;
    return line;
  };
  for await (const chunk of stream) {
    let start = 0;
    for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, start)) {
      const line = take(chunk.subarray(start, end));
      if (line !== '') yield line;
      start = end + 1;
    }
    if (start < chunk.byteLength) parts.push(chunk.subarray(start));
    size += chunk.byteLength - start;
    if (size > MAX_LINE_BYTES) throw new Error('watch: an event is too long');
  }
  if (take(new Uint8Array()) !== '') throw new Error('watch: ended within an event');
}
