/** Owns `GET /api/v1/orders/{id}`: read-your-writes, because the order itself is asked. */
import type { Handler } from '../../../http/edge-context.ts';
import type { EdgeServices } from '../../../http/edge-services.ts';
import { defineOperation } from '../../../http/operation-definition.ts';
import { orderResponse } from './responses.ts';
import { entityTag, matchesNone } from '../../../http/entity-tag.ts';
import { answerOrder, findOrder, parseOrderId } from './find-order.ts';

export const getOrderOperation = defineOperation({
  id: 'getOrder',
  method: 'GET',
  path: '/api/v1/orders/{orderId}',
  access: 'any',
  summary: 'One order, as it is now.',
  headers: ['If-None-Match'],
  responses: {
    200: { description: 'The order', schema: orderResponse },
    304: { description: 'It is still that version' },
  },
  problems: ['not_found'],
  handler: createGetOrder,
});

/** A copy may be kept by the caller alone, and must be asked about before each use. */
const REVALIDATE = { 'Cache-Control': 'private, no-cache' };

function createGetOrder(services: EdgeServices): Handler {
  return async (ctx) => {
    const found = await findOrder(services, parseOrderId(ctx.params['orderId']), ctx.state.principal);
    const tag = entityTag(found.version);
    if (matchesNone(ctx.headers['if-none-match'], tag)) {
      ctx.status = 304;
      ctx.set({ ETag: tag, ...REVALIDATE });
    } else {
      answerOrder(ctx, 200, found, services.shards, REVALIDATE);
    }
  };
}
