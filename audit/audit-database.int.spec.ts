/** The audit over real databases: clean where all is right; damaged logs and read models are named. */
import { expect } from 'chai';
import type { StockState } from '../actors/stock/stock.ts';
import { stockDecider } from '../actors/stock/decider.ts';
import {
  AuditedDatabase,
  CONFIRMED,
  endings,
  expectOffender,
  MANUAL,
  orderId,
  SHORT,
} from '../test/support/audited-database.ts';
import { waitUntil } from '../test/support/wait-until.ts';
import { auditText, reportOf } from '../commands/audit-report.ts';

describe('audit of logs and read models', function () {
  this.timeout(30_000);
  let database: AuditedDatabase;

  beforeEach(async () => {
    database = await AuditedDatabase.create();
  });
  afterEach(() => database.drop());

  it('finds nothing where every order ended as it should', async () => {
    const result = await database.audit();
    expect(auditText(result, reportOf(result, 1000, 1024))).to.include('AUDIT CLEAN');
    expect(reportOf(result, 1000, 1024).totals['ordersByStatus']).to.deep.equal({
      Confirmed: 1,
      Cancelled: 4,
      PaymentAuthorized: 1,
    });
    const [count] = await database.query('SELECT count(*)::int AS rows FROM journal');
    expect(result.totals.rows).to.equal(count?.['rows']);
  });

  it('finds nothing in an empty database', async () => {
    await database.query('TRUNCATE journal, projection_checkpoints, order_view, stock_view, wake_ups');
    expect((await database.audit()).findings.violated).to.deep.equal([]);
  });

  describe('invariant 1', () => {
    it('names the row behind a hole in a log', async () => {
      const result = await database.auditAfter(
        'UPDATE journal SET seq = seq + 1 WHERE (shard, seq) IN (SELECT shard, max(seq) FROM journal WHERE shard = 1 GROUP BY shard)',
      );
      expect(result.findings.offendersOf(1)[0]).to.include({ shard: 1 });
    });
    it('names an entity whose versions have a hole', async () => {
      const result = await database.auditAfter(
        `UPDATE journal SET version = version + 1 WHERE entity_id = 'ord_${SHORT}' AND version = 3`,
      );
      expectOffender(result, 1, `ord_${SHORT}`, 'version 4');
    });
    it('names a row whose epoch falls, and one that begins an epoch without saying so', async () => {
      const result = await database.auditAfter(
        `UPDATE journal SET epoch = 7 WHERE entity_id = 'ord_${SHORT}' AND version = 1`,
      );
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
      const result = await database.auditAfter(
        `UPDATE journal SET shard = ${shard}, seq = ${String(seq)} WHERE entity_id = 'ord_${SHORT}' AND version = 2`,
      );
      expectOffender(result, 1, `ord_${SHORT}`, `shard ${shard}`);
    });
    it('names rows under an id that is no entity', async () => {
      const result = await database.auditAfter(
        `UPDATE journal SET entity_id = 'ord_nobody' WHERE entity_id = 'ord_${MANUAL}'`,
      );
      expectOffender(result, 1, 'ord_nobody', '"ord_nobody"');
    });
  });

  describe('invariant 3', () => {
    it('names an order of which one penny was changed in the view', async () => {
      const result = await database.auditAfter(
        `UPDATE order_view SET total_amount = total_amount + 1 WHERE order_id = '${CONFIRMED}'`,
      );
      expectOffender(result, 3, `ord_${CONFIRMED}`, '2296');
      expect(result.findings.violated).to.deep.equal([3]);
    });
    it('names an order whose state in the view differs, without telling where somebody lives', async () => {
      const result = await database.auditAfter(
        `UPDATE order_view SET state = jsonb_set(state::jsonb, '{terms,shippingAddress,street}', '"2 Other Street"') WHERE order_id = '${CONFIRMED}'`,
      );
      expectOffender(result, 3, `ord_${CONFIRMED}`, 'another state.terms.shippingAddress.street');
      expect(JSON.stringify(result.findings.offendersOf(3))).not.to.include('Other Street');
    });
    it('names an order that is missing in the view, and one that has no rows', async () => {
      const stray = orderId(99);
      const result = await database.auditAfter(
        `UPDATE order_view SET order_id = '${stray}' WHERE order_id = '${CONFIRMED}'`,
      );
      expectOffender(result, 3, `ord_${CONFIRMED}`, 'no row in order_view');
      expectOffender(result, 3, `ord_${stray}`, 'version');
    });
    it('names an order whose view has not seen what its checkpoint says', async () => {
      const result = await database.auditAfter(
        `UPDATE order_view SET version = version - 1 WHERE order_id = '${SHORT}'`,
      );
      expectOffender(result, 3, `ord_${SHORT}`, 'version 2');
    });
    it('judges a view that is behind by its checkpoint, and names the shards that stay behind', async () => {
      await database.query('UPDATE projection_checkpoints SET seq = 0');
      const result = await database.auditAfter('TRUNCATE order_view, stock_view, wake_ups');
      const offenders = result.findings.offendersOf(3);
      expect(offenders.map(({ entityId }) => entityId.slice(0, 4))).to.deep.equal(offenders.map(() => 'shd_'));
      expect(offenders.length).to.equal(result.totals.shards);
      expect(offenders[0]!.found).to.match(/[1-9]\d* rows behind, and nothing moves them/);
      expect(result.totals.rowsBeyondCheckpoints).to.be.greaterThan(40);
      expect(auditText(result, reportOf(result, 1000, 1024))).to.include('AUDIT FAILED');
    });

    describe('with a member there', () => {
      beforeEach(() =>
        database.query(
          `INSERT INTO members (worker_id, node_id, slot, host, socket_path, pid, version, draining, expires_at)
           VALUES ('w0', 'n', 0, 'h', '/s', 1, '1', false, clock_timestamp() + interval '1 hour')`,
        ),
      );

      it('waits for views that move, as a running node’s do', async () => {
        const [end] = await database.query('SELECT seq FROM projection_checkpoints WHERE shard = 1');
        const seq = Number(end!['seq']);
        await database.query(`UPDATE projection_checkpoints SET seq = ${seq - 2} WHERE shard = 1`);
        const audited = database.audit();
        const sessions = `SELECT 1 FROM pg_stat_activity WHERE application_name = 'holdfast/audit' AND datname = current_database()`;
        await waitUntil('it looks again', async () => (await database.query(sessions)).length === 2);
        for (const late of [seq - 1, seq])
          await database.query(`UPDATE projection_checkpoints SET seq = ${late} WHERE shard = 1`);
        const { findings } = await audited;
        expect(findings.offendersOf(3).map(({ entityId }) => entityId)).to.not.include('shd_1');
      });

      it('names those that it does not move', async () => {
        const result = await database.auditAfter('UPDATE projection_checkpoints SET seq = seq - 1 WHERE shard = 1');
        expectOffender(result, 3, 'shd_1', '1 rows behind');
      });
    });

    it('names entities that are set apart', async () => {
      const result = await database.auditAfter(
        `INSERT INTO quarantine (entity_id, shard, reason) VALUES ('ord_${SHORT}', 1, 'its view can''t be written: refused')`,
        `DELETE FROM order_view WHERE order_id = '${SHORT}'`,
      );
      const text = auditText(result, reportOf(result, 1000, 1024));
      expect(text).to.include('set apart 1 entities').and.include(`ord_${SHORT} (shard 1): its view can't be written`);
      expectOffender(result, 3, `ord_${SHORT}`, 'no row in order_view');
    });
    it('names a checkpoint ahead of its log', async () => {
      const result = await database.auditAfter('UPDATE projection_checkpoints SET seq = seq + 1 WHERE shard = 1');
      expectOffender(result, 3, 'shd_1', 'one at');
    });
    it('names a stock item whose level in the view differs', async () => {
      const result = await database.auditAfter(
        `UPDATE stock_view SET on_hand = on_hand + 1 WHERE product_id = '\u{1f4a1}'`,
      );
      expectOffender(result, 3, 'stk_\u{1f4a1}', '101');
    });
    it('names a wake-up that is missing, and one that nobody asked for', async () => {
      const result = await database.auditAfter(`UPDATE wake_ups SET entity_id = 'ord_${CONFIRMED}'`);
      expectOffender(result, 3, `ord_${MANUAL}`, 'none in wake_ups');
      expectOffender(result, 3, `ord_${CONFIRMED}`, 'a wake-up at');
    });
    it('names an entity whose events can not be read, and goes on', async () => {
      const result = await database.auditAfter(
        `UPDATE journal SET events = '[{"type":"Nonsense"}]' WHERE entity_id = 'ord_${CONFIRMED}' AND version = 2`,
        `UPDATE order_view SET total_amount = 1 WHERE order_id = '${MANUAL}'`,
      );
      expectOffender(result, 3, `ord_${CONFIRMED}`, 'Nonsense');
      expectOffender(result, 3, `ord_${MANUAL}`, '1');
      expect(result.findings.violated).to.deep.equal([3]);
    });
    it('names an entity whose events contradict each other', async () => {
      const result = await database.auditAfter(
        `UPDATE journal SET events = '[{"type":"OrderConfirmed"}]' WHERE entity_id = 'ord_${SHORT}' AND version = 2`,
      );
      expectOffender(result, 3, `ord_${SHORT}`, "OrderConfirmed can't follow Created");
    });
    it('takes a right snapshot, and names a wrong one', async () => {
      const state = endings().stateOf('stk_85123A') as StockState;
      const { schema, encode } = stockDecider.snapshot!;
      const stored = (change: (words: Uint32Array) => void): string => {
        const encoded = encode(state) as { holds: { packed: string } };
        const words = new Uint32Array(new Uint8Array(Buffer.from(encoded.holds.packed, 'base64')).buffer);
        change(words);
        encoded.holds.packed = Buffer.from(words.buffer).toString('base64');
        return JSON.stringify({ state: encoded, known: [] });
      };
      const save = `INSERT INTO snapshots (entity_id, shard, version, schema, state, at)
        SELECT entity_id, shard, max(version), $1::int, $2::json, now() FROM journal WHERE entity_id = 'stk_85123A' GROUP BY 1, 2`;
      await database.query(save, [schema, stored(() => undefined)]);
      const right = await database.audit();
      expect(right.findings.violated).to.deep.equal([]);
      expect(right.totals.snapshots).to.equal(1);
      await database.query('UPDATE snapshots SET state = $1::json', [stored((words) => (words[4]! -= 1))]);
      expectOffender(await database.audit(), 3, 'stk_85123A', 'does not add up');
      await database.query('UPDATE snapshots SET state = $1::json', [stored((words) => (words[6]! -= 1))]);
      expectOffender(await database.audit(), 3, 'stk_85123A', String([...state.holds][0]![1].notAfter - 1));
    });
    it('names a snapshot ahead of its log', async () => {
      const result = await database.auditAfter(`INSERT INTO snapshots (entity_id, shard, version, schema, state, at)
        SELECT entity_id, shard, max(version) + 1, 1, '{}', now() FROM journal WHERE entity_id = 'stk_85123A' GROUP BY 1, 2`);
      expectOffender(result, 3, 'stk_85123A', 'one at version');
    });
  });
});
