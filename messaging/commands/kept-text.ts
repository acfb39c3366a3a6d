/**
 * Owns what of a message may be kept: a copy lies in a queue for weeks, and its names stand in logs. A card number in it
 * would make all of these subject to card-data rules, whatever else is wrong with the message.
 */
import { isUtf8 } from 'node:buffer';
import { JSON_BYTES_MAX, JsonFault, parseBoundedJson } from '../../kernel/bounded-json.ts';
import { holdsCardData } from '../../kernel/card-data.ts';
import { holdsCardNumber } from '../../kernel/card-numbers.ts';

/** What is no JSON is searched as one text, in which numbers stand side by side; a longer one is not kept. */
const OTHER_BYTES_MAX = 64 * 1024;

const CARD_DATA = Buffer.from('{"removed":"It looked like card data."}');
const TOO_LONG = Buffer.from('{"removed":"It was too large to be searched for card data."}');

const NO_TEXT = Buffer.from(
  '{"removed":"It is no UTF-8, perhaps compressed, and could not be searched for card data."}',
);

/** The body, or what stands in its place. */
export function keptBody(body: Buffer): Buffer {
  if (!isUtf8(body)) return NO_TEXT;
  if (body.length > JSON_BYTES_MAX) return TOO_LONG;
  try {
    return holdsCardData(parseBoundedJson(body).value) ? CARD_DATA : body;
  } catch (thrown) {
    if (!(thrown instanceof JsonFault)) throw thrown;
    if (body.length > OTHER_BYTES_MAX) return TOO_LONG;
    return holdsCardNumber(body.toString()) ? CARD_DATA : body;
  }
}

/** A name, an id or a header's value; undefined where it may not be kept. */
export function keptText(text: string): string | undefined {
  return holdsCardNumber(text) ? undefined : text;
}

/** Headers may hold lists and tables. */
export function isKeptHeader(value: unknown): boolean {
  return !holdsCardData(Buffer.isBuffer(value) ? value.toString('latin1') : value);
}
