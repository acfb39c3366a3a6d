/**
 * Sends the orders of a file to the node, in the order of the file, so many at a time, at most so many a second. Learns
 * the id of each order from the node's answer. One at a time means one after the other: the next order leaves only when
 * the one before has settled, so that orders fail for lack of stock in the order of the file.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Clock } from '../../kernel/clock.ts';
import { messageOf } from '../../kernel/errors.ts';
import { CommandError } from '../support/command-line.ts';
import { problemIn, type NodeAnswer, type NodeClient } from './node-client.ts';
import { idempotencyKeyOf, orderRequest } from './order-request.ts';
import type { RetailOrder } from './retail-file.ts';

const HTTP_CREATED = 201;
const WAIT_SECONDS = 30;
const SETTLE_POLL_INTERVAL_MS = 100;
/** An absent provider may delay an order for long; beyond this a person should look. */
const SETTLE_TIMEOUT_MS = 300_000;
const LOCATION = /^\/api\/v1\/orders\/([0-9a-f-]{36})$/;

export interface RefusedOrder {
  readonly invoiceNo: string;
  readonly status: number;
  readonly code: string;
  readonly detail: string;
}

export interface SentOrders {
  /** Order id by invoice number. */
  readonly orderIds: ReadonlyMap<string, string>;
  readonly refused: readonly RefusedOrder[];
}

export interface SendOptions {
  readonly concurrency: number;
  /** Orders a second; undefined: as fast as the node takes them. */
  readonly ratePerSecond: number | undefined;
  readonly clock: Clock;
  readonly progress: (sent: number) => void;
}

/** Counts that change while orders are sent. */
export class SendCounts {
  placed = 0;
  /** Known to the node from an earlier run. */
  recognised = 0;
  refused = 0;
  get sent(): number {
    return this.placed + this.recognised + this.refused;
  }
}

/** @throws what the client throws when the node is gone. */
export async function sendOrders(
  client: NodeClient,
  orders: readonly RetailOrder[],
  counts: SendCounts,
  options: SendOptions,
): Promise<SentOrders> {
  const orderIds = new Map<string, string>();
  const refused: RefusedOrder[] = [];
  const oneByOne = options.concurrency === 1;
  const pause = pacer(options);
  let next = 0;
  const worker = async (): Promise<void> => {
    for (let order = orders[next++]; order; order = orders[next++]) {
      const { invoiceNo } = order;
      await pause(next);
      const answer = await client.send({
        method: 'POST',
        path: '/api/v1/orders',
        idempotencyKey: idempotencyKeyOf(invoiceNo),
        body: orderRequest(order),
        ...(oneByOne && { waitSeconds: WAIT_SECONDS }),
      });
      if (answer.status === HTTP_CREATED) {
        orderIds.set(invoiceNo, orderIdIn(answer));
        if (answer.replayed) counts.recognised++;
        else counts.placed++;
        if (oneByOne) await untilSettled(client, answer, options.clock);
      } else {
        counts.refused++;
        refused.push({ invoiceNo, status: answer.status, ...problemIn(answer.body) });
      }
      options.progress(counts.sent);
    }
  };
  const workers = Array.from({ length: Math.min(options.concurrency, orders.length) }, worker);
  try {
    await Promise.all(workers);
  } catch (error) {
    // The first failure ends the others at their next request.
    client.stop(error instanceof Error ? error : new CommandError(messageOf(error)));
    throw error;
  }
  return { orderIds, refused };
}

/** Order n leaves at the earliest n / rate seconds after the first. */
function pacer({ ratePerSecond, clock }: SendOptions): (nth: number) => Promise<void> {
  if (ratePerSecond === undefined) return () => Promise.resolve();
  const startedAt = clock.monotonicMs();
  return async (nth) => {
    const dueInMs = startedAt + ((nth - 1) * 1000) / ratePerSecond - clock.monotonicMs();
    if (dueInMs > 0) await sleep(dueInMs);
  };
}

function orderIdIn({ location }: NodeAnswer): string {
  const orderId = LOCATION.exec(location ?? '')?.[1];
  if (orderId === undefined)
    throw new CommandError(
      `The node's answer names no order (Location: ${location ?? 'none'}). Is it a Holdfast node?`,
    );
  return orderId;
}

/** `Prefer: wait` has a limit; an order that takes longer is asked for until it is settled. */
async function untilSettled(client: NodeClient, placed: NodeAnswer, clock: Clock): Promise<void> {
  const deadline = clock.monotonicMs() + SETTLE_TIMEOUT_MS;
  const path = placed.location ?? '';
  let { body } = placed;
  while (!isSettled(body)) {
    if (clock.monotonicMs() > deadline)
      throw new CommandError(`The order ${path} has not settled within ${SETTLE_TIMEOUT_MS / 1000} s.`);
    await sleep(SETTLE_POLL_INTERVAL_MS);
    ({ body } = await client.send({ method: 'GET', path }));
  }
}

/** As the order's process manager sees it: something is still on its way. */
const UNSETTLED_STATUSES = new Set(['Created', 'PaymentPending', 'CancellationPending']);

/** Confirmed is not enough: the money must be captured as well. */
function isSettled(body: string): boolean {
  const { status = 'Created', payment } = JSON.parse(body) as { status?: string; payment?: { status?: string } };
  if (status === 'Confirmed') return payment?.status === 'Captured';
  return !UNSETTLED_STATUSES.has(status);
}
