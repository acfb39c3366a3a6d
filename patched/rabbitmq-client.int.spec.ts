/** Why rabbitmq-client is patched. Where one of these fails, the patch that it names can go. */
import { expect } from 'chai';
import { Connection } from 'rabbitmq-client';
import { scratchBrokerOrSkip, type ScratchBroker } from '../test/support/rabbitmq-broker.ts';
import { stateOf } from './rabbitmq-channel.ts';
import { withRawBodies } from './rabbitmq-raw-bodies.ts';

const QUEUE = 'patched';
const JSON_BODY = { contentType: 'application/json', routingKey: QUEUE };

describe('rabbitmq-client by itself', () => {
  let broker: ScratchBroker;
  let connection: Connection;

  before(async function () {
    broker = await scratchBrokerOrSkip(this);
    connection = new Connection(broker.url);
    await connection.queueDeclare({ queue: QUEUE, durable: false });
  });
  after(async () => {
    await connection?.close();
    await broker?.drop();
  });

  it('parses what says that it is JSON; with `withRawBodies` the bytes come as they are', async () => {
    const received: unknown[] = [];
    for (const each of [connection, withRawBodies(connection)]) {
      const channel = await each.acquire();
      await channel.basicPublish(JSON_BODY, Buffer.from('[1]'));
      const message = await channel.basicGet({ queue: QUEUE, noAck: true });
      received.push(message?.body);
      await channel.close();
    }
    expect(received).to.deep.equal([[1], Buffer.from('[1]')]);
  });

  it('writes several pieces for a message: `PublishingChannel` writes one for many', async () => {
    const channel = await connection.acquire();
    const { stream } = stateOf(channel);
    const socket = (stream as unknown as { readonly _out: { write(...args: unknown[]): boolean } })._out;
    let pieces = 0;
    const write = socket.write.bind(socket);
    socket.write = (...args) => (pieces++, write(...args));
    await channel.basicPublish(JSON_BODY, Buffer.from('[1]'));
    socket.write = write;
    expect(pieces).to.be.at.least(2);
    await channel.close();
  });
});
