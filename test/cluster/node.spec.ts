/** A node as its user meets it: starts, takes orders, keeps them over a restart, and says what is wrong when it can't. */
import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import path from 'node:path';
import { promisify } from 'node:util';
import { expect } from 'chai';
import { PROVIDERS } from '../../actors/payment/providers/index.ts';
import { createScratchDatabase, type ScratchDatabase } from '../support/scratch-database.ts';
import { orderOf, TestNode, waitUntil } from './node-harness.ts';

describe('a node on its embedded database', () => {
  let node: TestNode;
  before(async () => (node = await TestNode.create()));
  after(() => node.remove());

  it('prints a curl that works as pasted, keeps its order over a restart, and ends with 0 on Ctrl-C', async () => {
    // The node's own secret: only then may it hand out a token.
    await node.start({ JWT_SECRET: '', RATE_LIMIT_PER_MINUTE: '100' }, { atTerminal: true }).catch(async () => {
      throw new Error(node.output);
    });
    const curl = /^curl[^]*?\}'$/m.exec(node.output)?.[0];
    expect(curl, node.output).to.be.a('string');
    const { stdout } = await promisify(execFile)('bash', ['-c', curl!]);
    const order = JSON.parse(stdout) as { orderId: string; status: string; payment: { status: string } };
    expect(order.status).to.equal('Confirmed');
    expect(order.payment.status).to.equal('Captured');

    expect(await node.stop('SIGINT')).to.equal(0);
    await node.start();
    const again = await node.request('GET', `/api/v1/orders/${order.orderId}`);
    expect(again.body).to.include({ orderId: order.orderId, status: 'Confirmed' });
    const audit = await node.command('audit');
    expect(audit.code, audit.output).to.equal(0);
  });

  it('writes only JSON lines where there is no terminal, and no token', () => {
    const lines = node.output.split('\n').filter((line) => line !== '');
    for (const line of lines) expect(() => JSON.parse(line) as unknown, line).not.to.throw();
    expect(node.output)
      .to.match(/Holdfast is ready/)
      .and.not.match(/Bearer|eyJ/);
  });

  it('has its stock set and shown by a command', async () => {
    const set = await node.command('stock', 'set', 'a mug/1', '7', '--warehouse', 'north', '--threshold', '2');
    expect(set.code, set.output).to.equal(0);
    expect((await node.command('stock', 'show', 'a mug/1')).output).to.match(/7 on hand, 0 held.*7 available/);
    const unknown = await node.command('stock', 'show', 'NO-SUCH');
    expect(unknown.code).to.equal(1);
    expect(unknown.output).to.match(/404 not_found/);
    expect((await node.command('stock', 'set', 'X', '-1')).code).to.equal(2);
  });

  it('refuses a second node on the same DATA_DIR, and names the first', async () => {
    const second = await TestNode.create({ DATA_DIR: node.dataDir });
    second.launch();
    expect(await second.ended()).to.equal(1);
    expect(second.output).to.contain('DATA_DIR').and.contain(String(node.pid));
    await second.remove();
  });
});

describe('a node that can not start', () => {
  let database: ScratchDatabase;
  before(async () => (database = await createScratchDatabase({ migrated: false })));
  after(() => database.drop());

  async function refused(environment: Record<string, string>): Promise<string> {
    const node = await TestNode.create({ DATABASE_URL: database.url, ...environment });
    node.launch();
    expect(await node.ended(), node.output).to.equal(1);
    await node.remove();
    return node.output;
  }

  it('names a port that is taken', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await waitUntil('the other server to listen', () => other.listening);
    const { port } = other.address() as { port: number };
    expect(await refused({ PORT: String(port) })).to.match(new RegExp(`PORT ${port} .*taken`));
    expect(await refused({ ADMIN_PORT: String(port) })).to.match(new RegExp(`ADMIN_PORT ${port} .*taken`));
    other.close();
  });

  it('names an unreachable DATABASE_URL without its password', async () => {
    const output = await refused({ DATABASE_URL: 'postgres://someone:secret@127.0.0.1:1/orders' });
    expect(output).to.contain('DATABASE_URL').and.not.contain('secret');
  });

  it('names a setting that is wrong', async () => {
    expect(await refused({ WORKERS: 'many' })).to.contain('WORKERS');
  });

  it('names a payment provider that there is none of, and those that there are', async () => {
    const output = await refused({ PAYMENT_PROVIDER: 'acme' });
    expect(output).to.contain(`PAYMENT_PROVIDER "acme" is not one of ${Object.keys(PROVIDERS).join(', ')};`);
  });

  it('names a DATA_DIR that is no folder', async () => {
    const folder = await TestNode.create();
    const file = path.join(folder.dataDir, 'file');
    await writeFile(file, '');
    expect(await refused({ DATA_DIR: file })).to.contain('DATA_DIR');
    await folder.remove();
  });

  it('refuses a database that was begun with another number of shards', async () => {
    const first = await TestNode.create({ DATABASE_URL: database.url });
    await first.start();
    expect(await first.stop()).to.equal(0);
    expect(await refused({ SHARDS: '32' })).to.contain('SHARDS=16');
    await first.remove();
  });

  it('refuses a database that another machine’s node runs on, and one that was begun by another build', async () => {
    const first = await TestNode.create({ DATABASE_URL: database.url });
    await first.start();
    expect(await first.stop()).to.equal(0);
    await first.remove();
    await database.query(
      `INSERT INTO members (worker_id, node_id, slot, host, socket_path, pid, version, draining, expires_at)
       VALUES ('w0-far', 'far', 0, 'another-machine', '/tmp/far.sock', 1, '0', false, now() + interval '1 h')`,
    );
    expect(await refused({}))
      .to.contain('another-machine')
      .and.contain('DATABASE_URL');
    await database.query(`DELETE FROM members`);
    const hash = (name: string) =>
      database.query(`UPDATE settings SET value = $1 WHERE key = 'shard_hash' RETURNING value`, [name]);
    const [own] = await database.query(`SELECT value FROM settings WHERE key = 'shard_hash'`);
    await hash('of another build');
    expect(await refused({})).to.contain('of another build');
    await hash(own!['value'] as string);
  });
});

describe('orders over one and over many workers', () => {
  for (const workers of [1, 2, 5]) {
    it(`settles every way an order can go, on ${workers} worker${workers === 1 ? '' : 's'}`, async () => {
      const database = await createScratchDatabase({ migrated: false });
      const node = await TestNode.create({ DATABASE_URL: database.url, WORKERS: String(workers) });
      try {
        await node.start();
        for (const [product, onHand] of [
          ['A', 10],
          ['B', 5],
          ['é "quoted", / product', 3],
        ] as const) {
          const put = await node.request('PUT', `/api/v1/stock/${encodeURIComponent(product)}`, { json: { onHand } });
          expect(put.status, JSON.stringify(put.body)).to.equal(200);
        }
        const confirmed = await node.placeSurely(
          'confirmed',
          orderOf([
            ['A', 2],
            ['B', 1],
            ['é "quoted", / product', 1],
          ]),
        );
        expect(confirmed).to.include({ status: 'Confirmed' });
        const short = await node.placeSurely(
          'short',
          orderOf([
            ['A', 1],
            ['B', 100],
          ]),
        );
        expect(short.cancellation?.code).to.equal('insufficient_inventory');
        const declined = await node.placeSurely('declined', orderOf([['A', 1]], 'tok_decline'));
        expect(declined.cancellation?.code).to.equal('payment_declined');
        const uncaptured = await node.placeSurely('uncaptured', orderOf([['A', 1]], 'tok_capture_fail'));
        expect(uncaptured.cancellation?.code).to.equal('payment_capture_failed');
        const dropped = await node.placeSurely('dropped', orderOf([['A', 1]], 'tok_drop'));
        expect(dropped.status).to.equal('Confirmed');
        const cancelled = await node.request('POST', `/api/v1/orders/${confirmed.orderId}/cancel`, {
          json: { reason: 'changed my mind' },
        });
        expect(cancelled.body.status).to.equal('Cancelled');
        expect(cancelled.body.payment.refunded.amount).to.equal(1_000);
        const stock = await node.request('GET', '/api/v1/stock/A');
        expect(stock.body).to.include({ onHand: 10, held: 1, available: 9 });
        const audit = await node.command('audit');
        expect(audit.code, audit.output).to.equal(0);
        expect(await node.stop()).to.equal(0);
      } finally {
        await node.remove();
        await database.drop();
      }
    });
  }

  it('sells exactly what there is, to many at once', async () => {
    const database = await createScratchDatabase({ migrated: false });
    const node = await TestNode.create({ DATABASE_URL: database.url });
    try {
      await node.start();
      await node.request('PUT', '/api/v1/stock/HOT', { json: { onHand: 100 } });
      const orders = await Promise.all(
        Array.from({ length: 300 }, (_, n) => node.placeSurely(`hot-${n}`, orderOf([['HOT', 1]]))),
      );
      expect(orders.filter(({ status }) => status === 'Confirmed')).to.have.length(100);
      expect(orders.filter(({ cancellation }) => cancellation?.code === 'insufficient_inventory')).to.have.length(200);
      const audit = await node.command('audit');
      expect(audit.code, audit.output).to.equal(0);
    } finally {
      await node.remove();
      await database.drop();
    }
  });
});
