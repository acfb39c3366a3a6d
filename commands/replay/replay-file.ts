/**
 * A replay from the file to the verdict, against a node that runs: seeds the stock, sends the orders, waits until they
 * have settled, reconciles. Prints nothing but progress.
 */
import type { Clock } from '../../kernel/clock.ts';
import { ReconcileReader } from '../../persistence/postgres/reconcile-reader.ts';
import type { Progress } from '../support/progress.ts';
import { count } from '../support/text.ts';
import { awaitSettled } from './await-settled.ts';
import type { ExpectedTotals } from './expected-totals.ts';
import type { NodeClient } from './node-client.ts';
import type { OpeningStock } from './opening-stock.ts';
import { ordersPlacedTwice, reconcileOrders, reconcileStock } from './reconcile.ts';
import { verdictOf, type ReplayVerdict } from './replay-verdict.ts';
import type { RetailFile } from './retail-file.ts';
import { seedStock } from './seed-stock.ts';
import { SendCounts, sendOrders } from './send-orders.ts';
import { simulateStock } from './simulate-stock.ts';

export interface ReplayInput {
  readonly file: RetailFile;
  readonly stock: OpeningStock;
  readonly expectedTotals: ExpectedTotals | undefined;
  readonly concurrency: number;
  readonly ratePerSecond: number | undefined;
}

export interface ReplayTools {
  readonly client: NodeClient;
  readonly databaseUrl: string;
  readonly progress: Progress;
  readonly clock: Clock;
}

export interface ReplayFigures {
  readonly orders: number;
  readonly orderLines: number;
  /** Orders that this run placed, and those that the node knew from an earlier run. */
  readonly placed: number;
  readonly recognised: number;
  readonly refused: number;
  readonly retries: number;
  /** From the first order sent until the last had settled. */
  readonly seconds: number;
  readonly ordersPerSecond: number;
  readonly orderLinesPerSecond: number;
}

/** @throws CommandError when the node is gone; StartupError when the database is. */
export async function replayFile(
  input: ReplayInput,
  tools: ReplayTools,
): Promise<{ verdict: ReplayVerdict; figures: ReplayFigures }> {
  const { file, stock } = input;
  const { client, progress, clock } = tools;
  // Opened first: without the database there is no verdict, so nothing is sent.
  const reader = await ReconcileReader.open(tools.databaseUrl);
  try {
    progress.begin('stock', 'products', stock.onHand.size);
    await seedStock(client, stock, (items) => progress.update(items));

    const counts = new SendCounts();
    const startedAt = clock.monotonicMs();
    const outcomes = (): string =>
      `placed ${count(counts.placed)}, recognised ${count(counts.recognised)}, refused ${count(counts.refused)}, retried ${count(client.retries)}`;
    progress.begin('sending', 'orders', file.orders.length, outcomes);
    const { concurrency, ratePerSecond } = input;
    const sent = await sendOrders(client, file.orders, counts, {
      concurrency,
      ratePerSecond,
      clock,
      progress: (orders) => progress.update(orders),
    });

    const orderIds = [...sent.orderIds.values()];
    progress.begin('settling', 'orders', orderIds.length);
    const unsettled = await awaitSettled(reader, orderIds, clock, (settled) => progress.update(settled));
    const seconds = (clock.monotonicMs() - startedAt) / 1000;

    progress.begin('reconciling', 'orders', orderIds.length);
    const reconciliation = await reconcileOrders(reader, file.orders, sent.orderIds, (orders) =>
      progress.update(orders),
    );
    const stockReconciliation = await reconcileStock(
      reader,
      stock.onHand,
      reconciliation.unitsConfirmed,
      (await reader.orderCount()) > orderIds.length,
    );
    const placedTwice = await ordersPlacedTwice(reader, sent.orderIds);
    progress.end();

    const simulation = simulateStock(file.orders, stock.onHand);
    const facts = { file, stock, simulation, inFileOrder: concurrency === 1, expectedTotals: input.expectedTotals };
    const verdict = verdictOf({ ...facts, sent, unsettled, reconciliation, stockReconciliation, placedTwice });
    return { verdict, figures: figuresOf(file, counts, client.retries, seconds) };
  } finally {
    progress.end();
    await reader.close();
  }
}

function figuresOf(
  { orders }: RetailFile,
  { placed, recognised, refused }: SendCounts,
  retries: number,
  seconds: number,
): ReplayFigures {
  const orderLines = orders.reduce((lines, order) => lines + order.lines.length, 0);
  const perSecond = (amount: number): number => (seconds > 0 ? Math.round((amount / seconds) * 10) / 10 : 0);
  return {
    orders: orders.length,
    orderLines,
    placed,
    recognised,
    refused,
    retries,
    seconds: Math.round(seconds * 1000) / 1000,
    ordersPerSecond: perSecond(orders.length),
    orderLinesPerSecond: perSecond(orderLines),
  };
}
