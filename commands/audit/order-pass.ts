/**
 * Reads orders, payments, reservations, their wake-ups and the order view as streams side by side, merged by the order's
 * id, and hands each order over as one group. Holds one batch of each stream and one group.
 */
import type { AuditedOrderView, AuditedRow, AuditedWakeUp } from '../../persistence/postgres/audited-rows.ts';
import type { AuditReader } from '../../persistence/postgres/audit-reader.ts';
import { smallestKey, SortedStream } from './sorted-stream.ts';

/** The three kinds of entities that share an order's id. */
export const ORDER_PREFIXES = ['ord_', 'pay_', 'res_'] as const;
export type OrderPrefix = (typeof ORDER_PREFIXES)[number];

/** Everything that is stored under one order id. */
export interface OrderGroup {
  readonly orderId: string;
  /** By version. */
  readonly rows: Readonly<Record<OrderPrefix, readonly AuditedRow[]>>;
  readonly wakeUps: Readonly<Record<OrderPrefix, AuditedWakeUp | undefined>>;
  readonly view: AuditedOrderView | undefined;
}

const idOf = ({ entityId }: { readonly entityId: string }): string => entityId.slice(4);

/** @param judge is called for every order id, in order */
export async function passOverOrders(reader: AuditReader, judge: (group: OrderGroup) => void): Promise<void> {
  const perPrefix = <T>(make: (prefix: OrderPrefix) => T): Record<OrderPrefix, T> => ({
    ord_: make('ord_'),
    pay_: make('pay_'),
    res_: make('res_'),
  });
  const rows = perPrefix((prefix) => new SortedStream(reader.rows(prefix), idOf));
  const wakeUps = perPrefix((prefix) => new SortedStream(reader.wakeUps(prefix), idOf));
  const views = new SortedStream(reader.orderViews(), ({ orderId }) => orderId);
  const streams = [...Object.values(rows), ...Object.values(wakeUps), views];
  for (;;) {
    const orderId = await smallestKey(streams);
    if (orderId === undefined) return;
    judge({
      orderId,
      rows: {
        ord_: await rows.ord_.take(orderId),
        pay_: await rows.pay_.take(orderId),
        res_: await rows.res_.take(orderId),
      },
      wakeUps: {
        ord_: (await wakeUps.ord_.take(orderId))[0],
        pay_: (await wakeUps.pay_.take(orderId))[0],
        res_: (await wakeUps.res_.take(orderId))[0],
      },
      view: (await views.take(orderId))[0],
    });
  }
}
