/**
 * Parts of the topology that are deleted while nodes run; for consumers and the relay see deleted-parts.int.spec.ts.
 */
import { expect } from 'chai';
import { Connection } from 'rabbitmq-client';
import { systemClock } from '../../kernel/clock.ts';
import { scratchBrokerOrSkip, type ScratchBroker } from '../../test/support/rabbitmq-broker.ts';
import { keptLog } from '../../test/support/silent-log.ts';
import { waitUntil } from '../../test/support/wait-until.ts';
import { ConfirmedPublisher } from '../commands/confirmed-publisher.ts';
import { Broker } from './broker.ts';
import { diffTopology } from './declare-topology.ts';
import { PreparedBroker } from './prepared-broker.ts';
import { COMMANDS_EXCHANGE, ordersTopology, UNROUTED } from './topology.ts';

const RENEW_MS = 100;

describe('a prepared broker', () => {
  const topology = ordersTopology();
  let scratch: ScratchBroker;
  let connection: Connection;
  let broker: Broker;

  before(async function () {
    scratch = await scratchBrokerOrSkip(this);
    connection = new Connection(scratch.url);
    connection.on('error', () => undefined);
  });
  after(async () => {
    await connection?.close();
    await scratch?.drop();
  });
  afterEach(() => broker?.close());

  it('makes every exchange, queue and binding again that is deleted', async () => {
    const kept = keptLog();
    broker = new Broker({ url: scratch.url, name: 'test', clock: systemClock, log: kept.log });
    const prepared = new PreparedBroker(broker, { topology, clock: systemClock, log: kept.log, renewMs: RENEW_MS });
    await waitUntil('it is ready', () => prepared.isReady);
    for (const { name } of topology.exchanges) await connection.exchangeDelete({ exchange: name });
    for (const { name } of topology.queues) await connection.queueDelete(name);
    await waitUntil('all stands again', async () => (await diffTopology(connection, topology)).length === 0);
    const publisher = new ConfirmedPublisher(connection, { clock: systemClock });
    await waitUntil('the queue is bound', () =>
      publisher.publish({ exchange: COMMANDS_EXCHANGE, routingKey: 'order.place.v1' }, Buffer.from('{}')).then(
        () => true,
        () => false,
      ),
    );
    await publisher.close();
  });

  it('names what stands with other arguments once, however often it looks', async () => {
    await connection.queueDelete(UNROUTED);
    await connection.queueDeclare({ queue: UNROUTED, durable: true });
    const kept = keptLog();
    broker = new Broker({ url: scratch.url, name: 'test', clock: systemClock, log: kept.log });
    const prepared = new PreparedBroker(broker, { topology, clock: systemClock, log: kept.log, renewMs: RENEW_MS });
    await waitUntil('it is ready', () => prepared.isReady);
    await connection.exchangeDelete({ exchange: COMMANDS_EXCHANGE });
    await waitUntil(
      'it has looked again',
      async () => !(await diffTopology(connection, topology)).some(({ state }) => state === 'missing'),
    );
    expect(kept.lines.filter(({ name }) => name === UNROUTED)).to.have.length(1);
  });
});
