/** The audit over real databases: for each promise about stock, money and orders one damage that it must name. */
import { expect } from 'chai';
import {
  AuditedDatabase,
  CANCELLED,
  CONFIRMED,
  expectOffender,
  MANUAL,
  SHORT,
  STARTED_AT,
} from '../test/support/audited-database.ts';

describe('audit of stock, money and orders', function () {
  this.timeout(30_000);
  let database: AuditedDatabase;

  beforeEach(async () => {
    database = await AuditedDatabase.create();
  });
  afterEach(() => database.drop());

  describe('invariant 4', () => {
    it('names a product and the hold that is not what its reservation says', async () => {
      const result = await database.auditAfter(
        `UPDATE journal SET events = replace(events::text, '"quantity":9', '"quantity":8')::json WHERE entity_id = 'stk_85123A'`,
      );
      expectOffender(result, 4, 'stk_85123A', 'one of 8 units');
    });
    it('names a hold beyond what was there', async () => {
      const result = await database.auditAfter(
        `UPDATE journal SET events = replace(events::text, '"quantity":9', '"quantity":9000')::json WHERE entity_id = 'stk_85123A'`,
      );
      expectOffender(result, 4, 'stk_85123A', 'StockHeld of 9000');
    });
    it('names a product that reservations hold and stock does not know', async () => {
      const result = await database.auditAfter(`DELETE FROM journal WHERE entity_id = 'stk_85123a'`);
      expectOffender(result, 4, 'stk_85123a', 'none');
    });
  });

  describe('invariant 5', () => {
    it('names a payment that captured more than was authorized', async () => {
      const result = await database.auditAfter(
        `UPDATE journal SET events = replace(events::text, '"amount":2295', '"amount":2296')::json WHERE entity_id = 'pay_${CONFIRMED}' AND version = 4`,
      );
      expectOffender(result, 5, `pay_${CONFIRMED}`, 'PaymentCaptured of 2296');
    });
    it('names a payment that is captured and voided', async () => {
      const result = await database.auditAfter(
        `UPDATE journal SET events = '[{"type":"VoidStarted","notAfter":1}]' WHERE entity_id = 'pay_${CANCELLED}' AND version = 5`,
      );
      expectOffender(result, 5, `pay_${CANCELLED}`, 'VoidStarted');
    });
  });

  describe('invariant 6', () => {
    const withoutCapture = `DELETE FROM journal WHERE entity_id = 'ord_${CONFIRMED}' AND version = 4`;
    it('names an order that has not settled for longer than the grace', async () => {
      expectOffender(
        await database.auditAfter(withoutCapture),
        6,
        `ord_${CONFIRMED}`,
        'Confirmed, unsettled since 2026-01-15T12:00:00',
      );
    });
    it('counts an unsettled order within the grace as pending', async () => {
      await database.query(withoutCapture);
      const grace = Date.now() - STARTED_AT + 60_000;
      const result = await database.audit(grace);
      expect(result.findings.countOf(6)).to.equal(0);
      expect(result.kinds.find(({ kind }) => kind.kind === 'order')?.counts.pending).to.equal(1);
    });
    it('names a confirmed order whose payment is not captured', async () => {
      const result = await database.auditAfter(
        `DELETE FROM journal WHERE entity_id = 'pay_${CONFIRMED}' AND version >= 3`,
      );
      expectOffender(result, 6, `ord_${CONFIRMED}`, 'payment Authorized');
    });
    it('names a cancelled order whose stock is still held', async () => {
      const result = await database.auditAfter(`DELETE FROM journal WHERE entity_id = 'stk_\uff21' AND version = 3`);
      expectOffender(result, 6, `res_${CANCELLED}`, '4 units of \uff21 are still held');
      expectOffender(result, 4, 'stk_\uff21', `an open hold of 4 units for res_${CANCELLED}`);
    });
    it('names a cancelled order whose money was kept', async () => {
      const result = await database.auditAfter(
        `DELETE FROM journal WHERE entity_id = 'pay_${CANCELLED}' AND version >= 5`,
      );
      expectOffender(result, 6, `ord_${CANCELLED}`, 'payment Captured');
    });
    it('names a payment and a reservation without an order', async () => {
      const result = await database.auditAfter(`DELETE FROM journal WHERE entity_id = 'ord_${CONFIRMED}'`);
      expectOffender(result, 6, `pay_${CONFIRMED}`, 'none');
      expectOffender(result, 6, `res_${CONFIRMED}`, 'none');
    });
    it('names an unsettled entity that nothing would ever wake', async () => {
      const result = await database.auditAfter(`UPDATE journal SET wake_at = NULL WHERE entity_id = 'ord_${MANUAL}'`);
      expectOffender(result, 6, `ord_${MANUAL}`, 'none');
    });
  });

  it('invariant 7: names a reservation that ends twice', async () => {
    const result =
      await database.auditAfter(`INSERT INTO journal (shard, seq, epoch, version, at, entity_id, command_id, events)
      SELECT r.shard, (SELECT max(seq) + 1 FROM journal j WHERE j.shard = r.shard), 2, 3, at, entity_id, 'again',
             '[{"type":"InventoryReleased","reason":"requested"}]'
      FROM journal r WHERE entity_id = 'res_${SHORT}' AND version = 2`);
    expectOffender(result, 7, `res_${SHORT}`, 'InventoryReleased');
  });

  describe('invariant 8', () => {
    it('names an entity with two rows for one command', async () => {
      const result = await database.auditAfter(
        `UPDATE journal SET command_id = 'place-${CONFIRMED}' WHERE entity_id = 'ord_${CONFIRMED}' AND version = 3`,
      );
      expectOffender(result, 8, `ord_${CONFIRMED}`, '2 rows');
      expect(result.findings.violated).to.deep.equal([8]);
    });
    it('names a product that one reservation holds twice', async () => {
      const result =
        await database.auditAfter(`INSERT INTO journal (shard, seq, epoch, version, at, entity_id, command_id, events)
        SELECT h.shard, (SELECT max(seq) + 1 FROM journal j WHERE j.shard = h.shard), 2, (SELECT max(version) + 1 FROM journal j WHERE j.entity_id = h.entity_id),
               at, entity_id, 'again', events
        FROM journal h WHERE entity_id = 'stk_85123A' AND events::text LIKE '%StockHeld%"quantity":9,%'`);
      expectOffender(result, 8, 'stk_85123A', 'open already');
    });
  });
});
