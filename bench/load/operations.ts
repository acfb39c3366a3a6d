/**
 * The requests of a mix's operations, and which answers count. Requests are prepared before the clock runs; those for
 * one order take an order that was placed before by the same customer.
 */
import { mulberry32 } from '../../kernel/mulberry32.ts';
import type { Answer } from './http-connection.ts';
import type { LoadJob, OperationName } from './messages.ts';
import { orderBody, productIds } from './order-body.ts';
import { requestText } from './request-text.ts';
import { whyNotSettled } from './settled-answer.ts';

/** Enough that no side sees the same body too often, few enough to stay in memory. */
const PREPARED_BODIES = 4096;
const WAIT_SECONDS = 30;
const SEED = 20101201;
/** Orders with manual confirmation wait for so long until a decision comes: they are authorized by then. */
const DECISION_AFTER_MS = 2_000;
/** Of those that are read; the oldest are forgotten. */
const KNOWN_ORDERS_MAX = 10_000;
const ORDER_ID = /"orderId":"([^"]+)"/;

export interface Operation {
  readonly name: OperationName;
  readonly request: string;
  /** Undefined where the answer was as promised. */
  readonly whyWrong: (answer: Answer) => string | undefined;
  /** An answer as promised means an order that is complete, or becomes so by itself. */
  readonly isOrder: boolean;
}

interface PlacedOrder {
  readonly id: string;
  readonly token: string;
  readonly placedAtMs: number;
}

export class Operations {
  readonly #job: LoadJob;
  readonly #random = mulberry32(SEED);
  readonly #bodies: readonly { readonly automatic: string; readonly manual: string }[];
  readonly #products: readonly string[];
  readonly #weights: readonly { readonly name: OperationName; readonly upTo: number }[];
  readonly #known: PlacedOrder[] = [];
  readonly #undecided: PlacedOrder[] = [];
  #firstUndecided = 0;
  #next = 0;

  constructor(job: LoadJob) {
    this.#job = job;
    this.#products = productIds(job.form);
    this.#bodies = Array.from({ length: PREPARED_BODIES }, () => {
      const body = orderBody(job.form, this.#random);
      return { automatic: JSON.stringify(body), manual: JSON.stringify({ ...body, confirmation: 'manual' }) };
    });
    let upTo = 0;
    this.#weights = (Object.entries(job.mix) as [OperationName, number][]).map(([name, weight]) => ({
      name,
      upTo: (upTo += weight),
    }));
  }

  next(): Operation {
    return this.#operation(this.#draw());
  }

  #draw(): OperationName {
    const { upTo: total } = this.#weights.at(-1)!;
    const drawn = this.#random() * total;
    return this.#weights.find(({ upTo }) => drawn < upTo)!.name;
  }

  /** An operation that needs an order while none is placed yet reads stock instead, so the rate stays the same. */
  #operation(name: OperationName): Operation {
    switch (name) {
      case 'place':
      case 'place until confirmed':
      case 'place manually':
        return this.#place(name);
      case 'confirm':
      case 'cancel':
        return this.#decide(name) ?? this.#readStock();
      case 'read': {
        const order = this.#known[Math.floor(this.#random() * this.#known.length)];
        return order ? this.#get(name, `/api/v1/orders/${order.id}`, order.token) : this.#readStock();
      }
      case 'list':
        return this.#get(name, '/api/v1/orders?limit=20', this.#token());
      case 'read stock':
        return this.#readStock();
    }
  }

  #place(name: 'place' | 'place until confirmed' | 'place manually'): Operation {
    const number = this.#next++;
    const token = this.#token(number);
    const bodies = this.#bodies[number % this.#bodies.length]!;
    const settles = name === 'place until confirmed';
    const request = requestText(this.#job.port, 'POST', '/api/v1/orders', token, {
      body: name === 'place manually' ? bodies.manual : bodies.automatic,
      headers: [
        `Idempotency-Key: ${this.#job.keyPrefix}${number}`,
        ...(settles ? [`Prefer: wait=${WAIT_SECONDS}`] : []),
      ],
    });
    if (settles) return { name, request, whyWrong: whyNotSettled, isOrder: true };
    return { name, request, whyWrong: (answer) => this.#noteOrder(name, token, answer), isOrder: name === 'place' };
  }

  #noteOrder(name: OperationName, token: string, answer: Answer): string | undefined {
    const id = answer.status === 201 ? ORDER_ID.exec(answer.body)?.[1] : undefined;
    if (id === undefined) return `answer ${answer.status}: ${answer.body.slice(0, 120)}`;
    const order = { id, token, placedAtMs: performance.now() };
    if (name === 'place manually') this.#undecided.push(order);
    else if (this.#known.length < KNOWN_ORDERS_MAX) this.#known.push(order);
    else this.#known[Math.floor(this.#random() * KNOWN_ORDERS_MAX)] = order;
    return undefined;
  }

  #decide(name: 'confirm' | 'cancel'): Operation | undefined {
    const order = this.#undecided[this.#firstUndecided];
    if (order === undefined || performance.now() - order.placedAtMs < DECISION_AFTER_MS) return undefined;
    this.#firstUndecided++;
    if (this.#firstUndecided > 1_000) this.#undecided.splice(0, this.#firstUndecided);
    if (this.#firstUndecided > 1_000) this.#firstUndecided = 0;
    const body = name === 'cancel' ? JSON.stringify({ reason: 'changed my mind' }) : '';
    const request = requestText(this.#job.port, 'POST', `/api/v1/orders/${order.id}/${name}`, order.token, { body });
    return { name, request, whyWrong: (answer) => expectStatus(answer, 200, 202), isOrder: name === 'confirm' };
  }

  #readStock(): Operation {
    const product = this.#products[Math.floor(this.#random() * this.#products.length)]!;
    return this.#get('read stock', `/api/v1/stock/${product}`, this.#job.adminToken);
  }

  #get(name: OperationName, path: string, token: string): Operation {
    return {
      name,
      request: requestText(this.#job.port, 'GET', path, token),
      whyWrong: (answer) => expectStatus(answer, 200),
      isOrder: false,
    };
  }

  #token(number = Math.floor(this.#random() * this.#job.tokens.length)): string {
    return this.#job.tokens[number % this.#job.tokens.length]!;
  }
}

function expectStatus(answer: Answer, ...statuses: readonly number[]): string | undefined {
  return statuses.includes(answer.status) ? undefined : `answer ${answer.status}: ${answer.body.slice(0, 120)}`;
}
