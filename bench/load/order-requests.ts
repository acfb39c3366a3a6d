/**
 * Owns the order requests of a job: their bytes are prepared before the clock runs, and only the idempotency key is
 * put in as each one is sent. The same job sends the same requests every time.
 */
import { mulberry32 } from '../../kernel/mulberry32.ts';
import type { LoadJob, OrderForm } from './messages.ts';

/** Enough that neither side sees the same body too often, few enough to stay in memory. */
const PREPARED_REQUESTS = 4096;
/** Longer than any order takes; an answer before the order settled counts as an error. */
const WAIT_SECONDS = 30;
const SEED = 20101201;

interface PreparedRequest {
  readonly beforeKey: string;
  readonly afterKey: string;
}

export class OrderRequests {
  readonly #prepared: readonly PreparedRequest[];
  readonly #keyPrefix: string;
  #next = 0;

  constructor(job: LoadJob) {
    const random = mulberry32(SEED);
    this.#keyPrefix = job.keyPrefix;
    this.#prepared = Array.from({ length: PREPARED_REQUESTS }, (_, index) =>
      prepare(job.port, job.tokens[index % job.tokens.length]!, orderBody(job.form, random)),
    );
  }

  /** The next request, complete, under a key that no other has. */
  next(): string {
    const number = this.#next++;
    const { beforeKey, afterKey } = this.#prepared[number % this.#prepared.length]!;
    return beforeKey + this.#keyPrefix + String(number) + afterKey;
  }
}

/** The products that stock must have before orders of any form are sent. */
export function productIds(form: OrderForm): string[] {
  return Array.from({ length: form.products }, (_, index) => productId(index));
}

function productId(index: number): string {
  return `BENCH-${String(index).padStart(6, '0')}`;
}

function prepare(port: number, token: string, body: string): PreparedRequest {
  const headers = [
    'POST /api/v1/orders HTTP/1.1',
    `Host: 127.0.0.1:${port}`,
    `Authorization: Bearer ${token}`,
    'Content-Type: application/json',
    `Content-Length: ${Buffer.byteLength(body)}`,
    `Prefer: wait=${WAIT_SECONDS}`,
    'Idempotency-Key: ',
  ];
  return { beforeKey: headers.join('\r\n'), afterKey: `\r\n\r\n${body}` };
}

function orderBody(form: OrderForm, random: () => number): string {
  const products = new Set<number>();
  while (products.size < form.linesPerOrder) products.add(Math.floor(random() * form.products));
  return JSON.stringify({
    orderLines: [...products].map((product) => ({
      productId: productId(product),
      quantity: 1 + Math.floor(random() * 3),
      unitPrice: { amount: 100 + product, currency: 'GBP' },
    })),
    shippingAddress: { street: '1 Wharf Road', city: 'Leeds', state: '', postalCode: 'LS1 4AP', country: 'GB' },
    paymentMethod: { type: 'card', token: 'tok_visa' },
  });
}
