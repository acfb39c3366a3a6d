/** Parts that are deleted on the broker under running publishers and consumers are made again, and they go on. */
import { KINDS } from '../../actors/index.ts';
import { expect } from 'chai';
import { Connection, type Publisher } from 'rabbitmq-client';
import { systemClock } from '../../kernel/clock.ts';
import { InMemoryJournalStore, InMemoryLog } from '../../persistence/in-memory/journal-store.ts';
import { InMemoryRelayStore } from '../../persistence/in-memory/relay-store.ts';
import { placed, ROW_AT, take } from '../../test/support/journal-rows.ts';
import { ROUTING_KEYS } from '../../test/support/command-messages.ts';
import { testMessages } from '../../test/support/message-origin.ts';
import { orderIdOf } from '../../test/support/order-states.ts';
import { scratchBrokerOrSkip, type ScratchBroker } from '../../test/support/rabbitmq-broker.ts';
import { keptLog } from '../../test/support/silent-log.ts';
import { waitUntil } from '../../test/support/wait-until.ts';
import { CommandConsumer } from '../commands/command-consumer.ts';
import type { CommandOutcome, CommandPort } from '../commands/command-port.ts';
import { EventPublisher } from '../relay/event-publisher.ts';
import { EventRelay } from '../relay/event-relay.ts';
import { Broker } from './broker.ts';
import { diffTopology } from './declare-topology.ts';
import { PreparedBroker } from './prepared-broker.ts';
import {
  CLAIM_EXCHANGE,
  COMMANDS_EXCHANGE,
  COMMANDS_QUEUE,
  DEAD_LETTER_EXCHANGE,
  DEAD_LETTER_QUEUE,
  EVENTS_EXCHANGE,
  ordersTopology,
  RETRY_EXCHANGE,
  UNROUTED,
} from './topology.ts';

const TOPOLOGY = ordersTopology({
  retryDelaysMs: [40],
  deploymentId: 'aaaaaaaa-9b1f-4c57-8d3a-0a4f6f1f2b3c',
});
const RETRY_QUEUE = TOPOLOGY.queues.map(({ name }) => name).find((name) => name.startsWith(RETRY_EXCHANGE))!;
const [RUNG] = TOPOLOGY.retryRungs;
const SHARD = 3;
const NEVER_MS = 3_600_000;
const OFTEN_MS = 100;
const PROBLEM = { code: 'unavailable', detail: 'not now' } as never;
const CONFIRMED = { type: 'OrderConfirmed' } as const;

describe('parts of the topology that are deleted while nodes use them', () => {
  let scratch: ScratchBroker;
  let own: Connection;
  let sender: Publisher;
  let broker: Broker;
  let prepared: PreparedBroker;
  let consumer: CommandConsumer;
  let publisher: EventPublisher;
  let relay: EventRelay;
  let kept: ReturnType<typeof keptLog>;
  let commit: () => void;
  let mends: boolean;
  let outcome: () => CommandOutcome;

  before(async function () {
    scratch = await scratchBrokerOrSkip(this);
    own = new Connection(scratch.url);
    own.on('error', () => undefined);
    sender = own.createPublisher({ confirm: true });
  });
  after(async () => {
    await sender?.close();
    await own?.close();
    await scratch?.drop();
  });
  beforeEach(() => (mends = true));
  afterEach(async () => {
    await consumer.drain(2_000);
    await relay.close();
    publisher.close();
    await broker.close();
    for (const name of [COMMANDS_QUEUE, RETRY_QUEUE, DEAD_LETTER_QUEUE, UNROUTED]) await own.queuePurge(name);
  });

  async function start(lookIntervalMs: number, url = scratch.url): Promise<void> {
    kept = keptLog();
    broker = new Broker({ url, name: 'deleted-parts', clock: systemClock, log: kept.log });
    prepared = new PreparedBroker(broker, {
      topology: TOPOLOGY,
      clock: systemClock,
      log: kept.log,
      renewMs: lookIntervalMs,
    });
    await waitUntil('it is prepared', () => prepared.isReady);
    const onMissing = (): void => {
      if (mends) prepared.mend();
    };
    const perform = (): Promise<CommandOutcome> => Promise.resolve(outcome());
    outcome = () => ({ kind: 'done', answer: { order: {} } }) as never;
    const commands = { routingKeys: ROUTING_KEYS, perform, describe: () => PROBLEM } as unknown as CommandPort;
    const rungs = TOPOLOGY.retryRungs;
    const common = { clock: systemClock, log: kept.log, onMissing };
    consumer = new CommandConsumer({ ...common, connection: broker.connection, commands, rungs });
    consumer.start();
    publisher = new EventPublisher(broker.connection, { clock: systemClock });
    const journal = new InMemoryJournalStore(new InMemoryLog());
    relay = new EventRelay({
      kinds: KINDS,
      ...{ ...common, journal, store: new InMemoryRelayStore(), messages: testMessages() },
      publish: (message, confirm) => publisher.publish(message, confirm),
      publishUnrouted: (message, confirm) => publisher.publishUnrouted(message, confirm),
      gather: setImmediate,
      brokerIsUp: () => prepared.isReady,
    });
    const head = await take(journal, SHARD);
    relay.own(SHARD, head);
    await waitUntil('it has begun', () => relay.figures.lagRows === 0);
    commit = () => {
      const row = { shard: SHARD, entityId: `ord_${orderIdOf(1)}`, version: 1, commandId: 'c', wakeAt: null };
      const rows = placed(head, [{ ...row, at: ROW_AT, events: JSON.stringify([CONFIRMED]), meta: null }]);
      for (const each of rows) relay.committed({ ...each, events: [CONFIRMED] });
    };
    await place('first');
    await waitUntil('a command is handled', () => consumer.figures.handled === 1);
  }

  const place = (messageId: string): Promise<void> =>
    sender.send(
      { exchange: COMMANDS_EXCHANGE, routingKey: 'order.confirm.v1', messageId, appId: 'shop', mandatory: true },
      { orderId: orderIdOf(1) },
    );
  const healed = (): Promise<void> =>
    waitUntil(
      'all stands again and nothing is said to be wrong',
      async () =>
        (await diffTopology(own, TOPOLOGY)).length === 0 &&
        (consumer.trouble ?? relay.trouble ?? prepared.trouble) === undefined,
      () => [consumer.trouble, relay.trouble, prepared.trouble],
    );
  const handled = (count: number): Promise<void> =>
    waitUntil(
      `${count} are handled`,
      () => consumer.figures.handled === count,
      () => consumer.figures,
    );
  /** Bindings are made last, and can't be seen. */
  const taken = (): Promise<void> => {
    const { handled: before } = consumer.figures;
    return waitUntil('a command arrives', async () => {
      await place('next');
      return consumer.figures.handled > before;
    });
  };
  const countOf = async (queue: string): Promise<number> =>
    (await own.queueDeclare({ queue, passive: true })).messageCount;
  const commandIsRetried = async (): Promise<void> => {
    outcome = () =>
      consumer.figures.retried === 0
        ? { kind: 'retry', problem: PROBLEM }
        : ({ kind: 'done', answer: { order: {} } } as never);
    await place('again');
    await handled(2);
    expect(consumer.figures.retried).to.equal(1);
  };
  const commandIsPutAside = async (): Promise<void> => {
    outcome = () => ({ kind: 'invalid', problem: PROBLEM });
    await place('wrong');
    await waitUntil('it is put aside', () => consumer.figures.deadLettered === 1);
    await waitUntil('it is in the queue', async () => (await countOf(DEAD_LETTER_QUEUE)) === 1);
  };
  const commandIsHandled = async (): Promise<void> => {
    await healed();
    await taken();
  };
  const eventIsPublished = async (): Promise<void> => {
    commit();
    await waitUntil('it is published', () => relay.figures.published === 1);
    await waitUntil('it is in a queue', async () => (await countOf(UNROUTED)) === 1);
  };

  const onUse: readonly [kind: 'exchange' | 'queue', name: string, use: () => Promise<void>][] = [
    ['exchange', EVENTS_EXCHANGE, eventIsPublished],
    ['exchange', UNROUTED, eventIsPublished],
    ['queue', UNROUTED, eventIsPublished],
    ['queue', COMMANDS_QUEUE, commandIsHandled],
    ['exchange', RETRY_EXCHANGE, commandIsRetried],
    ['queue', RETRY_QUEUE, commandIsRetried],
    ['exchange', DEAD_LETTER_EXCHANGE, commandIsPutAside],
    ['queue', DEAD_LETTER_QUEUE, commandIsPutAside],
  ];
  for (const [kind, name, use] of onUse)
    it(`${kind} ${name} is made again when it is used, and the use succeeds`, async () => {
      await start(NEVER_MS);
      if (kind === 'exchange') await own.exchangeDelete({ exchange: name });
      else await own.queueDelete(name);
      await use();
      await healed();
      const made = kept.lines.flatMap((line) => (line['made'] as string[] | undefined) ?? []);
      expect(made).to.deep.equal([`${kind} ${name}`]);
    });

  for (const name of [COMMANDS_EXCHANGE, CLAIM_EXCHANGE])
    it(`exchange ${name}, which no node publishes to, is looked for and made again`, async () => {
      await start(OFTEN_MS);
      await own.exchangeDelete({ exchange: name });
      await commandIsHandled();
    });

  it('a binding of the commands that is gone is made again', async () => {
    await start(OFTEN_MS);
    await own.queueUnbind({ exchange: COMMANDS_EXCHANGE, queue: COMMANDS_QUEUE, routingKey: '#' });
    await taken();
  });

  it('a binding of a retry queue that is gone is made again when a copy comes back', async () => {
    await start(NEVER_MS);
    await own.queueUnbind({ exchange: RETRY_EXCHANGE, queue: RETRY_QUEUE, routingKey: RUNG! });
    await commandIsRetried();
  });

  it('all of it at once, twice in a row', async () => {
    await start(NEVER_MS);
    for (let round = 0; round < 2; round++) {
      for (const { name } of TOPOLOGY.queues) await own.queueDelete(name);
      for (const { name } of TOPOLOGY.exchanges) await own.exchangeDelete({ exchange: name });
      await waitUntil('it is noticed', () => consumer.trouble !== undefined || consumer.figures.handled > 0);
      await healed();
      await taken();
    }
    await eventIsPublished();
  });

  it('are told in plain words for as long as they are gone, and by the log', async () => {
    await start(NEVER_MS);
    mends = false;
    await own.queueDelete(COMMANDS_QUEUE);
    await own.exchangeDelete({ exchange: EVENTS_EXCHANGE });
    commit();
    await waitUntil('both are told', () => consumer.trouble !== undefined && relay.trouble !== undefined);
    expect([consumer.trouble, relay.trouble]).to.deep.equal([
      'no commands are taken from their queue',
      'events are refused; they wait',
    ]);
    expect(kept.lines.map(({ msg }) => msg)).to.include.members([
      'commands by RabbitMQ are not consumed; trying again',
      'an event could not be published; trying again',
    ]);
    prepared.mend();
    await healed();
  });

  it('that may not be declared are told at once', async () => {
    await start(NEVER_MS);
    const other = new Broker({
      url: await scratch.addUser('no-configure', ['^$', '.*', '.*']),
      name: 'no-configure',
      clock: systemClock,
      log: kept.log,
    });
    try {
      const refused = new PreparedBroker(other, {
        topology: TOPOLOGY,
        clock: systemClock,
        log: kept.log,
        renewMs: NEVER_MS,
      });
      await waitUntil('it is refused', () => refused.trouble !== undefined);
      expect(refused.trouble).to.equal('exchanges and queues could not be declared; messages wait');
      expect(refused.isReady).to.equal(false);
    } finally {
      await other.close();
    }
  });
});
