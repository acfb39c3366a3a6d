/**
 * Arrays in PostgreSQL's binary wire format. A batch of rows travels as one array a column; the binary form needs no
 * quoting and no parsing of text, which at thousands of rows a second is the larger half of an append's cost here. The
 * loops count: an iterator makes an object a value until the engine has compiled it away, and here it never did.
 * Format: ndim, has-nulls, element type oid, length, lower bound (int32 each), then per element its byte length
 * (-1: null) and its bytes. https://www.postgresql.org/docs/current/protocol-overview.html#PROTOCOL-FORMAT-CODES
 */
const OID = { int4: 23, int8: 20, text: 25, json: 114, bool: 16 } as const;
const HEADER_BYTES = 20;
const NULL_LENGTH = -1;

/** What is typed and came from outside may be something else; its `length` would tell the server of other bytes. */
function noValue(wanted: string, value: unknown, index: number): TypeError {
  return new TypeError(`element ${index} must be ${wanted}, not ${typeof value}`);
}

function header(buffer: Buffer, oid: number, length: number, hasNulls: boolean): void {
  buffer.writeInt32BE(1, 0);
  buffer.writeInt32BE(hasNulls ? 1 : 0, 4);
  buffer.writeInt32BE(oid, 8);
  buffer.writeInt32BE(length, 12);
  buffer.writeInt32BE(1, 16);
}

export function int4Array(values: readonly number[]): Buffer {
  const buffer = Buffer.allocUnsafe(HEADER_BYTES + values.length * 8);
  header(buffer, OID.int4, values.length, false);
  for (let index = 0, offset = HEADER_BYTES; index < values.length; index++, offset += 8) {
    const value = values[index]!;
    if (!Number.isSafeInteger(value)) throw noValue('an integer', value, index);
    buffer.writeInt32BE(4, offset);
    buffer.writeInt32BE(value, offset + 4);
  }
  return buffer;
}

export function boolArray(values: readonly boolean[]): Buffer {
  const buffer = Buffer.allocUnsafe(HEADER_BYTES + values.length * 5);
  header(buffer, OID.bool, values.length, false);
  let offset = HEADER_BYTES;
  for (const value of values) {
    buffer.writeInt32BE(1, offset);
    buffer.writeUInt8(value ? 1 : 0, offset + 4);
    offset += 5;
  }
  return buffer;
}

/** Integers up to 2^53-1. */
export function int8Array(values: readonly (number | null)[]): Buffer {
  const buffer = Buffer.allocUnsafe(HEADER_BYTES + values.length * 12);
  let offset = HEADER_BYTES;
  let hasNulls = false;
  for (let index = 0; index < values.length; index++) {
    const value = values[index]!;
    if (value === null) {
      hasNulls = true;
      buffer.writeInt32BE(NULL_LENGTH, offset);
      offset += 4;
      continue;
    }
    if (!Number.isSafeInteger(value)) throw noValue('an integer', value, index);
    const high = Math.floor(value / 0x1_0000_0000);
    buffer.writeInt32BE(8, offset);
    buffer.writeInt32BE(high, offset + 4);
    buffer.writeUInt32BE(value - high * 0x1_0000_0000, offset + 8);
    offset += 12;
  }
  header(buffer, OID.int8, values.length, hasNulls);
  return buffer.subarray(0, offset);
}

export const textArray = (values: readonly (string | null)[]): Buffer => stringArray(OID.text, values);
export const jsonArray = (values: readonly (string | null)[]): Buffer => stringArray(OID.json, values);

/**
 * All values as one text, each behind its length, which is then written at once: a call out of JavaScript costs more
 * than a short string. In Latin-1 a character is a byte, which is right for the lengths and, in UTF-8, for ASCII.
 */
function stringArray(oid: number, values: readonly (string | null)[]): Buffer {
  let text = '';
  let hasNulls = false;
  /** Bytes of lengths that UTF-8 would write as two. */
  let highBytes = 0;
  for (let index = 0; index < values.length; index++) {
    const value = values[index]!;
    if (value === null) {
      text += NULL_LENGTH_TEXT;
      highBytes += LENGTH_BYTES;
      hasNulls = true;
      continue;
    }
    if (typeof value !== 'string') throw noValue('a text', value, index);
    const { length } = value;
    text += lengthText(length) + value;
    highBytes += highBytesOf(length);
  }
  if (Buffer.byteLength(text) !== text.length + highBytes) return utf8Array(oid, values);
  const buffer = Buffer.allocUnsafe(HEADER_BYTES + text.length);
  header(buffer, oid, values.length, hasNulls);
  buffer.write(text, HEADER_BYTES, 'latin1');
  return buffer;
}

const LENGTH_BYTES = 4;
const NULL_LENGTH_TEXT = '\xff\xff\xff\xff';
const LENGTH_TEXTS = Array.from({ length: 2_048 }, (_, length) => lengthTextOf(length));

const lengthText = (length: number): string => LENGTH_TEXTS[length] ?? lengthTextOf(length);

function lengthTextOf(length: number): string {
  return String.fromCharCode(length >>> 24, (length >>> 16) & 0xff, (length >>> 8) & 0xff, length & 0xff);
}

/** How many of the length's four bytes are above 0x7f. */
function highBytesOf(length: number): number {
  return ((length >>> 31) & 1) + ((length >>> 23) & 1) + ((length >>> 15) & 1) + ((length >>> 7) & 1);
}

function utf8Array(oid: number, values: readonly (string | null)[]): Buffer {
  let bytes = HEADER_BYTES;
  let hasNulls = false;
  for (const value of values) {
    bytes += 4;
    if (value === null) hasNulls = true;
    else bytes += Buffer.byteLength(value);
  }
  const buffer = Buffer.allocUnsafe(bytes);
  header(buffer, oid, values.length, hasNulls);
  let offset = HEADER_BYTES;
  for (const value of values) {
    if (value === null) {
      buffer.writeInt32BE(NULL_LENGTH, offset);
      offset += 4;
      continue;
    }
    const length = buffer.write(value, offset + 4);
    buffer.writeInt32BE(length, offset);
    offset += 4 + length;
  }
  return buffer;
}
