/** What must hold once everything has settled: invariants 3 to 7 over all entities and the provider's own books. */
import { orderEntity, itemsOf, type OrderState } from '../../../actors/order/order.ts';
import type { ReservationState } from '../../../actors/reservation/reservation.ts';
import { stockEntity, type StockEvent, type StockState } from '../../../actors/stock/stock.ts';
import { invariant } from '../../../kernel/invariant.ts';
import { orderIdOf, productOf, reservationOf, tokenOf, type SimulatedOrder } from './scenario.ts';
import type { Simulation } from './simulation.ts';

/** @throws InvariantViolation naming the rule that does not hold. */
export function assertSettled(simulation: Simulation): void {
  const { entities, provider, scenario } = simulation;
  invariant(
    provider.violations.length === 0,
    `the provider is asked for nothing impossible: ${provider.violations.join('; ')}`,
  );
  entities.forEach((entity) => entity.assertLiveIsFold());
  scenario.orders.forEach((order, index) => assertOrderSettled(simulation, order, index));
  scenario.stock.forEach((_units, product) => assertStockConserved(simulation, productOf(product)));
}

function assertOrderSettled(simulation: Simulation, simulated: SimulatedOrder, index: number): void {
  const orderId = orderIdOf(index);
  const order = simulation.entity(orderEntity(orderId)).live as OrderState;
  const reservation = simulation.entity(reservationOf(index));
  const { status } = reservation.live as ReservationState;
  const money = simulation.provider.account(tokenOf(simulated, index));
  const rule = (holds: boolean, text: string): void =>
    invariant(holds, `${orderId}: ${text}; ${JSON.stringify({ order, reservation: reservation.live, money })}`);

  const ends = reservation.committed.flatMap(({ events }) => events).filter(({ type }) => type === 'InventoryReleased');
  rule(ends.length <= 1, 'its reservation ends at most once');
  if (order.status === 'Absent') return rule(false, 'it was accepted');
  const shown = order.payment;
  if (order.status === 'Confirmed') {
    rule(status === 'Held', 'a confirmed order holds its stock');
    rule(money.captured === order.total && money.refunded === 0 && !money.voided, 'a confirmed order is paid, once');
    rule(shown.status === 'Captured' && shown.captured === order.total, 'it shows that it is paid');
    return;
  }
  rule(order.status === 'Cancelled', 'it ends Confirmed or Cancelled');
  rule(status !== 'Held', 'a cancelled order holds nothing');
  rule(money.captured === money.refunded, 'a cancelled order keeps no money');
  rule(
    money.authorized === 0 || money.voided !== money.captured > 0,
    'what was authorized is voided, or captured and refunded',
  );
  rule(shown.captured === money.captured && shown.refunded === money.refunded, 'it shows what was paid and refunded');
}

function assertStockConserved(simulation: Simulation, productId: string): void {
  const entity = simulation.entity(stockEntity(productId));
  const stock = entity.live as StockState;
  const rule = (holds: boolean, text: string): void =>
    invariant(holds, `${productId}: ${text}; ${JSON.stringify(entity.decider.snapshot?.encode(stock))}`);

  const wanted = new Map<string, number>();
  simulation.scenario.orders.forEach((_order, index) => {
    const order = simulation.entity(orderEntity(orderIdOf(index))).live as OrderState;
    const held = (simulation.entity(reservationOf(index)).live as ReservationState).status === 'Held';
    if (order.status === 'Absent' || !held) return;
    const item = itemsOf(order.terms.lines).find(([product]) => product === productId);
    if (item) wanted.set(reservationOf(index), item[1]);
  });
  const open = [...stock.holds].map(([holdId, { quantity }]) => [holdId, quantity] as const);
  rule(
    open.length === wanted.size && open.every(([holdId, quantity]) => wanted.get(holdId) === quantity),
    `its holds are those of the held reservations: ${JSON.stringify([...wanted])}`,
  );

  const onHand = new Map<string, number>();
  for (const { events } of entity.committed) {
    for (const event of events as readonly StockEvent[])
      if (event.type === 'StockSet') onHand.set(event.warehouseId, event.onHand);
  }
  const heldAt = new Map<string, number>();
  for (const [, { quantity, from }] of stock.holds) {
    for (const [warehouse, units] of from ?? [['main', quantity] as const])
      heldAt.set(warehouse, (heldAt.get(warehouse) ?? 0) + units);
  }
  let [totalOnHand, totalHeld] = [0, 0];
  for (const [warehouse, { onHand: has, held }] of stock.warehouses) {
    rule(has === onHand.get(warehouse), `${warehouse} has what was set`);
    rule(held === (heldAt.get(warehouse) ?? 0) && held <= has, `${warehouse} holds what its open holds say`);
    totalOnHand += has;
    totalHeld += held;
  }
  rule(stock.onHand === totalOnHand && stock.held === totalHeld, 'the product is the sum of its warehouses');
}
