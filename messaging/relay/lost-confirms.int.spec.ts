/** Confirms that get lost between a real broker and us, in a shop so quiet that nothing else would bring it to light. */
import { KINDS } from '../../actors/index.ts';
import { expect } from 'chai';
import { Connection } from 'rabbitmq-client';
import { InMemoryJournalStore, InMemoryLog } from '../../persistence/in-memory/journal-store.ts';
import { InMemoryRelayStore } from '../../persistence/in-memory/relay-store.ts';
import { AckDroppingProxy } from '../../test/support/ack-dropping-proxy.ts';
import { placed, ROW_AT, take } from '../../test/support/journal-rows.ts';
import { testMessages } from '../../test/support/message-origin.ts';
import { orderIdOf } from '../../test/support/order-states.ts';
import { scratchBrokerOrSkip, type ScratchBroker } from '../../test/support/rabbitmq-broker.ts';
import { keptLog } from '../../test/support/silent-log.ts';
import { waitUntil } from '../../test/support/wait-until.ts';
import { systemClock } from '../../kernel/clock.ts';
import { ConfirmedPublisher } from '../commands/confirmed-publisher.ts';
import { applyTopology } from '../rabbitmq/declare-topology.ts';
import { ConfirmTimeoutError } from '../rabbitmq/publishing-channel.ts';
import { EVENTS_EXCHANGE, ordersTopology } from '../rabbitmq/topology.ts';
import { EventPublisher } from './event-publisher.ts';
import { EventRelay } from './event-relay.ts';

const SHARD = 3;
const QUEUE = 'taker';
const CONFIRM_TIMEOUT_MS = 300;
const CONFIRMED = { type: 'OrderConfirmed' } as const;

describe('lost confirms', () => {
  let broker: ScratchBroker;
  let proxy: AckDroppingProxy;
  let connection: Connection;
  let publisher: EventPublisher;

  before(async function () {
    broker = await scratchBrokerOrSkip(this);
  });
  after(() => broker?.drop());
  beforeEach(async () => {
    proxy = new AckDroppingProxy(broker.url);
    connection = new Connection(await proxy.listen());
    connection.on('error', () => undefined);
    await applyTopology(connection, ordersTopology());
    await connection.queueDeclare({ queue: QUEUE, durable: true });
    await connection.queuePurge(QUEUE);
    await connection.queueBind({ queue: QUEUE, exchange: EVENTS_EXCHANGE, routingKey: '*.*.v1' });
    publisher = new EventPublisher(connection, { clock: systemClock, confirmTimeoutMs: CONFIRM_TIMEOUT_MS });
  });
  afterEach(async () => {
    publisher.close();
    await connection.close();
    await proxy.close();
  });

  const countOf = async (): Promise<number> =>
    (await connection.queueDeclare({ queue: QUEUE, passive: true })).messageCount;

  it('are asked for again: the relay publishes the same events under the same ids, and its checkpoint moves', async () => {
    const log = new InMemoryLog();
    const journal = new InMemoryJournalStore(log);
    const store = new InMemoryRelayStore();
    const kept = keptLog();
    const relay = new EventRelay({
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
    const rows = placed(
      head,
      Array.from({ length: 25 }, (_, n) => ({
        ...{ shard: SHARD, entityId: `ord_${orderIdOf(n)}`, version: 1, commandId: 'c', wakeAt: null, at: ROW_AT },
        ...{ events: JSON.stringify([CONFIRMED]), meta: null },
      })),
    );
    await journal.append(rows);
    proxy.isDropping = true;
    for (const row of rows) relay.committed({ ...row, events: [CONFIRMED] });
    await waitUntil('the broker has them all', async () => (await countOf()) === rows.length);
    await waitUntil('their confirms are lost', () => proxy.dropped > 0);
    proxy.isDropping = false;
    await waitUntil(
      'all are published',
      () => relay.figures.lagRows === 0,
      () => relay.figures,
    );
    await relay.close();
    expect((await store.checkpoints([SHARD])).get(SHARD)).to.equal(rows.at(-1)!.seq);
    expect(kept.lines.filter(({ msg }) => msg === 'an event could not be published; trying again')).to.have.length(1);
    const ids: string[] = [];
    for (let left = await countOf(); left > 0; left--)
      ids.push((await connection.basicGet({ queue: QUEUE, noAck: true }))!.messageId!);
    expect(ids.length, 'some came twice').to.be.greaterThan(rows.length);
    expect(new Set(ids).size, 'under no other id').to.equal(rows.length);
  });

  it('of a few reject those alone that have none, while others go through', async () => {
    const outcomes: unknown[] = [];
    const publish = (messageId: string): void =>
      publisher.publish(
        { routingKey: 'order.created.v1', messageId, timestampSeconds: 1, headers: {}, body: '{}' },
        { resolve: () => outcomes.push(messageId), reject: (error) => outcomes.push([messageId, error]) },
      );
    publish('early');
    await waitUntil('it is confirmed', () => outcomes.length === 1);
    proxy.isDropping = true;
    publish('lost');
    await waitUntil('its confirm is lost', () => proxy.dropped === 1);
    proxy.isDropping = false;
    for (let n = 0; outcomes.length < 2 + n;) {
      await new Promise(setImmediate);
      const isAnswered = outcomes.length === 1 + n;
      if (isAnswered && n < 5) publish(`late-${n++}`);
      if (outcomes.some((outcome) => Array.isArray(outcome))) break;
    }
    const lost = outcomes.filter((outcome) => Array.isArray(outcome)) as [string, unknown][];
    expect(lost.map(([messageId]) => messageId)).to.deep.equal(['lost']);
    expect(lost[0]![1]).to.be.instanceOf(ConfirmTimeoutError);
    publish('again');
    await waitUntil('the fresh channel works', () => outcomes.includes('again'));
  });

  it('of a command’s copy or answer fail in time, and what is published next goes through', async () => {
    const copies = new ConfirmedPublisher(connection, { clock: systemClock, confirmTimeoutMs: CONFIRM_TIMEOUT_MS });
    const envelope = { exchange: '', routingKey: QUEUE, messageId: 'm-1' };
    proxy.isDropping = true;
    const failures = await Promise.all(
      [copies.publish(envelope, Buffer.from('{}')), copies.publishIfRouted(envelope, Buffer.from('{}'))].map(
        (sending) => sending.catch((error: unknown) => error),
      ),
    );
    for (const failure of failures) expect(failure).to.be.instanceOf(ConfirmTimeoutError);
    proxy.isDropping = false;
    await copies.publish(envelope, Buffer.from('{}'));
    await copies.publishIfRouted(envelope, Buffer.from('{}'));
    await copies.close();
  });
});
