// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

const UTF8 = 'utf8';

/**
 * What a DSSE signature is made over: `DSSEv1 SP LEN(type) SP type SP LEN(payload) SP payload`. Lengths
 * are bytes of UTF-8, whatever the units of a string are (DSSE protocol, "PAE").
 */
export function preAuthEncoding(payloadType: string, payload: Uint8Array): Buffer {
  const typeBytes = Buffer.byteLength(payloadType, UTF8);
  const head = `DSSEv1 ${typeBytes.toString()} ${payloadType} ${payload.byteLength.toString()} `;
  return Buffer.concat([Buffer.from(head, UTF8), payload]);
}
