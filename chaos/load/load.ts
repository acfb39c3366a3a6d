/**
 * Owns the load: customers who place orders at a steady rate, read them, cancel some, and an administrator who fills up
 * stock. Everything it hears goes into the history; what contradicts an earlier answer is a violation on the spot.
 */
import { setMaxListeners } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Random } from '../random.ts';
import type { Timeline } from '../timeline.ts';
import { makeOrder, openingStock, PRODUCT_IDS, stepOf } from './catalogue.ts';
import { type History, noTally, type Outcome, type Tally, type WantedOrder } from './history.ts';
import { type Call, HttpClient, outcomeOf, type Reply } from './http-client.ts';
import type { NodeChooser } from './node-chooser.ts';
import { differenceOf, endOf, type OrderAnswer } from './order-answer.ts';

const TICK_MS = 20;
/** Orders under way, also those that wait for their next try. */
const UNDER_WAY_MAX = 5_000;
const RETRY_PAUSE_MS_MIN = 100;
const RETRY_PAUSE_MS_MAX = 2_000;
const WAITING_SHARE = 0.3;
const WAIT_SECONDS_MAX = 5;
const READING_SHARE = 0.5;
const CANCELLING_SHARE = 0.08;
const STOCK_PAUSE_MS = 700;
const OPENING_TIMEOUT_MS = 60_000;
/** Answers that a healthy contract knows for each thing that is asked. */
const EXPECTED_STATUSES = {
  place: [201, 429, 503, 504],
  read: [200, 429, 503, 504],
  cancel: [200, 202, 429, 503, 504],
  stock: [200, 201, 429, 503, 504],
} as const;
type Asked = keyof typeof EXPECTED_STATUSES;

export interface Tokens {
  readonly customers: ReadonlyMap<string, string>;
  readonly admin: string;
}

export class Load {
  readonly #history: History;
  readonly #nodes: NodeChooser;
  readonly #tokens: Tokens;
  readonly #random: Random;
  readonly #timeline: Timeline;
  readonly #http = new HttpClient();
  readonly #underWay = new Set<Promise<void>>();
  readonly #givingUp = new AbortController();
  readonly #givingUpToOpen = new AbortController();
  readonly #onHand = new Map<string, number>();
  #isPlacing = true;
  #orders = 0;

  constructor(history: History, nodes: NodeChooser, tokens: Tokens, random: Random, timeline: Timeline) {
    this.#history = history;
    this.#nodes = nodes;
    this.#tokens = tokens;
    this.#random = random;
    this.#timeline = timeline;
    // One for each client that waits for its next try.
    setMaxListeners(0, this.#givingUp.signal, this.#givingUpToOpen.signal);
  }

  /** Puts every product in stock. @throws Error unless all of it is acknowledged in time */
  async open(): Promise<void> {
    const items = openingStock();
    const timer = setTimeout(() => this.#givingUpToOpen.abort(), OPENING_TIMEOUT_MS);
    const done = await Promise.all(
      items.map(({ productId, onHand }) => this.#setStock(productId, onHand, true, this.#givingUpToOpen.signal)),
    );
    clearTimeout(timer);
    if (done.includes(false)) throw new Error(`the opening stock was not taken within ${OPENING_TIMEOUT_MS / 1000} s`);
  }

  /** Places `rate` orders a second until {@link finish}. */
  async run(rate: number): Promise<void> {
    this.#track(this.#fillUp());
    const startedMs = performance.now();
    let begun = 0;
    while (this.#isPlacing) {
      const due = Math.floor(((performance.now() - startedMs) / 1000) * rate);
      for (; begun < due; begun++) this.#begin();
      await sleep(TICK_MS);
    }
  }

  /**
   * Begins nothing new, and waits until all that is under way is answered; for `withinMs`, then clients give up. Those
   * who would have gone on trying are violations: everything is healed by now.
   */
  async finish(withinMs: number): Promise<void> {
    this.#isPlacing = false;
    const timer = setTimeout(() => this.#givingUp.abort(), withinMs);
    await Promise.all(this.#underWay);
    clearTimeout(timer);
    this.#http.close();
    for (const order of this.#history.orders) {
      if (!order.retries || order.placing.ok > 0) continue;
      const found = `${order.placing.failed} failed, ${order.placing.unknown} unknown`;
      this.#violated('never_answered', order.reference, 'an answer in the end to a client that repeats its key', found);
    }
  }

  #begin(): void {
    if (this.#underWay.size >= UNDER_WAY_MAX || !this.#nodes.hasRoom) {
      this.#history.shed += 1;
      return;
    }
    const order = makeOrder(`chaos-${this.#orders++}`, this.#random);
    this.#history.orders.push(order);
    this.#track(this.#live(order));
  }

  #track(work: Promise<void>): void {
    const tracked = work
      .catch((error: unknown) =>
        this.#violated('unreadable_answer', 'a client', 'an answer of the contract', String(error)),
      )
      .finally(() => this.#underWay.delete(tracked));
    this.#underWay.add(tracked);
  }

  async #live(order: WantedOrder): Promise<void> {
    const draws = { waits: this.#random.next(), reads: this.#random.next(), cancels: this.#random.next() };
    const call: Call = {
      method: 'POST',
      path: '/api/v1/orders',
      token: this.#tokens.customers.get(order.customer)!,
      key: order.reference,
      body: bodyOf(order),
      ...(draws.waits < WAITING_SHARE && {
        waitSeconds: 1 + Math.floor((draws.waits / WAITING_SHARE) * WAIT_SECONDS_MAX),
      }),
    };
    const placed = await this.#insist('place', call, order.reference, order.placing, order.retries, (answer) =>
      this.#placed(order, answer),
    );
    const orderId = order.orderIds[0];
    if (!placed || orderId === undefined) return;
    if (draws.reads < READING_SHARE) await this.#read(order, orderId);
    if (draws.cancels < CANCELLING_SHARE) await this.#cancel(order, orderId);
  }

  #placed(order: WantedOrder, answer: OrderAnswer): void {
    if (order.orderIds.length === 0) this.#history.acknowledgedAtMs.push(this.#timeline.nowMs());
    if (!order.orderIds.includes(answer.orderId)) order.orderIds.push(answer.orderId);
    this.#compare(order, answer, 0);
  }

  /** A read after an acknowledgement finds the order, and not an older one than was shown. */
  async #read(order: WantedOrder, orderId: string): Promise<void> {
    const { versionSeen } = order;
    const call = this.#callTo(order, 'GET', `/api/v1/orders/${orderId}`);
    await this.#insist('read', call, order.reference, noTally(), false, (answer) =>
      this.#compare(order, answer, versionSeen),
    );
  }

  async #cancel(order: WantedOrder, orderId: string): Promise<void> {
    const { versionSeen } = order;
    const call: Call = {
      ...this.#callTo(order, 'POST', `/api/v1/orders/${orderId}/cancel`),
      key: `${order.reference}-cancel`,
      body: { reason: 'The customer thought better of it.' },
    };
    await this.#insist('cancel', call, order.reference, order.cancelling, order.retries, (answer) => {
      this.#compare(order, answer, versionSeen);
      if (answer.status === 'Cancelled' || answer.status === 'CancellationPending') return;
      this.#violated('cancel_not_done', order.reference, 'Cancelled or CancellationPending', answer.status);
    });
  }

  #callTo(order: WantedOrder, method: Call['method'], path: string): Call {
    return { method, path, token: this.#tokens.customers.get(order.customer)! };
  }

  #compare(order: WantedOrder, answer: OrderAnswer, versionBefore: number): void {
    const difference = differenceOf(answer, order);
    if (difference) this.#violated('wrong_answer', order.reference, difference.expected, difference.found);
    if (answer.version < versionBefore) {
      const expected = `version ${versionBefore} or later, which was shown before`;
      this.#violated('stale_answer', order.reference, expected, `version ${answer.version}`);
    }
    order.versionSeen = Math.max(order.versionSeen, answer.version);
    const end = endOf(answer.status);
    if (end !== undefined) order.endSeen = end;
  }

  /** Sets one product after another higher, each until it is answered or, now and then, once only. */
  async #fillUp(): Promise<void> {
    while (this.#isPlacing) {
      await sleep(STOCK_PAUSE_MS);
      const scarce = this.#random.chance(0.6);
      const productId = this.#random.pick(scarce ? PRODUCT_IDS.slice(-5) : PRODUCT_IDS);
      const onHand = this.#onHand.get(productId)! + stepOf(productId);
      await this.#setStock(productId, onHand, this.#random.chance(0.7), this.#givingUp.signal);
    }
  }

  async #setStock(productId: string, onHand: number, retries: boolean, givingUp: AbortSignal): Promise<boolean> {
    this.#onHand.set(productId, onHand);
    const placing = noTally();
    this.#history.puts.push({ productId, onHand, placing });
    const call: Call = {
      method: 'PUT',
      path: `/api/v1/stock/${productId}`,
      token: this.#tokens.admin,
      key: `stock-${productId}-${onHand}`,
      body: { onHand },
    };
    return await this.#insist('stock', call, productId, placing, retries, () => undefined, givingUp);
  }

  /** Sends a call until it is done, or once only; counts every try. @returns true when it was done */
  async #insist(
    asked: Asked,
    call: Call,
    subject: string,
    tally: Tally,
    retries: boolean,
    onDone: (answer: OrderAnswer) => void,
    givingUp = this.#givingUp.signal,
  ): Promise<boolean> {
    let avoided: number | undefined;
    for (let pauseMs = RETRY_PAUSE_MS_MIN; ; pauseMs = Math.min(pauseMs * 2, RETRY_PAUSE_MS_MAX)) {
      const { reply, node } = await this.#nodes.with(avoided, (port) => this.#http.send(port, call));
      const outcome = this.#note(asked, subject, reply, tally);
      if (outcome === 'ok' && reply.kind === 'answer') onDone(reply.body as OrderAnswer);
      if (outcome === 'ok' || !retries || givingUp.aborted) return outcome === 'ok';
      avoided = node;
      await sleep(pauseMs, undefined, { signal: givingUp }).catch(() => undefined);
      if (givingUp.aborted) return false;
    }
  }

  #note(asked: Asked, subject: string, reply: Reply, tally: Tally): Outcome {
    const outcome = outcomeOf(reply);
    tally[outcome] += 1;
    this.#history.count(asked, reply.kind === 'answer' ? String(reply.status) : reply.kind, outcome);
    if (reply.kind === 'answer' && !(EXPECTED_STATUSES[asked] as readonly number[]).includes(reply.status)) {
      const found = `${reply.status} ${JSON.stringify(reply.body)}`.slice(0, 300);
      this.#violated(`unexpected_answer_to_${asked}`, subject, EXPECTED_STATUSES[asked].join(', '), found);
    }
    return outcome;
  }

  #violated(rule: string, subject: string, expected: string, found: string): void {
    this.#history.violations.push({ rule, subject, expected, found });
  }
}

function bodyOf({ reference, token, lines }: WantedOrder): unknown {
  return {
    externalReference: reference,
    orderLines: lines.map(({ productId, quantity, unitPrice }) => ({
      productId,
      quantity,
      unitPrice: { amount: unitPrice, currency: 'GBP' },
    })),
    shippingAddress: { street: '1 Wharf Road', city: 'Leeds', state: '', postalCode: 'LS1 4AP', country: 'GB' },
    paymentMethod: { type: 'card', token },
  };
}
