/**
 * A node that should stop stops, whatever fails or hangs. Its SHUTDOWN_TIMEOUT_MS is longer than these tests wait, so
 * that one that waits for its end fails them; and what had to be given up is there at the next start.
 */
import { expect } from 'chai';
import { DatabaseProxy } from '../../chaos/proxy/database-proxy.ts';
import { createScratchDatabase, type ScratchDatabase } from '../support/scratch-database.ts';
import { orderOf, TestNode, waitUntil } from './node-harness.ts';

const LONG = { SHUTDOWN_TIMEOUT_MS: '300000' };

describe('stopping', () => {
  let database: ScratchDatabase;
  let node: TestNode;
  let proxy: DatabaseProxy | undefined;

  beforeEach(async () => {
    database = await createScratchDatabase({ migrated: false });
    proxy = undefined;
  });
  afterEach(async () => {
    await node.remove();
    await proxy?.close();
    await database.drop();
  });

  /** A row for the table is refused because the disk is full: an outage, and no row's fault. */
  async function breakTable(table: string): Promise<void> {
    await database.query(
      `CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
         RAISE EXCEPTION 'could not extend file' USING ERRCODE = '53100'; END $$`,
    );
    await database.query(
      `CREATE TRIGGER full_disk BEFORE INSERT ON ${table} FOR EACH ROW EXECUTE FUNCTION full_disk()`,
    );
  }

  async function startNode(environment: Record<string, string> = {}): Promise<void> {
    node = await TestNode.create({ DATABASE_URL: database.url, ...LONG, ...environment });
    await node.start();
  }

  async function placeOne(): Promise<string> {
    await node.request('PUT', '/api/v1/stock/P1', { json: { onHand: 10 } });
    const { status, body } = await node.request('POST', '/api/v1/orders', { json: orderOf([['P1', 1]]) });
    expect(status, JSON.stringify(body)).to.equal(201);
    return body.orderId;
  }

  it('ends while read models can’t be written; the next start writes them', async () => {
    await startNode();
    await breakTable('order_view');
    const orderId = await placeOne();
    await waitUntil('a flush to fail', () => node.output.includes("read models can't be written"));
    expect(await node.stop()).to.equal(0);
    await database.query('DROP FUNCTION full_disk CASCADE');
    await node.start();
    const { body } = await node.request('GET', '/api/v1/orders');
    expect(body.data.map((order) => order.orderId)).to.deep.equal([orderId]);
    expect(await node.stop()).to.equal(0);
  });

  it('ends amid a start that takes no shard', async () => {
    await startNode();
    expect(await node.stop()).to.equal(0);
    await breakTable('journal');
    node.launch();
    await waitUntil('shards not to be taken', () => node.output.includes("shards can't be taken"));
    expect(await node.stop()).to.equal(0);
  });

  it('ends amid the very first steps of a start', async () => {
    node = await TestNode.create({ DATABASE_URL: database.url, ...LONG, LOG_LEVEL: 'info' });
    node.launch();
    await waitUntil('the database to be prepared', () => node.output.includes('the database is ready to use'));
    expect(await node.stop()).to.equal(0);
  });

  it('ends while the database is frozen, and loses nothing that it has answered', async () => {
    const url = new URL(database.url);
    proxy = await DatabaseProxy.open({ host: url.hostname, port: Number(url.port || 5432) });
    url.hostname = '127.0.0.1';
    url.port = String(proxy.port);
    await startNode({ DATABASE_URL: url.href });
    const orderId = await placeOne();
    proxy.openBlackHole('held');
    expect(await node.stop()).to.equal(0);
    proxy.closeBlackHole();
    await node.start();
    expect((await node.request('GET', `/api/v1/orders/${orderId}`)).status).to.equal(200);
    expect(await node.stop()).to.equal(0);
  });
});
