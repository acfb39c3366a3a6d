/** The command as people run it, on a real broker. */
import { expect } from 'chai';
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { Connection } from 'rabbitmq-client';
import { applyTopology } from '../messaging/rabbitmq/declare-topology.ts';
import {
  COMMANDS_QUEUE,
  DEAD_LETTER_EXCHANGE,
  DEAD_LETTER_QUEUE,
  ordersTopology,
} from '../messaging/rabbitmq/topology.ts';
import { scratchBrokerOrSkip, type ScratchBroker } from '../test/support/rabbitmq-broker.ts';
import { waitUntil } from '../test/support/wait-until.ts';

const COMMAND = fileURLToPath(new URL('./dlq.ts', import.meta.url));

describe('npm run dlq', () => {
  let broker: ScratchBroker;
  let connection: Connection;

  before(async function () {
    broker = await scratchBrokerOrSkip(this);
    connection = new Connection(broker.url);
    connection.on('error', () => undefined);
    await applyTopology(connection, ordersTopology());
  });
  after(async () => {
    await connection?.close();
    await broker?.drop();
  });
  afterEach(async () => {
    for (const queue of [COMMANDS_QUEUE, DEAD_LETTER_QUEUE]) await connection.queuePurge(queue);
  });

  async function dlq(args: string, url: string | undefined = broker.url) {
    return await new Promise<{ code: number; stdout: string; stderr: string }>((resolve) => {
      const env = { PATH: process.env['PATH'], ...(url !== '' && { AMQP_URL: url }) };
      const child = execFile(
        process.execPath,
        ['--import', 'tsx', COMMAND, ...args.split(' ')],
        { env },
        (_error, stdout, stderr) => resolve({ code: child.exitCode ?? -1, stdout, stderr }),
      );
    });
  }
  async function putAside(...messageIds: string[]): Promise<void> {
    const publisher = connection.createPublisher({ confirm: true });
    for (const messageId of messageIds) {
      const headers = {
        'x-reason': 'not_found',
        'x-detail': 'There is no such order.',
        'x-failed-at': '2026-01-15T12:00:00.000Z',
        'x-attempts': 4,
        'on-behalf-of': 'carol',
      };
      const envelope = { exchange: DEAD_LETTER_EXCHANGE, routingKey: 'order.cancel.v1', appId: 'shop', durable: true };
      await publisher.send({ ...envelope, messageId, headers }, { orderId: 'o-1', paymentMethod: { token: 'tok_x' } });
    }
    await publisher.close();
    await untilThere(DEAD_LETTER_QUEUE, messageIds.length);
  }
  const untilThere = (queue: string, count: number): Promise<void> =>
    waitUntil(`${queue} has ${count}`, async () => {
      return (await connection.queueDeclare({ queue, passive: true })).messageCount === count;
    });

  it('lists what is put aside, and leaves it there', async () => {
    await putAside('m-1', 'm-2');
    const { code, stdout } = await dlq('list');
    expect(code).to.equal(1);
    expect(stdout).to.match(
      /^2026-01-15T12:00:00.000Z {2}m-1 {2}order.cancel.v1 {2}not_found {2}4 attempts {2}There is no/m,
    );
    expect(stdout).to.match(/2 put aside\.\n$/);
    await untilThere(DEAD_LETTER_QUEUE, 2);
  });

  it('exits 0 where none is there', async () => {
    expect(await dlq('list')).to.deep.equal({ code: 0, stdout: 'None is put aside.\n', stderr: '' });
  });

  it('shows headers and body of one, without its payment token', async () => {
    await putAside('m-1', 'm-2');
    const { code, stdout } = await dlq('show m-2');
    expect(code).to.equal(0);
    const shown = JSON.parse(stdout) as Record<string, unknown>;
    expect(shown).to.include({ id: 'm-2', reason: 'not_found' });
    expect(shown['headers']).to.include({ 'on-behalf-of': 'carol' });
    expect(shown['body']).to.deep.equal({ orderId: 'o-1', paymentMethod: { token: '***' } });
    expect((await dlq('show m-9')).code).to.equal(2);
    await untilThere(DEAD_LETTER_QUEUE, 2);
  });

  it('sends back those that are named, as they came, and says which were not found', async () => {
    await putAside('m-1', 'm-2', 'm-3');
    const { code, stdout, stderr } = await dlq('redrive m-2 m-9');
    expect(code).to.equal(1);
    expect(stdout).to.equal('m-2 is sent back.\n1 sent back.\n');
    expect(stderr).to.equal('dlq: m-9 is not there; see "list"\n');
    await untilThere(DEAD_LETTER_QUEUE, 2);
    const back = await connection.basicGet({ queue: COMMANDS_QUEUE, noAck: true });
    expect(back).to.include({ messageId: 'm-2', appId: 'shop', durable: true });
    const { 'x-delivery-count': _, ...headers } = back?.headers ?? {};
    expect(headers).to.deep.equal({ 'on-behalf-of': 'carol', 'x-routing-key': 'order.cancel.v1' });
    expect(back?.body).to.deep.equal({ orderId: 'o-1', paymentMethod: { token: 'tok_x' } });
  });

  it('sends all back', async () => {
    await putAside('m-1', 'm-2', 'm-3');
    expect((await dlq('redrive --all')).code).to.equal(0);
    await untilThere(DEAD_LETTER_QUEUE, 0);
    await untilThere(COMMANDS_QUEUE, 3);
  });

  it('refuses what can not be meant, and says what is missing', async () => {
    for (const args of ['redrive', 'redrive --all m-1', 'list --all', 'bogus']) {
      expect((await dlq(args)).code, args).to.equal(2);
    }
    const { code, stderr } = await dlq('list', '');
    expect(code).to.equal(2);
    expect(stderr).to.match(/^dlq: AMQP_URL is not set/);
  });
});
