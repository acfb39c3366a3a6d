/** Whole orders through real actors over storage in memory: what is written, how they settle, and what a crash leaves. */
import { expect } from 'chai';
import type { OrderTerms } from './order.ts';
import { KINDS } from '../index.ts';
import { InMemoryNode, MortalJournalStore, typesIdleAfter, World } from '../../test/support/in-memory-node.ts';
import { orderIdOf, orderTerms } from '../../test/support/order-states.ts';
import { waitUntil } from '../../test/support/wait-until.ts';

const ORDER = orderIdOf(1);
const TOTAL = 610;

interface Way {
  readonly name: string;
  readonly terms?: Partial<OrderTerms>;
  /** P1, P2 */
  readonly stock?: readonly [number, number];
  /** Sent as soon as the order has this status. */
  readonly cancelAt?: 'Created' | 'PaymentPending' | 'PaymentAuthorized' | 'Confirmed' | 'captured';
  readonly ends: 'Confirmed' | 'Cancelled';
  readonly code?: string;
}

const WAYS: readonly Way[] = [
  { name: 'the happy path', ends: 'Confirmed' },
  {
    name: 'an answer that the provider drops',
    terms: { paymentMethod: { type: 'card', token: 'tok_drop' } },
    ends: 'Confirmed',
  },
  {
    name: 'a declined payment',
    terms: { paymentMethod: { type: 'card', token: 'tok_decline' } },
    ends: 'Cancelled',
    code: 'payment_declined',
  },
  {
    name: 'a refused capture',
    terms: { paymentMethod: { type: 'card', token: 'tok_capture_fail' } },
    ends: 'Cancelled',
    code: 'payment_capture_failed',
  },
  { name: 'a shortage of one of several products', stock: [10, 0], ends: 'Cancelled', code: 'insufficient_inventory' },
  { name: 'a shortage of all products', stock: [1, 0], ends: 'Cancelled', code: 'insufficient_inventory' },
  { name: 'a cancellation while the stock is reserved', cancelAt: 'Created', ends: 'Cancelled', code: 'requested' },
  {
    name: 'a cancellation while the payment is pending',
    cancelAt: 'PaymentPending',
    ends: 'Cancelled',
    code: 'requested',
  },
  {
    name: 'a cancellation before it is confirmed',
    terms: { confirmation: 'manual' },
    cancelAt: 'PaymentAuthorized',
    ends: 'Cancelled',
    code: 'requested',
  },
  { name: 'a cancellation while the payment is captured', cancelAt: 'Confirmed', ends: 'Cancelled', code: 'requested' },
  { name: 'a cancellation after the payment was captured', cancelAt: 'captured', ends: 'Cancelled', code: 'requested' },
];

/** The status that the journal's rows say, without asking anybody. */
function statusIn(world: World): string {
  const types = world
    .rowsOf(`ord_${ORDER}`)
    .flatMap(({ events }) => (JSON.parse(events) as { type: string }[]).map(({ type }) => type));
  const has = (type: string): boolean => types.includes(type);
  if (has('OrderPaymentCaptured')) return 'captured';
  if (has('OrderConfirmed')) return 'Confirmed';
  if (has('OrderPaymentAuthorized')) return 'PaymentAuthorized';
  if (has('OrderPaymentPending')) return 'PaymentPending';
  return has('OrderCreated') ? 'Created' : 'Absent';
}

function kindsOf(world: World): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { entityId } of world.rows) counts[entityId.slice(0, 3)] = (counts[entityId.slice(0, 3)] ?? 0) + 1;
  return counts;
}

/** Every promise about a settled order: money, stock, read models, and that it is settled. */
async function expectSettled(node: InMemoryNode, way: Way): Promise<void> {
  const { world } = node;
  const [p1, p2] = way.stock ?? [10, 10];
  const order = await node.order(ORDER);
  expect(order.status).to.equal(way.ends);
  const isConfirmed = way.ends === 'Confirmed';
  if (order.status === 'Cancelled') expect(order.cancellation.code).to.equal(way.code);
  const moved = world.provider.moved.bind(world.provider);
  expect(
    [moved('authorize'), moved('capture')].every((amount) => amount === 0 || amount === TOTAL),
    'charged once at most',
  ).to.equal(true);
  expect(moved('capture') - moved('refund'), 'what the customer paid').to.equal(isConfirmed ? TOTAL : 0);
  if (moved('capture') === 0)
    expect(moved('authorize') - moved('void'), 'nothing stays reserved on the card').to.equal(0);
  const levels = [await node.stock('P1'), await node.stock('P2')];
  expect(levels.map(({ onHand }) => onHand)).to.deep.equal([p1, p2]);
  expect(
    levels.map(({ held }) => held),
    'held',
  ).to.deep.equal(isConfirmed ? [2, 1] : [0, 0]);
  await node.quiet();
  await node.projections.flush();
  const view = world.readModels.order(ORDER);
  expect(view?.state, 'the order view').to.deep.equal(JSON.parse(JSON.stringify(order)));
  expect(view?.settled).to.equal(true);
  const stocks = [...world.readModels.stocks.values()].map(({ productId, onHand, held }) => [productId, onHand, held]);
  expect(stocks.sort()).to.deep.equal(levels.map(({ productId, onHand, held }) => [productId, onHand, held]));
  expect([...world.readModels.waiting.keys()], 'nobody waits').to.deep.equal([]);
  for (const rows of world.log.entities.values()) {
    expect(rows.map(({ version }) => version)).to.deep.equal(rows.map((_, index) => index + 1));
  }
}

const cancel = (node: InMemoryNode) =>
  node.ask(`ord_${ORDER}`, { type: 'CancelOrder', reason: 'changed my mind' } as never, {
    commandId: 'cancel',
    fingerprint: 'c',
    until: 'durable',
  });

const HELD_STEP = { PaymentPending: 'authorize', Confirmed: 'capture' } as const;

/** The client's part: places, and cancels where the way says so. What it has not heard when its node dies, it asks again. */
async function drive(node: InMemoryNode, way: Way): Promise<void> {
  const { world } = node;
  const { cancelAt } = way;
  // The step that the cancellation meets takes its time.
  const step = cancelAt === 'PaymentPending' || cancelAt === 'Confirmed' ? HELD_STEP[cancelAt] : undefined;
  const release = step && world.provider.hold(step);
  try {
    const placed = await node.place(ORDER, way.terms, { until: 'durable' });
    if (placed.kind !== 'done' || !cancelAt) return;
    const isThere = (): boolean =>
      node.dead || (step ? world.provider.calls.some((call) => call.step === step) : statusIn(world) === cancelAt);
    await waitUntil(`the order is ${cancelAt}`, isThere, () => statusIn(world));
    await cancel(node);
  } finally {
    release?.();
  }
}

describe('an order’s whole way', () => {
  it('of two lines writes 11 rows: order 4, stock 2, reservation 1, payment 4', async () => {
    const node = await InMemoryNode.start();
    await node.setStock('P1', 10);
    await node.setStock('P2', 10);
    const before = node.world.rows.length;
    const answer = await node.place(ORDER);
    expect(answer).to.deep.include({ kind: 'done', replayed: false, version: 4 });
    await node.quiet();
    expect(node.world.rows.length - before).to.equal(11);
    expect(kindsOf(node.world)).to.deep.equal({ ord: 4, stk: 2 + 2, res: 1, pay: 4 });
    await expectSettled(node, WAYS[0]!);
    await node.stop();
  });

  for (const way of WAYS) {
    it(`settles by ${way.name}`, async () => {
      const node = await InMemoryNode.start();
      await node.setStock('P1', (way.stock ?? [10, 10])[0]);
      await node.setStock('P2', (way.stock ?? [10, 10])[1]);
      await drive(node, way);
      await node.quiet();
      await expectSettled(node, way);
      await node.stop();
    });
  }

  it('given up by one without stock never takes what another one needs: P2 is short, P1 goes to the next', async () => {
    const node = await InMemoryNode.start();
    await node.setStock('P1', 2);
    await node.setStock('P2', 0);
    await node.place(ORDER);
    await node.place(orderIdOf(2), { lines: [{ productId: 'P1', quantity: 2, unitPrice: 1 }] });
    expect([(await node.order(ORDER)).status, (await node.order(orderIdOf(2))).status]).to.deep.equal([
      'Cancelled',
      'Confirmed',
    ]);
    expect((await node.stock('P1')).held).to.equal(2);
    await node.stop();
  });

  it('of 200 orders for a hot product of 50 units: 50 are confirmed, 150 cancelled, none held twice', async () => {
    const node = await InMemoryNode.start();
    await node.setStock('HOT', 50);
    const lines = [{ productId: 'HOT', quantity: 1, unitPrice: 100 }];
    await Promise.all(Array.from({ length: 200 }, (_, index) => node.place(orderIdOf(index), { lines })));
    const statuses = await Promise.all(
      Array.from({ length: 200 }, async (_, index) => (await node.order(orderIdOf(index))).status),
    );
    expect(statuses.filter((status) => status === 'Confirmed')).to.have.length(50);
    expect(statuses.filter((status) => status === 'Cancelled')).to.have.length(150);
    expect(await node.stock('HOT')).to.include({ onHand: 50, held: 50, available: 0 });
    expect(node.world.provider.moved('capture')).to.equal(50 * 100);
    await node.stop();
  });
});

describe('an order whose node dies', () => {
  /** From the last stock row on; a stock row never was in doubt. */
  async function seeded(way: Way): Promise<World> {
    const world = new World();
    const node = await InMemoryNode.start({ world });
    await node.setStock('P1', (way.stock ?? [10, 10])[0]);
    await node.setStock('P2', (way.stock ?? [10, 10])[1]);
    await node.quiet();
    await node.stop();
    return world;
  }

  for (const way of WAYS) {
    it(`settles all the same after any commit: ${way.name}`, async function () {
      this.timeout(30_000);
      for (let commits = 1; ; commits++) {
        const world = await seeded(way);
        let store: MortalJournalStore | undefined;
        const first = await InMemoryNode.start({
          world,
          store: (log) => (store = new MortalJournalStore(log, commits)),
        });
        const driven = drive(first, way).then(() => first.quiet());
        driven.catch(() => undefined); // a dead node keeps nobody's promises
        const died = await Promise.race([store!.died.then(() => true), driven.then(() => false)]);
        first.kill();
        world.provider.letGo();

        // The next process, over the same log: first nobody asks, its wake-ups alone must do.
        const second = await InMemoryNode.start({ world });
        second.pass(10_000);
        await second.quiet();
        if (statusIn(world) === 'Absent') await second.place(ORDER, way.terms, { until: 'durable' });
        if (way.cancelAt) {
          await waitUntil('the order is made', () => statusIn(world) !== 'Absent');
          await cancel(second); // the client repeats what it has no answer for
        }
        await second.quiet();
        try {
          await expectSettled(second, way);
        } catch (error) {
          throw new Error(`after ${commits} commits: ${(error as Error).message}`, { cause: error });
        }
        await second.stop();
        if (!died) {
          expect(commits).to.be.greaterThan(3);
          return;
        }
      }
    });
  }

  it('settles although every second commit kills its node', async () => {
    const world = await seeded(WAYS[0]!);
    for (let life = 0; statusIn(world) !== 'captured'; life++) {
      expect(life).to.be.lessThan(40);
      let store: MortalJournalStore | undefined;
      const node = await InMemoryNode.start({ world, store: (log) => (store = new MortalJournalStore(log, 2)) });
      if (statusIn(world) === 'Absent') void node.place(ORDER);
      node.pass(10_000);
      await Promise.race([store!.died, node.quiet()]);
      node.kill();
    }
    const last = await InMemoryNode.start({ world });
    last.pass(10_000);
    await last.quiet();
    await expectSettled(last, WAYS[0]!);
    await last.stop();
  });
});

describe('an order that waits for a person', () => {
  const terms: Partial<OrderTerms> = { confirmation: 'manual', reservationTtlMs: 60_000 };
  const waiting = async (world = new World()): Promise<InMemoryNode> => {
    const node = await InMemoryNode.start({ world, types: typesIdleAfter(5_000) });
    await node.setStock('P1', 10);
    await node.setStock('P2', 10);
    await node.place(ORDER, terms);
    await node.quiet();
    await node.projections.flush();
    return node;
  };

  it('is settled in the view, and waits for its deadline', async () => {
    const node = await waiting();
    expect((await node.order(ORDER)).status).to.equal('PaymentAuthorized');
    expect(node.world.readModels.order(ORDER)?.settled).to.equal(true);
    expect([...node.world.readModels.waiting.keys()]).to.deep.equal([`ord_${ORDER}`]);
    await node.stop();
  });

  it('expires by its deadline, and not before', async () => {
    const node = await waiting();
    node.pass(59_000);
    await node.quiet();
    expect((await node.order(ORDER)).status).to.equal('PaymentAuthorized');
    node.pass(3_000);
    await node.quiet();
    await expectSettled(node, { name: '', ends: 'Cancelled', code: 'reservation_expired' });
    await node.stop();
  });

  it('expires although it had left memory', async () => {
    const node = await waiting();
    node.world.clock.advance(40_000);
    node.region.sweep();
    expect(node.region.figures.residents).to.equal(0);
    node.pass(30_000);
    await node.quiet();
    expect((await node.order(ORDER)).status).to.equal('Cancelled');
    await node.stop();
  });

  for (const flushed of [true, false]) {
    it(`expires although its node died ${flushed ? 'after' : 'before'} its wake-up was written`, async () => {
      const world = new World();
      if (flushed) await (await waiting(world)).stop();
      else {
        const node = await InMemoryNode.start({ world });
        await node.setStock('P1', 10);
        await node.setStock('P2', 10);
        await node.place(ORDER, terms);
        node.kill();
      }
      const next = await InMemoryNode.start({ world });
      next.pass(10_000);
      await next.quiet();
      expect((await next.order(ORDER)).status).to.equal('PaymentAuthorized');
      next.pass(60_000);
      await next.quiet();
      await expectSettled(next, { name: '', ends: 'Cancelled', code: 'reservation_expired' });
      await next.stop();
    });
  }

  it('expires although it was woken for nothing before', async () => {
    const node = await waiting();
    node.region.wakeAt(`ord_${ORDER}`, node.world.clock.nowMs());
    node.pass(5_000);
    await node.quiet();
    node.pass(60_000);
    await node.quiet();
    expect((await node.order(ORDER)).status).to.equal('Cancelled');
    await node.stop();
  });

  it('is confirmed by a person, and then captured', async () => {
    const node = await waiting();
    const answer = await node.ask(`ord_${ORDER}`, { type: 'ConfirmOrder' }, { until: 'settled' });
    expect(answer.kind).to.equal('done');
    await expectSettled(node, WAYS[0]!);
    node.pass(120_000);
    await node.quiet();
    expect((await node.order(ORDER)).status).to.equal('Confirmed');
    await node.stop();
  });
});

it('every row of an order belongs to a known kind', async () => {
  const node = await InMemoryNode.start();
  await node.setStock('P1', 10);
  await node.place(ORDER, { lines: orderTerms().lines.slice(0, 1) });
  expect(node.world.rows.every(({ entityId }) => KINDS.find(entityId) !== undefined)).to.equal(true);
  await node.stop();
});
