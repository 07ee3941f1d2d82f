// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { createServer, type Server } from 'node:https';
import { createCa, issueLeaf } from '../../../runtime/tls/index.ts';
import { freePort, type Kubectl } from '../../harness/index.ts';

/** A validating webhook by which the API server refuses writes of reports as a busy or broken one does. */
export interface RefusingWebhook {
  /** Status with which writes are answered; `undefined` lets them pass. */
  answer: { readonly code: number; readonly retryAfterSeconds?: number } | undefined;
  /** Instants of the writes that were refused. */
  readonly refused: readonly number[];
  stop(): Promise<void>;
}

const NAME = 'refusing-reports';

/** Starts it and installs its configuration. */
export async function startRefusingWebhook(kubectl: Kubectl): Promise<RefusingWebhook> {
  const ca = await createCa(new Date());
  const leaf = await issueLeaf(ca, { dnsNames: ['localhost'], now: new Date() });
  const refused: number[] = [];
  const state: RefusingWebhook = {
    answer: undefined,
    refused,
    stop: async () => {
      await kubectl.delete('validatingwebhookconfiguration', NAME);
      await close(server);
    },
  };
  const server = createServer({ cert: leaf.certPem, key: leaf.keyPem }, (request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const review = JSON.parse(Buffer.concat(chunks).toString('utf8')) as {
        request: { uid: string };
      };
      if (state.answer !== undefined) refused.push(performance.now());
      response.setHeader('content-type', 'application/json');
      response.end(JSON.stringify(reviewed(review.request.uid, state.answer)));
    });
  });
  const port = await freePort();
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  await kubectl.apply(configuration(port, ca.certPem));
  return state;
}

function reviewed(uid: string, answer: RefusingWebhook['answer']): object {
  const { code, retryAfterSeconds } = answer ?? {};
  const status = {
    status: 'Failure',
    code,
    message: 'not now',
    ...(retryAfterSeconds === undefined ? {} : { details: { retryAfterSeconds } }),
  };
  const refusal = { uid, allowed: false, status };
  const response = answer === undefined ? { uid, allowed: true } : refusal;
  return { apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview', response };
}

function configuration(
  port: number,
  caPem: string,
): { apiVersion: string; kind: string; metadata: { name: string }; webhooks: unknown } {
  const rule = {
    apiGroups: ['wgpolicyk8s.io'],
    apiVersions: ['*'],
    operations: ['CREATE', 'UPDATE', 'DELETE'],
    resources: ['*'],
  };
  return {
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind: 'ValidatingWebhookConfiguration',
    metadata: { name: NAME },
    webhooks: [
      {
        name: 'refuse.example.com',
        clientConfig: {
          url: `https://localhost:${port.toString()}/`,
          caBundle: Buffer.from(caPem).toString('base64'),
        },
        admissionReviewVersions: ['v1'],
        sideEffects: 'None',
        rules: [rule],
      },
    ],
  };
}

async function close(server: Server): Promise<void> {
  server.closeAllConnections();
  await new Promise<void>((resolve) => server.close(() => resolve()));
}
