// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { createServer } from 'node:http';

/** A server of TUF repositories, each below a path of its own. */
export interface Mirror {
  /** Serves the files as they are now; answers the URL of the repository. */
  serve(name: string, files: ReadonlyMap<string, Buffer>): string;
  stop(): Promise<void>;
}

/** Starts it, where the processes may speak to one without TLS. */
export async function startMirror(host: string): Promise<Mirror> {
  const all = new Map<string, Buffer>();
  const server = createServer((request, response) => {
    const file = all.get(request.url ?? '');
    response.statusCode = file === undefined ? 404 : 200;
    response.end(file);
  });
  const [address, port] = host.split(':');
  await new Promise<void>((resolve) => server.listen(Number(port), address, resolve));
  return {
    serve: (name, files) => {
      for (const [path, bytes] of files) all.set(`/${name}${path}`, bytes);
      return `http://${host}/${name}`;
    },
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
