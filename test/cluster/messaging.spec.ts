/**
 * Two nodes with RabbitMQ between them: the work is spread over both, one of them is killed under load, and a consumer
 * that was there from the start has heard of everything that the journal holds, in order.
 */
import { execFile } from 'node:child_process';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { Connection } from 'rabbitmq-client';
import { KINDS, PUBLIC_EVENTS } from '../../actors/index.ts';
import { applyTopology } from '../../messaging/rabbitmq/declare-topology.ts';
import { EVENTS_EXCHANGE, ordersTopology } from '../../messaging/rabbitmq/topology.ts';
import { decodedRow, messagesOf } from '../../messaging/relay/row-messages.ts';
import { MessageOrigin } from '../../messaging/contracts/message-origin.ts';
import { PublicMessages, type PublicMessage } from '../../messaging/contracts/public-message.ts';
import { openPool } from '../../persistence/postgres/connection.ts';
import { readDeployment } from '../../persistence/postgres/incarnations.ts';
import { PostgresJournalStore } from '../../persistence/postgres/journal-store.ts';
import { scratchBrokerOrSkip, type ScratchBroker } from '../support/rabbitmq-broker.ts';
import { createScratchDatabase, type ScratchDatabase } from '../support/scratch-database.ts';
import { orderOf, TestNode, waitUntil, type OrderBody } from './node-harness.ts';

const ROOT = path.dirname(path.dirname(path.dirname(fileURLToPath(import.meta.url))));
/** As docs/integrators.md gives them to one who sends commands; the user's name is not known before it is made. */
const OWN_REPLIES = '^sender-holdfast_test_[0-9a-f]+\\.replies\\.[^.]+$';
const SENDER = [OWN_REPLIES, '^orders\\.commands$', OWN_REPLIES] as const;
const PRODUCTS = Array.from({ length: 12 }, (_, index) => `P${index}`);
const SHARDS = 16;
const CALLERS = 6;
const BEFORE = 40;
const AFTER = 30;
const QUEUE = 'listener';
const ROWS_PER_READ = 1_000;

interface Heard {
  readonly id: string;
  readonly subject: string;
  readonly version: number;
  readonly body: unknown;
  readonly traceparent: unknown;
}

/** A durable queue of its own, from before the first event on. */
class Listener {
  readonly heard: Heard[] = [];
  readonly #connection: Connection;

  constructor(url: string) {
    this.#connection = new Connection(url);
  }

  async start(): Promise<void> {
    await applyTopology(this.#connection, ordersTopology());
    const consumer = this.#connection.createConsumer(
      {
        queue: QUEUE,
        queueOptions: { durable: true, arguments: { 'x-queue-type': 'quorum' } },
        queueBindings: [{ exchange: EVENTS_EXCHANGE, routingKey: '#' }],
        qos: { prefetchCount: 200 },
        concurrency: 1,
      },
      ({ messageId, headers, body }) => {
        const subject = String(headers?.['cloudEvents_subject']);
        this.heard.push({
          id: messageId!,
          subject,
          version: Number(headers?.['entity-version']),
          body: body as unknown,
          traceparent: headers?.['traceparent'] as unknown,
        });
      },
    );
    await new Promise<void>((resolve) => consumer.once('ready', resolve));
    this.#close = async () => consumer.close();
  }

  async stop(): Promise<void> {
    await this.#close();
    await this.#connection.close();
  }

  #close: () => Promise<void> = async () => undefined;
}

/** What the journal says should be published: read from its own rows. */
async function publicEventsOf(databaseUrl: string): Promise<PublicMessage[]> {
  const pool = openPool(databaseUrl, 'holdfast/test', 1);
  const journal = new PostgresJournalStore(databaseUrl, 'holdfast/test', pool);
  const messages: PublicMessage[] = [];
  try {
    const { id: deploymentId, incarnations } = await readDeployment(pool);
    const published = new PublicMessages(PUBLIC_EVENTS, new MessageOrigin({ deploymentId, incarnations }));
    for (let shard = 0; shard < SHARDS; shard++) {
      for (let seq = 0; ;) {
        const rows = await journal.readShard(shard, seq, ROWS_PER_READ);
        if (rows.length === 0) break;
        for (const row of rows) {
          if (KINDS.find(row.entityId)) messages.push(...messagesOf(decodedRow(KINDS, row), row.epoch, published));
        }
        seq = rows.at(-1)!.seq;
      }
    }
  } finally {
    await journal.close();
    await pool.end();
  }
  return messages;
}

describe('two nodes with RabbitMQ between them', () => {
  let broker: ScratchBroker;
  let database: ScratchDatabase;
  let listener: Listener;
  let nodes: TestNode[];

  beforeEach(async function () {
    // A virtual host belongs to one database.
    broker = await scratchBrokerOrSkip(this);
    database = await createScratchDatabase({ migrated: false });
    nodes = [];
    listener = new Listener(broker.url);
    await listener.start();
  });
  afterEach(async () => {
    await listener.stop();
    for (const node of nodes) await node.remove();
    await database.drop();
    await broker.drop();
  });

  async function startNode(databaseUrl = database.url): Promise<TestNode> {
    const node = await TestNode.create({ DATABASE_URL: databaseUrl, AMQP_URL: broker.url, SHARDS: String(SHARDS) });
    nodes.push(node);
    await node.start();
    return node;
  }

  async function owners(node: TestNode): Promise<Set<string | null>> {
    const { body } = await node.admin('GET', '/cluster/shards');
    return new Set((body as unknown as { data: { owner: string | null }[] }).data.map(({ owner }) => owner));
  }

  const twoLines = (n: number): unknown =>
    orderOf([
      [PRODUCTS[n % PRODUCTS.length]!, 1],
      [PRODUCTS[(n + 5) % PRODUCTS.length]!, 1],
    ]);

  /** Orders by several callers, each until it is answered; `nodeOf` chooses whom to ask at that moment. */
  async function place(
    name: string,
    count: number,
    nodeOf: (n: number) => TestNode,
    onAnswered: (answered: number) => void = () => undefined,
  ): Promise<OrderBody[]> {
    const orders: OrderBody[] = [];
    let next = 0;
    const caller = async (): Promise<void> => {
      for (let n = next++; n < count; n = next++) {
        const key = `${name}-${n}`;
        // Short tries, because the node that is asked may be the one that dies.
        const order = await waitUntil(`order ${key} to be answered`, async () => {
          const { status, body } = await nodeOf(n).request('POST', '/api/v1/orders', {
            json: twoLines(n),
            headers: { 'idempotency-key': key, prefer: 'wait=20' },
          });
          return status === 201 && body.status === 'Confirmed' ? body : undefined;
        });
        orders.push(order);
        onAnswered(orders.length);
      }
    };
    await Promise.all(Array.from({ length: CALLERS }, caller));
    return orders;
  }

  it('a node that is killed under load loses no order, and the world hears of every event, in order', async function () {
    this.timeout(120_000);
    const [first, second] = [await startNode(), await startNode()];
    await waitUntil('shards on all four workers', async () => (await owners(first)).size === 4);
    const items = PRODUCTS.map((productId) => ({ productId, onHand: 100_000, lowStockThreshold: 99_990 }));
    expect((await first.request('POST', '/api/v1/stock/batch', { json: { items } })).status).to.equal(200);

    const before = await place('before', BEFORE, (n) => (n % 2 === 0 ? first : second));
    let isDead = false;
    let killed: Promise<void> | undefined;
    const during = await place(
      'during',
      AFTER,
      (n) => (isDead || n % 2 === 0 ? first : second),
      (answered) => {
        if (answered < AFTER / 3 || isDead) return;
        isDead = true;
        killed = second.killAll();
      },
    );
    await killed;
    await waitUntil('all shards to be the other node’s', async () => {
      const now = await owners(first);
      return now.size === 2 && !now.has(null);
    });
    const acknowledged = [...before, ...during];
    expect(new Set(acknowledged.map(({ orderId }) => orderId)).size, 'one order a key').to.equal(BEFORE + AFTER);
    for (const { orderId } of acknowledged) {
      const order = await waitUntil(`order ${orderId} to settle`, async () => {
        const { body } = await first.request('GET', `/api/v1/orders/${orderId}`);
        return body.payment?.status === 'Captured' ? body : undefined;
      });
      expect(order.status).to.equal('Confirmed');
    }
    const published = await waitUntil('everything to be published', async () => {
      const { code, output } = await first.command('relay', 'status');
      return code === 0 ? output : undefined;
    });
    expect(published).to.contain('All is published');

    const expected = await publicEventsOf(database.url);
    await waitUntil('the listener to have heard all', () => {
      return new Set(listener.heard.map(({ id }) => id)).size >= expected.length;
    });
    expectTold(expected);
    const audit = await first.command('audit');
    expect(audit.code, audit.output).to.equal(0);
  });

  it('a node of another database takes orders, and neither publishes nor takes commands on this virtual host', async function () {
    this.timeout(60_000);
    const other = await createScratchDatabase({ migrated: false });
    try {
      await startNode();
      const stranger = await startNode(other.url);
      const { body } = await waitUntil('the stranger to be refused', async () => {
        const answer = await stranger.admin('GET', '/health/supervision');
        return JSON.stringify(answer.body).includes('belongs to deployment') ? answer : undefined;
      });
      expect(JSON.stringify(body)).to.contain('take-over --from');
      await stranger.request('POST', '/api/v1/stock/batch', { json: { items: [{ productId: 'P0', onHand: 10 }] } });
      const placed = await stranger.request('POST', '/api/v1/orders', {
        json: orderOf([['P0', 1]]),
        headers: { prefer: 'wait=20' },
      });
      expect([placed.status, placed.body.status]).to.deep.equal([201, 'Confirmed']);
      const { orderId } = placed.body;
      expect(listener.heard.filter(({ subject }) => subject.endsWith(orderId))).to.deep.equal([]);
      const status = await stranger.command('topology', 'diff', '--without-bindings');
      expect(status.code, status.output).to.equal(1);
      expect(status.output).to.contain('holdfast.deployment');
      nodes.splice(nodes.indexOf(stranger), 1);
      await stranger.remove();
    } finally {
      await other.drop();
    }
  });

  it('an order’s events belong to the trace of the request that placed it', async () => {
    const node = await startNode();
    await node.request('POST', '/api/v1/stock/batch', { json: { items: [{ productId: 'P0', onHand: 10 }] } });
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
    const place = (headers: Record<string, string>) =>
      node.request('POST', '/api/v1/orders', {
        json: orderOf([['P0', 1]]),
        headers: { prefer: 'wait=20', ...headers },
      });
    const traced = await place({ traceparent });
    const untraced = await place({ traceparent: 'none at all' });
    expect([traced.status, untraced.status]).to.deep.equal([201, 201]);
    const of = ({ body }: { readonly body: OrderBody }): unknown[] =>
      listener.heard.filter(({ subject }) => subject.endsWith(body.orderId)).map((heard) => heard.traceparent);
    await waitUntil('all to be told', () => of(traced).length >= 6 && of(untraced).length >= 6);
    expect(of(traced)).to.deep.equal(Array(6).fill(traceparent));
    expect(of(untraced)).to.deep.equal(Array(6).fill(undefined));
  });

  it('performs what the example sends, once however often it is sent', async function () {
    this.timeout(90_000);
    const node = await startNode();
    await node.request('POST', '/api/v1/stock/batch', { json: { items: [{ productId: 'P0', onHand: 10 }] } });
    const url = await broker.addUser('sender', SENDER);
    const send = (...args: readonly string[]) =>
      new Promise<{ code: number; ok: boolean; order: OrderBody; problem: { code: string } }>((resolve, reject) => {
        const child = execFile(
          process.execPath,
          [path.join(ROOT, 'dist', 'examples', 'send-command.js'), ...args],
          { env: { PATH: process.env['PATH'], AMQP_URL: url } },
          (_error, stdout, stderr) => {
            if (stdout === '') reject(new Error(stderr));
            else resolve({ code: child.exitCode, ...JSON.parse(stdout) });
          },
        );
      });
    const place = ['place', '--customer', 'alice', '--product', 'P0', '--manual', '--message-id', 'checkout-1'];
    const [placed, again] = [await send(...place), await send(...place)];
    expect([placed.code, again.code]).to.deep.equal([0, 0]);
    const { orderId } = placed.order;
    expect(again.order.orderId, 'one order a message id').to.equal(orderId);
    const confirmed = await send('confirm', orderId);
    expect(confirmed.order.status, 'waits for the payment, and is done').to.equal('Confirmed');
    const cancelled = await send('cancel', orderId, '--message-id', 'cancel-1');
    const repeated = await send('cancel', orderId, '--message-id', 'cancel-1');
    expect([cancelled.ok, cancelled.order?.orderId]).to.deep.equal([repeated.ok, repeated.order?.orderId]);
    const unknown = await send('place', '--customer', 'alice', '--product', 'NONE');
    expect([unknown.code, unknown.problem.code]).to.deep.equal([1, 'unknown_product']);
    const { body } = await node.request('GET', '/api/v1/orders');
    expect(body.data.map((order) => order.orderId)).to.deep.equal([orderId]);
  });

  /** The same events, no more and no fewer; by entity in the order of the journal, duplicates dropped. */
  function expectTold(expected: readonly PublicMessage[]): void {
    const known = new Set<string>();
    const first = listener.heard.filter(({ id }) => !known.has(id) && known.add(id));
    expect([...known].sort()).to.deep.equal(expected.map(({ messageId }) => messageId).sort());
    const bySubject = (events: readonly Heard[]): Map<string, Heard[]> => {
      const lanes = new Map<string, Heard[]>();
      for (const event of events) lanes.set(event.subject, [...(lanes.get(event.subject) ?? []), event]);
      return lanes;
    };
    const told = bySubject(first);
    const meant = bySubject(
      expected.map(({ messageId, headers, body }) => ({
        id: messageId,
        subject: String(headers['cloudEvents_subject']),
        version: Number(headers['entity-version']),
        body: JSON.parse(body) as unknown,
        traceparent: headers['traceparent'],
      })),
    );
    for (const [subject, events] of meant) expect(told.get(subject), subject).to.deep.equal(events);
  }
});
