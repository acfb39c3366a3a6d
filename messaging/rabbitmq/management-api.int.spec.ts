/** Bindings as RabbitMQ's management API shows them, from a server that answers as it does. */
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect } from 'chai';
import { compareBindings } from './declare-topology.ts';
import { BindingsUnseen, managementUrlOf, readBindings } from './management-api.ts';
import { ordersTopology } from './topology.ts';

describe('bindings by the management API', () => {
  const topology = ordersTopology();
  let server: Server;
  let url: string;
  let asked: IncomingMessage | undefined;
  let answer: { status: number; body: unknown };

  beforeEach(async () => {
    server = createServer((request, response) => {
      asked = request;
      response.writeHead(answer.status, { 'content-type': 'application/json', location: '/elsewhere' });
      response.end(JSON.stringify(answer.body));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  afterEach(() => server.close());

  const shown = (source: string, destination: string, routingKey: string, type = 'queue') => ({
    source,
    vhost: 'shop/eu',
    destination,
    destination_type: type,
    routing_key: routingKey,
    arguments: {},
    properties_key: '%23',
  });
  const standing = topology.bindings.map(({ exchange, queue, routingKey }) => shown(exchange, queue, routingKey));

  it('are asked for in the virtual host of AMQP_URL, with its user', async () => {
    answer = { status: 200, body: [...standing, shown('', 'orders.commands', 'orders.commands')] };
    const bindings = await readBindings('amqp://me:p%40ss@broker/shop%2Feu', url);
    expect(bindings).to.deep.equal(topology.bindings);
    expect(asked!.url).to.equal('/api/bindings/shop%2Feu');
    expect(asked!.headers.authorization).to.equal(`Basic ${Buffer.from('me:p@ss').toString('base64')}`);
    await readBindings('amqp://broker', url);
    expect(asked!.url, 'the default one').to.equal('/api/bindings/%2F');
  });

  it('are present or missing, each by its name; other key, other queue or an exchange is another binding', async () => {
    const [first, ...rest] = standing;
    for (const other of [
      [],
      [{ ...first!, routing_key: 'x' }],
      [{ ...first!, destination: 'x' }],
      [{ ...first!, destination_type: 'exchange' }],
    ]) {
      answer = { status: 200, body: [...rest, ...other] };
      const findings = compareBindings(topology, await readBindings('amqp://broker', url));
      expect(findings.filter(({ state }) => state === 'missing')).to.deep.equal([
        { kind: 'binding', name: 'orders.unrouted ----> orders.unrouted', state: 'missing' },
      ]);
    }
    expect(compareBindings(topology, topology.bindings).every(({ state }) => state === 'present')).to.equal(true);
  });

  for (const [name, status, body] of [
    ['it refuses the user', 401, { error: 'not_authorised' }],
    ['it leads elsewhere', 302, []],
    ['it is no RabbitMQ', 200, { hello: 'world' }],
  ] as const)
    it(`where ${name} they are unseen, not missing`, async () => {
      answer = { status, body };
      const error = await readBindings('amqp://me:secret@broker', url).then(
        () => undefined,
        (thrown: unknown) => thrown,
      );
      expect(error).to.be.instanceOf(BindingsUnseen);
      expect(String(error)).to.include(url).and.not.include('secret');
    });

  it('are unseen where nothing listens', async () => {
    await new Promise((resolve) => server.close(resolve));
    const error = await readBindings('amqp://broker', url).catch((thrown: unknown) => thrown);
    expect(String(error)).to.include('ECONNREFUSED');
  });

  it('is looked for beside the broker', () => {
    expect(managementUrlOf('amqp://u:p@broker:5673/x')).to.equal('http://broker:15672');
    expect(managementUrlOf('amqps://u:p@broker/x')).to.equal('https://broker:15671');
  });
});
