/**
 * Owns the cursor of order lists: the last row of a page, in an opaque form. It carries a check value over the row and
 * the filter, so that a cursor that was changed, or is used with another filter, is refused instead of showing a page
 * that means nothing. The check detects mistakes; it is no secret, and a cursor grants nothing.
 */
import { sha256 } from '../../../kernel/sha256.ts';
import { isUuid } from '../../../kernel/ids.ts';
import { invalidInput } from '../../../http/parse-input.ts';
import type { EpochMs } from '../../../kernel/clock.ts';
import { isInstant } from '../../../kernel/instant.ts';

interface CursorPosition {
  readonly createdAt: EpochMs;
  readonly orderId: string;
}

const CURSOR = /^[\w-]{1,200}$/;
const CHECK_LENGTH = 12;

const checkOf = (position: CursorPosition, filter: string): string =>
  sha256(JSON.stringify([position.createdAt, position.orderId, filter])).slice(0, CHECK_LENGTH);

/** @param filter a canonical text of the filter that the list was made with. */
export function encodeCursor({ createdAt, orderId }: CursorPosition, filter: string): string {
  return Buffer.from(JSON.stringify([createdAt, orderId, checkOf({ createdAt, orderId }, filter)])).toString(
    'base64url',
  );
}

/** @throws Problem validation_failed. */
export function decodeCursor(cursor: string, filter: string): CursorPosition {
  const parsed: unknown = CURSOR.test(cursor)
    ? parseJson(Buffer.from(cursor, 'base64url').toString('latin1'))
    : undefined;
  if (Array.isArray(parsed)) {
    const [createdAt, orderId, check] = parsed as unknown[];
    if (typeof createdAt === 'number' && isInstant(createdAt) && typeof orderId === 'string' && isUuid(orderId)) {
      const position = { createdAt, orderId };
      if (check === checkOf(position, filter)) return position;
    }
  }
  const detail = 'is not a cursor of this list; use nextCursor of the page before, with the same filter';
  throw invalidInput([{ pointer: '/cursor', code: 'invalid_cursor', detail }]);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
