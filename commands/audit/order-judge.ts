/**
 * Judges one order at a time, with its payment and reservation: it replays, its read models are right (invariant 3),
 * money and reservation keep their rules (5, 7, 8), it settles (6). Keeps counts, and tells the hold ledger what stock
 * must say.
 */
import type { OrderState, OrderStatus, PlacedOrder } from '../../actors/order/order.ts';
import type { PaymentState } from '../../actors/payment/payment.ts';
import type { ReservationState } from '../../actors/reservation/reservation.ts';
import type { EpochMs } from '../../kernel/clock.ts';
import type { AuditedOrderView } from '../../persistence/postgres/audited-rows.ts';
import { described } from '../support/first-difference.ts';
import { FOLDERS, type Folder } from './deciders.ts';
import { EntityFold, type FoldContext } from './entity-fold.ts';
import type { HoldLedger } from './hold-ledger.ts';
import type { OrderGroup, OrderPrefix } from './order-pass.ts';
import { brokenOrderRules, holdsAreMoving } from './order-rules.ts';
import { orderViewDifference } from './order-view-rules.ts';
import { judgeStoredWakeUp } from './wake-up-rules.ts';

export interface JudgeOptions {
  readonly takenAt: EpochMs;
  /** An order that is unsettled for less than this is pending, not wrong. */
  readonly settleGraceMs: number;
}

/** The state that the order view should show, when the fold came by its version. */
interface ViewedState {
  readonly state: PlacedOrder;
  readonly settled: boolean;
}

export class OrderJudge {
  readonly ordersByStatus = new Map<OrderStatus, number>();
  entities = 0;
  rows = 0;
  /** Unsettled within the grace. */
  pending = 0;
  rowsBeyondCheckpoints = 0;
  readonly #context: FoldContext;
  readonly #ledger: HoldLedger;
  readonly #options: JudgeOptions;

  constructor(context: FoldContext, ledger: HoldLedger, options: JudgeOptions) {
    this.#context = context;
    this.#ledger = ledger;
    this.#options = options;
  }

  judge(group: OrderGroup): void {
    const order = this.#judgeOrder(group);
    const payment = this.#fold(FOLDERS.payment, 'pay_', group);
    const reservation = this.#fold(FOLDERS.reservation, 'res_', group);
    this.#judgeSettlement(order, payment, reservation);
    const moving = order.state.status !== 'Absent' && holdsAreMoving(order.state, reservation.state);
    if (!order.readable || !reservation.readable || moving) this.#ledger.excuse(reservation.entityId);
    else if (reservation.state.status === 'Held') this.#ledger.expect(reservation.entityId, reservation.state.items);
  }

  #judgeOrder(group: OrderGroup): EntityFold<OrderState> {
    const { view } = group;
    let viewed: ViewedState | undefined;
    const order = this.#fold(FOLDERS.order, 'ord_', group, ({ version, state, outstandingSince }) => {
      if (version !== view?.version || state.status === 'Absent') return;
      viewed = { state, settled: outstandingSince === undefined };
    });
    const { status } = order.state;
    if (status !== 'Absent') this.ordersByStatus.set(status, (this.ordersByStatus.get(status) ?? 0) + 1);
    this.#judgeView(order, view, viewed);
    return order;
  }

  #fold<State>(
    folder: Folder<State>,
    prefix: OrderPrefix,
    group: OrderGroup,
    folded?: (fold: EntityFold<State>) => void,
  ): EntityFold<State> {
    const fold = new EntityFold(folder, prefix + group.orderId, this.#context);
    for (const row of group.rows[prefix]) {
      fold.apply(row);
      if (fold.isBeyondCheckpoint(row)) this.rowsBeyondCheckpoints++;
      folded?.(fold);
    }
    fold.judgeWakeUp();
    judgeStoredWakeUp(fold, group.wakeUps[prefix]);
    if (fold.exists) this.entities++;
    this.rows += group.rows[prefix].length;
    return fold;
  }

  #judgeView(order: EntityFold<OrderState>, view: AuditedOrderView | undefined, viewed: ViewedState | undefined): void {
    const { projectedVersion, first, last } = order;
    if (!view) {
      // An id that was claimed for something else has rows, and no order.
      if (projectedVersion > 0 && order.state.status !== 'Absent')
        order.report(3, last, `order_view at version ${projectedVersion}`, 'no row in order_view');
      return;
    }
    if (!first) {
      order.report(3, undefined, 'no row in order_view without an order', `version ${view.version}`);
      return;
    }
    // Of an order that can't be read to its end nobody knows which version the view could reach.
    if (order.readable && view.version !== projectedVersion) {
      order.report(3, last, `order_view at version ${projectedVersion}`, `version ${view.version}`);
    }
    if (!viewed) return;
    const difference = orderViewDifference({ ...viewed, shard: first.shard, firstSeq: first.seq }, view);
    if (!difference) return;
    const { expected, found } = described(difference);
    order.report(3, last, `order_view ${expected}`, found);
  }

  #judgeSettlement(
    order: EntityFold<OrderState>,
    payment: EntityFold<PaymentState>,
    reservation: EntityFold<ReservationState>,
  ): void {
    if (!order.readable) return;
    if (order.state.status === 'Absent') {
      for (const other of [payment, reservation]) {
        if (other.exists) other.report(6, other.first, 'an order that it belongs to', 'none');
      }
      return;
    }
    const since = order.outstandingSince;
    if (since !== undefined) {
      if (this.#options.takenAt - since <= this.#options.settleGraceMs) this.pending++;
      else
        order.report(
          6,
          order.last,
          'a settled order',
          `${order.state.status}, unsettled since ${new Date(since).toISOString()}`,
        );
      return;
    }
    if (!payment.readable || !reservation.readable) return;
    const triple = { order: order.state, payment: payment.state, reservation: reservation.state };
    for (const { expected, found } of brokenOrderRules(triple)) order.report(6, order.last, expected, found);
  }
}
