/** The example that sends commands, as a process, against a responder that answers as a node does. */
import { execFile } from 'node:child_process';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { Connection, type AsyncMessage } from 'rabbitmq-client';
import { isOwnReplyTo } from '../messaging/commands/sender.ts';
import { applyTopology } from '../messaging/rabbitmq/declare-topology.ts';
import { COMMANDS_QUEUE, ordersTopology } from '../messaging/rabbitmq/topology.ts';
import { MESSAGE_COMMANDS } from '../actors/index.ts';
import { scratchBrokerOrSkip, type ScratchBroker } from '../test/support/rabbitmq-broker.ts';

const HERE = path.dirname(fileURLToPath(import.meta.url));
const ORDER_ID = '019bbd7e-5c00-7a3e-9d4c-3f1a2b4c5d6e';
/** As docs/integrators.md gives them to one who sends commands; the user's name is not known before it is made. */
const OWN_REPLIES = '^sender-holdfast_test_[0-9a-f]+\\.replies\\.[^.]+$';
const SENDER = [OWN_REPLIES, '^orders\\.commands$', OWN_REPLIES] as const;

interface Ended {
  readonly code: number;
  readonly output: string;
}

describe('examples/send-command.ts', () => {
  let broker: ScratchBroker;
  let senderUrl: string;
  let connection: Connection;

  before(async function () {
    broker = await scratchBrokerOrSkip(this);
    senderUrl = await broker.addUser('sender', SENDER);
    connection = new Connection(broker.url);
    await applyTopology(connection, ordersTopology());
  });
  after(async () => {
    await connection?.close();
    await broker?.drop();
  });

  async function send(...args: readonly string[]): Promise<Ended> {
    return new Promise((resolve) => {
      const child = execFile(
        process.execPath,
        ['--import', 'tsx', path.join(HERE, 'send-command.ts'), ...args],
        { cwd: path.dirname(HERE), env: { PATH: process.env['PATH'], AMQP_URL: senderUrl } },
        (_error, stdout, stderr) => resolve({ code: child.exitCode ?? -1, output: stdout + stderr }),
      );
    });
  }

  /** Takes commands while `work` goes on; answers what `outcomeOf` says, or nothing. */
  async function answering<T>(outcomeOf: (message: AsyncMessage) => object | undefined, work: () => Promise<T>) {
    const taken: AsyncMessage[] = [];
    const consumer = connection.createConsumer(
      { queue: COMMANDS_QUEUE, queueOptions: { passive: true } },
      async (message, reply) => {
        taken.push(message);
        const outcome = outcomeOf(message);
        if (outcome !== undefined) await reply(outcome);
      },
    );
    try {
      return { taken, result: await work() };
    } finally {
      await consumer.close();
    }
  }

  it('sends each command as the contract says, and prints what became of it', async () => {
    const order = { orderId: ORDER_ID, status: 'Confirmed' };
    const { taken, result } = await answering(
      () => ({ ok: true, order }),
      async () => [
        await send('place', '--customer', 'alice', '--product', 'SKU-1001', '--on-behalf-of', 'the shop'),
        await send('confirm', ORDER_ID),
        await send('cancel', ORDER_ID, '--reason', 'changed my mind'),
      ],
    );
    for (const { code, output } of result) {
      expect(code, output).to.equal(0);
      expect(output).to.contain('"Confirmed"');
    }
    expect(taken.map(({ routingKey }) => routingKey)).to.deep.equal(MESSAGE_COMMANDS.map(({ routingKey: key }) => key));
    for (const [at, { body, messageId, durable, userId, replyTo }] of taken.entries()) {
      const command = MESSAGE_COMMANDS[at]!;
      expect(command.body.safeParse(body).error, `the body of ${command.routingKey}`).to.equal(undefined);
      expect(messageId).to.match(/^[ -~]{1,255}$/);
      expect(userId, 'who sends it').to.equal(new URL(senderUrl).username);
      expect(isOwnReplyTo(replyTo!, { kind: 'user', name: userId! }), 'where it is answered').to.equal(true);
      expect(durable).to.equal(true);
    }
    expect(new Set(taken.map(({ messageId }) => messageId)).size).to.equal(3);
    expect(taken[0]?.headers?.['on-behalf-of']).to.equal('the shop');
  });

  it('sends the same command again under its message id', async () => {
    const orders = new Map<string, string>();
    const { taken, result } = await answering(
      // As the node does: one order for a message id, without a time limit.
      ({ messageId }) => {
        const orderId = orders.get(messageId!) ?? `order-${orders.size + 1}`;
        orders.set(messageId!, orderId);
        return { ok: true, order: { orderId } };
      },
      async () => {
        const again = ['place', '--customer', 'alice', '--product', 'SKU-1001', '--message-id', 'checkout-4711'];
        return [await send(...again), await send(...again)];
      },
    );
    expect(taken.map(({ messageId }) => messageId)).to.deep.equal(['checkout-4711', 'checkout-4711']);
    expect(taken[1]?.body, 'the same command').to.deep.equal(taken[0]?.body);
    expect(result.map(({ output }) => output.includes('order-1'))).to.deep.equal([true, true]);
  });

  it('tells a refusal from an outcome that is not known yet', async () => {
    const problem = { code: 'illegal_transition', detail: 'It is confirmed already.' };
    const { result: refused } = await answering(
      () => ({ ok: false, problem }),
      () => send('confirm', ORDER_ID),
    );
    expect(refused.code).to.equal(1);
    expect(refused.output).to.contain('illegal_transition');
    const silent = await send('confirm', ORDER_ID, '--timeout', '0.2', '--message-id', 'still-open');
    expect(silent.code).to.equal(3);
    expect(silent.output).to.contain('--message-id still-open');
    expect((await send('confirm')).code, 'without an order').to.equal(2);
  });

  it('says what is wrong with its options, and ends where the broker refuses it', async () => {
    for (const wrong of [['--bogus'], ['--timeout', 'soon'], ['--timeout', '0']])
      expect((await send('confirm', ORDER_ID, ...wrong)).code, wrong.join(' ')).to.equal(2);
    const right = senderUrl;
    const bad = new URL(right);
    bad.password = 'wrong';
    for (const [url, reason] of [
      [bad.href, /ACCESS_REFUSED/],
      [await broker.addUser('nobody', ['^$', '^$', '^$']), /ACCESS_REFUSED/],
      ['amqp://127.0.0.1:1', /ECONNREFUSED/],
    ] as const) {
      senderUrl = url;
      const { code, output } = await send('confirm', ORDER_ID, '--timeout', '1');
      expect([code, reason.test(output)], output).to.deep.equal([4, true]);
    }
    senderUrl = right;
  });
});
