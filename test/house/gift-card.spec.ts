/** The kind from outside in the whole program: two workers on PostgreSQL and RabbitMQ, of which one is killed. */
import { expect } from 'chai';
import { Connection } from 'rabbitmq-client';
import { ACTORS } from '../../actors/index.ts';
import { auditDatabase } from '../../audit/audit-database.ts';
import { applyTopology } from '../../messaging/rabbitmq/declare-topology.ts';
import { EVENTS_EXCHANGE, ordersTopology } from '../../messaging/rabbitmq/topology.ts';
import { TestNode, waitUntil } from '../cluster/node-harness.ts';
import { scratchBrokerOrSkip, type ScratchBroker } from '../support/rabbitmq-broker.ts';
import { createScratchDatabase, type ScratchDatabase } from '../support/scratch-database.ts';
import { giftCardActor } from './gift-card/index.ts';

const CARDS = 40;
const QUEUE = 'gift-cards';

interface CardBody {
  readonly cardId: string;
  readonly status: string;
  readonly balance: { readonly amount: number };
}

describe('a kind from outside in the whole program', () => {
  let database: ScratchDatabase;
  let broker: ScratchBroker;
  let listener: Connection;
  let node: TestNode;

  before(async function () {
    broker = await scratchBrokerOrSkip(this);
    database = await createScratchDatabase({ migrated: false });
    listener = new Connection(broker.url);
    await applyTopology(listener, ordersTopology());
    await listener.queueDeclare({ queue: QUEUE, durable: true, arguments: { 'x-queue-type': 'quorum' } });
    await listener.queueBind({ queue: QUEUE, exchange: EVENTS_EXCHANGE, routingKey: 'gift-card.#' });
    node = await TestNode.create({ DATABASE_URL: database.url, AMQP_URL: broker.url }, { main: 'test/house/main.js' });
    await node.start();
  });
  after(async () => {
    await node?.remove();
    await listener?.close();
    await database?.drop();
    await broker?.drop();
  });

  /** Sent until it is answered, under one key: it has one effect. */
  const surely = (method: string, path: string, key: string, json: unknown): Promise<CardBody> =>
    waitUntil(
      `${method} ${path} to be done`,
      async () => {
        const headers = { 'idempotency-key': key };
        const answer = await node.request(method, path, { json, headers }).catch(() => undefined);
        return answer?.status === 200 ? (answer.body as unknown as CardBody) : undefined;
      },
      60_000,
    );
  const cardPath = (index: number): string => `/api/v1/gift-cards/card-${index}`;
  const isActive = async (index: number): Promise<boolean> => {
    const { status, body } = await node.request('GET', cardPath(index));
    return status === 200 && body.status === 'Active';
  };

  it('loses nothing while a worker is killed', async () => {
    const amount = { amount: 1_000, currency: 'EUR' };
    const issued = Promise.all(
      Array.from({ length: CARDS }, (_, index) =>
        surely('PUT', cardPath(index), `issue-${index}`, { holder: 'Ann', amount }),
      ),
    );
    process.kill((await node.workerPids())[0]!, 'SIGKILL');
    await issued;
    for (let index = 0; index < CARDS; index++) await waitUntil('it is sent', () => isActive(index), 30_000);
    const cards = await Promise.all(
      Array.from({ length: CARDS }, (_, index) =>
        surely('POST', `${cardPath(index)}/redeem`, `redeem-${index}`, { amount: 300 }),
      ),
    );
    expect(cards.map(({ balance }) => balance.amount)).to.deep.equal(cards.map(() => 700));
  });

  it('publishes its events, each card’s once or more', async () => {
    const heard = new Set<string>();
    await waitUntil('all are published', async () => {
      for (;;) {
        const message = await listener.basicGet({ queue: QUEUE, noAck: true });
        if (message === undefined) return heard.size === CARDS;
        expect(message.routingKey).to.equal('gift-card.issued.v1');
        heard.add((message.body as { cardId: string }).cardId);
      }
    });
  });

  it('writes its view, in the table of its own migration', async () => {
    await waitUntil('all are shown', async () => {
      const [row] = await database.query(
        `SELECT count(*) AS count FROM gift_card_view WHERE balance = 700 AND settled`,
      );
      return Number(row!['count']) === CARDS;
    });
  });

  it('is audited', async () => {
    expect(await node.stop()).to.equal(0);
    const options = { settleGraceMs: 0, stage: () => undefined, progress: () => undefined };
    const { findings, totals } = await auditDatabase(database.url, [...ACTORS, giftCardActor], options);
    expect(findings.violated.map((invariant) => findings.offendersOf(invariant))).to.deep.equal([]);
    expect(totals.entities).to.equal(CARDS);
    const unknown = await auditDatabase(database.url, ACTORS, options);
    expect(unknown.findings.violated, 'of a kind that an audit does not know').not.to.deep.equal([]);
  });
});
