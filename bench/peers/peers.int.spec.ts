import { expect } from 'chai';
import { randomBytes } from 'node:crypto';
import { signDevToken } from '../../config/dev-token.ts';
import { freePorts } from '../../config/free-ports.ts';
import { createScratchDatabase, type ScratchDatabase } from '../../test/support/scratch-database.ts';
import { waitUntil } from '../../test/support/wait-until.ts';
import { Cleanup } from '../host/cleanup.ts';
import { whyNotSettled } from '../load/settled-answer.ts';
import { dbos } from '../targets/dbos.ts';
import { plainSql } from '../targets/plain-sql.ts';
import { queueTable } from '../targets/queue-table.ts';
import { RunningTarget } from '../targets/running-target.ts';
import type { Target, TargetPlace, Verdict } from '../targets/target.ts';

const CONCURRENT_ORDERS = 24;
const PRODUCTS = ['TEA', 'MUG', 'Pot'];
/** DBOS looks for workflows to recover once a second, and does them from the start. */
const RECOVERY_PATIENCE_MS = 30_000;
const ADDRESS = { street: '1 Wharf Road', city: 'Leeds', state: '', postalCode: 'LS1 4AP', country: 'GB' };

/** Each is undone before the next. */
const DAMAGES: readonly (readonly [what: string, sql: string, undo: string])[] = [
  ['stock held without a reservation', 'update stock set held = held + 1', 'update stock set held = held - 1'],
  [
    'a payment that was never captured',
    `update payments set status = 'Lost' where order_id = (select min(order_id::text)::uuid from payments)`,
    `update payments set status = 'Captured'`,
  ],
  [
    'an order that was lost half-way',
    `update orders set status = 'Created' where id = (select min(order_id::text)::uuid from payments)`,
    `update orders set status = 'Confirmed' where status = 'Created'`,
  ],
  [
    'a payment captured twice',
    `insert into outbox(order_id, type, data) select order_id, 'PaymentCaptured', '{"twice": true}' from payments limit 1`,
    `delete from outbox where data ? 'twice'`,
  ],
];

interface PeerCase {
  readonly target: Target;
  /** SQL that makes the tables look as if the peer had died, with steps done that it does not know to be done. */
  readonly forgetSteps?: string;
  /** SQL: whether nothing is left to do. */
  readonly isIdle?: string;
}

const PEERS: readonly PeerCase[] = [
  { target: plainSql },
  {
    target: queueTable,
    forgetSteps: `
      update orders set status = 'PaymentPending' where id = (select min(order_id::text)::uuid from payments);
      delete from outbox using orders where order_id = orders.id and status = 'PaymentPending'
        and type in ('PaymentAuthorized', 'OrderConfirmed', 'PaymentCaptured');
      delete from payments using orders where order_id = orders.id and orders.status = 'PaymentPending';
      insert into jobs(worker, step, order_id) select 7, step, orders.id
        from orders, unnest(array['reserve', 'authorize', 'capture']) step`,
    isIdle: 'select not exists (select from jobs) as idle',
  },
  {
    target: dbos,
    forgetSteps: `
      delete from dbos.operation_outputs;
      delete from dbos.workflow_output;
      update dbos.workflow_status set status = 'PENDING', completed_at = null`,
    isIdle: `select not exists (select from dbos.workflow_status where status <> 'SUCCESS') as idle`,
  },
];

interface PlacedAnswer {
  readonly status: number;
  readonly body: string;
  readonly isReplay: boolean;
  readonly order: { readonly orderId: string; readonly status: string; readonly cancellation?: { code: string } };
}

for (const { target, forgetSteps, isIdle } of PEERS) {
  describe(`${target.name} as a peer`, () => {
    const cleanup = new Cleanup();
    let database: ScratchDatabase;
    let place: TargetPlace;
    let running: RunningTarget;
    let customer: string;
    let complete = 0;

    before(async () => {
      database = await createScratchDatabase({ migrated: false });
      const [port, adminPort] = await freePorts(2);
      const jwtSecret = randomBytes(32).toString('base64url');
      place = { databaseUrl: database.url, port: port!, adminPort: adminPort!, dataDir: '', workers: 2, jwtSecret };
      running = await RunningTarget.start(target, place, cleanup);
      customer = await sign('customer');
      const items = PRODUCTS.map((productId) => ({ productId, onHand: 1000 }));
      await running.request('POST', '/api/v1/stock/batch', await sign('admin'), { items });
    });

    after(async () => {
      await cleanup.run();
      await database.drop();
    });

    async function sign(role: 'customer' | 'admin'): Promise<string> {
      return await signDevToken({ secret: place.jwtSecret, sub: `a-${role}`, role, ttlSeconds: 600 });
    }

    async function post(path: string, token: string, body: unknown, key?: string): Promise<Response> {
      const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json', prefer: 'wait=30' };
      return await fetch(`http://127.0.0.1:${place.port}${path}`, {
        method: 'POST',
        headers: key === undefined ? headers : { ...headers, 'idempotency-key': key },
        body: JSON.stringify(body),
      });
    }

    async function order(quantity: number, key?: string): Promise<PlacedAnswer> {
      const orderLines = PRODUCTS.map((productId) => ({
        productId,
        quantity,
        unitPrice: { amount: 250, currency: 'GBP' },
      }));
      const paymentMethod = { type: 'card', token: 'tok_visa' };
      const body = { orderLines, shippingAddress: ADDRESS, paymentMethod };
      const response = await post('/api/v1/orders', customer, body, key);
      const text = await response.text();
      const isReplay = response.headers.get('idempotent-replayed') === 'true';
      return { status: response.status, body: text, isReplay, order: JSON.parse(text) as PlacedAnswer['order'] };
    }

    async function stopAndVerify(ordersAnswered = complete): Promise<Verdict> {
      await running.stop();
      return await running.verify(ordersAnswered);
    }

    it('answers concurrent orders when they are confirmed and captured, each with an id of its own', async () => {
      const keys = Array.from({ length: CONCURRENT_ORDERS }, (_, index) => (index === 0 ? undefined : `key-${index}`));
      const answers = await Promise.all(keys.map((key) => order(2, key)));
      expect(answers.map(whyNotSettled)).to.deep.equal(answers.map(() => undefined));
      expect(new Set(answers.map((answer) => answer.order.orderId)).size).to.equal(CONCURRENT_ORDERS);
      complete += CONCURRENT_ORDERS;
    });

    it('answers the same key sent at once and again with one and the same order, once it is complete', async () => {
      const answers = [...(await Promise.all([1, 2, 3, 4].map(() => order(1, 'same')))), await order(1, 'same')];
      expect(answers.map(whyNotSettled)).to.deep.equal(answers.map(() => undefined));
      expect(new Set(answers.map((answer) => answer.order.orderId)).size).to.equal(1);
      expect(answers.filter((answer) => !answer.isReplay)).to.have.length(1);
      complete += 1;
    });

    it('refuses another request under a key that is taken', async () => {
      expect((await order(3, 'same')).status).to.equal(422);
    });

    it('cancels what stock does not cover, holds none of it, and says so again when asked again', async () => {
      for (const isReplay of [false, true]) {
        const answer = await order(100_000, 'too-much');
        expect(answer).to.deep.include({ status: 201, isReplay });
        expect(answer.order).to.include({ status: 'Cancelled' });
        expect(answer.order.cancellation?.code).to.equal('insufficient_inventory');
      }
      const held = await database.query('select distinct held::int from stock');
      expect(held).to.deep.equal([{ held: 2 * CONCURRENT_ORDERS + 1 }]);
    });

    it('sells the last units once, to many at the same time', async () => {
      const left = 1000 - (2 * CONCURRENT_ORDERS + 1);
      const answers = await Promise.all([1, 2, 3, 4].map(() => order(Math.floor(left / 2))));
      expect(answers.map((answer) => answer.order.status).sort()).to.deep.equal([
        'Cancelled',
        'Cancelled',
        'Confirmed',
        'Confirmed',
      ]);
      complete += 2;
    });

    it('refuses a request without a token, and lets only an admin put stock', async () => {
      expect((await post('/api/v1/orders', 'nonsense', {})).status).to.equal(401);
      expect((await post('/api/v1/stock/batch', customer, { items: [] })).status).to.equal(403);
    });

    it('has nothing to hide from its check', async () => {
      expect(await stopAndVerify()).to.deep.equal({ kind: 'clean', by: 'its own tables' });
    });

    it('is found out where it answered more orders than it has', async () => {
      expect((await running.verify(complete + 1)).kind).to.equal('violated');
    });

    for (const [what, sql, undo] of DAMAGES) {
      it(`is found out by ${what}`, async () => {
        await database.query(sql);
        expect((await running.verify(complete)).kind).to.equal('violated');
        await database.query(undo);
        expect((await running.verify(complete)).kind).to.equal('clean');
      });
    }

    if (forgetSteps !== undefined && isIdle !== undefined) {
      it('takes up what a process left that died, and changes nothing by steps that were done before', async () => {
        await database.query(forgetSteps);
        running = await RunningTarget.start(target, place, cleanup);
        await waitUntil(
          'nothing is left to do',
          async () => (await database.query(isIdle))[0]!['idle'] === true,
          () => running.lastOutput,
          RECOVERY_PATIENCE_MS,
        );
        expect(await stopAndVerify()).to.deep.equal({ kind: 'clean', by: 'its own tables' });
        const events = await database.query(
          'select max(count)::int as most from (select count(*) from outbox group by order_id, type) as events',
        );
        expect(events).to.deep.equal([{ most: 1 }]);
      });
    }
  });
}
