/** Owns the lists of orders: read from the view, newest first, a page at a time. */
import { orderList, viewedBytes, type OrderListFilter, type OrderViewRow } from '../order-list.ts';
import { isStaff, type Principal } from '../../../http/authenticator.ts';
import { retryAfterSeconds } from '../../../http/answer-problems.ts';
import { answerJson } from '../../../http/answer.ts';
import type { CallerContext, Handler } from '../../../http/edge-context.ts';
import { defineOperation } from '../../../http/operation-definition.ts';
import { orderServices, type OrderServices } from './order-services.ts';
import { orderPageResponse } from './responses.ts';
import { parseInstant } from '../../../kernel/instant.ts';
import { invalidInput, parseInput } from '../../../http/parse-input.ts';
import { Problem } from '../../../http/problems.ts';
import { parseQuery } from '../../../http/query.ts';
import { customerPath, listOrdersQuery, pageQuery, type ListOrdersQuery } from './queries.ts';
import { decodeCursor, encodeCursor } from './order-cursor.ts';
import { orderJson } from './order-json.ts';

export const listOrdersOperation = defineOperation({
  id: 'listOrders',
  method: 'GET',
  path: '/api/v1/orders',
  access: 'any',
  summary: 'Orders, newest first: own ones, or all for staff.',
  query: listOrdersQuery,
  responses: { 200: { description: 'A page', schema: orderPageResponse } },
  handler: (services) => createListOrders(orderServices(services)),
});

export const listCustomerOrdersOperation = defineOperation({
  id: 'listCustomerOrders',
  method: 'GET',
  path: '/api/v1/orders/customer/{customerId}',
  access: 'any',
  summary: "One customer's orders, newest first.",
  query: pageQuery,
  responses: { 200: { description: 'A page', schema: orderPageResponse } },
  handler: (services) => createListCustomerOrders(orderServices(services)),
});

/** Beside those that are read: a page of a megabyte keeps a worker busy for tens of milliseconds. */
const LIST_READS_WAITING_MAX = 16;
/** A page ends at about a megabyte: a hundred orders of 2,000 lines would be fifteen. */
const PAGE_BYTES_MAX = 1_000_000;

/** `GET /api/v1/orders` */
function createListOrders(services: OrderServices): Handler {
  return (ctx) => {
    const given = parseQuery(ctx.querystring);
    if ('productId' in given) {
      const detail = 'is not a filter yet; leave it out and filter by status, customerId, from and to';
      throw invalidInput([{ pointer: '/productId', code: 'unsupported_filter', detail }]);
    }
    return listPage(services, ctx, parseInput(listOrdersQuery, given, 'The query'), '/api/v1/orders');
  };
}

/** `GET /api/v1/orders/customer/{customerId}` */
function createListCustomerOrders(services: OrderServices): Handler {
  return (ctx) => {
    const { customerId } = parseInput(customerPath, ctx.params, 'The path');
    const query = { ...parseInput(pageQuery, parseQuery(ctx.querystring), 'The query'), customerId };
    return listPage(services, ctx, query, `/api/v1/orders/customer/${encodeURIComponent(customerId)}`);
  };
}

async function listPage(
  services: OrderServices,
  ctx: CallerContext,
  query: ListOrdersQuery,
  path: string,
): Promise<void> {
  const filter = filterOf(query, ctx.state.principal);
  const filterText = JSON.stringify([filter.status, filter.customerId, filter.from, filter.to]);
  const after = query.cursor === undefined ? undefined : decodeCursor(query.cursor, filterText);
  // One row more than the page shows whether there is another page.
  const rows = await readView(services, ctx.state.requestId, {
    ...filter,
    ...(after && { after }),
    limit: query.limit + 1,
    bytesMax: PAGE_BYTES_MAX,
  });
  const shown = pageOf(rows, query.limit);
  const last = shown.at(-1);
  const hasMore = rows.length > shown.length;
  const nextCursor = hasMore && last ? encodeCursor(last.state, filterText) : null;
  const data = shown.map(({ state, version, origin }) => orderJson(state, version, origin, services.shards));
  const link = nextCursor === null ? {} : { Link: nextLink(path, ctx.querystring, nextCursor) };
  answerJson(ctx, 200, { data, hasMore, nextCursor }, link);
}

/** The first rows, until their number or their size is reached; at least one. */
function pageOf(rows: readonly OrderViewRow[], limit: number): readonly OrderViewRow[] {
  let bytes = 0;
  let count = 0;
  for (const { state } of rows) {
    if (count === limit || bytes >= PAGE_BYTES_MAX) break;
    bytes += viewedBytes(state);
    count += 1;
  }
  return rows.slice(0, count);
}

function filterOf(query: ListOrdersQuery, principal: Principal): Omit<OrderListFilter, 'limit' | 'after'> {
  const customerId = isStaff(principal) ? query.customerId : principal.customerId;
  if (query.customerId !== undefined && query.customerId !== customerId) {
    throw new Problem('forbidden', 'A customer sees orders of its own only.');
  }
  const from = query.from === undefined ? undefined : parseInstant(query.from);
  const to = query.to === undefined ? undefined : parseInstant(query.to);
  if (from !== undefined && to !== undefined && from > to) {
    throw invalidInput([{ pointer: '/to', code: 'invalid_value', detail: 'must not lie before from' }]);
  }
  return {
    ...(query.status !== undefined && { status: query.status }),
    ...(customerId !== undefined && { customerId }),
    ...(from !== undefined && { from }),
    ...(to !== undefined && { to }),
  };
}

async function readView(
  { views, log, listReads }: OrderServices,
  requestId: string,
  filter: OrderListFilter,
): Promise<readonly OrderViewRow[]> {
  if (listReads.size >= LIST_READS_WAITING_MAX) {
    const detail = 'Too many lists are being read now. Send the request again later.';
    throw new Problem('overloaded', detail, { retryAfterSeconds: retryAfterSeconds() });
  }
  try {
    return await listReads.add(() => views.list(orderList, filter));
  } catch (err) {
    log.warn({ err, requestId }, 'the order view could not be read');
    const detail = "The order view can't be read now. Send the request again later.";
    throw new Problem('unavailable', detail, { retryAfterSeconds: retryAfterSeconds() });
  }
}

/** The same address with the next cursor, encoded anew: what a client sent must not shape a header. */
function nextLink(path: string, query: string, cursor: string): string {
  return `<${path}?${String(new URLSearchParams({ ...parseQuery(query), cursor }))}>; rel="next"`;
}
