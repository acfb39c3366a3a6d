/**
 * A database that 0.1.0 left behind when it was killed under load (test/data/0.1.0): this build goes on with it. Orders
 * of every state are read, what was under way settles, what waited for a person is confirmed, and the audit finds
 * nothing. The documents of the API are those that 0.1.0 served.
 */
import { expect } from 'chai';
import { pino } from 'pino';
import { startEmbeddedPostgres } from '../../persistence/embedded/embedded-postgres.ts';
import { scratchBrokerOrSkip, type ScratchBroker } from '../support/rabbitmq-broker.ts';
import { createScratchDatabase, type ScratchDatabase } from '../support/scratch-database.ts';
import { loadDatabase, readFixture } from '../upgrade/load-database.ts';
import { OPEN_PAYMENT_CALLS, STATES_IN_JOURNAL } from '../upgrade/states.ts';
import { orderOf, TestNode, waitUntil } from './node-harness.ts';

type Query = ScratchDatabase['query'];

const STATES = [
  'CancellationPending insufficient_inventory',
  'CancellationPending payment_capture_failed',
  'CancellationPending payment_declined',
  'CancellationPending requested',
  'Cancelled insufficient_inventory',
  'Cancelled payment_capture_failed',
  'Cancelled payment_declined',
  'Cancelled requested',
  'Cancelled reservation_expired',
  'Confirmed',
  'Created',
  'PaymentAuthorized',
  'PaymentPending',
];
const OPEN_CALLS = [
  'AuthorizationStarted',
  'CaptureStarted',
  'PaymentReversalRequested',
  'RefundStarted',
  'VoidStarted',
];
/** make-database.ts leaves so many with weeks to be confirmed, and 8 with seconds. */
const WAITING = 25;
const READ_OF_EACH = 5;
const SETTLE_TIMEOUT_MS = 90_000;

/** JSON paths in which the documents may differ from those of 0.1.0, each with its reason. */
const ALLOWED_DIFFERENCES: readonly string[] = [];

async function idsByState(query: Query): Promise<Map<string, string[]>> {
  const ids = new Map<string, string[]>();
  for (const { id, state } of (await query(STATES_IN_JOURNAL)) as { id: string; state: string }[]) {
    ids.set(state, [...(ids.get(state) ?? []), id]);
  }
  return ids;
}

async function expectEveryState(query: Query, ids: ReadonlyMap<string, string[]>): Promise<void> {
  expect([...ids.keys()]).to.include.members(STATES);
  const calls = await query(OPEN_PAYMENT_CALLS);
  expect(calls.map(({ event }) => event)).to.include.members(OPEN_CALLS);
  const [kept] = await query(`SELECT (SELECT max(version) FROM snapshots) AS snapshot,
    (SELECT count(*) FROM quarantine) AS "setApart", (SELECT count(*) FROM relay_checkpoints) AS relayed`);
  expect(Number(kept?.['snapshot'])).to.be.greaterThan(500);
  expect(Number(kept?.['setApart'])).to.equal(1);
  expect(Number(kept?.['relayed'])).to.be.greaterThan(0);
}

async function expectReadable(node: TestNode, ids: ReadonlyMap<string, string[]>): Promise<void> {
  for (const [state, all] of ids) {
    for (const id of all.slice(0, READ_OF_EACH)) {
      const { status, body } = await node.request('GET', `/api/v1/orders/${id}`);
      expect(status, `${state} ${id}`).to.equal(200);
      expect(body.orderId).to.equal(id);
      if (/^Cancelled/.test(state)) expect(`${body.status} ${body.cancellation?.code}`).to.equal(state);
      if (state === 'Confirmed') expect(body.status).to.equal(state);
      const history = await node.request('GET', `/api/v1/orders/${id}/events`);
      expect(history.body.data.length, `events of ${id}`).to.be.greaterThan(0);
    }
  }
}

async function waitUntilSettled(query: Query, orders: number): Promise<void> {
  await waitUntil(
    'all that was under way to settle',
    async () => {
      const [{ settled } = {}] = await query('SELECT count(*) FILTER (WHERE settled) AS settled FROM order_view');
      return Number(settled) === orders;
    },
    SETTLE_TIMEOUT_MS,
  );
}

async function expectOldNamesAreKnown(node: TestNode): Promise<void> {
  const other = await node.request('POST', '/api/v1/orders', {
    json: orderOf([['hot', 77]]),
    headers: { 'idempotency-key': 'order-1' },
  });
  expect(other.body.code, 'the key of an order').to.equal('idempotency_mismatch');
  const batch = await node.request('POST', '/api/v1/stock/batch', {
    json: { items: [{ productId: 'hot', onHand: 1 }] },
    headers: { 'idempotency-key': 'first-delivery' },
  });
  expect(batch.body.code, 'the key of a batch').to.equal('idempotency_mismatch');
}

async function expectNewOrders(node: TestNode): Promise<void> {
  for (const [n, token] of ['tok_visa', 'tok_decline', 'tok_capture_fail', 'tok_drop'].entries()) {
    const { status } = await node.placeSurely(`new-${n}`, orderOf([['hot', 1], ['lamp 1', 2]], token)); // prettier-ignore
    expect(status).to.equal(token === 'tok_visa' || token === 'tok_drop' ? 'Confirmed' : 'Cancelled');
  }
  const { body } = await node.request('PUT', '/api/v1/stock/hot', { json: { onHand: 9_000, warehouseId: 'north' } });
  expect(body.onHand).to.equal(25_000);
}

async function expectClean(node: TestNode, query: Query): Promise<void> {
  expect(await query('SELECT * FROM quarantine'), 'mended, so it is no longer set apart').to.deep.equal([]);
  const audit = await node.command('audit', '--settle-grace-seconds', '0');
  expect(audit.code, audit.output).to.equal(0);
}

describe('a database of 0.1.0 that was left under load', () => {
  let broker: ScratchBroker;
  let database: ScratchDatabase;
  let node: TestNode;
  let ids: Map<string, string[]>;
  before(async function () {
    broker = await scratchBrokerOrSkip(this);
    database = await createScratchDatabase({ migrated: false });
    await loadDatabase(database.url, 'ahead');
    ids = await idsByState(database.query);
    node = await TestNode.create({ DATABASE_URL: database.url, AMQP_URL: broker.url });
  });
  after(async () => {
    await node?.remove();
    await database?.drop();
    await broker?.drop();
  });

  it('has orders in every state', () => expectEveryState(database.query, ids));

  it('is taken on: its orders are read, and what was under way settles', async function () {
    this.timeout(2 * 60_000);
    await node.start();
    await expectReadable(node, ids);
    await expectOldNamesAreKnown(node);
    const orders = [...ids.values()].flat().length;
    await waitUntilSettled(database.query, orders);
  });

  it('keeps those that wait for a person, and expires those whose time is over', async () => {
    const now = await idsByState(database.query);
    const waiting = now.get('PaymentAuthorized') ?? [];
    expect(waiting).to.have.length(WAITING);
    for (const [n, id] of waiting.entries()) {
      const action = n % 5 === 4 ? 'cancel' : 'confirm';
      const { status } = await node.request('POST', `/api/v1/orders/${id}/${action}`, {
        json: action === 'cancel' ? { reason: 'r' } : {},
        headers: { prefer: 'wait=20' },
      });
      expect(status, `${action} ${id}`).to.equal(200);
    }
    const expired = ids.get('PaymentAuthorized')!.filter((id) => !waiting.includes(id));
    expect(expired).to.not.be.empty;
    for (const id of expired) {
      const { body } = await node.request('GET', `/api/v1/orders/${id}`);
      expect(body.cancellation?.code).to.be.oneOf(['reservation_expired', 'requested']);
      const { status } = await node.request('POST', `/api/v1/orders/${id}/confirm`, { json: {} });
      expect(status, `to confirm ${id} too late`).to.equal(409);
    }
  });

  it('goes on publishing where 0.1.0 stopped, to the end', async () => {
    await waitUntil('all rows to be published', async () => {
      const behind = await database.query(`SELECT shard FROM journal GROUP BY shard
        HAVING max(seq) > (SELECT seq FROM relay_checkpoints c WHERE c.shard = journal.shard)`);
      return behind.length === 0;
    });
  });

  it('takes new orders, and the audit finds nothing', async () => {
    await expectNewOrders(node);
    await expectClean(node, database.query);
  });

  for (const document of ['openapi.json', 'asyncapi.json'] as const) {
    it(`/${document} is that of 0.1.0`, async () => {
      const now = await (await fetch(`${node.url}/${document}`)).json();
      const then = JSON.parse(await readFixture(document)) as unknown;
      const differences = differencesOf(then, now).filter((at) => !ALLOWED_DIFFERENCES.includes(at));
      expect(differences).to.deep.equal([]);
    });
  }

  it('stops in order', async () => expect(await node.stop()).to.equal(0));
});

describe('a database of 0.1.0 on the embedded server, after every deadline', () => {
  it('is taken on: all orders end, and the audit finds nothing', async function () {
    this.timeout(3 * 60_000);
    const node = await TestNode.create();
    try {
      await withEmbedded(node, (url) => loadDatabase(url, 'passed'));
      await node.start();
      await waitUntil('no order to be under way', async () => {
        const lists = ['Created', 'PaymentPending', 'PaymentAuthorized', 'CancellationPending'].map(async (status) => {
          const { body } = await node.request('GET', `/api/v1/orders?status=${status}&limit=1`);
          return body.data.length;
        });
        return (await Promise.all(lists)).every((length) => length === 0);
      }, SETTLE_TIMEOUT_MS); // prettier-ignore
      await expectNewOrders(node);
      const audit = await node.command('audit');
      expect(audit.code, audit.output).to.equal(0);
      expect(await node.stop()).to.equal(0);
    } finally {
      await node.remove();
    }
  });
});

/** Runs the node's own server without the node. */
async function withEmbedded(node: TestNode, work: (url: string) => Promise<void>): Promise<void> {
  const server = await startEmbeddedPostgres({
    dataDir: node.dataDir,
    runtimeDir: node.dataDir,
    log: pino({ level: 'silent' }),
  });
  try {
    await work(server.url);
  } finally {
    await server.stop();
  }
}

/** @returns the paths at which two JSON values differ. */
function differencesOf(then: unknown, now: unknown, at = ''): string[] {
  if (typeof then !== 'object' || typeof now !== 'object' || then === null || now === null) {
    return then === now ? [] : [at];
  }
  const before = then as Record<string, unknown>;
  const after = now as Record<string, unknown>;
  const keys = new Set([...Object.keys(before), ...Object.keys(after)]);
  return [...keys].flatMap((key) => differencesOf(before[key], after[key], `${at}/${key}`));
}
