/** What PostgreSQL, or our encoding, refuses of read models, snapshots and rows: told apart from an outage, set apart alone. */
import { expect } from 'chai';
import type pg from 'pg';
import { systemClock } from '../../kernel/clock.ts';
import { VIEWS } from '../../actors/index.ts';
import type { PlacedOrder } from '../../actors/order/order.ts';
import { pendingRow, placed, ROW_AT } from '../../test/support/journal-rows.ts';
import { orderChange, orderIdOf, placedOrder, stockChange, stockLevelOf } from '../../test/support/order-states.ts';
import { scratchDatabaseOrSkip } from '../../test/support/postgres-database.ts';
import type { ScratchDatabase } from '../../test/support/scratch-database.ts';
import { silentLog } from '../../test/support/silent-log.ts';
import { waitUntil } from '../../test/support/wait-until.ts';
import { QuarantineRecorder } from '../../supervisors/quarantine-recorder.ts';
import { flushAround } from '../flush-around.ts';
import { Journal, type AppendEntry } from '../journal.ts';
import { FlushRefusedError, type PendingRow, type ProjectionFlush, type Unwritable } from '../ports.ts';
import type { ViewChange } from '../view-definition.ts';
import { openPool } from './connection.ts';
import { PostgresJournalStore } from './journal-store.ts';
import { PostgresProjectionStore } from './projection-store.ts';
import { PostgresQuarantineStore } from './quarantine-store.ts';

const GOOD = [orderIdOf(1), orderIdOf(2), orderIdOf(3)];
const BAD = orderIdOf(9);
/** Longer than an index entry may be, and of no pattern that could be compressed. */
const TOO_LONG_FOR_AN_INDEX = Array.from({ length: 9_000 }, (_, n) => ((n * 7_919) % 94_321).toString(36)).join('');

const orderFlush = (orderId: string, shard: number, changes: Partial<PlacedOrder> = {}, terms = {}): ViewChange =>
  orderChange(placedOrder(orderId, changes, terms), shard);

const OFFENDERS: readonly (readonly [name: string, order: ViewChange])[] = [
  ['a customer that is a list', orderFlush(BAD, 2, {}, { customerId: ['a', 'b'] })],
  ['a customer that is a number', orderFlush(BAD, 2, {}, { customerId: 7 })],
  ['a customer that is an object', orderFlush(BAD, 2, {}, { customerId: { length: 3 } })],
  ['no customer', orderFlush(BAD, 2, {}, { customerId: null })],
  ['a customer with a NUL', orderFlush(BAD, 2, {}, { customerId: 'a\0b' })],
  ['a customer too long for the index', orderFlush(BAD, 2, {}, { customerId: TOO_LONG_FOR_AN_INDEX })],
  ['a reference that is a list', orderFlush(BAD, 2, {}, { externalReference: ['x'] })],
  ['a time that is none', orderFlush(BAD, 2, { updatedAt: Number.NaN })],
  ['a version beyond its column', { ...orderFlush(BAD, 2), version: 3_000_000_000 }],
  ['an amount that is a text', orderFlush(BAD, 2, { total: '12' as never })],
  ['no lines', orderFlush(BAD, 2, {}, { lines: undefined })],
];

describe('what PostgreSQL refuses', function () {
  this.timeout(30_000);
  let database: ScratchDatabase;
  let pool: pg.Pool;
  let projections: PostgresProjectionStore;
  let journalStore: PostgresJournalStore;

  beforeEach(async function () {
    database = await scratchDatabaseOrSkip(this);
    pool = openPool(database.url, 'refused/reads', 2);
    projections = new PostgresProjectionStore(database.url, 'refused', VIEWS, pool);
    journalStore = new PostgresJournalStore(database.url, 'refused', pool);
    await projections.checkpoints([1, 2]);
  });
  afterEach(async () => {
    await Promise.all([projections.close(), journalStore.close(), pool.end()]);
    await database.drop();
  });

  const checkpoints = async () => [...(await projections.checkpoints([1, 2]))].sort();
  const flushOf = (parts: Partial<ProjectionFlush>): ProjectionFlush => ({
    moves: [1, 2].map((shard) => ({ shard, from: 0, to: 5 })),
    changes: [],
    wakeUps: [],
    settled: [],
    ...parts,
  });
  const writeAround = async (flush: ProjectionFlush): Promise<Unwritable[]> => {
    const recorder = new QuarantineRecorder(new PostgresQuarantineStore(pool), silentLog);
    const apart: Unwritable[] = [];
    await flushAround(projections, flush, async (unwritable) => {
      await recorder.setApart(unwritable);
      apart.push(unwritable);
    });
    return apart;
  };

  describe('of a view', () => {
    for (const [name, order] of OFFENDERS) {
      it(`${name}: that order alone is set apart, and stands on the list`, async () => {
        const changes = [orderFlush(GOOD[0]!, 1), orderFlush(GOOD[1]!, 2), order, orderFlush(GOOD[2]!, 2)];
        const wakeUps = [{ shard: 2, entityId: `ord_${BAD}`, wakeAt: 7_000 }];
        const apart = await writeAround(flushOf({ changes, wakeUps }));
        expect(apart.map(({ entityId, shard, what }) => ({ entityId, shard, what }))).to.deep.equal([
          { entityId: `ord_${BAD}`, shard: 2, what: 'view' },
        ]);
        expect(await checkpoints()).to.deep.equal([
          [1, 5],
          [2, 5],
        ]);
        const rows = await database.query('SELECT order_id FROM order_view ORDER BY order_id');
        expect(rows.map((row) => row['order_id'])).to.deep.equal(GOOD);
        expect(await projections.wakeUps([2])).to.deep.equal(wakeUps);
        const listed = await new PostgresQuarantineStore(pool).list(10);
        expect(listed.map(({ entityId }) => entityId)).to.deep.equal([`ord_${BAD}`]);
        expect(listed[0]!.reason).to.match(/^its view can't be written: ./);
      });
    }

    it('more held than there is: the stock item alone is set apart', async () => {
      const stocks = [stockChange(stockLevelOf('P1', 5, 1), 1), stockChange(stockLevelOf('P2', 5, 9), 1)];
      const apart = await writeAround(flushOf({ changes: [...stocks, orderFlush(GOOD[0]!, 1)] }));
      expect(apart.map(({ entityId }) => entityId)).to.deep.equal(['stk_P2']);
      const rows = await database.query('SELECT product_id FROM stock_view');
      expect(rows.map((row) => row['product_id'])).to.deep.equal(['P1']);
    });

    it('a wake-up that has no time: the view is written', async () => {
      const wakeUps = [{ shard: 1, entityId: `ord_${GOOD[0]!}`, wakeAt: Number.NaN }];
      const apart = await writeAround(flushOf({ wakeUps, changes: [orderFlush(GOOD[0]!, 1)] }));
      expect(apart.map(({ what }) => what)).to.deep.equal(['wake-up']);
      expect(await database.query('SELECT 1 FROM order_view')).to.have.length(1);
    });
  });

  it('whatever a statement carries (a table is gone): no entity is set apart', async () => {
    await database.query('DROP TABLE order_view');
    let thrown: unknown;
    const apart = await writeAround(flushOf({ changes: [orderFlush(GOOD[0]!, 1)] })).catch((error: unknown) => {
      thrown = error;
      return [];
    });
    expect(thrown).to.be.instanceOf(FlushRefusedError);
    expect(apart).to.deep.equal([]);
    expect(await new PostgresQuarantineStore(pool).list(10)).to.deep.equal([]);
  });

  it('not: a session that is ended amid a flush is an outage', async () => {
    const blocker = await pool.connect();
    await blocker.query('BEGIN');
    await blocker.query('LOCK TABLE order_view');
    const flushing = projections.flush(flushOf({})).catch((error: unknown) => error);
    const end = `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                 WHERE application_name = 'refused/projections' AND wait_event_type = 'Lock'`;
    await waitUntil('the flush waits, and is ended', async () => (await database.query(end)).length === 1);
    const thrown = await flushing;
    await blocker.query('ROLLBACK');
    blocker.release();
    expect(thrown).to.be.instanceOf(Error);
    expect(thrown).to.not.be.instanceOf(FlushRefusedError);
  });

  it('of a snapshot: it fails, alone', async () => {
    const snapshot = { entityId: 'stk_P1', shard: 1, version: 1, schema: 1, state: '{}', at: 1 };
    const thrown = await journalStore.saveSnapshots([{ ...snapshot, state: ['x'] as never }]).catch((error) => error);
    expect(thrown).to.be.instanceOf(Error);
    await journalStore.saveSnapshots([snapshot]);
  });

  describe('of a row of the journal', () => {
    const BAD_ROWS: readonly (readonly [string, Partial<PendingRow>])[] = [
      ['a command id that is a list', { commandId: ['a', 'b'] as never }],
      ['a command id with a NUL', { commandId: 'a\0' }],
      ['no time', { at: Number.NaN }],
      ['events that are no text', { events: [] as never }],
    ];
    for (const [name, changes] of BAD_ROWS) {
      it(`${name}: its entity alone is refused, and the shard is kept`, async () => {
        const lost: number[] = [];
        const journal = new Journal(journalStore, {
          clock: systemClock,
          log: silentLog,
          shardLost: (shard) => lost.push(shard),
        });
        journal.own(await journalStore.takeShards([1], ROW_AT));
        const outcomes: Record<string, string> = {};
        const entry = (row: PendingRow): AppendEntry => ({
          row,
          committed: () => (outcomes[row.entityId] = 'committed'),
          failed: (outcome) => (outcomes[row.entityId] = outcome),
        });
        for (const each of [pendingRow(1, 'stk_a', 1), pendingRow(1, 'stk_bad', 1, changes), pendingRow(1, 'stk_b', 1)])
          journal.append(entry(each));
        await waitUntil('all are answered', () => Object.keys(outcomes).length === 3);
        expect(outcomes).to.deep.equal({ stk_a: 'committed', stk_b: 'committed', stk_bad: 'refused' });
        expect(lost).to.deep.equal([]);
        await journal.drain();
      });
    }
    it('a batch that is not dense is a bug of ours, and no row’s fault', async () => {
      const heads = await journalStore.takeShards([1], ROW_AT);
      const rows = placed(heads.get(1)!, [pendingRow(1, 'stk_a', 1), pendingRow(1, 'stk_b', 1)]);
      const thrown = await journalStore.append([rows[1]!, rows[0]!]).catch((error: unknown) => error);
      expect((thrown as Error).name).to.equal('InvariantViolation');
    });
  });
});
