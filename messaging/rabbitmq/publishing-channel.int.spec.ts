/** Our own bytes, on a real broker: what goes in comes out as the client reads it, and each confirm finds its message. */
import { expect } from 'chai';
import { Connection, type AsyncMessage } from 'rabbitmq-client';
import { systemClock } from '../../kernel/clock.ts';
import { scratchBrokerOrSkip, type ScratchBroker } from '../../test/support/rabbitmq-broker.ts';
import { waitUntil } from '../../test/support/wait-until.ts';
import type { Publication } from './publication.ts';
import { UnpublishableError } from './publication.ts';
import { PublishingChannel, UnroutableError } from './publishing-channel.ts';

const QUEUE = 'taker';
/** The least that a broker must agree to. */
const SMALL_FRAME_BYTES = 4_096;

const publication = (changes: Partial<Publication> = {}): Publication => ({
  exchange: '',
  routingKey: QUEUE,
  type: 'order.created.v1',
  messageId: 's1-e2-q3-0',
  correlationId: '01JD0000000000000000000000',
  appId: 'holdfast',
  contentType: 'application/json',
  timestampSeconds: 1_790_000_000,
  headers: { cloudEvents_id: 's1-e2-q3-0', shard: 63 },
  body: '{"orderId":"01JD0000000000000000000000"}',
  ...changes,
});

describe('a channel that publishes many at once', () => {
  let broker: ScratchBroker;
  let connection: Connection;
  let channel: PublishingChannel;

  before(async function () {
    broker = await scratchBrokerOrSkip(this);
  });
  after(() => broker?.drop());
  beforeEach(async () => {
    connection = new Connection({ url: broker.url, frameMax: SMALL_FRAME_BYTES });
    connection.on('error', () => undefined);
    await connection.queueDeclare({ queue: QUEUE, durable: true });
    await connection.queuePurge(QUEUE);
    channel = await PublishingChannel.open(connection, systemClock);
  });
  afterEach(async () => {
    await channel?.close();
    await connection?.close();
  });

  const add = (each: Publication): Promise<void> =>
    new Promise((resolve, reject) => channel.add(each, { resolve, reject }));

  const publish = async (...all: readonly Publication[]): Promise<PromiseSettledResult<void>[]> => {
    const added = all.map(add);
    channel.write();
    return await Promise.allSettled(added);
  };

  const reasonOf = (result: PromiseSettledResult<void> | undefined): unknown =>
    result?.status === 'rejected' ? result.reason : undefined;

  async function taken(count: number): Promise<AsyncMessage[]> {
    const messages: AsyncMessage[] = [];
    const consumer = connection.createConsumer(
      { queue: QUEUE, queueOptions: { passive: true } },
      (message) => void messages.push(message),
    );
    await waitUntil(`${count} messages are there`, () => messages.length >= count);
    await consumer.close();
    return messages;
  }

  for (const [what, changes] of Object.entries<Partial<Publication>>({
    'an ordinary one': {},
    'one of no order': { correlationId: undefined },
    'letters of every size, in each field': {
      type: 'né.v1',
      headers: { sujet: 'ß – 漢 – 🛒', clé: 'é'.repeat(300) },
      body: JSON.stringify('ß – 漢 – 🛒'),
    },
    'whole numbers of every size': {
      headers: { zero: 0, one: 1, byte: 255, short: 65_536, int: 2 ** 31 - 1, more: 2 ** 31, most: 2 ** 53 - 1 },
    },
    'negative numbers': { headers: { byte: -1, int: -(2 ** 31) } },
    'no headers and nothing in it': { headers: {}, body: '' },
    'a body of many frames': { body: JSON.stringify('x'.repeat(5 * SMALL_FRAME_BYTES)) },
    'a body of exactly one frame': { body: 'x'.repeat(SMALL_FRAME_BYTES - 8) },
    'a body of one byte more': { body: 'x'.repeat(SMALL_FRAME_BYTES - 7) },
    'a body whose letters need more than it seems': { body: '漢'.repeat(SMALL_FRAME_BYTES / 2) },
  })) {
    it(`delivers ${what}, with its neighbours`, async () => {
      const sent = [
        publication({ messageId: 'before' }),
        publication({ ...changes, messageId: 'it' }),
        publication({ messageId: 'behind' }),
      ];
      for (const result of await publish(...sent)) expect(result.status).to.equal('fulfilled');
      const messages = await taken(3);
      messages.forEach((message, index) => {
        const { routingKey, timestampSeconds, body, exchange, ...properties } = sent[index]!;
        expect(message).to.deep.include({ exchange, routingKey, timestamp: timestampSeconds, durable: true });
        for (const [name, value] of Object.entries(properties))
          expect((message as unknown as Record<string, unknown>)[name], name).to.deep.equal(value);
        // The client takes JSON apart where the type says so.
        const text = body === '' || body.startsWith('x') || body.startsWith('漢') ? body : JSON.parse(body);
        expect(Buffer.isBuffer(message.body) ? message.body.toString() : message.body).to.deep.equal(text);
      });
    });
  }

  it('tells of each unroutable one, and of no other, many at once', async () => {
    const all = Array.from({ length: 500 }, (_, index) =>
      publication({ messageId: `m${index}`, routingKey: index % 3 === 0 ? 'nobody' : QUEUE }),
    );
    const results = await publish(...all);
    results.forEach((result, index) => {
      if (index % 3 === 0) expect(reasonOf(result), `m${index}`).to.be.instanceOf(UnroutableError);
      else expect(result.status, `m${index}`).to.equal('fulfilled');
    });
  });

  it('refuses what does not fit its field, and sends the others unharmed', async () => {
    const [before, tooLong, tooMuch, behind] = await publish(
      publication({ messageId: 'before' }),
      publication({ messageId: 'tooLong', type: 'x'.repeat(256) }),
      publication({ messageId: 'tooMuch', headers: { all: 'x'.repeat(SMALL_FRAME_BYTES) } }),
      publication({ messageId: 'behind' }),
    );
    expect(reasonOf(tooLong)).to.be.instanceOf(UnpublishableError);
    expect(reasonOf(tooMuch)).to.be.instanceOf(UnpublishableError);
    expect([before?.status, behind?.status]).to.deep.equal(['fulfilled', 'fulfilled']);
    expect((await taken(2)).map(({ messageId }) => messageId)).to.deep.equal(['before', 'behind']);
  });

  it('tells all who wait when the broker closes it, and then takes nothing more', async () => {
    const [lost] = await publish(publication({ exchange: 'there is no such exchange' }));
    expect(lost?.status).to.equal('rejected');
    expect(channel.isOpen).to.equal(false);
    const [late] = await publish(publication());
    expect(late?.status).to.equal('rejected');
  });

  it('tells all who wait when the connection is lost', async () => {
    const waiting = publish(...Array.from({ length: 100 }, (_, index) => publication({ messageId: `m${index}` })));
    connection.unsafeDestroy();
    for (const { status } of await waiting) expect(status).to.equal('rejected');
  });
});
