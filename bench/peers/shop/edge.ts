/** The HTTP edge of all peers: authenticate, parse, ask, answer. It decides nothing. */
import type { IncomingMessage } from 'node:http';
import Koa from 'koa';
import { newOrder, type Place } from './order.ts';
import { PlaceOrder, StockBatch } from './requests.ts';
import type { ShopTables } from './shop-tables.ts';
import { type Caller, TokenVerifier } from './token-verifier.ts';

const BODY_BYTES_MAX = 1024 * 1024;

export function createEdge(place: Place, tables: ShopTables, secret: string): Koa {
  const tokens = new TokenVerifier(secret);
  const app = new Koa();
  app.use(async (context) => {
    if (context.path === '/health/ready') {
      context.body = { status: 'ok' };
      return;
    }
    let caller: Caller;
    try {
      caller = await tokens.verify(context.get('authorization'));
    } catch {
      return refuse(context, 401, 'unauthenticated');
    }
    await route(context, place, tables, caller);
  });
  return app;
}

async function route(context: Koa.Context, place: Place, tables: ShopTables, caller: Caller): Promise<void> {
  const { method, path } = context;
  if (method === 'POST' && path === '/api/v1/orders') return await placeOrder(context, place, caller);
  if (method === 'POST' && path === '/api/v1/stock/batch') return await putStock(context, tables, caller);
  if (method === 'GET' && path.startsWith('/api/v1/orders/')) context.body = await tables.find(lastSegment(path));
  if (method === 'GET' && path.startsWith('/api/v1/stock/')) context.body = await tables.findStock(lastSegment(path));
  if (context.body === undefined) refuse(context, 404, 'not_found');
}

async function placeOrder(context: Koa.Context, place: Place, caller: Caller): Promise<void> {
  const parsed = PlaceOrder.safeParse(await readJson(context.req));
  if (!parsed.success) return refuse(context, 400, 'validation_failed', parsed.error.issues);
  const key = context.get('idempotency-key');
  const customer = caller.role === 'customer' ? caller.sub : (parsed.data.customerId ?? caller.sub);
  const result = await place(newOrder(parsed.data, customer, key === '' ? null : `${caller.sub}:${key}`));
  if (result.kind === 'mismatch') return refuse(context, 422, 'idempotency_mismatch');
  if (result.kind === 'replayed') context.set('Idempotent-Replayed', 'true');
  context.status = 201;
  context.set('Location', `/api/v1/orders/${result.order.orderId}`);
  context.body = result.order;
}

async function putStock(context: Koa.Context, tables: ShopTables, caller: Caller): Promise<void> {
  if (caller.role !== 'admin') return refuse(context, 403, 'forbidden');
  const parsed = StockBatch.safeParse(await readJson(context.req));
  if (!parsed.success) return refuse(context, 400, 'validation_failed', parsed.error.issues);
  await tables.putStock(parsed.data);
  context.body = { items: parsed.data.items.length };
}

function refuse(context: Koa.Context, status: number, code: string, errors?: unknown): void {
  context.status = status;
  context.body = { status, code, errors };
}

function lastSegment(path: string): string {
  return decodeURIComponent(path.slice(path.lastIndexOf('/') + 1));
}

/** Undefined where the body is no JSON or too long, which no schema accepts. */
async function readJson(request: IncomingMessage): Promise<unknown> {
  const body = await new Promise<Buffer>((resolve, reject) => {
    const chunks: Buffer[] = [];
    let length = 0;
    request.on('data', (chunk: Buffer) => {
      length += chunk.length;
      if (length <= BODY_BYTES_MAX) chunks.push(chunk);
    });
    request.once('end', () => resolve(length <= BODY_BYTES_MAX ? Buffer.concat(chunks) : Buffer.alloc(0)));
    request.once('error', reject);
  });
  try {
    return JSON.parse(body.toString()) as unknown;
  } catch {
    return undefined;
  }
}
