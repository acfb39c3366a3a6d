/** What is RabbitMQ's own between nodes: the broker goes away, and comes back. See also test/contract/peer-transport. */
import { expect } from 'chai';
import type { Channel } from 'rabbitmq-client';
import type { Ask, ShardAnswer } from '../../runtime/ask.ts';
import { HeldClock } from '../../test/support/manual-clock.ts';
import { scratchBrokerOrSkip, type ScratchBroker } from '../../test/support/rabbitmq-broker.ts';
import { silentLog } from '../../test/support/silent-log.ts';
import { waitUntil } from '../../test/support/wait-until.ts';
import type { Receive } from '../local-socket/local-socket-transport.ts';
import { Broker } from './broker.ts';
import { queueOfWorker, RabbitMqTransport } from './rabbitmq-transport.ts';
import { NODE_EXCHANGE } from './topology.ts';

const command: Ask = { to: 'stk_a', command: { type: 'Do' }, commandId: 'c', until: 'durable', timeoutMs: 60_000 };
const read: Ask = { to: 'stk_a', commandId: '', until: 'durable', timeoutMs: 60_000 };

describe('RabbitMQ transport', function () {
  this.timeout(30_000);
  let scratch: ScratchBroker | undefined;
  let ends: { broker: Broker; transport: RabbitMqTransport }[];
  const clock = new HeldClock();

  before(async function () {
    scratch = await scratchBrokerOrSkip(this);
  });
  after(() => scratch?.drop());
  beforeEach(() => (ends = []));
  afterEach(async () => {
    for (const { transport, broker } of ends) {
      await transport.close();
      await broker.close();
    }
  });

  async function open(workerId: string, receive: Receive): Promise<(typeof ends)[number]> {
    const broker = new Broker({ url: scratch!.url, name: `test/${workerId}`, clock, log: silentLog });
    const transport = new RabbitMqTransport({ broker, workerId, receive, log: silentLog, clock });
    ends.push({ broker, transport });
    await transport.listen(10_000);
    return { broker, transport };
  }
  const ask = (transport: RabbitMqTransport, each: Ask): Promise<ShardAnswer> =>
    new Promise((resolve) => transport.ask('w1', each, true, resolve));
  const wordFor = (answer: ShardAnswer): string => (answer.kind === 'failed' ? answer.code : answer.kind);

  it('when the connection breaks a command is unknown and a read unavailable; once it is back both go on', async () => {
    let received = 0;
    let answers = false;
    await open('w1', (each, _internal, reply) => {
      received++;
      if (answers) reply({ kind: 'rejected', refusal: { code: each.to } });
    });
    const { transport, broker } = await open('w0', () => undefined);
    const heard = Promise.all([ask(transport, command), ask(transport, read)]);
    await waitUntil('both are there', () => received === 2);
    const states: string[] = [];
    broker.onChange((state) => states.push(state));
    await scratch!.closeConnections();
    expect((await heard).map(wordFor)).to.deep.equal(['outcome_unknown', 'unavailable']);
    answers = true;
    // Which of the two connections goes first is the broker's choice: an ask between may be lost, and expire.
    await waitUntil('it carries again', async () => {
      const answered = ask(transport, read);
      const impatience = setInterval(() => clock.advance(10_000), 250);
      return wordFor(await answered.finally(() => clearInterval(impatience))) === 'rejected';
    });
    expect(states).to.deep.equal(['down', 'up']);
  });

  it('refuses at once while there is no connection: nothing was sent, nothing gathers', async () => {
    const broker = new Broker({
      url: 'amqp://guest:guest@127.0.0.1:1/none',
      name: 'test/nobody',
      clock,
      log: silentLog,
    });
    const receive: Receive = () => undefined;
    const transport = new RabbitMqTransport({ broker, workerId: 'w9', receive, log: silentLog, clock });
    ends.push({ broker, transport });
    await transport.listen(10);
    expect([broker.state, wordFor(await ask(transport, command))]).to.deep.equal(['down', 'unavailable']);
  });

  for (const [what, spoil] of [
    ['the exchange between nodes', (channel: Channel) => channel.exchangeDelete({ exchange: NODE_EXCHANGE })],
    [
      'a worker’s binding',
      (channel: Channel) =>
        channel.queueUnbind({ exchange: NODE_EXCHANGE, queue: queueOfWorker('w1'), routingKey: 'w1' }),
    ],
  ] as const)
    it(`makes ${what} again once it was deleted, as soon as a worker’s own ping comes back`, async () => {
      const answers: Receive = (each, _internal, reply) => reply({ kind: 'rejected', refusal: { code: each.to } });
      const ends = [await open('w0', answers), await open('w1', answers)];
      const askedOf = async (transport: RabbitMqTransport, owner: string): Promise<string> => {
        const answered = new Promise<ShardAnswer>((resolve) => transport.ask(owner, read, true, resolve));
        // What is lost with the exchange is answered by its time alone.
        const impatience = setInterval(() => clock.advance(10_000), 250);
        return wordFor(await answered.finally(() => clearInterval(impatience)));
      };
      expect(await askedOf(ends[0]!.transport, 'w1')).to.equal('rejected');
      const channel = await ends[1]!.broker.connection.acquire();
      await spoil(channel);
      await channel.close();
      await waitUntil('each hears itself and the other', async () => {
        let heard = 0;
        for (const { transport } of ends)
          for (const owner of ['w0', 'w1']) if ((await askedOf(transport, owner)) === 'rejected') heard++;
        return heard === 4;
      });
    });
});
