/**
 * Owns the number that people read to each other: `HF-7K3M-9Q2`. It is made from the place of the order's first row in
 * the log, which belongs to that order alone, so two orders never share one and none needs a counter.
 */
import type { Origin } from '../../../runtime/ask.ts';
import { invariant } from '../../../kernel/invariant.ts';

/** Crockford's base 32: without I, L, O (read as digits) and U. */
const ALPHABET = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
const DIGITS_MIN = 7;
const GROUP_LENGTH = 4;

/** Injective for a fixed number of shards. @throws InvariantViolation for a place that can't exist. */
export function orderNumberOf({ shard, seq }: Origin, shards: number): string {
  let rest = seq * shards + shard;
  invariant(shard >= 0 && shard < shards && seq > 0 && Number.isSafeInteger(rest), 'an order has a place in the log');
  let digits = '';
  while (rest > 0) {
    digits = ALPHABET.charAt(rest % 32) + digits;
    rest = Math.floor(rest / 32);
  }
  digits = digits.padStart(DIGITS_MIN, '0');
  let number = 'HF';
  for (let start = 0; start < digits.length; start += GROUP_LENGTH) {
    number += `-${digits.slice(start, start + GROUP_LENGTH)}`;
  }
  return number;
}
