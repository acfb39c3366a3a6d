/**
 * An order as a durable workflow of DBOS Transact: four steps, each of which is checkpointed after its own transaction.
 * After a crash between the two the step runs again, which changes nothing (order-steps.ts).
 */
import { DBOS } from '@dbos-inc/dbos-sdk';
import { type NewOrder, type Place, settledAnswer, wantedOf } from '../shop/order.ts';
import { OrderSteps } from '../shop/order-steps.ts';
import type { PeerWorker } from '../shop/run-peer.ts';
import { inTransaction, statementsOn } from '../shop/transaction.ts';

/** Only a repeated request polls: the first one gets the result of its own workflow. */
const REPLAY_POLL_MS = 10;

interface Outcome {
  readonly order: Pick<NewOrder, 'id' | 'bodyHash' | 'total' | 'currency'>;
  readonly refusedProduct: string | null;
}

/** Registers the workflow, which must be done before DBOS is launched. */
export function registerOrderWorkflow({ pool }: PeerWorker): Place {
  const steps = new OrderSteps();
  const query = statementsOn(pool);

  async function takeToItsEnd(order: NewOrder): Promise<Outcome> {
    const { id, bodyHash, total, currency } = order;
    await DBOS.runStep(() => steps.create(query, order), { name: 'place' });
    const refusedProduct = await DBOS.runStep(() => reserve(order), { name: 'reserve' });
    if (refusedProduct === null) {
      await DBOS.runStep(() => steps.authorize(query, [id]), { name: 'authorize' });
      await DBOS.runStep(() => steps.capture(query, [id]), { name: 'capture' });
    }
    return { order: { id, bodyHash, total, currency }, refusedProduct };
  }

  async function reserve({ id, lines }: NewOrder): Promise<string | null> {
    const orders = [{ id, wanted: wantedOf(lines) }];
    const refused = await inTransaction(pool, (inside) => steps.reserve(inside, orders));
    return refused.get(id) ?? null;
  }

  const workflow = DBOS.registerWorkflow(takeToItsEnd, { name: 'order' });

  return async (order) => {
    const handle = await DBOS.startWorkflow(workflow, { workflowID: order.key ?? order.id })(order);
    const outcome = await handle.getResult({ pollingIntervalMs: REPLAY_POLL_MS });
    if (outcome.order.bodyHash !== order.bodyHash) return { kind: 'mismatch' };
    const kind = outcome.order.id === order.id ? 'placed' : 'replayed';
    return { kind, order: settledAnswer(outcome.order, outcome.refusedProduct) };
  };
}
