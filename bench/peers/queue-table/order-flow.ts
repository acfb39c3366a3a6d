/**
 * Takes orders through the queues of one worker. A request inserts the order and its first job; a lane for each step
 * takes the jobs that arrived during its last batch, does the step for all of it in one transaction, and puts the next
 * jobs in. The request is answered from memory when its order has come through.
 */
import type pg from 'pg';
import { type NewOrder, type PlaceResult, settledAnswer, wantedOf } from '../shop/order.ts';
import { OrderSteps, type OrderToReserve } from '../shop/order-steps.ts';
import type { PeerWorker } from '../shop/run-peer.ts';
import { inTransaction, type Query, statementsOn } from '../shop/transaction.ts';
import { BATCH_MAX, enqueueMoved, type Step, takeJobs } from './job-queue.ts';
import { Lane } from './lane.ts';

/** One a step, each with a connection of its own, so that no request keeps it waiting. */
const LANES = 3;

interface Batch {
  readonly ids: readonly string[];
  readonly refused: ReadonlyMap<string, string>;
}

const NONE_REFUSED: ReadonlyMap<string, string> = new Map();

export class OrderFlow {
  readonly #worker: PeerWorker;
  readonly #lanesPool: pg.Pool;
  readonly #steps: OrderSteps;
  readonly #reserve = new Lane(() => this.#doBatch('reserve'));
  readonly #authorize = new Lane(() => this.#doBatch('authorize'));
  readonly #capture = new Lane(() => this.#doBatch('capture'));
  /** Requests of this process, by the order they wait for; with the product that was short, or null. */
  readonly #waiting = new Map<string, (refusedProduct: string | null) => void>();

  constructor(worker: PeerWorker) {
    this.#worker = worker;
    this.#lanesPool = worker.openPool(LANES);
    this.#steps = new OrderSteps({
      created: enqueueMoved(worker.number, 'reserve'),
      reserved: enqueueMoved(worker.number, 'authorize', 'where refused is null'),
      authorized: enqueueMoved(worker.number, 'capture'),
    });
  }

  /** A lane that fails ends the process, as an unhandled rejection does. */
  start(): void {
    for (const lane of [this.#reserve, this.#authorize, this.#capture]) void lane.run();
  }

  async place(order: NewOrder): Promise<PlaceResult> {
    const settled = new Promise<string | null>((resolve) => this.#waiting.set(order.id, resolve));
    if (!(await this.#create(order))) return await this.#worker.tables.replay(order);
    this.#reserve.wake();
    return { kind: 'placed', order: settledAnswer(order, await settled) };
  }

  /** One statement, so one transaction, for the order and its job. */
  async #create(order: NewOrder): Promise<boolean> {
    let isNew = false;
    try {
      isNew = await this.#steps.create(statementsOn(this.#worker.pool), order);
    } finally {
      if (!isNew) this.#waiting.delete(order.id);
    }
    return isNew;
  }

  async #doBatch(step: Step): Promise<'drained' | 'more'> {
    const { ids, refused } = await inTransaction(this.#lanesPool, async (query): Promise<Batch> => {
      const taken = await takeJobs(query, this.#worker.number, step);
      return { ids: taken, refused: taken.length === 0 ? NONE_REFUSED : await this.#do(step, query, taken) };
    });
    for (const [id, product] of refused) this.#settle(id, product);
    if (step === 'reserve') this.#authorize.wake();
    else if (step === 'authorize') this.#capture.wake();
    else for (const id of ids) this.#settle(id, null);
    return ids.length === BATCH_MAX ? 'more' : 'drained';
  }

  async #do(step: Step, query: Query, ids: readonly string[]): Promise<ReadonlyMap<string, string>> {
    switch (step) {
      case 'reserve':
        return await this.#steps.reserve(query, await readWanted(query, ids));
      case 'authorize':
        await this.#steps.authorize(query, ids);
        return NONE_REFUSED;
      case 'capture':
        await this.#steps.capture(query, ids);
        return NONE_REFUSED;
    }
  }

  #settle(id: string, refusedProduct: string | null): void {
    this.#waiting.get(id)?.(refusedProduct);
    this.#waiting.delete(id);
  }
}

/** The first come first. */
async function readWanted(query: Query, ids: readonly string[]): Promise<OrderToReserve[]> {
  const text = 'select id, lines from orders where id = any($1::uuid[]) order by created_at';
  const orders = await query<Pick<NewOrder, 'id' | 'lines'>>('read-lines', text, [ids]);
  return orders.rows.map(({ id, lines }) => ({ id, wanted: wantedOf(lines) }));
}
