/**
 * Made the fixtures in test/data/0.1.0: runs a node of an older build, brings orders into every state that it knows,
 * kills it half-way through a last burst, and dumps its database. The older build is a checkout of its commit with
 * `npm ci` and `npm run build` done; the database and the virtual host are empty ones.
 *
 *   node --import tsx test/upgrade/make-database.ts CHECKOUT DATABASE_URL AMQP_URL FOLDER
 *
 * Needs pg_dump. The dump has INSERTs instead of COPY, because the tests load it without psql.
 */
import { execFile } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { brotliCompressSync, constants } from 'node:zlib';
import PQueue from 'p-queue';
import pg from 'pg';
import { Connection } from 'rabbitmq-client';
import type * as Harness from '../cluster/node-harness.ts';
import { OPEN_PAYMENT_CALLS, STATES_IN_JOURNAL } from './states.ts';

const ORDERS = 2_000;
const CALLERS = 32;
const HOT = 'hot';
const PRODUCTS = ['85123A', '85123a', 'lamp 1', 'é "quoted", / product', HOT];
const DAYS_24_IN_S = 24 * 24 * 60 * 60;
const LEASE_MS = 3_000;

const [checkout = '', databaseUrl = '', amqpUrl = '', folder = ''] = process.argv.slice(2);
const { TestNode, waitUntil } = (await import(
  path.resolve(checkout, 'test/cluster/node-harness.ts')
)) as typeof Harness;
const node = await TestNode.create({ DATABASE_URL: databaseUrl, AMQP_URL: amqpUrl, MACHINE_NAME: 'shop' });
const database = new pg.Client({ connectionString: databaseUrl });

type Line = readonly [product: string, quantity: number];
interface Order {
  readonly lines?: readonly Line[];
  readonly token?: string;
  readonly manual?: boolean;
  readonly wait?: number;
}

let placed = 0;
/** Nine of ten orders have a key. @returns the order's id. */
async function place({ lines = [[HOT, 1]], token = 'tok_visa', manual = false, wait = 0 }: Order): Promise<string> {
  placed += 1;
  const json = {
    orderLines: lines.map(([productId, quantity]) => ({
      productId,
      quantity,
      unitPrice: { amount: 250 + (placed % 7), currency: placed % 3 === 0 ? 'EUR' : 'GBP' },
    })),
    shippingAddress: { street: '1 High Street', city: 'London', state: '', postalCode: 'N1', country: 'GB' },
    ...(placed % 5 === 0 && { externalReference: `536${placed}` }),
    ...(manual && { confirmation: 'manual' }),
    customerId: `customer-${placed % 50}`,
    paymentMethod: { type: 'card', token },
  };
  const headers = {
    ...(placed % 10 !== 0 && { 'idempotency-key': `order-${placed}` }),
    ...(wait > 0 && { prefer: `wait=${wait}` }),
  };
  const { status, body } = await node.request('POST', '/api/v1/orders', { json, headers });
  if (status !== 201) throw new Error(`an order was refused: ${status} ${JSON.stringify(body)}`);
  return body.orderId;
}

async function post(orderId: string, action: 'confirm' | 'cancel', key?: string): Promise<void> {
  const json = action === 'cancel' ? { reason: 'changed my mind' } : {};
  const headers = key === undefined ? {} : { 'idempotency-key': key };
  const { status, body } = await node.request('POST', `/api/v1/orders/${orderId}/${action}`, { json, headers });
  if (status !== 200 && status !== 202) throw new Error(`${action} was refused: ${status} ${JSON.stringify(body)}`);
}

async function stockUp(): Promise<void> {
  const warehouses = ['main', 'north', 'süd'];
  const items = PRODUCTS.flatMap((productId) =>
    warehouses.map((warehouseId, n) => ({
      productId,
      warehouseId,
      onHand: 4_000 * (n + 1),
      lowStockThreshold: 10 * n,
    })),
  );
  const headers = { 'idempotency-key': 'first-delivery' };
  for (let sent = 0; sent < 2; sent++) {
    const { status } = await node.request('POST', '/api/v1/stock/batch', { json: { items }, headers });
    if (status !== 200) throw new Error(`the stock was refused: ${status}`);
  }
  await node.request('PUT', '/api/v1/stock/scarce', { json: { onHand: 40, lowStockThreshold: 35 } });
  await node.request('PUT', '/api/v1/stock/spare', { json: { onHand: 7 }, headers });
}

/** What orders come to when they are let be. */
const ENDINGS: readonly Order[] = [
  { lines: [[HOT, 1]] },
  { lines: [[HOT, 2], ['lamp 1', 1]] },
  { lines: [['85123A', 1], ['85123a', 3], ['é "quoted", / product', 1]] },
  { lines: [[HOT, 1]], token: 'tok_decline' },
  { lines: [[HOT, 1], ['scarce', 1]] },
  { lines: [['85123A', 2], [HOT, 1]], token: 'tok_capture_fail' },
  { lines: [[HOT, 1]], token: 'tok_drop' },
  { lines: [['lamp 1', 1], [HOT, 1]] },
]; // prettier-ignore

/** Every eighth is cancelled once it is settled. */
async function sell(count: number): Promise<void> {
  const callers = new PQueue({ concurrency: CALLERS });
  for (let n = 0; n < count; n++) {
    void callers.add(async () => {
      const id = await place({ ...ENDINGS[n % ENDINGS.length], wait: 10 });
      if (n % 8 === 7) await post(id, 'cancel', n % 16 === 7 ? `cancel-${n}` : undefined);
    });
  }
  await callers.onIdle();
}

/** Orders that wait for a person: some are confirmed, some cancelled, 25 are left to wait. */
async function leaveToWait(): Promise<void> {
  for (let n = 0; n < 45; n++) {
    const id = await place({ lines: [['85123a', 1]], manual: true, wait: 10 });
    if (n >= 25) await post(id, n % 2 === 0 ? 'confirm' : 'cancel', `decision-${n}`);
    // It is confirmed already: a row without events binds the second key.
    if (n >= 25 && n % 2 === 0) await post(id, 'confirm', `decision-again-${n}`);
  }
}

/** Their time to confirm ends while the node runs. */
async function letExpire(): Promise<void> {
  const ids = await Promise.all(Array.from({ length: 10 }, () => place({ lines: [['lamp 1', 2]], manual: true })));
  for (const id of ids) {
    await waitUntil('an order to expire', async () => {
      const { body } = await node.request('GET', `/api/v1/orders/${id}`);
      return body.status === 'Cancelled';
    });
  }
}

/** By message: orders, each cancelled by another message that comes twice. */
async function command(): Promise<void> {
  const connection = new Connection(amqpUrl);
  const publisher = connection.createPublisher({ confirm: true });
  const orderIds = await Promise.all(Array.from({ length: 10 }, () => place({ wait: 10 })));
  const send = (type: string, messageId: string, body: unknown): Promise<void> =>
    publisher.send({ exchange: 'orders.commands', routingKey: `order.${type}.v1`, messageId, appId: 'shop' }, body);
  for (const [n, orderId] of [...orderIds, ...orderIds].entries()) {
    await send('cancel', `cancel-message-${n % orderIds.length}`, { orderId, reason: 'by message' });
  }
  for (let n = 0; n < 10; n++) {
    await send('place', `place-message-${n}`, {
      customerId: 'by-message',
      orderLines: [{ productId: HOT, quantity: 1, unitPrice: { amount: 100, currency: 'GBP' } }],
      shippingAddress: { street: '1 High Street', city: 'London', state: '', postalCode: 'N1', country: 'GB' },
      paymentMethod: { type: 'invoice', token: 'tok_visa' },
    });
  }
  await waitUntil('the messages to be worked off', async () => {
    const { body } = await node.request('GET', '/api/v1/orders?customerId=by-message&status=Confirmed&limit=20');
    return body.data.length === 10;
  });
  await publisher.close();
  await connection.close();
}

/** A row that can't be read while an owner reads it, and can again afterwards: the list of entities set apart keeps it. */
async function setApart(): Promise<void> {
  const orderId = await place({ wait: 10 });
  await sleep(1_000);
  const row = `entity_id = 'ord_${orderId}' AND version = 2`;
  const { rows } = await database.query<{ events: string }>(`SELECT events::text AS events FROM journal WHERE ${row}`);
  await database.query(`UPDATE journal SET events = '[{"type":"Unheard"}]' WHERE ${row}`);
  await waitUntil('the order to be set apart', async () => {
    await node.request('GET', `/api/v1/orders/${orderId}`);
    return (await database.query('SELECT FROM quarantine')).rowCount === 1;
  });
  await database.query(`UPDATE journal SET events = $1 WHERE ${row}`, [rows[0]?.events]);
}

/** The provider takes 3 s for these, so that at the kill each kind of call is open. */
async function dieHalfWay(): Promise<void> {
  const slow = (more: Order = {}) =>
    Promise.all(Array.from({ length: 8 }, () => place({ token: 'tok_slow', ...more })));
  const toRefund = await slow({ wait: 10 });
  const [toVoid, toCapture] = await Promise.all([slow({ manual: true }), slow()]);
  await sleep(3_300);
  const toAuthorize = await slow();
  await sleep(300);
  await Promise.all(Array.from({ length: 8 }, () => place({ lines: [['85123a', 1]], manual: true })));
  const cancelled = [...toRefund, ...toVoid, ...toCapture.slice(4), ...toAuthorize.slice(4)];
  // A cancellation answers once its order has settled, and most of these never do.
  const cancelling = cancelled.map((id) => post(id, 'cancel').catch(() => undefined));
  await sleep(200);
  let answered = 0;
  const burst = Array.from({ length: 200 }, async (_, n) => {
    await place({ ...ENDINGS[n % ENDINGS.length] }).catch(() => undefined);
    answered += 1;
  });
  await waitUntil('the burst to be under way', () => answered >= 40);
  await node.killAll();
  await Promise.all([...cancelling, ...burst]);
}

async function keep(name: string, text: string): Promise<void> {
  const params = { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_LGWIN]: 24 };
  await writeFile(path.join(folder, `${name}.br`), brotliCompressSync(text, { params }));
}

await mkdir(folder, { recursive: true });
await database.connect();
await node.start({ RESERVATION_TTL_SECONDS: String(DAYS_24_IN_S) });
await stockUp();
await sell(ORDERS);
await leaveToWait();
await command();
for (const document of ['openapi.json', 'asyncapi.json']) {
  await keep(document, await (await fetch(`${node.url}/${document}`)).text());
}
await node.stop();
await node.start({ RESERVATION_TTL_SECONDS: '1' });
await letExpire();
await node.stop();
// Longer than it takes until the kill, and over when the dump is loaded.
await node.start({ RESERVATION_TTL_SECONDS: '4' });
await setApart();
await dieHalfWay();
await sleep(LEASE_MS);
const dump = ['--no-owner', '--no-privileges', '--inserts', '--rows-per-insert=500', databaseUrl];
const { stdout } = await promisify(execFile)('pg_dump', dump, {
  maxBuffer: 2 ** 28,
  env: { ...process.env, PGTZ: 'UTC' },
});
const { rows } = await database.query<{ now: Date }>('SELECT now()');
// psql's own commands, and settings that other versions of PostgreSQL do not have.
const statements = stdout.split('\n').filter((line) => !/^(\\|SET |SELECT pg_catalog.set_config|--)/.test(line));
await keep('database.sql', [`-- dumped at ${rows[0]!.now.toISOString()}`, ...statements].join('\n'));
console.table(
  (await database.query(`SELECT state, count(*) FROM (${STATES_IN_JOURNAL}) s GROUP BY 1 ORDER BY 1`)).rows,
);
console.table((await database.query(OPEN_PAYMENT_CALLS)).rows);
await database.end();
await node.remove();
