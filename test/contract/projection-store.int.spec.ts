/**
 * What every store of read models promises: a checkpoint moves only from exactly where its owner thinks it stands, and
 * what is flushed with it is written if, and only if, it moved. And the list of orders.
 */
import { expect } from 'chai';
import { parseInstant } from '../../kernel/instant.ts';
import { orderList, viewedBytes, type OrderListFilter } from '../../actors/order/order-list.ts';
import type { ProjectionFlush, ProjectionStore } from '../../persistence/ports.ts';
import type { ViewReads } from '../../persistence/view-definition.ts';
import { STORAGE_SUBJECTS, type Storage } from '../support/journal-subjects.ts';
import { orderChange, orderIdOf, placedOrder, stockChange, stockLevelOf } from '../support/order-states.ts';

let shards = 1_000;
const freshShard = (): number => ++shards;
let orders = 0;
const freshOrderId = (): string => orderIdOf(++orders);

const EMPTY: ProjectionFlush = { moves: [], changes: [], wakeUps: [], settled: [] };
const flushOf = (parts: Partial<ProjectionFlush>): ProjectionFlush => ({ ...EMPTY, ...parts });

for (const subject of STORAGE_SUBJECTS) {
  describe(`projection store: ${subject.name}`, function () {
    this.timeout(60_000);
    let storage: Storage;
    let store: ProjectionStore & ViewReads;
    let other: ProjectionStore & ViewReads;

    before(async function () {
      storage = await subject.open(this);
      store = storage.openProjections();
      other = storage.openProjections();
    });
    after(async () => {
      await (storage as Storage | undefined)?.close();
    });

    const checkpointOf = async (shard: number): Promise<number | undefined> =>
      (await store.checkpoints([shard])).get(shard);
    /** A shard that has a checkpoint, as every taken one does. */
    const takenShard = async (): Promise<number> => {
      const shard = freshShard();
      await store.checkpoints([shard]);
      return shard;
    };
    const orderIn = (shard: number, orderId: string, version = 1, changes: Parameters<typeof placedOrder>[1] = {}) =>
      orderChange(placedOrder(orderId, changes, { customerId: `customer-${shard}` }), shard, { version, firstSeq: 2 });
    const ordersOf = (shard: number) => store.list(orderList, { customerId: `customer-${shard}`, limit: 100 });

    describe('checkpoints', () => {
      it('begin at 0', async () => {
        const [one, two] = [freshShard(), freshShard()];
        expect([...(await store.checkpoints([one, two]))]).to.have.deep.members([
          [one, 0],
          [two, 0],
        ]);
      });

      it('move from exactly `from` to `to`', async () => {
        const shard = await takenShard();
        expect([...(await store.flush(flushOf({ moves: [{ shard, from: 0, to: 7 }] })))]).to.deep.equal([shard]);
        expect(await checkpointOf(shard)).to.equal(7);
      });

      for (const from of [0, 6, 8]) {
        it(`do not move from 7 when the flush thinks they stand at ${from}`, async () => {
          const shard = await takenShard();
          await store.flush(flushOf({ moves: [{ shard, from: 0, to: 7 }] }));
          expect([...(await other.flush(flushOf({ moves: [{ shard, from, to: 9 }] })))]).to.deep.equal([]);
          expect(await checkpointOf(shard)).to.equal(7);
        });
      }

      it('are moved by one of two flushes that begin at the same place at the same time', async () => {
        const own = [await takenShard(), await takenShard(), await takenShard()];
        for (let round = 0; round < 10; round++) {
          const moves = own.map((shard) => ({ shard, from: round, to: round + 1 }));
          const [one, two] = await Promise.all([
            store.flush(flushOf({ moves })),
            other.flush(flushOf({ moves: moves.toReversed() })),
          ]);
          expect([...one, ...two].sort((a, b) => a - b)).to.deep.equal(own);
        }
      });
    });

    describe('a flush', () => {
      it('writes nothing at all for a frozen former owner', async () => {
        const shard = await takenShard();
        const [kept, waiting, settling] = [freshOrderId(), `ord_${freshOrderId()}`, `ord_${freshOrderId()}`];
        await store.flush(
          flushOf({
            moves: [{ shard, from: 0, to: 5 }],
            changes: [
              orderIn(shard, kept, 5, { status: 'PaymentPending' }),
              stockChange(stockLevelOf(`K${shard}`, 10, 5), shard, { version: 5, at: 5 }),
            ],
            wakeUps: [{ shard, entityId: settling, wakeAt: 1 }],
          }),
        );
        const late = await other.flush(
          flushOf({
            moves: [{ shard, from: 0, to: 3 }],
            changes: [
              orderIn(shard, kept, 3),
              orderIn(shard, freshOrderId(), 1),
              stockChange(stockLevelOf(`K${shard}`, 10, 3), shard, { version: 3, at: 3 }),
              stockChange(stockLevelOf(`L${shard}`, 10, 3), shard, { version: 1, at: 3 }),
            ],
            wakeUps: [{ shard, entityId: waiting, wakeAt: 2 }],
            settled: [{ shard, entityId: settling }],
          }),
        );
        expect([...late]).to.deep.equal([]);
        expect(await checkpointOf(shard)).to.equal(5);
        expect((await ordersOf(shard)).map(({ version }) => version)).to.deep.equal([5]);
        const stocks = (await storage.stockRows()).filter((row) => row.shard === shard);
        expect(stocks.map(({ productId, version, held }) => [productId, version, held])).to.deep.equal([
          [`K${shard}`, 5, 5],
        ]);
        expect(await store.wakeUps([shard])).to.deep.equal([{ shard, entityId: settling, wakeAt: 1 }]);
      });

      it('writes what belongs to the shards that moved, and nothing of the others', async () => {
        const [moving, lost] = [await takenShard(), await takenShard()];
        const [mine, theirs] = [`ord_${freshOrderId()}`, `ord_${freshOrderId()}`];
        await other.flush(
          flushOf({
            moves: [{ shard: lost, from: 0, to: 9 }],
            wakeUps: [{ shard: lost, entityId: theirs, wakeAt: 9 }],
          }),
        );
        const moved = await store.flush(
          flushOf({
            moves: [
              { shard: lost, from: 0, to: 4 },
              { shard: moving, from: 0, to: 4 },
            ],
            changes: [
              orderIn(lost, freshOrderId()),
              orderIn(moving, freshOrderId()),
              ...[lost, moving].map((shard) => stockChange(stockLevelOf(`M${shard}`, 1, 0), shard)),
            ],
            wakeUps: [{ shard: moving, entityId: mine, wakeAt: 4 }],
            settled: [{ shard: lost, entityId: theirs }],
          }),
        );
        expect([...moved]).to.deep.equal([moving]);
        expect([(await ordersOf(moving)).length, (await ordersOf(lost)).length]).to.deep.equal([1, 0]);
        const stocks = (await storage.stockRows()).filter(({ shard }) => shard === moving || shard === lost);
        expect(stocks.map(({ shard }) => shard)).to.deep.equal([moving]);
        expect(await store.wakeUps([moving, lost])).to.have.deep.members([
          { shard: moving, entityId: mine, wakeAt: 4 },
          { shard: lost, entityId: theirs, wakeAt: 9 },
        ]);
      });

      it('replaces an order by its newer state, and keeps where it began', async () => {
        const shard = await takenShard();
        const orderId = freshOrderId();
        await store.flush(flushOf({ moves: [{ shard, from: 0, to: 2 }], changes: [orderIn(shard, orderId, 1)] }));
        const later = {
          ...orderIn(shard, orderId, 4, { status: 'PaymentPending', updatedAt: 1_700_000_009_999 }),
          firstSeq: 99,
        };
        await store.flush(flushOf({ moves: [{ shard, from: 2, to: 6 }], changes: [later] }));
        expect(await ordersOf(shard)).to.deep.equal([{ state: later.shown, version: 4, origin: { shard, seq: 2 } }]);
      });

      it('keeps a stock row for each warehouse, and replaces it', async () => {
        const shard = await takenShard();
        const productId = `W${shard}`;
        const warehouses = (main: number, north: number) => [
          { warehouseId: 'main', onHand: main, held: 1, available: main - 1 },
          { warehouseId: 'north', onHand: north, held: 0, available: north },
        ];
        const level = stockLevelOf(productId, 30, 1, { lowStockThreshold: 3, warehouses: warehouses(10, 20) });
        await store.flush(
          flushOf({ moves: [{ shard, from: 0, to: 2 }], changes: [stockChange(level, shard, { at: 1_000 })] }),
        );
        const more = stockLevelOf(productId, 1_000_000_000_019, 1, { warehouses: warehouses(1_000_000_000_000, 19) });
        await store.flush(
          flushOf({
            moves: [{ shard, from: 2, to: 3 }],
            changes: [stockChange(more, shard, { version: 2, at: 2_345 })],
          }),
        );
        const rows = (await storage.stockRows()).filter((row) => row.productId === productId);
        const common = { productId, shard, version: 2, lowStockThreshold: null, updatedAt: 2_345 };
        expect(rows).to.have.deep.members([
          { ...common, warehouseId: 'main', onHand: 1_000_000_000_000, held: 1 },
          { ...common, warehouseId: 'north', onHand: 19, held: 0 },
        ]);
      });

      it('of nothing moves nothing', async () => {
        expect([...(await store.flush(EMPTY))]).to.deep.equal([]);
      });
    });

    describe('wake-ups', () => {
      it('are set, replaced and cleared, each for its own entity', async () => {
        const shard = await takenShard();
        const [one, two] = [`ord_${freshOrderId()}`, `ord_${freshOrderId()}`];
        const wakeUp = (entityId: string, wakeAt: number) => ({ shard, entityId, wakeAt });
        await store.flush(
          flushOf({ moves: [{ shard, from: 0, to: 1 }], wakeUps: [wakeUp(one, 1_000), wakeUp(two, 2_000)] }),
        );
        expect(await other.wakeUps([shard])).to.have.deep.members([wakeUp(one, 1_000), wakeUp(two, 2_000)]);
        await store.flush(flushOf({ moves: [{ shard, from: 1, to: 2 }], wakeUps: [wakeUp(one, 500)] }));
        expect(await store.wakeUps([shard])).to.have.deep.members([wakeUp(one, 500), wakeUp(two, 2_000)]);
        await store.flush(
          flushOf({
            moves: [{ shard, from: 2, to: 3 }],
            settled: [
              { shard, entityId: one },
              { shard, entityId: 'ord_nobody' },
            ],
          }),
        );
        expect(await store.wakeUps([shard])).to.deep.equal([wakeUp(two, 2_000)]);
      });

      it('are given for the shards asked for only', async () => {
        const [one, two] = [await takenShard(), await takenShard()];
        await store.flush(
          flushOf({
            moves: [one, two].map((shard) => ({ shard, from: 0, to: 1 })),
            wakeUps: [one, two].map((shard) => ({ shard, entityId: `ord_${freshOrderId()}`, wakeAt: shard })),
          }),
        );
        expect((await store.wakeUps([two])).map(({ wakeAt }) => wakeAt)).to.deep.equal([two]);
        expect(await store.wakeUps([])).to.deep.equal([]);
      });
    });

    describe('the list of orders', () => {
      const BASE = 1_800_000_000_000;
      /** [n, customer, status, createdAt - BASE] */
      const LISTED: readonly (readonly [number, string, 'Created' | 'Confirmed', number])[] = [
        [0xf001, 'list-a', 'Created', 1],
        [0xf002, 'list-a', 'Confirmed', 5],
        [0xf003, 'list-b', 'Created', 5],
        [0xf004, 'list-a', 'Created', 5],
        [0xf005, 'list-b', 'Confirmed', 3],
        [0xf006, 'list-a', 'Created', 5],
      ];
      const newest = ['f006', 'f004', 'f003', 'f002', 'f005', 'f001'];
      const numbers = async (filter: Partial<OrderListFilter>): Promise<string[]> =>
        (await store.list(orderList, { from: BASE, limit: 100, ...filter })).map(({ state }) =>
          state.orderId.slice(-4),
        );

      before(async () => {
        const shard = await takenShard();
        await store.flush(
          flushOf({
            moves: [{ shard, from: 0, to: 1 }],
            changes: LISTED.map(([n, customerId, status, createdAt]) =>
              orderChange(placedOrder(orderIdOf(n), { status, createdAt: BASE + createdAt }, { customerId }), shard),
            ),
          }),
        );
      });

      it('is newest first, by id where the time is equal', async () => {
        expect(await numbers({})).to.deep.equal(newest);
      });

      it('filters by status, by customer, and by both', async () => {
        expect(await numbers({ status: 'Confirmed' })).to.deep.equal(['f002', 'f005']);
        expect(await numbers({ customerId: 'list-b' })).to.deep.equal(['f003', 'f005']);
        expect(await numbers({ customerId: 'list-b', status: 'Created' })).to.deep.equal(['f003']);
        expect(await numbers({ customerId: "list-b' OR true --" })).to.deep.equal([]);
      });

      it('begins at `from` and ends before `to`', async () => {
        expect(await numbers({ from: BASE + 3, to: BASE + 5 })).to.deep.equal(['f005']);
        expect(await numbers({ from: BASE + 5 })).to.deep.equal(['f006', 'f004', 'f003', 'f002']);
        expect(await numbers({ from: BASE + 5, to: BASE + 5 })).to.deep.equal([]);
      });

      for (const limit of [1, 2, 3, 5]) {
        it(`pages of ${limit} give every order once, also where times are equal`, async () => {
          const seen: string[] = [];
          let after: OrderListFilter['after'];
          for (;;) {
            const page = await store.list(orderList, { from: BASE, limit, ...(after && { after }) });
            if (page.length === 0) break;
            expect(page.length).to.be.at.most(limit);
            seen.push(...page.map(({ state }) => state.orderId.slice(-4)));
            const { createdAt, orderId } = page.at(-1)!.state;
            after = { createdAt, orderId };
          }
          expect(seen).to.deep.equal(newest);
        });
      }

      it('ends one row behind the one that reaches a size, newest first', async () => {
        const [first] = await store.list(orderList, { from: BASE, limit: 1 });
        const size = viewedBytes(first!.state);
        expect(await numbers({ bytesMax: 1 })).to.deep.equal(newest.slice(0, 2));
        expect(await numbers({ bytesMax: size })).to.deep.equal(newest.slice(0, 2));
        expect(await numbers({ bytesMax: size + 1 })).to.deep.equal(newest.slice(0, 3));
        expect(await numbers({ bytesMax: 100 * size })).to.deep.equal(newest);
        expect(await numbers({ bytesMax: 100 * size, limit: 2 })).to.deep.equal(newest.slice(0, 2));
        expect(await numbers({ bytesMax: 1, customerId: 'list-b' })).to.deep.equal(['f003', 'f005']);
      });

      it('takes every moment that a request can name', async () => {
        const [first, last] = [parseInstant('0000-01-01')!, parseInstant('9999-12-31T23:59:59.999Z')!];
        expect(await numbers({ from: first, to: last, limit: 6 })).to.include.members(['f006']);
        const before = { createdAt: last, orderId: orderIdOf(0xf001) };
        expect(await numbers({ after: before, limit: 6 })).to.include.members(['f006']);
        expect(await store.list(orderList, { limit: 6, after: { ...before, createdAt: first } })).to.deep.equal([]);
      });

      it('gives the state as it was flushed', async () => {
        const shard = await takenShard();
        const order = orderIn(shard, freshOrderId(), 3, {
          status: 'PaymentPending',
          reservation: { status: 'Held', expiresAt: 5 },
        });
        await store.flush(flushOf({ moves: [{ shard, from: 0, to: 3 }], changes: [order] }));
        expect(await ordersOf(shard)).to.deep.equal([{ state: order.shown, version: 3, origin: { shard, seq: 2 } }]);
      });
    });
  });
}
