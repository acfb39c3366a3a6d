/** Events that a binding matches and no queue takes: on a real broker, because its alternate exchange does not help there. */
import { KINDS } from '../../actors/index.ts';
import { expect } from 'chai';
import { Connection } from 'rabbitmq-client';
import { systemClock } from '../../kernel/clock.ts';
import { InMemoryJournalStore, InMemoryLog } from '../../persistence/in-memory/journal-store.ts';
import { InMemoryRelayStore } from '../../persistence/in-memory/relay-store.ts';
import { placed, ROW_AT, take } from '../../test/support/journal-rows.ts';
import { testMessages } from '../../test/support/message-origin.ts';
import { orderIdOf } from '../../test/support/order-states.ts';
import { scratchBrokerOrSkip, type ScratchBroker } from '../../test/support/rabbitmq-broker.ts';
import { keptLog } from '../../test/support/silent-log.ts';
import { waitUntil } from '../../test/support/wait-until.ts';
import { applyTopology } from '../rabbitmq/declare-topology.ts';
import { EVENTS_EXCHANGE, ordersTopology, UNROUTED } from '../rabbitmq/topology.ts';
import { EventPublisher } from './event-publisher.ts';
import { EventRelay } from './event-relay.ts';

const SHARD = 3;
const READERS_EXCHANGE = 'shop.events';
const CONFIRMED = { type: 'OrderConfirmed' } as const;
const ENTITIES = 10;
const ROWS_EACH = 3;

describe('events that an exchange takes and no queue', () => {
  let broker: ScratchBroker;
  let connection: Connection;
  let publisher: EventPublisher;
  let relay: EventRelay;
  let store: InMemoryRelayStore;
  let kept: ReturnType<typeof keptLog>;
  let commitAll: () => Promise<number>;

  before(async function () {
    broker = await scratchBrokerOrSkip(this);
  });
  after(() => broker?.drop());
  beforeEach(async () => {
    connection = new Connection(broker.url);
    connection.on('error', () => undefined);
    await applyTopology(connection, ordersTopology());
    await connection.queuePurge(UNROUTED);
    await connection.exchangeDeclare({ exchange: READERS_EXCHANGE, type: 'topic' });
    await connection.exchangeBind({ source: EVENTS_EXCHANGE, destination: READERS_EXCHANGE, routingKey: '#' });
    publisher = new EventPublisher(connection, { clock: systemClock });
    store = new InMemoryRelayStore();
    kept = keptLog();
    const journal = new InMemoryJournalStore(new InMemoryLog());
    relay = new EventRelay({
      kinds: KINDS,
      ...{ journal, store, clock: systemClock, log: kept.log, messages: testMessages() },
      publish: (message, confirm) => publisher.publish(message, confirm),
      publishUnrouted: (message, confirm) => publisher.publishUnrouted(message, confirm),
      gather: setImmediate,
      brokerIsUp: () => true,
    });
    const head = await take(journal, SHARD);
    relay.own(SHARD, head);
    await waitUntil('it has begun', () => relay.figures.lagRows === 0);
    commitAll = async () => {
      const rows = placed(
        head,
        Array.from({ length: ENTITIES * ROWS_EACH }, (_, n) => ({
          ...{ shard: SHARD, entityId: `ord_${orderIdOf(n % ENTITIES)}`, version: 1 + Math.floor(n / ENTITIES) },
          ...{ commandId: 'c', wakeAt: null, at: ROW_AT, events: JSON.stringify([CONFIRMED]), meta: null },
        })),
      );
      await journal.append(rows);
      for (const row of rows) relay.committed({ ...row, events: [CONFIRMED] });
      return rows.length;
    };
  });
  afterEach(async () => {
    await relay?.close();
    publisher?.close();
    await connection?.close();
  });

  const allPublished = (): Promise<void> =>
    waitUntil(
      'all are published',
      () => relay.figures.lagRows === 0,
      () => relay.figures,
    );

  async function taken(queue: string): Promise<{ entity: string; seq: number; exchange: string }[]> {
    const messages = [];
    for (;;) {
      const message = await connection.basicGet({ queue, noAck: true });
      if (!message) return messages;
      const seq = Number(/-q(\d+)-/.exec(message.messageId!)![1]);
      messages.push({ entity: message.correlationId!, seq, exchange: message.exchange });
    }
  }

  it('are kept as unrouted, each once and in its entity’s order, counted and said; no other waits for them', async () => {
    const count = await commitAll();
    await allPublished();
    expect(relay.figures).to.include({ published: count, unrouted: count, held: 0 });
    const messages = await taken(UNROUTED);
    expect(messages).to.have.length(count);
    const orders = new Map<string, number[]>();
    for (const { entity, seq } of messages) orders.set(entity, [...(orders.get(entity) ?? []), seq]);
    expect(orders.size).to.equal(ENTITIES);
    for (const seqs of orders.values()) expect(seqs).to.deep.equal([...seqs].sort((a, b) => a - b));
    const said = kept.lines.filter(({ msg }) => /kept in orders\.unrouted: an exchange is bound/.test(String(msg)));
    expect(said[0]).to.include({ exchange: EVENTS_EXCHANGE, routingKey: 'order.confirmed.v1' });
    expect(kept.lines.some(({ msg }) => /could not be published/.test(String(msg)))).to.equal(false);
  });

  it('go to a bound queue only, once there is one', async () => {
    const { queue } = await connection.queueDeclare({ exclusive: true });
    await connection.queueBind({ queue, exchange: READERS_EXCHANGE, routingKey: 'order.*.v1' });
    const count = await commitAll();
    await allPublished();
    expect(relay.figures).to.include({ published: count, unrouted: 0 });
    expect([(await taken(queue)).length, (await taken(UNROUTED)).length]).to.deep.equal([count, 0]);
  });

  it('wait where nothing keeps what is unrouted either, and leave when that is back', async () => {
    await connection.queueDelete(UNROUTED);
    const count = await commitAll();
    await waitUntil('they are refused', () =>
      kept.lines.some(({ reason }) => reason === `no queue is bound for "order.confirmed.v1" of "${UNROUTED}"`),
    );
    expect(relay.figures.published).to.equal(0);
    await applyTopology(connection, ordersTopology());
    await allPublished();
    expect((await taken(UNROUTED)).length).to.equal(count);
  });
});
