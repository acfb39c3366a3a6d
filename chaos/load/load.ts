/**
 * The load: customers who place orders at a steady rate, read them, cancel some, and an administrator who fills up
 * stock. With a broker a part of them places and cancels by message. All answers go into the history; one that
 * contradicts an earlier answer is a violation on the spot.
 */
import { setMaxListeners } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Random } from '../random.ts';
import type { Timeline } from '../timeline.ts';
import { type Asked, Attempts, type Try, type Wish } from './attempts.ts';
import { makeOrder, openingStock, PRODUCT_IDS, stepOf } from './catalogue.ts';
import { type History, noTally, type Tally, type WantedOrder } from './history.ts';
import { type Call, HttpClient } from './http-client.ts';
import type { MessageClient } from './message-client.ts';
import type { NodeChooser } from './node-chooser.ts';
import { differenceOf, endOf, type OrderAnswer } from './order-answer.ts';
import { bodyOf, CANCEL_REASON, cancelKeyOf } from './order-requests.ts';

const TICK_MS = 20;
/** Orders under way, also those that wait for their next try. */
const UNDER_WAY_MAX = 5_000;
const WAITING_SHARE = 0.3;
const WAIT_SECONDS_MAX = 5;
const READING_SHARE = 0.5;
const CANCELLING_SHARE = 0.08;
/** Of the orders, where there is a broker. */
const MESSAGE_SHARE = 0.2;
/** Of the messages: published twice at once, as by a sender without a confirm. */
const DOUBLED_SHARE = 0.3;
const STOCK_PAUSE_MS = 700;
const OPENING_TIMEOUT_MS = 60_000;

/** How an order's commands go by message. */
interface Post {
  readonly messages: MessageClient;
  readonly isDoubled: boolean;
}

export interface LoadParts {
  readonly history: History;
  readonly nodes: NodeChooser;
  readonly tokens: Tokens;
  readonly random: Random;
  readonly timeline: Timeline;
  /** Absent: there is no broker. */
  readonly messages?: MessageClient | undefined;
}

export interface Tokens {
  readonly customers: ReadonlyMap<string, string>;
  readonly admin: string;
}

export class Load {
  readonly #history: History;
  readonly #attempts: Attempts;
  readonly #nodes: NodeChooser;
  readonly #tokens: Tokens;
  readonly #random: Random;
  readonly #timeline: Timeline;
  readonly #messages: MessageClient | undefined;
  readonly #http = new HttpClient();
  readonly #underWay = new Set<Promise<void>>();
  readonly #givingUp = new AbortController();
  readonly #givingUpToOpen = new AbortController();
  readonly #onHand = new Map<string, number>();
  #isPlacing = true;
  #orders = 0;

  constructor({ history, nodes, tokens, random, timeline, messages }: LoadParts) {
    this.#history = history;
    this.#attempts = new Attempts(history);
    this.#nodes = nodes;
    this.#tokens = tokens;
    this.#random = random;
    this.#timeline = timeline;
    this.#messages = messages;
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
    this.#messages?.close();
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
    const draws = {
      waits: this.#random.next(),
      reads: this.#random.next(),
      cancels: this.#random.next(),
      sends: this.#random.next(),
    };
    const post = this.#postOf(draws.sends);
    const placed = await (post ? this.#placeByMessage(order, post) : this.#placeByHttp(order, draws.waits));
    const orderId = order.orderIds[0];
    if (!placed || orderId === undefined) return;
    if (draws.reads < READING_SHARE) await this.#read(order, orderId);
    if (draws.cancels >= CANCELLING_SHARE) return;
    await (post ? this.#cancelByMessage(order, orderId, post) : this.#cancelByHttp(order, orderId));
  }

  /** Undefined: it is ordered over HTTP. */
  #postOf(draw: number): Post | undefined {
    if (this.#messages === undefined || draw >= MESSAGE_SHARE) return undefined;
    return { messages: this.#messages, isDoubled: draw < MESSAGE_SHARE * DOUBLED_SHARE };
  }

  #placeByHttp(order: WantedOrder, waits: number): Promise<boolean> {
    const call: Call = {
      method: 'POST',
      path: '/api/v1/orders',
      token: this.#tokens.customers.get(order.customer)!,
      key: order.reference,
      body: bodyOf(order),
      ...(waits < WAITING_SHARE && { waitSeconds: 1 + Math.floor((waits / WAITING_SHARE) * WAIT_SECONDS_MAX) }),
    };
    return this.#place('place', order, this.#byHttp(call));
  }

  #placeByMessage(order: WantedOrder, post: Post): Promise<boolean> {
    const body = { ...bodyOf(order), customerId: order.customer };
    return this.#place('place by message', order, this.#byMessage(post, 'order.place.v1', order.reference, body));
  }

  #place(asked: Asked, order: WantedOrder, tried: Try): Promise<boolean> {
    const wish = {
      ...this.#wishOf(asked, order, order.placing),
      onDone: (answer: OrderAnswer) => this.#placed(order, answer),
      onFailed: (answer: string) => {
        order.lastFailure = `${answer} at ${(this.#timeline.nowMs() / 1000).toFixed(1)} s`;
      },
    };
    return this.#attempts.insist(wish, tried);
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
    const wish = {
      ...this.#wishOf('read', order, noTally()),
      retries: false,
      onDone: (answer: OrderAnswer) => this.#compare(order, answer, versionSeen),
    };
    await this.#attempts.insist(wish, this.#byHttp(call));
  }

  async #cancelByHttp(order: WantedOrder, orderId: string): Promise<void> {
    const call: Call = {
      ...this.#callTo(order, 'POST', `/api/v1/orders/${orderId}/cancel`),
      key: cancelKeyOf(order),
      body: { reason: CANCEL_REASON },
    };
    await this.#cancel('cancel', order, this.#byHttp(call));
  }

  async #cancelByMessage(order: WantedOrder, orderId: string, post: Post): Promise<void> {
    const body = { orderId, reason: CANCEL_REASON };
    await this.#cancel('cancel by message', order, this.#byMessage(post, 'order.cancel.v1', cancelKeyOf(order), body));
  }

  async #cancel(asked: Asked, order: WantedOrder, tried: Try): Promise<void> {
    const { versionSeen } = order;
    const onDone = (answer: OrderAnswer): void => {
      this.#compare(order, answer, versionSeen);
      if (answer.status === 'Cancelled' || answer.status === 'CancellationPending') return;
      this.#violated('cancel_not_done', order.reference, 'Cancelled or CancellationPending', answer.status);
    };
    await this.#attempts.insist({ ...this.#wishOf(asked, order, order.cancelling), onDone }, tried);
  }

  #wishOf(asked: Asked, { reference, retries }: WantedOrder, tally: Tally): Omit<Wish, 'onDone'> {
    return { asked, subject: reference, tally, retries, givingUp: this.#givingUp.signal };
  }

  #byHttp(call: Call): Try {
    return (avoided) => this.#nodes.with(avoided, (port) => this.#http.send(port, call));
  }

  /** Whichever node takes it from the queue. */
  #byMessage({ messages, isDoubled }: Post, routingKey: string, messageId: string, body: unknown): Try {
    return async () => ({
      reply: await messages.send({ routingKey, messageId, body }, isDoubled),
      node: undefined,
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
    const wish = {
      asked: 'stock',
      subject: productId,
      tally: placing,
      retries,
      givingUp,
      onDone: () => undefined,
    } as const;
    return await this.#attempts.insist(wish, this.#byHttp(call));
  }

  #violated(rule: string, subject: string, expected: string, found: string): void {
    this.#history.violations.push({ rule, subject, expected, found });
  }
}
