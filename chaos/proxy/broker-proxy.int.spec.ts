/** What the faults of the network mean to a real RabbitMQ and a client of it. */
import { connect } from 'node:net';
import { expect } from 'chai';
import { Connection } from 'rabbitmq-client';
import { scratchBrokerOrSkip, type ScratchBroker } from '../../test/support/rabbitmq-broker.ts';
import { waitUntil } from '../../test/support/wait-until.ts';
import { BrokerProxy } from './broker-proxy.ts';

describe('the proxy before RabbitMQ', () => {
  let broker: ScratchBroker;
  let proxy: BrokerProxy;
  let client: Connection;
  let queue: string;

  before(async function () {
    broker = await scratchBrokerOrSkip(this);
  });
  // `before` may have skipped everything.
  after(() => broker?.drop());
  beforeEach(async () => {
    const { hostname, port } = new URL(broker.url);
    proxy = await BrokerProxy.open({ host: hostname, port: Number(port || 5672) });
    const url = new URL(broker.url);
    url.hostname = '127.0.0.1';
    url.port = String(proxy.port);
    client = new Connection({ url: url.href, retryLow: 10, retryHigh: 50 });
    client.on('error', () => undefined);
    ({ queue } = await client.queueDeclare({ queue: `proxied-${Math.trunc(performance.now())}`, durable: true }));
  });
  afterEach(async () => {
    client?.unsafeDestroy();
    await proxy?.close();
  });

  const depth = async (): Promise<number> => (await client.queueDeclare({ queue, passive: true })).messageCount;

  it('loses the confirms of what is published, and nothing else', async () => {
    const publisher = client.createPublisher({ confirm: true });
    await publisher.send(queue, 'confirmed');
    let dropped = 0;
    proxy.dropAcks(() => dropped++);
    let isConfirmed = false;
    publisher.send(queue, 'unheard').then(
      () => (isConfirmed = true),
      () => undefined,
    );
    await waitUntil('the confirm to be lost', () => dropped > 0);
    expect(await depth(), 'other answers come').to.equal(2);
    expect(isConfirmed).to.equal(false);
    proxy.passAcks();
    await publisher.send(queue, 'confirmed again');
    expect(await depth()).to.equal(3);
  });

  it('resets connections and refuses new ones, until it accepts them again', async () => {
    await client.onConnect();
    proxy.refuse();
    await waitUntil('the connection to be lost', () => !client.ready && proxy.connections.length === 0);
    const other = connect(proxy.port, '127.0.0.1');
    other.on('error', () => undefined);
    await new Promise((resolve) => other.once('close', resolve));
    expect(proxy.connections).to.deep.equal([]);
    proxy.accept();
    await waitUntil('the connection to be back', () => client.ready);
    expect(await depth()).to.equal(0);
  });
});
