/** Owns `GET /api/v1/orders/{id}/events`: the order's history a page at a time, from its beginning on, read-your-writes. */
import { orderEntity } from '../order.ts';
import type { JournalRow } from '../../../persistence/ports.ts';
import { retryAfterSeconds } from '../../../http/answer-problems.ts';
import { answerJson } from '../../../http/answer.ts';
import { isStaff } from '../../../http/authenticator.ts';
import type { Handler } from '../../../http/edge-context.ts';
import type { EdgeServices } from '../../../http/edge-services.ts';
import { defineOperation } from '../../../http/operation-definition.ts';
import { orderEventsResponse } from './responses.ts';
import { sha256 } from '../../../kernel/sha256.ts';
import { invalidInput, parseInput } from '../../../http/parse-input.ts';
import { Problem } from '../../../http/problems.ts';
import { parseQuery } from '../../../http/query.ts';
import { orderEventsQuery } from './queries.ts';
import { findOrder, parseOrderId } from './find-order.ts';
import { entriesOf, SEQS_PER_ROW } from './order-history.ts';

export const listOrderEventsOperation = defineOperation({
  id: 'listOrderEvents',
  method: 'GET',
  path: '/api/v1/orders/{orderId}/events',
  access: 'any',
  summary: 'What happened to an order, from its beginning on. Staff also see by whom.',
  query: orderEventsQuery,
  responses: { 200: { description: 'A page', schema: orderEventsResponse } },
  problems: ['not_found'],
  handler: createListOrderEvents,
});

/** Of the check in a cursor: it finds mistakes and is no secret, as in order-cursor.ts. */
const CHECK_LENGTH = 12;
const CURSOR = /^([1-9]\d{0,10})\.([0-9a-f]{12})$/;

function createListOrderEvents(services: EdgeServices): Handler {
  return async (ctx) => {
    const { principal, requestId } = ctx.state;
    const orderId = parseOrderId(ctx.params['orderId']);
    const { cursor, limit } = parseInput(orderEventsQuery, parseQuery(ctx.querystring), 'The query');
    const after = cursor === undefined ? 0 : seqOf(cursor, orderId);
    // Asked first: it judges who may see it, and everything that it has answered is in the journal.
    const { state } = await findOrder(services, orderId, principal);
    const fromVersion = Math.floor(after / SEQS_PER_ROW);
    // Every row has an event, though not always a public one: a page may be short of some.
    const rows = await readRows(services, requestId, orderId, fromVersion, limit + 1);
    const entries = rows.flatMap((row) => entriesOf(row, state, isStaff(principal))).filter(({ seq }) => seq > after);
    const data = entries.slice(0, limit);
    const hasMore = rows.length > limit || entries.length > limit;
    const last = entries.length > limit ? data.at(-1)!.seq : lastSeqOf(rows);
    const nextCursor = hasMore ? cursorOf(last, orderId) : null;
    const path = `/api/v1/orders/${orderId}/events`;
    const link = nextCursor === null ? {} : { Link: `<${path}?limit=${limit}&cursor=${nextCursor}>; rel="next"` };
    answerJson(ctx, 200, { data, hasMore, nextCursor }, link);
  };
}

async function readRows(
  { histories, log }: EdgeServices,
  requestId: string,
  orderId: string,
  fromVersion: number,
  limit: number,
): Promise<JournalRow[]> {
  try {
    return await histories.readHistory(orderEntity(orderId), fromVersion, limit);
  } catch (err) {
    log.warn({ err, requestId }, 'the history of an order could not be read');
    const detail = "The order's history can't be read now. Send the request again later.";
    throw new Problem('unavailable', detail, { retryAfterSeconds: retryAfterSeconds() });
  }
}

/** Behind everything in these rows. */
const lastSeqOf = (rows: readonly JournalRow[]): number =>
  (rows.at(-1)?.version ?? 0) * SEQS_PER_ROW + SEQS_PER_ROW - 1;

const checkOf = (seq: number, orderId: string): string => sha256(`${orderId}/${seq}`).slice(0, CHECK_LENGTH);

const cursorOf = (seq: number, orderId: string): string =>
  Buffer.from(`${seq}.${checkOf(seq, orderId)}`).toString('base64url');

/** @throws Problem validation_failed. */
function seqOf(cursor: string, orderId: string): number {
  const [, text, check] = CURSOR.exec(Buffer.from(cursor, 'base64url').toString('latin1')) ?? [];
  const seq = Number(text);
  if (text !== undefined && check === checkOf(seq, orderId)) return seq;
  const detail = "is not a cursor of this order's events; use nextCursor of the page before";
  throw invalidInput([{ pointer: '/cursor', code: 'invalid_cursor', detail }]);
}
