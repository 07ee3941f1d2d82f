// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { createServer } from 'node:https';
import { createCa, issueLeaf } from '../../runtime/tls/index.ts';

/**
 * The yardstick: a bare `node:https` server that reads the POST, parses it and echoes the UID over
 * the same TLS. Arguments: host and port. Prints `listening` once it is.
 */
async function main(host: string, port: number): Promise<void> {
  const ca = await createCa(new Date());
  const leaf = await issueLeaf(ca, { dnsNames: ['localhost'], now: new Date() });
  const server = createServer(
    { cert: leaf.certPem, key: leaf.keyPem, ALPNProtocols: ['http/1.1'] },
    (request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        const review = JSON.parse(Buffer.concat(chunks).toString('utf8')) as {
          request: { uid: string };
        };
        const body = JSON.stringify({
          apiVersion: 'admission.k8s.io/v1',
          kind: 'AdmissionReview',
          response: { uid: review.request.uid, allowed: true },
        });
        response.writeHead(200, {
          'content-type': 'application/json',
          'content-length': Buffer.byteLength(body),
        });
        response.end(body);
      });
    },
  );
  server.keepAliveTimeout = 120_000;
  server.listen(port, host, () => process.stdout.write('listening\n'));
}

await main(process.argv[2] ?? '127.0.0.1', Number(process.argv[3]));
