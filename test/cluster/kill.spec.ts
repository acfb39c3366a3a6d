/** What survives a kill: every order that was acknowledged, once, settled; whatever process dies, at whatever moment. */
import { expect } from 'chai';
import { createScratchDatabase, type ScratchDatabase } from '../support/scratch-database.ts';
import { orderOf, TestNode, waitUntil, type OrderBody } from './node-harness.ts';

const PRODUCTS = ['A', 'B', 'C', 'D', 'E', 'F'];
const CALLERS = 16;

describe('a node under load', () => {
  let database: ScratchDatabase;
  let node: TestNode;

  beforeEach(async () => {
    database = await createScratchDatabase({ migrated: false });
    node = await TestNode.create({ DATABASE_URL: database.url });
  });
  afterEach(async () => {
    await node.remove();
    await database.drop();
  });

  async function stockUp(): Promise<void> {
    const items = PRODUCTS.map((productId) => ({ productId, onHand: 100_000 }));
    const { status } = await node.request('POST', '/api/v1/stock/batch', { json: { items } });
    expect(status).to.equal(200);
  }

  /** Places `count` orders of two lines, each until it is answered; `during` runs meanwhile. */
  async function load(
    count: number,
    during: (answered: () => number) => Promise<void>,
  ): Promise<Map<string, OrderBody>> {
    const answered = new Map<string, OrderBody>();
    let next = 0;
    const caller = async (): Promise<void> => {
      while (next < count) {
        const n = next++;
        const first = PRODUCTS[n % PRODUCTS.length]!;
        const second = PRODUCTS[(n + 1) % PRODUCTS.length]!;
        answered.set(
          `key-${n}`,
          await node.placeSurely(
            `key-${n}`,
            orderOf([
              [first, 1],
              [second, 1],
            ]),
          ),
        );
      }
    };
    await Promise.all([during(() => answered.size), ...Array.from({ length: CALLERS }, caller)]);
    return answered;
  }

  async function expectAllThere(answered: ReadonlyMap<string, OrderBody>): Promise<void> {
    const ids = new Set([...answered.values()].map(({ orderId }) => orderId));
    expect(ids.size, 'one order a key').to.equal(answered.size);
    expect([...answered.values()].every(({ status }) => status === 'Confirmed')).to.equal(true);
    const [journal] = await database.query(
      `SELECT count(DISTINCT entity_id) AS orders FROM journal WHERE entity_id LIKE 'ord\\_%'`,
    );
    expect(Number(journal?.['orders']), 'no order but those').to.equal(answered.size);
    const [stock] = await database.query('SELECT count(*) AS held FROM journal WHERE events::text LIKE $1', [
      '%"StockHeld"%',
    ]);
    expect(Number(stock?.['held'])).to.equal(answered.size * 2);
    const audit = await node.command('audit');
    expect(audit.code, audit.output).to.equal(0);
  }

  it('loses nothing when its workers are killed', async () => {
    await node.start();
    await stockUp();
    const answered = await load(240, async (done) => {
      for (const at of [40, 100, 160]) {
        await waitUntil(`${at} orders`, () => done() >= at, 60_000);
        const pids = await node.workerPids();
        process.kill(pids[at % pids.length]!, 'SIGKILL');
      }
    });
    await expectAllThere(answered);
  });

  it('loses nothing when all of it is killed and started again', async () => {
    await node.start();
    await stockUp();
    const answered = await load(200, async (done) => {
      for (const at of [50, 120]) {
        await waitUntil(`${at} orders`, () => done() >= at, 60_000);
        await node.killAll();
        await node.start();
      }
    });
    await expectAllThere(answered);
  });

  for (const failpoint of ['append.before', 'append.after', 'outside.after', 'projection.before', 'projection.after']) {
    it(`loses nothing when every worker dies again and again at ${failpoint}`, async () => {
      await node.start();
      await stockUp();
      await node.stop();
      const count = failpoint.startsWith('projection') ? 12 : 40;
      await node.start({ FAILPOINT: `${failpoint}:exit@${count}` });
      // Then without the failpoint: what it left behind must go on by itself.
      const answered = await load(60, async (done) => {
        await waitUntil('20 orders', () => done() >= 20, 60_000);
        await node.killAll();
        await node.start();
      });
      expect(answered.size).to.equal(60);
      await expectAllThere(answered);
    });
  }

  it('lets orders go on after their callers are gone', async () => {
    await node.start();
    await stockUp();
    const placed = await Promise.all(
      Array.from({ length: 40 }, (_, n) =>
        node.request('POST', '/api/v1/orders', {
          json: orderOf(
            [
              ['A', 1],
              ['B', 1],
            ],
            'tok_slow',
          ),
          headers: { 'idempotency-key': `slow-${n}` },
        }),
      ),
    );
    expect(placed.every(({ status }) => status === 201)).to.equal(true);
    await node.killAll();
    await node.start();
    await waitUntil(
      'all of them to be confirmed',
      async () => {
        const { body } = await node.request('GET', '/api/v1/orders?status=Confirmed&limit=100');
        return body.data.length === 40 && body.data.every(({ payment }) => payment.status === 'Captured');
      },
      40_000,
    );
    const audit = await node.command('audit');
    expect(audit.code, audit.output).to.equal(0);
  });
});
