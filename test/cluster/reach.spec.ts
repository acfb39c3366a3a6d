/**
 * Two nodes that are machines to each other, each with its own way to the broker, which the tests cut: a node that
 * can't be reached hands its shards over and says that it is not ready, and the others serve all of them.
 */
import { expect } from 'chai';
import { scratchBrokerOrSkip, type ScratchBroker } from '../support/rabbitmq-broker.ts';
import { createScratchDatabase, type ScratchDatabase } from '../support/scratch-database.ts';
import { TcpProxy } from '../support/tcp-proxy.ts';
import { orderOf, TestNode, waitUntil } from './node-harness.ts';

const PRODUCTS = Array.from({ length: 8 }, (_, index) => `P${index}`);
const ORDERS = 12;

describe('two nodes, one of which can’t be reached', function () {
  this.timeout(120_000);
  let broker: ScratchBroker;
  let database: ScratchDatabase;
  let proxies: TcpProxy[];
  let nodes: TestNode[];

  beforeEach(async function () {
    // A virtual host belongs to one database.
    broker = await scratchBrokerOrSkip(this);
    database = await createScratchDatabase({ migrated: false });
    [proxies, nodes] = [[], []];
  });
  afterEach(async () => {
    for (const node of nodes) await node.remove();
    for (const proxy of proxies) await proxy.close();
    await database.drop();
    await broker.drop();
  });

  async function startNode(name: string, amqpUrl = broker.url): Promise<{ node: TestNode; proxy: TcpProxy }> {
    const proxy = await TcpProxy.before(amqpUrl, 5672);
    proxies.push(proxy);
    const node = await TestNode.create({
      DATABASE_URL: database.url,
      AMQP_URL: proxy.urlFor(amqpUrl),
      MACHINE_NAME: name,
    });
    nodes.push(node);
    await node.start();
    return { node, proxy };
  }

  interface Members {
    readonly data: readonly { readonly thisNode: boolean; readonly shards: number }[];
  }

  /** How many shards the node's workers own, and how many everybody's do. */
  async function shardsOf(node: TestNode): Promise<{ own: number; all: number }> {
    const { data } = (await node.admin('GET', '/cluster/members')).body as unknown as Members;
    const sum = (members: Members['data']): number => members.reduce((count, { shards }) => count + shards, 0);
    return { own: sum(data.filter(({ thisNode }) => thisNode)), all: sum(data) };
  }
  const ownsAll = async (node: TestNode): Promise<boolean> => (await shardsOf(node)).own === 16;
  const sharesAll = async (node: TestNode): Promise<boolean> => {
    const { own, all } = await shardsOf(node);
    return own === 8 && all === 16;
  };
  const isReady = async (node: TestNode): Promise<boolean> => (await node.admin('GET', '/health/ready')).status === 200;
  const stock = async (node: TestNode): Promise<void> => {
    const items = PRODUCTS.map((productId) => ({ productId, onHand: 1_000 }));
    expect((await node.request('POST', '/api/v1/stock/batch', { json: { items } })).status).to.equal(200);
  };
  /** Over all shards: each answered at once, none by a later try. */
  const serves = async (node: TestNode): Promise<void> => {
    for (let n = 0; n < ORDERS; n++) {
      const json = orderOf([
        [PRODUCTS[n % PRODUCTS.length]!, 1],
        [PRODUCTS[(n + 3) % PRODUCTS.length]!, 1],
      ]);
      const { status, body } = await node.request('POST', '/api/v1/orders', { json, headers: { prefer: 'wait=10' } });
      expect([status, body.status], JSON.stringify(body)).to.deep.equal([201, 'Confirmed']);
    }
  };

  it('one that loses the broker hands over, is not ready and says why; it takes its share again when it is back', async () => {
    const { node: first, proxy } = await startNode('machine-1');
    await stock(first);
    const { node: second } = await startNode('machine-2');
    await waitUntil('shards on both', () => sharesAll(first));
    await waitUntil('both are ready', async () => (await isReady(first)) && (await isReady(second)));

    proxy.cut(); // the elder: it is the broker that decides
    await waitUntil('the second serves all', () => ownsAll(second));
    await waitUntil('the first is not ready', async () => !(await isReady(first)));
    await serves(second);
    expect(await isReady(second)).to.equal(true);
    const { text } = await first.admin('GET', '/health/ready');
    expect(text).to.include('2 workers of node').and.include('on machine-2').and.include('RabbitMQ');
    const shown = await fetch(`${first.url}/health/ready`);
    expect(shown.status).to.equal(503);
    expect(await shown.text(), 'to everybody')
      .to.include('"peers":{"status":"down"')
      .and.not.include('machine-2');

    proxy.mend();
    await waitUntil('shards on both again', () => sharesAll(second));
    await waitUntil('both are ready', async () => (await isReady(first)) && (await isReady(second)));
    await serves(first);
  });

  it('while the broker is away for both, the elder serves all and stays ready', async () => {
    const { node: first, proxy: one } = await startNode('machine-1');
    await stock(first);
    const { node: second, proxy: two } = await startNode('machine-2');
    await waitUntil('shards on both', () => sharesAll(first));
    for (const proxy of [one, two]) proxy.cut();
    const serving = await waitUntil('one serves all', async () => {
      for (const node of [first, second]) if (await ownsAll(node)) return node;
      return undefined;
    });
    const other = serving === first ? second : first;
    await waitUntil('the other is not ready', async () => !(await isReady(other)));
    await serves(serving);
    expect(await isReady(serving)).to.equal(true);
  });

  it('one on another virtual host takes nothing from those who serve, and is named', async () => {
    const { node: first } = await startNode('machine-1');
    await stock(first);
    const stranger = await scratchBrokerOrSkip({} as Mocha.Context);
    try {
      const { node: second } = await startNode('machine-2', stranger.url);
      expect([await isReady(first), await isReady(second)]).to.deep.equal([true, false]);
      expect(await ownsAll(first)).to.equal(true);
      expect(second.output).to.include('Holdfast has started').and.not.include('Holdfast is ready');
      expect(second.output).to.include('does not reach the workers that serve').and.include('on machine-1');
      await serves(first);
    } finally {
      await nodes.pop()!.remove();
      await stranger.drop();
    }
  });
});
