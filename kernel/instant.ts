/** Reads and writes moments in ISO 8601: a date, or a date with a time and perhaps an offset. */
import type { EpochMs } from './clock.ts';

const ISO_8601 =
  /^(\d{4})-(\d\d)-(\d\d)(?:[T ]([01]\d|2[0-3]):([0-5]\d)(?::([0-5]\d)(?:\.\d{1,9})?)?(Z|[+-](?:0\d|1[0-4]):[0-5]\d)?)?$/;

/** 0000-01-01 to 9999-12-31: all years of four digits. JavaScript and PostgreSQL hold more. */
const INSTANT_MIN: EpochMs = -62_167_219_200_000;
const INSTANT_MAX: EpochMs = 253_402_300_799_999;

/** May this number stand for a moment of a request? */
export function isInstant(at: number): at is EpochMs {
  return Number.isInteger(at) && at >= INSTANT_MIN && at <= INSTANT_MAX;
}

/** Undefined for any other text, also for a day that does not exist. Without an offset it is UTC. */
export function parseInstant(text: string): EpochMs | undefined {
  const parts = ISO_8601.exec(text);
  if (parts === null) return undefined;
  const [, year, month, day, hour, , , offset] = parts;
  const midnight = new Date(0);
  midnight.setUTCFullYear(Number(year), Number(month) - 1, Number(day));
  if (midnight.getUTCMonth() !== Number(month) - 1 || midnight.getUTCDate() !== Number(day)) return undefined;
  const zoned = hour === undefined || offset !== undefined ? text : `${text}Z`;
  const at = Date.parse(zoned.replace(' ', 'T'));
  // An offset may lead out of the years that can be written.
  return isInstant(at) ? at : undefined;
}

let lastAt: EpochMs = 0;
let lastText = new Date(0).toISOString();

/**
 * Most moments equal the one before: many orders are made in one millisecond, and a new order shows the same moment
 * twice.
 */
export function isoOf(at: EpochMs): string {
  if (at !== lastAt) {
    lastText = new Date(at).toISOString();
    lastAt = at;
  }
  return lastText;
}
