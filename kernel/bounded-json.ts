/**
 * Parses bytes from outside as JSON, at a bounded cost a byte: valid UTF-8 (a byte order mark is skipped), bounded
 * depth, a bounded number of values. A mebibyte of "[" costs the parser a hundred times what a mebibyte of orders does.
 */
import { isAscii, isUtf8 } from 'node:buffer';

/** Of one body or message: 1 MiB. */
export const JSON_BYTES_MAX = 1024 * 1024;
/** No request is nested deeper than four levels. */
export const JSON_DEPTH_MAX = 32;
/** The largest stock batch has half as many. */
export const JSON_VALUES_MAX = 50_000;
/** Smaller bodies can't cost much, whatever their shape, and most are smaller. */
const COUNTED_FROM_BYTES = 8 * 1024;

/** The message for the sender; it never quotes the bytes. */
export class JsonFault extends Error {
  override readonly name = 'JsonFault';
  readonly code: 'malformed_json' | 'too_deep' | 'too_many_values';

  constructor(code: JsonFault['code'], detail: string) {
    super(detail);
    this.code = code;
  }
}

export interface ParsedJson {
  readonly value: unknown;
  /** The text that it was parsed from. */
  readonly source: string;
}

/** @throws JsonFault. */
export function parseBoundedJson(given: Buffer): ParsedJson {
  const bytes = withoutByteOrderMark(given);
  const ascii = isAscii(bytes);
  if (!ascii && !isUtf8(bytes)) throw new JsonFault('malformed_json', 'The body is not valid UTF-8.');
  if (bytes.length > COUNTED_FROM_BYTES) refuseCostlyShape(bytes);
  const source = bytes.toString(ascii ? 'latin1' : 'utf8');
  try {
    return { value: JSON.parse(source) as unknown, source };
  } catch {
    // The parser's message quotes the body: it must not be passed on.
    throw new JsonFault('malformed_json', 'The body is not valid JSON (RFC 8259).');
  }
}

function withoutByteOrderMark(bytes: Buffer): Buffer {
  return bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? bytes.subarray(3) : bytes;
}

const QUOTE = 0x22;
const COMMA = 0x2c;
const BACKSLASH = 0x5c;
const OPEN_LIST = 0x5b;
const CLOSE_LIST = 0x5d;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;

/** Looks at each byte once and only counts. The parser reports what is no JSON. */
function refuseCostlyShape(bytes: Buffer): void {
  let depth = 0;
  let values = 1;
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at];
    if (byte === QUOTE) {
      at = endOfString(bytes, at);
    } else if (byte === COMMA) {
      values += 1;
    } else if (byte === OPEN_LIST || byte === OPEN_OBJECT) {
      values += 1;
      depth += 1;
      if (depth > JSON_DEPTH_MAX) {
        throw new JsonFault('too_deep', `The body is nested deeper than ${JSON_DEPTH_MAX} levels; send it flatter.`);
      }
    } else if (byte === CLOSE_LIST || byte === CLOSE_OBJECT) {
      depth -= 1;
    }
    if (values > JSON_VALUES_MAX) {
      throw new JsonFault('too_many_values', `The body has more than ${JSON_VALUES_MAX} values; send less at a time.`);
    }
  }
}

function endOfString(bytes: Buffer, begin: number): number {
  let at = begin + 1;
  while (at < bytes.length && bytes[at] !== QUOTE) at += bytes[at] === BACKSLASH ? 2 : 1;
  return at;
}
