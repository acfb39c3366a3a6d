/** Commands through a real broker, into the real edge over actors in memory. */
import { expect } from 'chai';
import { Connection, type Envelope, type Publisher } from 'rabbitmq-client';
import { idOfMessage } from '../../http/idempotency.ts';
import { systemClock } from '../../kernel/clock.ts';
import { orderBody, startEdge, type EdgeHarness } from '../../test/support/edge-harness.ts';
import { scratchBrokerOrSkip, type ScratchBroker } from '../../test/support/rabbitmq-broker.ts';
import { silentLog } from '../../test/support/silent-log.ts';
import { waitUntil } from '../../test/support/wait-until.ts';
import { applyTopology } from '../rabbitmq/declare-topology.ts';
import { COMMANDS_EXCHANGE, COMMANDS_QUEUE, DEAD_LETTER_QUEUE, ordersTopology } from '../rabbitmq/topology.ts';
import { CommandConsumer } from './command-consumer.ts';
import { redriveDeadLetters, visitDeadLetters, type DeadLetter } from './dead-letters.ts';
import type { CommandPort } from './command-port.ts';

const NAMESPACE = '6ba7b810-9dad-41d1-80b4-00c04fd430c8';
const DELIVERY_LIMIT = 2;
const TOPOLOGY = ordersTopology({ retryDelaysMs: [40, 80, 160], deliveryLimit: DELIVERY_LIMIT });
const NEVER_PLACED = '019bc186-de00-7a9a-b202-e3cce335a4d4';
const ORDERS_ASKED = 100;

describe('commands from RabbitMQ', () => {
  let broker: ScratchBroker;
  let connection: Connection;
  let publisher: Publisher;
  let edge: EdgeHarness;
  let consumers: CommandConsumer[];

  before(async function () {
    broker = await scratchBrokerOrSkip(this);
    connection = open(broker.url);
    publisher = connection.createPublisher({ confirm: true });
    await applyTopology(connection, TOPOLOGY);
  });
  after(async () => {
    await publisher?.close();
    await connection?.close();
    await broker?.drop();
  });
  beforeEach(async () => {
    consumers = [];
    edge = await startEdge();
    const items = ['P1', 'P2'].map((productId) => ({ productId, onHand: 100_000 }));
    await edge.send('/api/v1/stock/batch', { method: 'POST', token: edge.tokens.admin, json: { items } });
  });
  afterEach(async () => {
    await Promise.all(consumers.map((consumer) => consumer.drain(5_000)));
    for (const { name } of TOPOLOGY.queues) await connection.queuePurge(name);
    await edge.close();
  });

  function open(url: string): Connection {
    const opened = new Connection({ url, retryLow: 50, retryHigh: 200 });
    opened.on('error', () => undefined);
    return opened;
  }
  function consume(commands: CommandPort = edge.edge.commands, own = connection): CommandConsumer {
    const rungs = TOPOLOGY.retryRungs;
    const consumer = new CommandConsumer({ connection: own, commands, clock: systemClock, log: silentLog, rungs });
    consumers.push(consumer);
    consumer.start();
    return consumer;
  }
  async function send(command: string, messageId: string, body: unknown, changes: Envelope = {}): Promise<void> {
    const routingKey = `order.${command}.v1`;
    const envelope = { exchange: COMMANDS_EXCHANGE, routingKey, messageId, appId: 'shop', durable: true, ...changes };
    await publisher.send(envelope, body);
  }
  const place = (messageId: string, changes?: Envelope): Promise<void> =>
    send('place', messageId, orderBody({ customerId: 'carol' }), changes);
  const orderOf = (messageId: string): string => idOfMessage(NAMESPACE, { kind: 'app', name: 'shop' }, messageId);
  async function statusOf(messageId: string): Promise<unknown> {
    const { body } = await edge.send(`/api/v1/orders/${orderOf(messageId)}`, { token: edge.tokens.support });
    return body['status'];
  }
  async function orderCount(): Promise<number> {
    const { body } = await edge.send(`/api/v1/orders?limit=${ORDERS_ASKED}`, { token: edge.tokens.support });
    return (body['data'] as unknown[]).length;
  }
  async function letters(): Promise<DeadLetter[]> {
    const found: DeadLetter[] = [];
    await visitDeadLetters(connection, (letter) => found.push(letter) > 0);
    // A quorum queue takes them back a moment after the channel is closed.
    await untilPutAside(found.length);
    return found;
  }
  const countOf = async (queue: string): Promise<number> =>
    (await connection.queueDeclare({ queue, passive: true })).messageCount;
  const untilPutAside = (count: number): Promise<void> =>
    waitUntil(`${count} are put aside`, async () => (await countOf(DEAD_LETTER_QUEUE)) >= count);

  it('performs a command and leaves nothing behind', async () => {
    const consumer = consume();
    await place('m-1');
    await waitUntil(
      'it is handled',
      () => consumer.figures.handled === 1,
      () => consumer.figures,
    );
    expect(await statusOf('m-1')).to.equal('Confirmed');
    for (const { name } of TOPOLOGY.queues) expect(await countOf(name)).to.equal(0);
  });

  it('parses no body that is larger or nested deeper than a command may be', async () => {
    const json = { contentType: 'application/json' };
    const parse = JSON.parse;
    let longest = 0;
    JSON.parse = (text: string, ...rest: []) => {
      longest = Math.max(longest, text.length);
      return parse(text, ...rest) as unknown;
    };
    try {
      const consumer = consume();
      await send('place', 'large', Buffer.from('['.repeat(4 * 1024 * 1024)), json);
      await send('place', 'deep', Buffer.from('['.repeat(1024 * 1024)), json);
      await waitUntil(
        'both are put aside',
        () => consumer.figures.deadLettered === 2,
        () => consumer.figures,
      );
    } finally {
      JSON.parse = parse;
    }
    expect(longest).to.be.below(10_000);
    const reasons = (await letters()).map(({ id, reason }) => [id, reason]);
    expect(reasons).to.have.deep.members([
      ['large', 'payload_too_large'],
      ['deep', 'too_deep'],
    ]);
  });

  it('takes a body with a byte order mark, of a type with harmless parameters', async () => {
    const consumer = consume();
    const body = Buffer.from(`\ufeff${JSON.stringify(orderBody({ customerId: 'carol' }))}`);
    for (const [index, contentType] of ['application/json;', 'application/json; charset="UTF8"'].entries()) {
      await send('place', `m-${index}`, body, { contentType });
    }
    await waitUntil(
      'both are handled',
      () => consumer.figures.handled === 2,
      () => consumer.figures,
    );
  });

  it('has one effect of a message that comes often', async () => {
    const consumer = consume();
    await Promise.all(Array.from({ length: 20 }, (_, index) => place(`m-${index % 4}`)));
    await waitUntil(
      'all are handled',
      () => consumer.figures.handled === 20,
      () => consumer.figures,
    );
    expect(await orderCount()).to.equal(4);
  });

  it('puts aside what can never succeed, each with its reason, and goes on', async () => {
    const consumer = consume();
    await send('place', 'm-1', Buffer.from('{"customerId":'), { contentType: 'application/json' });
    await send('ship', 'm-2', { orderId: NEVER_PLACED });
    await send('place', 'm-3', orderBody(), { routingKey: 'order.place.v2' });
    await send('place', 'm-4', orderBody({ surplus: 1 }));
    await send('place', '', orderBody());
    await place('m-6');
    await waitUntil(
      'the good one is handled',
      () => consumer.figures.handled === 1,
      () => consumer.figures,
    );
    await untilPutAside(5);
    const found = (await letters()).map(({ id, routingKey, reason, attempts }) => [id, routingKey, reason, attempts]);
    const unnamed = found.find(([, , reason]) => reason === 'message_id_invalid')?.[0];
    expect(found).to.have.deep.members([
      ['m-1', 'order.place.v1', 'malformed_json', 1],
      ['m-2', 'order.ship.v1', 'unknown_type', 1],
      ['m-3', 'order.place.v2', 'unknown_version', 1],
      ['m-4', 'order.place.v1', 'validation_failed', 1],
      [unnamed, 'order.place.v1', 'message_id_invalid', 1],
    ]);
    expect(unnamed).to.match(/^content-[0-9a-f]{12}$/);
    expect(
      (await letters()).map(({ id }) => id),
      'looking changes nothing',
    ).to.deep.equal(found.map(([id]) => id));
  });

  it('lets a cancellation overtake its order', async () => {
    const consumer = consume();
    await send('cancel', 'm-2', { orderId: orderOf('m-1'), reason: 'changed my mind' });
    await waitUntil(
      'it waits',
      () => consumer.figures.retried > 0,
      () => consumer.figures,
    );
    await place('m-1');
    await waitUntil(
      'both are handled',
      () => consumer.figures.handled === 2,
      () => consumer.figures,
    );
    expect(await statusOf('m-1')).to.equal('Cancelled');
    expect(await letters()).to.deep.equal([]);
  });

  it('gives up an order that never comes, and brings the message back once it has come', async () => {
    const consumer = consume();
    await send('cancel', 'm-2', { orderId: orderOf('m-1'), reason: 'r' });
    await untilPutAside(1);
    const [letter] = await letters();
    expect(letter).to.include({ id: 'm-2', routingKey: 'order.cancel.v1', reason: 'not_found', attempts: 4 });
    await place('m-1');
    await waitUntil(
      'it has come',
      () => consumer.figures.handled === 1,
      () => consumer.figures,
    );
    expect(await redriveDeadLetters(connection, systemClock, () => true)).to.deep.equal(['m-2']);
    await waitUntil('it is cancelled', async () => (await statusOf('m-1')) === 'Cancelled');
    expect(await letters()).to.deep.equal([]);
  });

  it('answers who asked with the order, or with the problem', async () => {
    consume();
    const client = connection.createRPCClient({ confirm: true });
    const ask = async (command: string, messageId: string, body: unknown) => {
      const envelope = { exchange: COMMANDS_EXCHANGE, routingKey: `order.${command}.v1`, messageId, appId: 'shop' };
      return (await client.send(envelope, body)).body as Readonly<Record<string, unknown>>;
    };
    try {
      const placed = await ask('place', 'm-1', orderBody({ customerId: 'carol' }));
      expect(placed).to.have.keys('ok', 'order').and.include({ ok: true });
      expect(placed['order']).to.include({ orderId: orderOf('m-1'), customerId: 'carol' });
      await ask('cancel', 'm-2', { orderId: orderOf('m-1'), reason: 'r' });
      const refused = await ask('confirm', 'm-3', { orderId: orderOf('m-1') });
      expect(refused).to.have.keys('ok', 'problem').and.include({ ok: false });
      expect(refused['problem']).to.include({ code: 'illegal_transition', status: 409, from: 'Cancelled' });
      expect(await letters()).to.deep.equal([]);
      const invalid = await ask('place', 'm-4', {});
      expect(invalid['problem']).to.include({ code: 'validation_failed', status: 400 });
    } finally {
      await client.close();
    }
  });

  it("passes on another user's message, which the broker would refuse under that name", async () => {
    const url = await broker.addUser('sender');
    const user = decodeURIComponent(new URL(url).username);
    const theirs = open(url);
    const theirPublisher = theirs.createPublisher({ confirm: true });
    const consumer = consume();
    const envelope = { exchange: COMMANDS_EXCHANGE, routingKey: 'order.cancel.v1', messageId: 'm-1', userId: user };
    const orderId = idOfMessage(NAMESPACE, { kind: 'user', name: user }, 'm-2');
    await theirPublisher.send(envelope, { orderId, reason: 'r' });
    await waitUntil(
      'it waits',
      () => consumer.figures.retried > 0,
      () => consumer.figures,
    );
    await theirPublisher.send(
      { ...envelope, routingKey: 'order.place.v1', messageId: 'm-2' },
      orderBody({ customerId: 'c' }),
    );
    await waitUntil(
      'both are handled',
      () => consumer.figures.handled === 2,
      () => consumer.figures,
    );
    expect(consumer.figures).to.include({ deadLettered: 0, requeued: 0 });
    await theirPublisher.close();
    await theirs.close();
  });

  it('writes into no queue but the sender’s own: a command that names another is put aside', async () => {
    const consumer = consume();
    const sender = await broker.addUser('deputy');
    const user = decodeURIComponent(new URL(sender).username);
    const theirs = open(sender);
    const theirPublisher = theirs.createPublisher({ confirm: true });
    const victim = 'other.replies.1';
    const own = `${user}.replies.1`;
    for (const queue of [victim, own]) await connection.queueDeclare({ queue });
    const placing = { exchange: COMMANDS_EXCHANGE, routingKey: 'order.place.v1', userId: user };
    const body = orderBody({ customerId: 'c' });
    for (const [index, replyTo] of [victim, COMMANDS_QUEUE, DEAD_LETTER_QUEUE].entries())
      await theirPublisher.send({ ...placing, messageId: `r-${index}`, replyTo }, body);
    await place('app', { replyTo: 'shop.replies.1' });
    await theirPublisher.send({ ...placing, messageId: 'r-own', replyTo: own }, body);
    await waitUntil('the one with its own queue is handled', () => consumer.figures.handled === 1);
    await untilPutAside(4);
    expect((await letters()).map(({ id, reason }) => [id, reason])).to.have.deep.members(
      ['r-0', 'r-1', 'r-2', 'app'].map((id) => [id, 'reply_to_refused']),
    );
    expect(await orderCount(), 'none of them was performed').to.equal(1);
    await waitUntil('it is answered', async () => (await countOf(own)) === 1);
    expect([await countOf(victim), await countOf(COMMANDS_QUEUE)]).to.deep.equal([0, 0]);
    for (const queue of [victim, own]) await connection.queueDelete(queue);
    await theirPublisher.close();
    await theirs.close();
  });

  it('believes its own headers only on its own copies, whichever way an imitation comes', async () => {
    const forged = { 'x-user-id': 'victim', 'x-routing-key': 'order.place.v1', 'x-attempts': 3, 'x-failures': 3 };
    const letterOf = { 'x-reason': 'forged', 'x-detail': 'forged', 'x-failed-at': '2020-01-01T00:00:00Z' };
    const body = orderBody({ customerId: 'carol' });
    // By way of the dead-letter queue, as what expires goes; and by the queue's name through the exchange.
    await send('place', 'i-2', body, { headers: { ...forged, ...letterOf }, expiration: '1' });
    await send('place', 'i-3', body, { routingKey: COMMANDS_QUEUE, headers: forged, expiration: '1' });
    await untilPutAside(2);
    const found = (await letters()).map(({ id, reason, attempts, failedAt }) => [id, reason, attempts, failedAt]);
    expect(found.map(([id, reason]) => [id, reason])).to.have.deep.members([
      ['i-2', 'expired'],
      ['i-3', 'expired'],
    ]);
    for (const [, , attempts, failedAt] of found) {
      expect(attempts).to.equal(undefined);
      expect(failedAt).not.to.equal(letterOf['x-failed-at']);
    }
    const consumer = consume();
    await send('place', 'i-1', body, { routingKey: COMMANDS_QUEUE, headers: forged });
    await untilPutAside(3);
    await redriveDeadLetters(connection, systemClock, ({ id }) => id !== 'i-1');
    await waitUntil('the one with a name of its own is handled', () => consumer.figures.handled === 1);
    await untilPutAside(2);
    const victims = idOfMessage(NAMESPACE, { kind: 'user', name: 'victim' }, 'i-2');
    const { status } = await edge.send(`/api/v1/orders/${victims}`, { token: edge.tokens.support });
    expect(status, 'no order of the victim').to.equal(404);
    expect(await statusOf('i-2')).to.equal('Confirmed');
    expect((await letters()).map(({ id, reason }) => [id, reason])).to.have.deep.members([
      ['i-1', 'unknown_type'],
      ['i-3', 'sender_invalid'],
    ]);
  });

  it('puts aside a message whose readers die, and can bring it back', async () => {
    await send('cancel', 'm-1', { orderId: NEVER_PLACED, reason: 'r' });
    for (let deaths = 0; deaths <= DELIVERY_LIMIT; deaths++) {
      const reader = open(broker.url);
      const channel = await reader.acquire();
      const taken = new Promise((resolve) => void channel.basicConsume({ queue: COMMANDS_QUEUE }, resolve));
      await taken;
      reader.unsafeDestroy();
      await waitUntil(
        'it is back',
        async () => (await countOf(COMMANDS_QUEUE)) + (await countOf(DEAD_LETTER_QUEUE)) > 0,
      );
    }
    await untilPutAside(1);
    const [letter] = await letters();
    expect(letter).to.include({ id: 'm-1', routingKey: 'order.cancel.v1', reason: 'delivery_limit' });
    expect(letter?.failedAt).to.be.a('string');
    // Its history at the broker must not make the broker take the ladder for a loop.
    consume();
    await redriveDeadLetters(connection, systemClock, () => true);
    await untilPutAside(1);
    expect((await letters())[0]).to.include({ id: 'm-1', reason: 'not_found', attempts: 4 });
  });

  it('gives back what it has not begun, and finishes what it has, when it drains', async () => {
    const release: (() => void)[] = [];
    const held: CommandPort = {
      routingKeys: edge.edge.commands.routingKeys,
      perform: async (command) => {
        await new Promise<void>((resolve) => release.push(resolve));
        return edge.edge.commands.perform(command);
      },
      describe: (fault, context) => edge.edge.commands.describe(fault, context),
    };
    const options = { connection, commands: held, clock: systemClock, log: silentLog, rungs: TOPOLOGY.retryRungs };
    const consumer = new CommandConsumer({ ...options, prefetch: 2 });
    consumer.start();
    for (let index = 0; index < 5; index++) await place(`m-${index}`);
    await waitUntil('two are in hand', () => consumer.figures.inHand === 2);
    const drained = consumer.drain(10_000);
    for (const go of release) go();
    await drained;
    expect(consumer.figures).to.include({ handled: 2, inHand: 0 });
    expect(await countOf(COMMANDS_QUEUE)).to.equal(3);
  });

  it('begins when the queue is there, however late', async () => {
    await connection.queueDelete(COMMANDS_QUEUE);
    const consumer = consume();
    await applyTopology(connection, TOPOLOGY);
    await place('m-1');
    await waitUntil(
      'it is handled',
      () => consumer.figures.handled === 1,
      () => consumer.figures,
    );
  });

  it('keeps every message when the one who sends them back is killed', async () => {
    for (let index = 0; index < 5; index++) await place(`m-${index}`, { exchange: 'orders.dlx' });
    const killed = open(broker.url);
    let seen = 0;
    const outcome = await redriveDeadLetters(killed, systemClock, () => {
      if (++seen === 3) killed.unsafeDestroy();
      return true;
    }).catch((error: unknown) => error);
    expect(outcome).to.be.instanceOf(Error);
    await waitUntil('the broker has noticed', async () => (await countOf(DEAD_LETTER_QUEUE)) >= 3);
    const consumer = consume();
    await redriveDeadLetters(connection, systemClock, () => true);
    await waitUntil(
      'all are handled',
      () => consumer.figures.handled >= 5,
      () => consumer.figures,
    );
    expect(await orderCount()).to.equal(5);
    expect(await letters()).to.deep.equal([]);
  });

  // The last one: doubles of what was cut may still be on their way through the ladder when it ends.
  it('loses nothing and doubles no effect when its connection is cut under it', async () => {
    const own = open(broker.url);
    let begun = 0;
    let release = (): void => undefined;
    const gate = new Promise<void>((resolve) => (release = resolve));
    const held: CommandPort = {
      routingKeys: edge.edge.commands.routingKeys,
      perform: async (command) => {
        const isHeld = ++begun > 30;
        const outcome = await edge.edge.commands.perform(command);
        // Committed, and not acknowledged yet.
        if (isHeld) await gate;
        return outcome;
      },
      describe: (fault, context) => edge.edge.commands.describe(fault, context),
    };
    for (let index = 0; index < 60; index++) await place(`m-${index}`);
    for (let index = 0; index < 30; index++) await send('cancel', `c-${index}`, { orderId: NEVER_PLACED, reason: 'r' });
    const consumer = consume(held, own);
    await waitUntil('all are begun', () => begun >= 90);
    await broker.closeConnections();
    release();
    // The connection that this test reads by is cut as well: a read may end with it.
    const idsPutAside = async (): Promise<number> =>
      new Set((await letters().catch(() => [])).map(({ id }) => id)).size;
    await waitUntil('all have their outcome', async () => (await idsPutAside()) === 30 && (await orderCount()) === 60);
    await waitUntil('nothing is in hand', () => consumer.figures.inHand === 0);
    expect(begun, 'what was cut off came again').to.be.greaterThan(90);
    expect(await orderCount()).to.equal(60);
    await consumer.drain(5_000);
    await own.close();
  });
});
