/** Every rule of the judge, each shown to fail: a run that is clean, and what must be said when one thing of it is not. */
import { expect } from 'chai';
import { noTally, type StockPut, type WantedOrder } from '../load/history.ts';
import type { OrderAnswer } from '../load/order-answer.ts';
import type { TimelineEntry } from '../timeline.ts';
import { STANDSTILL_MS_MAX } from './check-progress.ts';
import { type Isolation, UNSERVED_MS_MAX } from './check-reach.ts';
import type { StockAnswer } from './check-stock.ts';
import type { OrderViewRow } from './check-views.ts';
import { HeardEvents, type HeardMessage } from './heard-events.ts';
import { type Evidence, judge } from './judge.ts';
import { JournalScan, type ScannedEvent, type ScannedRow } from './journal-scan.ts';
import type { Violation } from './violation.ts';

const LINES = [{ productId: 'A', quantity: 2, unitPrice: 150 }];
const TOTAL = 300;

/** Rows of one shard; place and version are counted on, unless a test says otherwise. */
class Log {
  readonly rows: ScannedRow[] = [];
  epoch = 0;
  readonly #versions = new Map<string, number>();

  add(entityId: string, ...events: readonly ScannedEvent[]): this {
    if (events.some(({ type }) => type === 'EpochStarted')) this.epoch += 1;
    const version = (this.#versions.get(entityId) ?? 0) + 1;
    this.#versions.set(entityId, version);
    this.rows.push({ shard: 3, seq: this.rows.length + 1, epoch: this.epoch, entityId, version, events });
    return this;
  }

  change(index: number, change: Partial<ScannedRow>): void {
    this.rows[index] = { ...this.rows[index]!, ...change };
  }
}

interface Run {
  readonly log: Log;
  readonly orders: WantedOrder[];
  readonly puts: StockPut[];
  views: OrderViewRow[];
  answers: OrderAnswer[];
  stock: StockAnswer[];
  violations: Violation[];
  others: Violation[];
  acknowledgedAtMs: number[];
  timeline: TimelineEntry[];
  durationMs: number;
  messages: HeardMessage[];
  isolations: Isolation[];
}

function wanted(reference: string, change: Partial<WantedOrder> = {}): WantedOrder {
  return {
    reference,
    customer: 'ann',
    token: 'tok_visa',
    lines: LINES,
    retries: true,
    placing: { ...noTally(), ok: 1 },
    cancelling: noTally(),
    orderIds: [reference],
    versionSeen: 1,
    ...change,
  };
}

function created(reference: string): ScannedEvent {
  return { type: 'OrderCreated', externalReference: reference, customerId: 'ann', lines: LINES };
}

function answerOf(orderId: string, status: string, version: number, captured: number): OrderAnswer {
  const money = (amount: number) => ({ amount, currency: 'GBP' });
  return {
    orderId,
    customerId: 'ann',
    status,
    version,
    totalAmount: money(TOTAL),
    orderLines: LINES.map((line) => ({ ...line, unitPrice: money(line.unitPrice) })),
    externalReference: orderId,
    payment: { captured: money(captured), refunded: money(0), status: 'Captured' },
  };
}

/** One order confirmed, one cancelled for want of stock, one that certainly failed. */
function cleanRun(): Run {
  const log = new Log()
    .add('shd_3', { type: 'EpochStarted' })
    .add('stk_A', { type: 'StockSet', onHand: 3 })
    .add('ord_good', created('good'))
    .add('stk_A', { type: 'StockHeld', holdId: 'res_good', quantity: 2 })
    .add('pay_good', { type: 'AuthorizationStarted' })
    .add('pay_good', { type: 'PaymentAuthorized' })
    .add('ord_good', { type: 'OrderPaymentAuthorized', amount: TOTAL }, { type: 'OrderConfirmed' })
    .add('pay_good', { type: 'PaymentCaptured', amount: TOTAL })
    .add('ord_good', { type: 'OrderPaymentCaptured', amount: TOTAL })
    .add('ord_short', created('short'))
    .add('ord_short', { type: 'OrderCancelled', code: 'insufficient_inventory' });
  const view = { settled: true, total: TOTAL, customer: 'ann' };
  return {
    log,
    orders: [
      wanted('good', { placing: { ok: 1, failed: 1, unknown: 2 } }),
      wanted('short'),
      wanted('failed', { placing: { ok: 0, failed: 3, unknown: 0 }, orderIds: [], retries: false }),
    ],
    puts: [{ productId: 'A', onHand: 3, placing: { ...noTally(), ok: 1 } }],
    views: [
      { ...view, orderId: 'good', reference: 'good', status: 'Confirmed', version: 3 },
      { ...view, orderId: 'short', reference: 'short', status: 'Cancelled', version: 2 },
    ],
    answers: [answerOf('good', 'Confirmed', 3, TOTAL), answerOf('short', 'Cancelled', 2, 0)],
    stock: [{ productId: 'A', onHand: 3, held: 2, available: 1 }],
    violations: [],
    others: [],
    acknowledgedAtMs: [500, 900],
    timeline: [],
    durationMs: 1_000,
    messages: [
      message('m1', 'ord_good', 1, 'order.created.v1'),
      message('m2', 'pay_good', 2, 'payment.authorized.v1'),
      message('m3', 'ord_good', 2, 'order.confirmed.v1'),
      message('m4', 'pay_good', 3, 'payment.captured.v1'),
      message('m5', 'ord_short', 1, 'order.created.v1'),
      message('m6', 'ord_short', 2, 'order.cancelled.v1'),
      // At least once: it came again.
      message('m1', 'ord_good', 1, 'order.created.v1'),
    ],
    isolations: [isolation(UNSERVED_MS_MAX)],
  };
}

function message(id: string, subject: string, entityVersion: number, type: string): HeardMessage {
  return { id, subject, entityVersion, type, body: { of: `${subject} ${type}` } };
}

function heardOf(messages: readonly HeardMessage[]): HeardEvents {
  const heard = new HeardEvents();
  for (const each of messages) heard.add(each);
  return heard;
}

function isolation(unservedMs: number): Isolation {
  const place = { atMs: 100, kind: 'broker-node-cut', target: 'node 1' };
  return { ...place, probes: 40, probesFailed: 9, unservedMs, unservedAt: 'product A' };
}

/** The messages with two of them in each other's place. */
function swapped(messages: readonly HeardMessage[], one: number, other: number): HeardMessage[] {
  const list = [...messages];
  [list[one], list[other]] = [list[other]!, list[one]!];
  return list;
}

function evidenceOf(run: Run): Evidence {
  const scan = new JournalScan();
  for (const row of run.log.rows) scan.add(row);
  const { orders, puts, violations, acknowledgedAtMs, timeline, durationMs, views, stock, others } = run;
  return {
    history: { orders, puts, violations, acknowledgedAtMs },
    timeline,
    durationMs,
    journal: scan.finish(),
    views,
    finalReads: run.answers.map((body) => ({
      order: orders.find(({ reference }) => reference === body.orderId)!,
      status: 200,
      body,
    })),
    stock,
    heard: heardOf(run.messages),
    isolations: run.isolations,
    others,
  };
}

function rulesBrokenBy(change: (run: Run) => void): string[] {
  const run = cleanRun();
  change(run);
  return [...new Set(judge(evidenceOf(run)).map(({ rule }) => rule))];
}

/** What a run is accused of when this event comes at its end. */
function afterEvent(entityId: string, event: ScannedEvent): (run: Run) => void {
  return ({ log }) => log.add(entityId, event);
}

function without(entityId: string, type: string): (run: Run) => void {
  return ({ log }) => {
    const index = log.rows.findIndex((row) => row.entityId === entityId && row.events.some((e) => e.type === type));
    log.change(index, { events: log.rows[index]!.events.filter((event) => event.type !== type) });
  };
}

describe('the judge of a run', () => {
  it('finds nothing in a clean one', () => {
    expect(judge(evidenceOf(cleanRun()))).to.deep.equal([]);
  });

  it('takes no id for an order that only binds the key of a message', () => {
    expect(rulesBrokenBy(({ log }) => log.add('ord_key'))).to.deep.equal([]);
    expect(rulesBrokenBy(({ log }) => log.add('ord_key').add('ord_key', created('good')))).to.include('missing_view');
  });

  it('counts a row without events, which binds a key, as a version of its order', () => {
    const broken = rulesBrokenBy((run) => {
      run.log.add('ord_short');
      run.views[1] = { ...run.views[1]!, version: 3 };
      run.answers[1] = answerOf('short', 'Cancelled', 3, 0);
      run.orders[1]!.versionSeen = 3;
    });
    expect(broken).to.deep.equal([]);
  });

  it('accepts one order for a key with an unknown outcome, and none', () => {
    const placing = { ok: 0, failed: 0, unknown: 1 };
    const orders = [
      wanted('good', { placing, orderIds: [], versionSeen: 0 }),
      wanted('nowhere', { placing, orderIds: [] }),
    ];
    const broken = rulesBrokenBy((run) => {
      run.orders.splice(0, 1, ...orders);
    });
    expect(broken).to.deep.equal([]);
  });

  const CASES: readonly (readonly [title: string, rule: string, change: (run: Run) => void])[] = [
    ['an acknowledged order that is nowhere', 'lost_order', ({ orders }) => orders.push(wanted('gone'))],
    [
      'an order although every try failed',
      'failed_order_is_there',
      ({ log }) => log.add('ord_f', created('failed')).add('ord_f', { type: 'OrderCancelled', code: 'requested' }),
    ],
    ['two orders for one key', 'two_orders_for_key', afterEvent('ord_again', created('good'))],
    ['two ids for one key', 'two_orders_for_key', ({ orders }) => orders[0]!.orderIds.push('other')],
    ['an order created twice', 'created_twice', afterEvent('ord_good', created('good'))],
    ['an order without a request', 'order_without_request', afterEvent('ord_x', created('x'))],
    [
      'other lines than were sent',
      'order_differs',
      ({ log }) => log.change(2, { events: [{ ...created('good'), lines: [{ ...LINES[0]!, quantity: 1 }] }] }),
    ],
    [
      'another customer than sent it',
      'order_differs',
      ({ log }) => log.change(2, { events: [{ ...created('good'), customerId: 'bob' }] }),
    ],
    ['an order that never settled', 'unsettled_order', without('ord_short', 'OrderCancelled')],
    ['a capture that the order never heard of', 'unsettled_order', without('ord_good', 'OrderPaymentCaptured')],
    ['an older version than was shown', 'lost_change', ({ orders }) => (orders[0]!.versionSeen = 9)],
    ['an acknowledged cancellation undone', 'lost_cancellation', ({ orders }) => (orders[0]!.cancelling.ok = 1)],
    ['a shown end undone', 'lost_cancellation', ({ orders }) => (orders[0]!.endSeen = 'Cancelled')],
    [
      'a cancellation without a request',
      'wrong_end',
      ({ log }) => log.change(10, { events: [{ type: 'OrderCancelled', code: 'requested' }] }),
    ],
    [
      'a confirmation of a declined payment',
      'wrong_end',
      ({ orders }) => (orders[0] = wanted('good', { token: 'tok_decline' })),
    ],
    ['a change after the end', 'changed_after_its_end', afterEvent('ord_short', { type: 'OrderInventoryReleased' })],
    ['money taken twice', 'money_moved_twice', afterEvent('pay_good', { type: 'PaymentCaptured', amount: TOTAL })],
    [
      'another amount than ordered',
      'wrong_money',
      ({ log }) => log.change(7, { events: [{ type: 'PaymentCaptured', amount: 1 }] }),
    ],
    ['money never taken', 'wrong_money', without('pay_good', 'PaymentCaptured')],
    [
      'money taken for a cancelled order',
      'wrong_money',
      ({ log }) =>
        log
          .add('pay_short', { type: 'PaymentAuthorized' })
          .add('pay_short', { type: 'PaymentCaptured', amount: TOTAL }),
    ],
    ['a capture that was voided', 'captured_without_authorization', afterEvent('pay_good', { type: 'PaymentVoided' })],
    ['a capture without an authorization', 'captured_without_authorization', without('pay_good', 'PaymentAuthorized')],
    [
      'an authorization left at a cancelled order',
      'authorization_left',
      afterEvent('pay_short', { type: 'PaymentAuthorized' }),
    ],
    ['a hold that is missing', 'wrong_hold', without('stk_A', 'StockHeld')],
    [
      'a hold left at a cancelled order',
      'wrong_hold',
      afterEvent('stk_A', { type: 'StockHeld', holdId: 'res_short', quantity: 1 }),
    ],
    [
      'one hold counted twice',
      'held_twice',
      afterEvent('stk_A', { type: 'StockHeld', holdId: 'res_good', quantity: 1 }),
    ],
    ['a release of nothing', 'released_unheld', afterEvent('stk_A', { type: 'StockReleased', holdId: 'res_short' })],
    [
      'more held than there is',
      'oversold',
      afterEvent('stk_A', { type: 'StockHeld', holdId: 'res_short', quantity: 2 }),
    ],
    [
      'an acknowledged setting of stock that is lost',
      'lost_stock_setting',
      ({ puts }) => puts.push({ productId: 'A', onHand: 9, placing: { ...noTally(), ok: 1 } }),
    ],
    [
      'a failed setting of stock that is there',
      'failed_stock_setting_is_there',
      (run) => {
        run.puts.push({ productId: 'A', onHand: 9, placing: { ...noTally(), failed: 1 } });
        run.log.add('stk_A', { type: 'StockSet', onHand: 9 });
      },
    ],
    ['a setting done twice', 'stock_set_twice', afterEvent('stk_A', { type: 'StockSet', onHand: 3 })],
    [
      'a setting that was never sent',
      'stock_set_without_request',
      afterEvent('stk_A', { type: 'StockSet', onHand: 4 }),
    ],
    [
      'an acknowledged setting that an older one undid',
      'wrong_on_hand',
      (run) => {
        run.puts.push({ productId: 'A', onHand: 9, placing: { ...noTally(), ok: 1 } });
        run.log.change(1, {
          events: [
            { type: 'StockSet', onHand: 9 },
            { type: 'StockSet', onHand: 3 },
          ],
        });
      },
    ],
    [
      'a product whose stock is gone',
      'lost_product',
      ({ puts }) => puts.push({ productId: 'B', onHand: 9, placing: { ...noTally(), ok: 1 } }),
    ],
    ['a wrong stock answer', 'wrong_stock_answer', (run) => (run.stock = [{ ...run.stock[0]!, held: 1 }])],
    ['stock that does not add up', 'wrong_stock_answer', (run) => (run.stock = [{ ...run.stock[0]!, available: 2 }])],
    ['a hole in the log', 'hole_in_log', ({ log }) => log.change(10, { seq: 12 })],
    ['a log that does not begin at 1', 'hole_in_log', ({ log }) => log.change(0, { seq: 2 })],
    [
      'a falling epoch',
      'falling_epoch',
      ({ log }) => {
        log.add('shd_3', { type: 'EpochStarted' }).add('x', { type: 'X' });
        log.change(12, { epoch: 1 });
      },
    ],
    ['an epoch without a beginning', 'epoch_without_beginning', ({ log }) => log.change(10, { epoch: 2 })],
    [
      'an epoch begun twice',
      'epoch_without_beginning',
      ({ log }) => {
        log.add('shd_3', { type: 'EpochStarted' });
        log.change(11, { epoch: 1 });
      },
    ],
    ['a hole in an entity', 'hole_in_versions', ({ log }) => log.change(10, { version: 3 })],
    ['a version written twice', 'hole_in_versions', ({ log }) => log.change(10, { version: 1 })],
    ['a read model that is behind', 'wrong_view', (run) => (run.views[0] = { ...run.views[0]!, version: 2 })],
    [
      'a read model that says another end',
      'wrong_view',
      (run) => (run.views[0] = { ...run.views[0]!, status: 'Cancelled' }),
    ],
    ['a read model without an order', 'missing_view', (run) => run.views.pop()],
    ['a read model of no order', 'view_of_nothing', (run) => run.views.push({ ...run.views[0]!, orderId: 'x' })],
    ['another status over HTTP', 'wrong_answer', (run) => (run.answers[0] = answerOf('good', 'Cancelled', 3, TOTAL))],
    ['another amount over HTTP', 'wrong_answer', (run) => (run.answers[0] = answerOf('good', 'Confirmed', 3, 0))],
    [
      'a contradiction that a client saw',
      'stale_answer',
      ({ violations }) => violations.push({ rule: 'stale_answer', subject: '', expected: '', found: '' }),
    ],
    [
      'what the audit found',
      'audit_invariant_1',
      ({ others }) => others.push({ rule: 'audit_invariant_1', subject: '', expected: '', found: '' }),
    ],
    ['an event that never came', 'event_not_heard', (run) => run.messages.splice(3, 1)],
    [
      "all of an entity's events missing",
      'event_not_heard',
      (run) => (run.messages = run.messages.filter(({ subject }) => subject !== 'ord_short')),
    ],
    [
      'events of an entity in another order',
      'events_out_of_order',
      (run) => (run.messages = swapped(run.messages.slice(0, -1), 0, 2)),
    ],
    [
      'events of an entity in another order, though one came again later',
      'events_out_of_order',
      (run) => (run.messages = swapped(run.messages, 0, 2)),
    ],
    [
      'an id that names two events',
      'id_names_two_events',
      (run) => (run.messages[3] = { ...run.messages[3]!, id: 'm2' }),
    ],
    [
      'an id that came with another body',
      'id_names_two_events',
      (run) => (run.messages[6] = { ...run.messages[6]!, body: { of: 'something else' } }),
    ],
    ['an event under two ids', 'event_under_two_ids', (run) => (run.messages[6] = { ...run.messages[6]!, id: 'm7' })],
    [
      'an event of an entity that is not there',
      'foreign_event',
      (run) => run.messages.push(message('m8', 'ord_x', 1, 'order.created.v1')),
    ],
    [
      'an event that did not happen',
      'foreign_event',
      (run) => run.messages.push(message('m8', 'ord_good', 3, 'order.cancelled.v1')),
    ],
    [
      'a private event that was published',
      'foreign_event',
      (run) => run.messages.push(message('m8', 'stk_A', 1, 'x.y.v1')),
    ],
    [
      'a node that neither served nor handed over in time',
      'unserved_while_cut_off',
      (run) => run.isolations.push(isolation(UNSERVED_MS_MAX + 1_000)),
    ],
    ['a cut that was not probed', 'isolation_not_probed', (run) => run.isolations.push({ ...isolation(0), probes: 0 })],
    ['next to no progress', 'too_few_orders', (run) => (run.acknowledgedAtMs = [])],
    ['a standstill', 'standstill', (run) => (run.durationMs = STANDSTILL_MS_MAX + 2_000)],
  ];

  for (const [title, rule, change] of CASES) {
    it(`reports ${title}`, () => {
      expect(rulesBrokenBy(change)).to.include(rule);
    });
  }

  it('reports an acknowledged order that HTTP does not show', () => {
    const run = cleanRun();
    const evidence = evidenceOf(run);
    const finalReads = [{ order: run.orders[0]!, status: 404, body: undefined }];
    expect(judge({ ...evidence, finalReads }).map(({ rule }) => rule)).to.deep.equal(['lost_order_over_http']);
  });

  describe('of progress', () => {
    const stop = (atMs: number, durationMs: number, stopsAll = true): TimelineEntry => ({
      atMs,
      kind: 'postgres-kill',
      target: '',
      durationMs,
      stopsAll,
      isFault: true,
    });
    const afterPauseWith = (...timeline: readonly TimelineEntry[]): string[] =>
      rulesBrokenBy((run) => {
        run.acknowledgedAtMs = [0, STANDSTILL_MS_MAX + 10_000];
        run.durationMs = STANDSTILL_MS_MAX + 10_001;
        run.timeline = [...timeline];
      });

    it('does not count the time in which no node could serve', () => {
      expect(afterPauseWith(stop(1_000, 10_000))).to.deep.equal([]);
    });

    it('counts such time once, however many faults fill it', () => {
      expect(afterPauseWith(stop(1_000, 6_000), stop(1_000, 6_000))).to.deep.equal(['standstill']);
    });

    it('counts the time of a fault that leaves a node to serve', () => {
      expect(afterPauseWith(stop(1_000, 10_000, false))).to.deep.equal(['standstill']);
    });
  });
});
