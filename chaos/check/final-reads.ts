/** The last reads over HTTP: each acknowledged order by its owner, each product by the administrator. */
import { setTimeout as sleep } from 'node:timers/promises';
import { PRODUCT_IDS } from '../load/catalogue.ts';
import type { WantedOrder } from '../load/history.ts';
import { type Call, HttpClient, type Reply } from '../load/http-client.ts';
import type { Tokens } from '../load/load.ts';
import type { OrderAnswer } from '../load/order-answer.ts';
import type { StockAnswer } from './check-stock.ts';
import type { FinalRead } from './check-views.ts';

const READERS = 16;
const TRIES_MAX = 5;
const RETRY_PAUSE_MS = 500;

export class FinalReader {
  readonly #ports: readonly number[];
  readonly #tokens: Tokens;
  readonly #http = new HttpClient();
  #turn = 0;

  constructor(ports: readonly number[], tokens: Tokens) {
    this.#ports = ports;
    this.#tokens = tokens;
  }

  async readOrders(orders: readonly WantedOrder[], progress: (read: number) => void): Promise<FinalRead[]> {
    const acknowledged = orders.filter(({ orderIds }) => orderIds.length > 0);
    const reads: FinalRead[] = [];
    let next = 0;
    const reader = async (): Promise<void> => {
      for (let order = acknowledged[next++]; order !== undefined; order = acknowledged[next++]) {
        const token = this.#tokens.customers.get(order.customer)!;
        const reply = await this.#read({ method: 'GET', path: `/api/v1/orders/${order.orderIds[0]}`, token });
        const status = reply.kind === 'answer' ? reply.status : 0;
        reads.push({ order, status, body: status === 200 ? (bodyOf(reply) as OrderAnswer) : undefined });
        progress(reads.length);
      }
    };
    await Promise.all(Array.from({ length: READERS }, reader));
    return reads;
  }

  async readStock(): Promise<StockAnswer[]> {
    const answers: StockAnswer[] = [];
    for (const productId of PRODUCT_IDS) {
      const reply = await this.#read({ method: 'GET', path: `/api/v1/stock/${productId}`, token: this.#tokens.admin });
      const body = bodyOf(reply) as Partial<StockAnswer> | undefined;
      answers.push({
        productId,
        onHand: body?.onHand ?? NaN,
        held: body?.held ?? NaN,
        available: body?.available ?? NaN,
      });
    }
    return answers;
  }

  close(): void {
    this.#http.close();
  }

  async #read(call: Call): Promise<Reply> {
    for (let tries = 1; ; tries++) {
      const reply = await this.#http.send(this.#ports[this.#turn++ % this.#ports.length]!, call);
      const isFinal = reply.kind === 'answer' && reply.status < 500 && reply.status !== 429;
      if (isFinal || tries === TRIES_MAX) return reply;
      await sleep(RETRY_PAUSE_MS);
    }
  }
}

function bodyOf(reply: Reply): unknown {
  return reply.kind === 'answer' ? reply.body : undefined;
}
