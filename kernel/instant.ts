/** Owns reading and writing of moments in ISO 8601: a date, or a date with a time and perhaps an offset. */
import type { EpochMs } from './clock.ts';

const ISO_8601 =
  /^(\d{4})-(\d\d)-(\d\d)(?:[T ]([01]\d|2[0-3]):([0-5]\d)(?::([0-5]\d)(?:\.\d{1,9})?)?(Z|[+-](?:0\d|1[0-4]):[0-5]\d)?)?$/;

/** Undefined for anything else, also for a day that does not exist. Without an offset it is taken as UTC. */
export function parseInstant(text: string): EpochMs | undefined {
  const parts = ISO_8601.exec(text);
  if (parts === null) return undefined;
  const [, year, month, day, hour, , , offset] = parts;
  const midnight = new Date(0);
  midnight.setUTCFullYear(Number(year), Number(month) - 1, Number(day));
  if (midnight.getUTCMonth() !== Number(month) - 1 || midnight.getUTCDate() !== Number(day)) return undefined;
  const zoned = hour === undefined || offset !== undefined ? text : `${text}Z`;
  const at = Date.parse(zoned.replace(' ', 'T'));
  return Number.isNaN(at) ? undefined : at;
}

let lastAt: EpochMs = 0;
let lastText = new Date(0).toISOString();

/** Moments are mostly equal to the one before: orders are made many in a millisecond, and not changed when shown first. */
export function isoOf(at: EpochMs): string {
  if (at !== lastAt) {
    lastText = new Date(at).toISOString();
    lastAt = at;
  }
  return lastText;
}
