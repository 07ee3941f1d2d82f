// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

/** Name of the Secret of the CA that signs the certificates of webhook replicas; `tls.crt` and `tls.key` sign. */
export const WEBHOOK_CA_SECRET = 'countersign-webhook-ca';

/** On the Lease of a webhook replica: the fingerprint of the CA whose leaf it serves. */
export const SERVING_CA_ANNOTATION = 'countersign.dev/serving-ca';
