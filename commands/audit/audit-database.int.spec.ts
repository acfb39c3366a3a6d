/** The audit over real databases: clean where all is right, and for each invariant one damage that it must name. */
import { expect } from 'chai';
import { stockDecider, type StockState } from '../../domain/stock/stock-item.ts';
import { createScratchDatabase, type ScratchDatabase } from '../../test/support/scratch-database.ts';
import { JournalWriter } from '../../test/support/journal-writer.ts';
import { auditDatabase, type AuditResult } from './audit-database.ts';
import { auditText, reportOf } from './audit-report.ts';
import type { AuditedInvariant } from './findings.ts';

const STARTED_AT = Date.UTC(2026, 0, 15, 12);
const orderId = (n: number): string => `0190a0b0-0000-7000-8000-${String(n).padStart(12, '0')}`;
const CONFIRMED = orderId(1);
const SHORT = orderId(2);
const DECLINED = orderId(3);
const CANCELLED = orderId(4);
const UNCAPTURED = orderId(5);
const MANUAL = orderId(6);

function audit(database: ScratchDatabase): Promise<AuditResult> {
  return auditDatabase(database.url, { settleGraceMs: 60_000, stage: () => undefined, progress: () => undefined });
}

/** One order of every ending, over products whose ids are awkward to sort. */
function endings(): JournalWriter {
  const writer = new JournalWriter(STARTED_AT);
  for (const productId of ['85123A', '85123a', 'lamp 1', 'lamp-1', '\u{1f4a1}', '\uff21'])
    writer.setStock(productId, 100);
  const line = (productId: string, quantity: number) => ({ productId, quantity, unitPrice: 255 });
  writer.placeOrder(CONFIRMED, {
    lines: [line('85123A', 6), line('85123a', 2), line('85123A', 1)],
    externalReference: '536365',
  });
  writer.placeOrder(SHORT, { lines: [line('85123A', 1), line('lamp 1', 101)] });
  writer.placeOrder(DECLINED, { lines: [line('\u{1f4a1}', 3)], paymentMethod: { type: 'card', token: 'tok_decline' } });
  writer.placeOrder(CANCELLED, { lines: [line('\uff21', 4), line('85123A', 5)] });
  writer.cancelOrder(CANCELLED);
  writer.placeOrder(UNCAPTURED, {
    lines: [line('lamp-1', 1)],
    paymentMethod: { type: 'card', token: 'tok_capture_fail' },
  });
  writer.placeOrder(MANUAL, { lines: [line('85123A', 9)], confirmation: 'manual' });
  writer.startEpoch(0, 2);
  return writer;
}

describe('audit of a database', function () {
  this.timeout(30_000);
  let database: ScratchDatabase;

  beforeEach(async () => {
    database = await createScratchDatabase();
    await endings().write(database.url);
  });
  afterEach(() => database.drop());

  const violatedBy = async (...statements: readonly string[]): Promise<AuditResult> => {
    for (const statement of statements) await database.query(statement);
    return await audit(database);
  };
  const expectOffender = (
    { findings }: AuditResult,
    invariant: AuditedInvariant,
    entityId: string,
    found: string,
  ): void => {
    const offenders = findings.offendersOf(invariant);
    expect(offenders.map((offender) => offender.entityId)).to.include(entityId);
    expect(offenders.find((offender) => offender.entityId === entityId)?.found).to.include(found);
  };

  it('finds nothing where every order ended as it should', async () => {
    const result = await audit(database);
    expect(auditText(reportOf(result, 1000, 1024))).to.include('AUDIT CLEAN');
    expect(result.totals.ordersByStatus).to.deep.equal({ Confirmed: 1, Cancelled: 4, PaymentAuthorized: 1 });
    const [count] = await database.query('SELECT count(*)::int AS rows FROM journal');
    expect(result.totals.rows).to.equal(count?.['rows']);
  });

  it('finds nothing in an empty database', async () => {
    await database.query('TRUNCATE journal, projection_checkpoints, order_view, stock_view, wake_ups');
    expect((await audit(database)).findings.violated).to.deep.equal([]);
  });

  describe('invariant 1', () => {
    it('names the row behind a hole in a log', async () => {
      const result = await violatedBy(
        'UPDATE journal SET seq = seq + 1 WHERE (shard, seq) IN (SELECT shard, max(seq) FROM journal WHERE shard = 1 GROUP BY shard)',
      );
      expect(result.findings.offendersOf(1)[0]).to.include({ shard: 1 });
    });
    it('names an entity whose versions have a hole', async () => {
      const result = await violatedBy(
        `UPDATE journal SET version = version + 1 WHERE entity_id = 'ord_${SHORT}' AND version = 3`,
      );
      expectOffender(result, 1, `ord_${SHORT}`, 'version 4');
    });
    it('names a row whose epoch falls, and one that begins an epoch without saying so', async () => {
      const result = await violatedBy(`UPDATE journal SET epoch = 7 WHERE entity_id = 'ord_${SHORT}' AND version = 1`);
      expectOffender(result, 1, `ord_${SHORT}`, 'another row');
      expect(result.findings.offendersOf(1).some(({ found }) => found === 'epoch 1')).to.equal(true);
    });
    it('names a row of an entity in another shard', async () => {
      const [end] = await database.query(
        'SELECT shard, max(seq)::int + 1 AS seq FROM journal WHERE shard = 2 GROUP BY shard',
      );
      const [first] = await database.query(`SELECT shard FROM journal WHERE entity_id = 'ord_${SHORT}'`);
      const shard = first?.['shard'] === 2 ? 3 : 2;
      const [other] = await database.query('SELECT max(seq)::int + 1 AS seq FROM journal WHERE shard = 3');
      const seq = shard === 2 ? end?.['seq'] : other?.['seq'];
      const result = await violatedBy(
        `UPDATE journal SET shard = ${shard}, seq = ${String(seq)} WHERE entity_id = 'ord_${SHORT}' AND version = 2`,
      );
      expectOffender(result, 1, `ord_${SHORT}`, `shard ${shard}`);
    });
    it('names rows under an id that is no entity', async () => {
      const result = await violatedBy(`UPDATE journal SET entity_id = 'ord_nobody' WHERE entity_id = 'ord_${MANUAL}'`);
      expectOffender(result, 1, 'ord_nobody', '"ord_nobody"');
    });
  });

  describe('invariant 3', () => {
    it('names an order of which one penny was changed in the view', async () => {
      const result = await violatedBy(
        `UPDATE order_view SET total_amount = total_amount + 1 WHERE order_id = '${CONFIRMED}'`,
      );
      expectOffender(result, 3, `ord_${CONFIRMED}`, '2296');
      expect(result.findings.violated).to.deep.equal([3]);
    });
    it('names an order whose state in the view differs, without telling where somebody lives', async () => {
      const result = await violatedBy(
        `UPDATE order_view SET state = jsonb_set(state::jsonb, '{terms,shippingAddress,street}', '"2 Other Street"') WHERE order_id = '${CONFIRMED}'`,
      );
      expectOffender(result, 3, `ord_${CONFIRMED}`, 'another state.terms.shippingAddress.street');
      expect(JSON.stringify(result.findings.offendersOf(3))).not.to.include('Other Street');
    });
    it('names an order that is missing in the view, and one that has no rows', async () => {
      const stray = orderId(99);
      const result = await violatedBy(`UPDATE order_view SET order_id = '${stray}' WHERE order_id = '${CONFIRMED}'`);
      expectOffender(result, 3, `ord_${CONFIRMED}`, 'no row in order_view');
      expectOffender(result, 3, `ord_${stray}`, 'version');
    });
    it('names an order whose view has not seen what its checkpoint says', async () => {
      const result = await violatedBy(`UPDATE order_view SET version = version - 1 WHERE order_id = '${SHORT}'`);
      expectOffender(result, 3, `ord_${SHORT}`, 'version 2');
    });
    it('forgives a view that is behind together with its checkpoint', async () => {
      await database.query('UPDATE projection_checkpoints SET seq = 0');
      const result = await violatedBy('TRUNCATE order_view, stock_view, wake_ups');
      expect(result.findings.violated).to.deep.equal([]);
      expect(result.totals.rowsBeyondCheckpoints).to.be.greaterThan(40);
    });
    it('names a checkpoint ahead of its log', async () => {
      const result = await violatedBy('UPDATE projection_checkpoints SET seq = seq + 1 WHERE shard = 1');
      expectOffender(result, 3, 'shd_1', 'one at');
    });
    it('names a stock item whose level in the view differs', async () => {
      const result = await violatedBy(`UPDATE stock_view SET on_hand = on_hand + 1 WHERE product_id = '\u{1f4a1}'`);
      expectOffender(result, 3, 'stk_\u{1f4a1}', '101');
    });
    it('names a wake-up that is missing, and one that nobody asked for', async () => {
      const result = await violatedBy(`UPDATE wake_ups SET entity_id = 'ord_${CONFIRMED}'`);
      expectOffender(result, 3, `ord_${MANUAL}`, 'none in wake_ups');
      expectOffender(result, 3, `ord_${CONFIRMED}`, 'a wake-up at');
    });
    it('names an entity whose events can not be read, and goes on', async () => {
      const result = await violatedBy(
        `UPDATE journal SET events = '[{"type":"Nonsense"}]' WHERE entity_id = 'ord_${CONFIRMED}' AND version = 2`,
        `UPDATE order_view SET total_amount = 1 WHERE order_id = '${MANUAL}'`,
      );
      expectOffender(result, 3, `ord_${CONFIRMED}`, 'Nonsense');
      expectOffender(result, 3, `ord_${MANUAL}`, '1');
      expect(result.findings.violated).to.deep.equal([3]);
    });
    it('names an entity whose events contradict each other', async () => {
      const result = await violatedBy(
        `UPDATE journal SET events = '[{"type":"OrderConfirmed"}]' WHERE entity_id = 'ord_${SHORT}' AND version = 2`,
      );
      expectOffender(result, 3, `ord_${SHORT}`, "OrderConfirmed can't follow Created");
    });
    it('takes a right snapshot, and names a wrong one', async () => {
      const state = endings().stateOf('stk_85123A') as StockState;
      const stored = JSON.stringify({ state: stockDecider.snapshot?.encode(state), known: [] });
      const save = `INSERT INTO snapshots (entity_id, shard, version, schema, state, at)
        SELECT entity_id, shard, max(version), 1, $1::json, now() FROM journal WHERE entity_id = 'stk_85123A' GROUP BY 1, 2`;
      await database.query(save, [stored]);
      const right = await audit(database);
      expect(right.findings.violated).to.deep.equal([]);
      expect(right.totals.snapshots).to.equal(1);
      await database.query('UPDATE snapshots SET state = $1::json', [stored.replace(/"quantity":9\b/, '"quantity":8')]);
      expectOffender(await audit(database), 3, 'stk_85123A', '8');
    });
    it('names a snapshot ahead of its log', async () => {
      const result = await violatedBy(`INSERT INTO snapshots (entity_id, shard, version, schema, state, at)
        SELECT entity_id, shard, max(version) + 1, 1, '{}', now() FROM journal WHERE entity_id = 'stk_85123A' GROUP BY 1, 2`);
      expectOffender(result, 3, 'stk_85123A', 'one at version');
    });
  });

  describe('invariant 4', () => {
    it('names a product and the hold that is not what its reservation says', async () => {
      const result = await violatedBy(
        `UPDATE journal SET events = replace(events::text, '"quantity":9', '"quantity":8')::json WHERE entity_id = 'stk_85123A'`,
      );
      expectOffender(result, 4, 'stk_85123A', 'one of 8 units');
    });
    it('names a hold beyond what was there', async () => {
      const result = await violatedBy(
        `UPDATE journal SET events = replace(events::text, '"quantity":9', '"quantity":9000')::json WHERE entity_id = 'stk_85123A'`,
      );
      expectOffender(result, 4, 'stk_85123A', 'StockHeld of 9000');
    });
    it('names a product that reservations hold and stock does not know', async () => {
      const result = await violatedBy(`DELETE FROM journal WHERE entity_id = 'stk_85123a'`);
      expectOffender(result, 4, 'stk_85123a', 'none');
    });
  });

  describe('invariant 5', () => {
    it('names a payment that captured more than was authorized', async () => {
      const result = await violatedBy(
        `UPDATE journal SET events = replace(events::text, '"amount":2295', '"amount":2296')::json WHERE entity_id = 'pay_${CONFIRMED}' AND version = 4`,
      );
      expectOffender(result, 5, `pay_${CONFIRMED}`, 'PaymentCaptured of 2296');
    });
    it('names a payment that is captured and voided', async () => {
      const result = await violatedBy(
        `UPDATE journal SET events = '[{"type":"VoidStarted","notAfter":1}]' WHERE entity_id = 'pay_${CANCELLED}' AND version = 5`,
      );
      expectOffender(result, 5, `pay_${CANCELLED}`, 'VoidStarted');
    });
  });

  describe('invariant 6', () => {
    const withoutCapture = `DELETE FROM journal WHERE entity_id = 'ord_${CONFIRMED}' AND version = 4`;
    it('names an order that has not settled for longer than the grace', async () => {
      expectOffender(
        await violatedBy(withoutCapture),
        6,
        `ord_${CONFIRMED}`,
        'Confirmed, unsettled since 2026-01-15T12:00:00',
      );
    });
    it('counts an unsettled order within the grace as pending', async () => {
      await database.query(withoutCapture);
      const grace = Date.now() - STARTED_AT + 60_000;
      const result = await auditDatabase(database.url, {
        settleGraceMs: grace,
        stage: () => undefined,
        progress: () => undefined,
      });
      expect(result.findings.countOf(6)).to.equal(0);
      expect(result.totals.pendingOrders).to.equal(1);
    });
    it('names a confirmed order whose payment is not captured', async () => {
      const result = await violatedBy(`DELETE FROM journal WHERE entity_id = 'pay_${CONFIRMED}' AND version >= 3`);
      expectOffender(result, 6, `ord_${CONFIRMED}`, 'payment Authorized');
    });
    it('names a cancelled order whose stock is still held', async () => {
      const result = await violatedBy(`DELETE FROM journal WHERE entity_id = 'stk_\uff21' AND version = 3`);
      expectOffender(result, 6, `res_${CANCELLED}`, '4 units of \uff21 are still held');
      expectOffender(result, 4, 'stk_\uff21', `an open hold of 4 units for res_${CANCELLED}`);
    });
    it('names a cancelled order whose money was kept', async () => {
      const result = await violatedBy(`DELETE FROM journal WHERE entity_id = 'pay_${CANCELLED}' AND version >= 5`);
      expectOffender(result, 6, `ord_${CANCELLED}`, 'payment Captured');
    });
    it('names a payment and a reservation without an order', async () => {
      const result = await violatedBy(`DELETE FROM journal WHERE entity_id = 'ord_${CONFIRMED}'`);
      expectOffender(result, 6, `pay_${CONFIRMED}`, 'none');
      expectOffender(result, 6, `res_${CONFIRMED}`, 'none');
    });
    it('names an unsettled entity that nothing would ever wake', async () => {
      const result = await violatedBy(`UPDATE journal SET wake_at = NULL WHERE entity_id = 'ord_${MANUAL}'`);
      expectOffender(result, 6, `ord_${MANUAL}`, 'none');
    });
  });

  it('invariant 7: names a reservation that ends twice', async () => {
    const result = await violatedBy(`INSERT INTO journal (shard, seq, epoch, version, at, entity_id, command_id, events)
      SELECT r.shard, (SELECT max(seq) + 1 FROM journal j WHERE j.shard = r.shard), 2, 3, at, entity_id, 'again',
             '[{"type":"InventoryReleased","reason":"requested"}]'
      FROM journal r WHERE entity_id = 'res_${SHORT}' AND version = 2`);
    expectOffender(result, 7, `res_${SHORT}`, 'InventoryReleased');
  });

  describe('invariant 8', () => {
    it('names an entity with two rows for one command', async () => {
      const result = await violatedBy(
        `UPDATE journal SET command_id = 'place-${CONFIRMED}' WHERE entity_id = 'ord_${CONFIRMED}' AND version = 3`,
      );
      expectOffender(result, 8, `ord_${CONFIRMED}`, '2 rows');
      expect(result.findings.violated).to.deep.equal([8]);
    });
    it('names a product that one reservation holds twice', async () => {
      const result =
        await violatedBy(`INSERT INTO journal (shard, seq, epoch, version, at, entity_id, command_id, events)
        SELECT h.shard, (SELECT max(seq) + 1 FROM journal j WHERE j.shard = h.shard), 2, (SELECT max(version) + 1 FROM journal j WHERE j.entity_id = h.entity_id),
               at, entity_id, 'again', events
        FROM journal h WHERE entity_id = 'stk_85123A' AND events::text LIKE '%StockHeld%"quantity":9,%'`);
      expectOffender(result, 8, 'stk_85123A', 'open already');
    });
  });
});
