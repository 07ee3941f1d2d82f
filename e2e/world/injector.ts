// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { createServer, type Server } from 'node:https';
import { createCa, issueLeaf } from '../../runtime/tls/index.ts';
import { freePort, type Kubectl } from '../harness/index.ts';

/** A second real mutating webhook, as a service mesh has one: adds a container to labelled pods. */
export interface Injector {
  /** Pods with the label `inject: "true"` get a container `sidecar` with this image. */
  inject(image: string): void;
  stop(): Promise<void>;
}

const NAME = 'zz-injector';

/** Starts the webhook and installs its configuration, which sorts behind ours. */
export async function startInjector(kubectl: Kubectl): Promise<Injector> {
  const ca = await createCa(new Date());
  const leaf = await issueLeaf(ca, { dnsNames: ['localhost'], now: new Date() });
  let image = '';
  const server = createServer({ cert: leaf.certPem, key: leaf.keyPem }, (request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const review = JSON.parse(Buffer.concat(chunks).toString('utf8')) as {
        request: { uid: string; object: PodLike };
      };
      response.setHeader('content-type', 'application/json');
      response.end(JSON.stringify(answer(review.request, image)));
    });
  });
  const port = await freePort();
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  await kubectl.apply(configuration(port, ca.certPem));
  return {
    inject: (wanted) => {
      image = wanted;
    },
    stop: async () => {
      await kubectl.delete('mutatingwebhookconfiguration', NAME);
      await close(server);
    },
  };
}

interface PodLike {
  readonly spec: { readonly containers: readonly { readonly name: string }[] };
}

function answer(request: { uid: string; object: PodLike }, image: string): object {
  const present = request.object.spec.containers.some((c) => c.name === 'sidecar');
  const patch = [{ op: 'add', path: '/spec/containers/-', value: { name: 'sidecar', image } }];
  const response = present
    ? { uid: request.uid, allowed: true }
    : {
        uid: request.uid,
        allowed: true,
        patchType: 'JSONPatch',
        patch: Buffer.from(JSON.stringify(patch)).toString('base64'),
      };
  return { apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview', response };
}

function configuration(
  port: number,
  caPem: string,
): { apiVersion: string; kind: string; metadata: { name: string }; webhooks: unknown } {
  return {
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind: 'MutatingWebhookConfiguration',
    metadata: { name: NAME },
    webhooks: [
      {
        name: 'inject.example.com',
        clientConfig: {
          url: `https://localhost:${port.toString()}/`,
          caBundle: Buffer.from(caPem).toString('base64'),
        },
        admissionReviewVersions: ['v1'],
        sideEffects: 'None',
        objectSelector: { matchLabels: { inject: 'true' } },
        rules: [
          { apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE'], resources: ['pods'] },
        ],
      },
    ],
  };
}

async function close(server: Server): Promise<void> {
  server.closeAllConnections();
  await new Promise<void>((resolve) => server.close(() => resolve()));
}
