/**
 * Gives the orders of a file their opening stock through the node: so many units of each product beside what orders of
 * other files, or other customers, hold already. To set the opening stock alone would take units from those, and the
 * file's orders would be cancelled.
 *
 * Each product is set under a key made from the file, so a second run of the file is recognised and sets nothing,
 * however much of the stock is held by then. What is set rests on what was read: if it changed between, it is read
 * again.
 */
import PQueue from 'p-queue';
import { z } from 'zod';
import { DEFAULT_WAREHOUSE } from '../../actors/stock/stock.ts';
import { CommandError } from '../support/command-line.ts';
import { problemIn, type NodeAnswer, type NodeClient } from './node-client.ts';
import type { OpeningStock } from './opening-stock.ts';

const PRODUCTS_AT_A_TIME = 64;
/** Other clients may be trading in the product. */
const ATTEMPTS_MAX = 20;
const HTTP_OK = 200;
const HTTP_NOT_FOUND = 404;
const HTTP_PRECONDITION_FAILED = 412;
const REFUSALS_SHOWN_MAX = 3;

const STOCK = z.object({ warehouses: z.array(z.object({ warehouseId: z.string(), held: z.number() })) });

/** @throws CommandError naming products whose stock was refused. */
export async function seedStock(
  client: NodeClient,
  stock: OpeningStock,
  progress: (items: number) => void,
): Promise<void> {
  const refused: string[] = [];
  let done = 0;
  const queue = new PQueue({ concurrency: PRODUCTS_AT_A_TIME });
  await queue.addAll(
    [...stock.onHand].map(([productId, units]) => async () => {
      const refusal = await seedProduct(client, productId, units, `retail-stock-${stock.hash}`);
      if (refusal !== undefined) refused.push(`${productId} (${refusal})`);
      progress(++done);
    }),
  );
  if (refused.length === 0) return;
  const shown = refused.slice(0, REFUSALS_SHOWN_MAX).join(', ');
  throw new CommandError(`The opening stock of ${refused.length} products was not taken: ${shown}.`);
}

/** @returns why not. */
async function seedProduct(
  client: NodeClient,
  productId: string,
  units: number,
  idempotencyKey: string,
): Promise<string | undefined> {
  const path = `/api/v1/stock/${encodeURIComponent(productId)}`;
  let answer: NodeAnswer | undefined;
  for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
    const found = await client.send({ method: 'GET', path });
    if (found.status !== HTTP_OK && found.status !== HTTP_NOT_FOUND) return reasonIn(found);
    const isNew = found.status === HTTP_NOT_FOUND;
    answer = await client.send({
      method: 'PUT',
      path,
      idempotencyKey,
      precondition: isNew ? { 'if-none-match': '*' } : { 'if-match': found.etag ?? '*' },
      body: { onHand: units + (isNew ? 0 : heldIn(found)) },
    });
    if (answer.status === HTTP_OK) return undefined;
    // An earlier run set another amount under this file's and product's key, when less was held.
    if (problemIn(answer.body).code === 'idempotency_mismatch') return undefined;
    if (answer.status !== HTTP_PRECONDITION_FAILED) return reasonIn(answer);
  }
  return answer && reasonIn(answer);
}

function heldIn({ body }: NodeAnswer): number {
  const { warehouses } = STOCK.parse(JSON.parse(body));
  return warehouses.find(({ warehouseId }) => warehouseId === DEFAULT_WAREHOUSE)?.held ?? 0;
}

function reasonIn({ status, body }: NodeAnswer): string {
  return `${status} ${problemIn(body).code}`;
}
