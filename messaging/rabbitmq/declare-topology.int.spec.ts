/** The topology on a real broker: made once, compared, and never forced. */
import { expect } from 'chai';
import { Connection } from 'rabbitmq-client';
import { scratchBrokerOrSkip, type ScratchBroker } from '../../test/support/rabbitmq-broker.ts';
import { applyTopology, diffTopology, verifyTopology, type Finding } from './declare-topology.ts';
import { COMMANDS_QUEUE, DEAD_LETTER_EXCHANGE, ordersTopology, UNROUTED } from './topology.ts';

const statesOf = (findings: readonly Finding[]): string[] => [...new Set(findings.map(({ state }) => state))];

describe('the topology on the broker', () => {
  let broker: ScratchBroker;
  let connection: Connection;

  beforeEach(async function () {
    broker = await scratchBrokerOrSkip(this);
    connection = new Connection(broker.url);
    connection.on('error', () => undefined);
  });
  afterEach(async () => {
    await connection?.close();
    await broker?.drop();
  });

  it('is missing on a new broker, and looking at it makes nothing', async () => {
    expect(statesOf(await verifyTopology(connection, ordersTopology()))).to.deep.equal(['missing']);
    expect(statesOf(await diffTopology(connection, ordersTopology()))).to.deep.equal(['missing']);
  });

  it('is made by the first apply and left as it is by the second', async () => {
    expect(statesOf(await applyTopology(connection, ordersTopology()))).to.deep.equal(['created']);
    expect(statesOf(await applyTopology(connection, ordersTopology()))).to.deep.equal(['present']);
    expect(statesOf(await verifyTopology(connection, ordersTopology()))).to.deep.equal(['present']);
    expect(await diffTopology(connection, ordersTopology())).to.deep.equal([]);
  });

  it('may be applied by several nodes at the same time', async () => {
    await Promise.all([1, 2, 3].map(() => applyTopology(connection, ordersTopology())));
    expect(await diffTopology(connection, ordersTopology())).to.deep.equal([]);
  });

  it('names what stands there with other arguments, makes the rest, and forces nothing', async () => {
    await connection.queueDeclare({ queue: COMMANDS_QUEUE, durable: true });
    await connection.exchangeDeclare({ exchange: DEAD_LETTER_EXCHANGE, type: 'direct', durable: true });
    const publisher = connection.createPublisher({ confirm: true });
    await publisher.send({ routingKey: COMMANDS_QUEUE, durable: true }, 'must stay');
    await publisher.close();

    const applied = await applyTopology(connection, ordersTopology());
    const different = applied.filter(({ state }) => state === 'different');
    expect(different.map(({ kind, name }) => `${kind} ${name}`)).to.deep.equal([
      `exchange ${DEAD_LETTER_EXCHANGE}`,
      `queue ${COMMANDS_QUEUE}`,
    ]);
    for (const { detail } of different) expect(detail).to.match(/inequivalent arg/);
    expect(applied.find(({ name, kind }) => name === UNROUTED && kind === 'queue')?.state).to.equal('created');

    expect(await diffTopology(connection, ordersTopology())).to.deep.equal(different);
    const { messageCount } = await connection.queueDeclare({ queue: COMMANDS_QUEUE, passive: true });
    expect(messageCount).to.equal(1);
  });

  it('keeps an event without a bound queue', async () => {
    await applyTopology(connection, ordersTopology());
    const publisher = connection.createPublisher({ confirm: true });
    await publisher.send({ exchange: 'orders.events', routingKey: 'order.created.v1' }, 'unseen');
    await publisher.close();
    const kept = await connection.basicGet({ queue: UNROUTED, noAck: true });
    expect(kept?.routingKey).to.equal('order.created.v1');
  });
});
