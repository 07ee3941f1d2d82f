// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

import { postBytes, type Shot } from './load.ts';

const PADDED_BYTES = 6_000;

/** What a review is about. */
export interface ReviewOptions {
  readonly images: readonly string[];
  readonly namespace: string;
  readonly serviceAccount?: string;
}

/** An AdmissionReview of a Pod of about 6 KB, as the API server sends one. */
export function review(options: ReviewOptions): string {
  const { images, namespace, serviceAccount = 'default' } = options;
  const containers = images.map((image, index) => ({
    name: `c${index.toString()}`,
    image,
    ports: [{ containerPort: 8080, protocol: 'TCP' }],
    env: Array.from({ length: 12 }, (_, n) => ({
      name: `VARIABLE_${n.toString()}`,
      value: 'some value of a usual length',
    })),
    resources: {
      limits: { cpu: '500m', memory: '256Mi' },
      requests: { cpu: '100m', memory: '128Mi' },
    },
    livenessProbe: { httpGet: { path: '/healthz', port: 8080, scheme: 'HTTP' }, periodSeconds: 10 },
    volumeMounts: [
      {
        name: 'kube-api-access',
        mountPath: '/var/run/secrets/kubernetes.io/serviceaccount',
        readOnly: true,
      },
    ],
    imagePullPolicy: 'IfNotPresent',
  }));
  const object = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name: 'bench-7d9c5b8f6-x2x4z',
      namespace,
      labels: { app: 'bench' },
      annotations: { padding: '' },
    },
    spec: {
      containers,
      serviceAccountName: serviceAccount,
      restartPolicy: 'Always',
      dnsPolicy: 'ClusterFirst',
      volumes: [{ name: 'kube-api-access', emptyDir: {} }],
    },
  };
  const request = {
    uid: '705ab4f5-6393-11e8-b7cc-42010a800002',
    kind: { group: '', version: 'v1', kind: 'Pod' },
    resource: { group: '', version: 'v1', resource: 'pods' },
    name: object.metadata.name,
    namespace,
    operation: 'CREATE',
    userInfo: {
      username: 'system:serviceaccount:kube-system:replicaset-controller',
      groups: ['system:authenticated'],
    },
    object,
    oldObject: null,
    dryRun: false,
    options: { apiVersion: 'meta.k8s.io/v1', kind: 'CreateOptions' },
  };
  const wrap = (): string =>
    JSON.stringify({ apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview', request });
  object.metadata.annotations.padding = 'x'.repeat(Math.max(0, PADDED_BYTES - wrap().length));
  return wrap();
}

/** The verify POST of a review that must be admitted. */
export function verifyShot(options: ReviewOptions, expect = '"allowed":true'): Shot {
  return { bytes: postBytes('/verify?timeout=10s', review(options)), expect };
}

/** The pin POST of a review, answered with a patch. */
export function pinShot(options: ReviewOptions, expect = '"patch"'): Shot {
  return { bytes: postBytes('/pin?timeout=10s', review(options)), expect };
}
