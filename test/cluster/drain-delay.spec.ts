/** A node behind a load balancer that ends: it says so first, and takes what the balancer sends until it has heard. */
import { expect } from 'chai';
import { createScratchDatabase, type ScratchDatabase } from '../support/scratch-database.ts';
import { orderOf, TestNode, waitUntil } from './node-harness.ts';

describe('a node with a drain delay', function () {
  this.timeout(60_000);
  let database: ScratchDatabase;
  let node: TestNode;

  before(async () => {
    database = await createScratchDatabase({ migrated: false });
    node = await TestNode.create({ DATABASE_URL: database.url, DRAIN_DELAY_MS: '4000', WORKERS: '1' });
  });
  after(async () => {
    await node.remove();
    await database.drop();
  });

  it('is not ready from the signal on, and takes new connections and orders until the delay is over', async () => {
    await node.start();
    expect((await node.request('PUT', '/api/v1/stock/P1', { json: { onHand: 10 } })).status).to.be.oneOf([200, 201]);
    process.kill(node.pid, 'SIGTERM');
    // Each of these on a connection of its own, as a balancer's probes and clients are.
    const headers = { connection: 'close' };
    const ready = async (): Promise<number> => (await node.request('GET', '/health/ready', { headers })).status;
    await waitUntil('it says so', async () => (await ready()) === 503);
    const order = await node.request('POST', '/api/v1/orders', { json: orderOf([['P1', 1]]), headers });
    expect(order.status).to.equal(201);
    expect(await node.ended()).to.equal(0);
  });
});
