/**
 * What clients sent and which answers they got: the only witness besides the database. It records for every request
 * whether it was applied, was certainly not applied, or may have been applied.
 */
import type { Violation } from '../check/violation.ts';

/** `ok`: 2xx. `failed`: a promise that nothing was applied. `unknown`: everything else. */
export type Outcome = 'ok' | 'failed' | 'unknown';
export type Tally = Record<Outcome, number>;

export interface OrderedLine {
  readonly productId: string;
  readonly quantity: number;
  /** Minor units of {@link CURRENCY}. */
  readonly unitPrice: number;
}

/** One order that a client wanted, under one key, however often it was sent. */
export interface WantedOrder {
  /** Its key and its external reference. */
  readonly reference: string;
  readonly customer: string;
  readonly token: string;
  readonly lines: readonly OrderedLine[];
  /** Repeats until there is an answer; other clients send once. */
  readonly retries: boolean;
  readonly placing: Tally;
  readonly cancelling: Tally;
  /** The last answer to its placing that promised that nothing was applied, and when. */
  lastFailure?: string;
  /** Every id that an answer of success named. */
  readonly orderIds: string[];
  /** The highest version that any answer showed. */
  versionSeen: number;
  /** What an answer showed as the order's end; an end never changes. */
  endSeen?: string;
}

/** One setting of a product's stock; `onHand` is another one each time. */
export interface StockPut {
  readonly productId: string;
  readonly onHand: number;
  readonly placing: Tally;
}

export const CURRENCY = 'GBP';

export const noTally = (): Tally => ({ ok: 0, failed: 0, unknown: 0 });

export function totalOf(lines: readonly OrderedLine[]): number {
  return lines.reduce((sum, { quantity, unitPrice }) => sum + quantity * unitPrice, 0);
}

export class History {
  readonly orders: WantedOrder[] = [];
  readonly puts: StockPut[] = [];
  /** What a client saw against the contract. */
  readonly violations: Violation[] = [];
  /** Moments at which an order was acknowledged for the first time, in ms since the load began. */
  readonly acknowledgedAtMs: number[] = [];
  readonly requests = noTally();
  /** Answers by what was asked and status. */
  readonly statuses = new Map<string, number>();
  /** Orders that were not begun, because too much was under way. */
  shed = 0;

  count(what: string, status: string, outcome: Outcome): void {
    this.requests[outcome] += 1;
    const key = `${what} ${status}`;
    this.statuses.set(key, (this.statuses.get(key) ?? 0) + 1);
  }
}
