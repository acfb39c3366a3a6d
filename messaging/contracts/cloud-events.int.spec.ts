/** Every event over a real broker, as an integrator with the CloudEvents SDK meets it. */
import { expect } from 'chai';
import { CloudEvent } from 'cloudevents';
import { Connection, type SyncMessage } from 'rabbitmq-client';
import { PUBLIC_EVENTS } from '../../actors/index.ts';
import { systemClock } from '../../kernel/clock.ts';
import { journaledSample, testMessages, testOrigin } from '../../test/support/message-origin.ts';
import { scratchBrokerOrSkip, type ScratchBroker } from '../../test/support/rabbitmq-broker.ts';
import { EventPublisher } from '../relay/event-publisher.ts';

const QUEUE = 'taker';

/** CloudEvents over AMQP, binary mode: attributes are headers, the body is the data. @throws where it is no valid event. */
function received({ headers, contentType, body }: SyncMessage): CloudEvent<unknown> {
  const attributes: Record<string, unknown> = { datacontenttype: contentType, data: body as unknown };
  for (const [name, value] of Object.entries(headers ?? {}))
    if (name.startsWith('cloudEvents_')) attributes[name.slice('cloudEvents_'.length)] = value;
  return new CloudEvent(attributes, true);
}

describe('events, as the CloudEvents SDK reads them', () => {
  let broker: ScratchBroker;
  let connection: Connection;

  before(async function () {
    broker = await scratchBrokerOrSkip(this);
    connection = new Connection(broker.url);
    await connection.queueDeclare({ queue: QUEUE, durable: true });
  });
  after(async () => {
    await connection?.close();
    await broker?.drop();
  });

  for (const publicUrl of [undefined, 'https://shop.example.com']) {
    it(`are valid, each of them, ${publicUrl === undefined ? 'without' : 'with'} PUBLIC_URL`, async () => {
      const publisher = new EventPublisher(connection, { clock: systemClock, destination: { queue: QUEUE } });
      const origin = testOrigin(publicUrl);
      for (const type of PUBLIC_EVENTS.types) {
        const message = testMessages(origin).messageOf(journaledSample(type))!;
        await new Promise<void>((resolve, reject) => publisher.publish(message, { resolve, reject }));
        const taken = await connection.basicGet({ queue: QUEUE, noAck: true });
        const event = received(taken!);
        expect(event.validate(), type).to.equal(true);
        expect(event.id).to.equal(taken!.messageId);
        expect([event.type, event.source]).to.deep.equal([type, origin.source]);
      }
      publisher.close();
    });
  }
});
