/** Owns `GET /api/v1/orders/{id}`: read-your-writes, because the order itself is asked. */
import type { Handler } from '../call.ts';
import type { EdgeServices } from '../edge-services.ts';
import { entityTag, matchesNone } from '../entity-tag.ts';
import { findOrder, orderIdOf, orderReply } from './find-order.ts';

/** A copy may be kept by the caller alone, and must be asked about before each use. */
const REVALIDATE = { 'Cache-Control': 'private, no-cache' };

export function createGetOrder(services: EdgeServices): Handler {
  return async ({ params, principal, req }) => {
    const found = await findOrder(services, orderIdOf(params[0]), principal);
    const tag = entityTag(found.version);
    if (matchesNone(req.headers['if-none-match'], tag)) return { status: 304, headers: { ETag: tag, ...REVALIDATE } };
    return orderReply(200, found, services.shards, REVALIDATE);
  };
}
