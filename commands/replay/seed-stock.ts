/**
 * Sets the opening stock through the node, in batches, under keys made from the file: a second run of the same file is
 * recognised and sets nothing, however much of the stock is held by then.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { CommandError } from '../support/command-line.ts';
import { problemIn, type NodeClient } from './node-client.ts';
import type { OpeningStock } from './opening-stock.ts';

/** What one call may carry. */
const ITEMS_PER_CALL_MAX = 5_000;
const HTTP_OK = 200;
const REFUSALS_SHOWN_MAX = 3;

/** Then nothing was applied, or nobody knows: the whole batch is sent again under its key. */
const AGAIN_STATUSES = new Set([429, 500, 503, 504]);
const SENDS_MAX = 20;
const PAUSE_MS = 500;

/** What the node says of one item: as its own PUT would be answered. */
const BATCH_ANSWER = z.object({
  results: z.array(
    z.object({ productId: z.string(), status: z.number(), problem: z.object({ code: z.string() }).optional() }),
  ),
});
type ItemResult = z.output<typeof BATCH_ANSWER>['results'][number];

/** @throws CommandError naming products whose stock was refused. */
export async function seedStock(
  client: NodeClient,
  stock: OpeningStock,
  progress: (items: number) => void,
): Promise<void> {
  const items = [...stock.onHand].map(([productId, onHand]) => ({ productId, onHand }));
  for (let start = 0; start < items.length; start += ITEMS_PER_CALL_MAX) {
    const chunk = items.slice(start, start + ITEMS_PER_CALL_MAX);
    await seedChunk(client, `retail-stock-${stock.hash}-${start / ITEMS_PER_CALL_MAX}`, chunk);
    progress(start + chunk.length);
  }
}

async function seedChunk(client: NodeClient, idempotencyKey: string, items: readonly unknown[]): Promise<void> {
  for (let send = 1; ; send++) {
    const answer = await client.send({ method: 'POST', path: '/api/v1/stock/batch', idempotencyKey, body: { items } });
    if (answer.status !== HTTP_OK) {
      const { code, detail } = problemIn(answer.body);
      throw new CommandError(`The opening stock was refused: ${answer.status} ${code}. ${detail}`);
    }
    const failed = BATCH_ANSWER.parse(JSON.parse(answer.body)).results.filter(({ status }) => status !== HTTP_OK);
    if (failed.length === 0) return;
    const refused = failed.filter(({ status }) => !AGAIN_STATUSES.has(status));
    if (refused.length > 0 || send === SENDS_MAX) refuse(refused.length > 0 ? refused : failed);
    await sleep(PAUSE_MS);
  }
}

function refuse(items: readonly ItemResult[]): never {
  const shown = items
    .slice(0, REFUSALS_SHOWN_MAX)
    .map(({ productId, status, problem }) => `${productId} (${problem?.code ?? status})`);
  throw new CommandError(
    `The opening stock of ${items.length} products was not taken: ${shown.join(', ')}. Where more is held than this file ` +
      'needs, other orders hold it: replay into a database of its own, or give --stock.',
  );
}
