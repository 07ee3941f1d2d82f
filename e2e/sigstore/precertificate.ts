// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

const SEQUENCE = 0x30;
const EXTENSIONS = 0xa3;
/** DER of the object identifier 1.3.6.1.4.1.11129.2.4.3. */
const POISON = Buffer.from('060a2b06010401d679020403', 'hex');

interface Element {
  readonly tag: number;
  readonly content: Buffer;
  readonly whole: Buffer;
}

/**
 * The part of a precertificate that is signed, without the extension that spoils it. Only for what
 * our own Fulcio made: nothing is checked.
 */
export function withoutPoison(precertificate: Buffer): Buffer {
  const [certificate] = elements(precertificate);
  const [body] = elements(certificate?.content ?? Buffer.alloc(0));
  const fields = elements(body?.content ?? Buffer.alloc(0));
  const kept = fields.map((field) => (field.tag === EXTENSIONS ? cleaned(field) : field.whole));
  return encode(SEQUENCE, kept);
}

function cleaned(field: Element): Buffer {
  const [list] = elements(field.content);
  const extensions = elements(list?.content ?? Buffer.alloc(0));
  const kept = extensions.filter(
    ({ content }) => !content.subarray(0, POISON.length).equals(POISON),
  );
  const inner = encode(
    SEQUENCE,
    kept.map(({ whole }) => whole),
  );
  return encode(EXTENSIONS, [inner]);
}

function elements(bytes: Buffer): readonly Element[] {
  const found: Element[] = [];
  for (let at = 0; at < bytes.length;) {
    const first = bytes.readUInt8(at + 1);
    const lengthBytes = first < 0x80 ? 0 : first - 0x80;
    const start = at + 2 + lengthBytes;
    const end = start + (lengthBytes === 0 ? first : bytes.readUIntBE(at + 2, lengthBytes));
    const whole = bytes.subarray(at, end);
    found.push({ tag: bytes.readUInt8(at), content: bytes.subarray(start, end), whole });
    at = end;
  }
  return found;
}

function encode(tag: number, parts: readonly Buffer[]): Buffer {
  const content = Buffer.concat(parts);
  if (content.length < 0x80) return Buffer.concat([Buffer.from([tag, content.length]), content]);
  const length = Buffer.alloc(2);
  length.writeUInt16BE(content.length);
  const shortest = length.subarray(content.length < 0x100 ? 1 : 0);
  return Buffer.concat([Buffer.from([tag, 0x80 + shortest.length]), shortest, content]);
}
