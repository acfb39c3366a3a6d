/** The deciders by kind, as the audit folds with them: it knows states only by their kind. */
import type { Decider, DomainEvent, Refusal } from '../../kernel/decider.ts';
import type { OrderState } from '../../actors/order/order.ts';
import { orderDecider } from '../../actors/order/decider.ts';
import { orderEvents } from '../../actors/order/stored-events.ts';
import type { PaymentState } from '../../actors/payment/payment.ts';
import { paymentDecider } from '../../actors/payment/decider.ts';
import { paymentEvents } from '../../actors/payment/stored-events.ts';
import type { ReservationState } from '../../actors/reservation/reservation.ts';
import { reservationDecider } from '../../actors/reservation/decider.ts';
import { reservationEvents } from '../../actors/reservation/stored-events.ts';
import type { StockState } from '../../actors/stock/stock.ts';
import { stockDecider } from '../../actors/stock/decider.ts';
import { stockEvents } from '../../actors/stock/stored-events.ts';
import type { EventForms } from '../../persistence/event-codec.ts';

/** The pure half of a decider that an audit needs: it never decides. */
export type Folder<State> = Pick<
  Decider<State, { readonly type: string }, DomainEvent, Refusal>,
  'kind' | 'initial' | 'evolve' | 'outstanding' | 'deadline' | 'exists' | 'snapshot'
> & { readonly events: EventForms };

// `evolve` takes any event: what is read back is known to be one of the kind's own by its type only, and what it can't
// follow it refuses.
export const FOLDERS = {
  order: { ...orderDecider, events: orderEvents } as unknown as Folder<OrderState>,
  payment: { ...paymentDecider, events: paymentEvents } as unknown as Folder<PaymentState>,
  reservation: { ...reservationDecider, events: reservationEvents } as unknown as Folder<ReservationState>,
  stock: { ...stockDecider, events: stockEvents } as unknown as Folder<StockState>,
};
