/**
 * The four deciders on a bad day: messages are late, lost, doubled and overtaken, entities crash between any two
 * steps, people change their minds, clocks jump. Then the world heals, and everything must settle.
 *
 * Owns the world: network, clock, people, entities. What must hold in the end stands in settlement.ts.
 */
import { KINDS } from '../../../actors/index.ts';
import { orderEntity } from '../../../actors/order/order.ts';
import { HOLD_WINDOW_MS } from '../../../actors/order/decide.ts';
import { CALL_WINDOW_MS, type ProviderCall } from '../../../actors/payment/payment.ts';
import { CLOCK_SKEW_MAX_MS, DEFAULT_WAREHOUSE, stockEntity } from '../../../actors/stock/stock.ts';
import { invariant } from '../../../kernel/invariant.ts';
import { Choices } from './choices.ts';
import type { EntityHost } from './entity-host.ts';
import { describeMessage, type Message } from './messages.ts';
import { orderIdOf, productOf, RESERVATION_TTL_MS, termsOf, type Scenario, type SimulatedOrder } from './scenario.ts';
import { SimulatedEntity } from './simulated-entity.ts';
import { SimulatedProvider } from './simulated-provider.ts';

const WAREHOUSES = [DEFAULT_WAREHOUSE, 'north'] as const;

const START_MS = 1_700_000_000_000;
/** More than this is in flight only when nothing gets through: what is sent then is lost. */
const IN_FLIGHT_MAX = 300;
const HEALING_ROUNDS_MAX = 40;
const DELIVERIES_PER_ROUND_MAX = 20_000;
const JUMPS_MS = [1, 1_000, 1_000, 60_000, CALL_WINDOW_MS + 1, RESERVATION_TTL_MS + CLOCK_SKEW_MAX_MS] as const;

export class Simulation {
  readonly provider = new SimulatedProvider();
  readonly entities = new Map<string, SimulatedEntity>();
  readonly scenario: Scenario;
  readonly traceLines: string[] = [];
  readonly #choices: Choices;
  readonly #host: EntityHost;
  #now = START_MS;
  #ids = 0;
  #inFlight: Message[] = [];
  /** What a frozen former owner has still to say: it thaws at any time, also after everything has settled. */
  #stragglers: Message[] = [];

  constructor(scenario: Scenario) {
    this.scenario = scenario;
    this.#choices = new Choices(scenario.choices);
    this.#host = {
      now: () => this.#now,
      send: (message) => void (this.#inFlight.length < IN_FLIGHT_MAX && this.#inFlight.push(message)),
      trace: (line) => void this.traceLines.push(line),
      remembersCommandIds: scenario.remembersCommandIds,
      nextId: () => (this.#ids += 1),
    };
  }

  run(): void {
    this.scenario.stock.forEach((units, product) => {
      units.forEach((onHand, index) => this.#setStock(product, WAREHOUSES[index] ?? DEFAULT_WAREHOUSE, onHand));
      this.entity(stockEntity(productOf(product))).commit(Infinity);
    });
    while (!this.#choices.exhausted) this.#chaos();
    this.#heal();
  }

  entity(entityId: string): SimulatedEntity {
    let entity = this.entities.get(entityId);
    if (!entity)
      this.entities.set(entityId, (entity = new SimulatedEntity(entityId, KINDS.of(entityId).decider, this.#host)));
    return entity;
  }

  #chaos(): void {
    const choices = this.#choices;
    const dice = choices.below(100);
    if (dice < 53) return this.#deliver();
    if (dice < 56) return this.#thaw();
    if (dice < 76) return this.#commitSome();
    if (dice < 82) return this.#placeNext();
    if (dice < 86) return this.#withEntity((entity) => entity.resend());
    if (dice < 90) return this.#withEntity((entity) => this.#crash(entity));
    if (dice < 93) return this.#people();
    if (dice < 96)
      return this.#setStock(choices.below(this.scenario.stock.length), choices.of(WAREHOUSES), choices.below(6));
    if (dice < 99 || choices.below(6) > 0) return this.#advance(choices.of(JUMPS_MS));
    // Into the minutes around the end of a hold's time, where memory of it may go, on some clocks.
    this.#advance(Math.max(1, START_MS + HOLD_WINDOW_MS - this.#now + (choices.below(5) - 1) * CLOCK_SKEW_MAX_MS));
  }

  #deliver(): void {
    if (this.#inFlight.length === 0) return this.#withEntity((entity) => entity.resend());
    const index = this.#choices.below(this.#inFlight.length);
    const message = this.#inFlight[index] as Message;
    const fate = this.#choices.below(100);
    if (fate < 90) this.#inFlight.splice(index, 1);
    this.#trace(
      fate < 6 ? 'lost' : fate < 90 ? 'delivered' : 'delivered, and will come again',
      describeMessage(message),
    );
    if (fate >= 6) this.#hand(message);
  }

  #hand(message: Message): void {
    const { from, to } = message;
    if (message.kind === 'answer') return this.entity(to).answered(message.effect, message.answer, message.slot);
    if (message.kind === 'call') {
      const { effect } = message;
      const value = this.provider.call(effect.call as ProviderCall);
      return this.#host.send({ kind: 'answer', from: to, to: from, effect, answer: { kind: 'done', value } });
    }
    const { effect } = message;
    const slot = message.slot ? { slot: message.slot } : {};
    const command = effect.command as { readonly type: string };
    this.entity(to).receive(command, effect.commandId, effect.until, (answer) =>
      // Through JSON, as between workers.
      this.#host.send({
        kind: 'answer',
        from: to,
        to: from,
        effect,
        answer: JSON.parse(JSON.stringify(answer)) as typeof answer,
        ...slot,
      }),
    );
  }

  #commitSome(): void {
    const busy = [...this.entities.values()].filter(({ tentativeRows }) => tentativeRows > 0);
    const entity = busy[this.#choices.below(Math.max(busy.length, 1))];
    if (!entity) return this.#deliver();
    const rows = 1 + this.#choices.below(entity.tentativeRows);
    this.#trace('committed', `${rows} of ${entity.tentativeRows} rows of ${entity.entityId}`);
    entity.commit(rows);
  }

  #withEntity(act: (entity: SimulatedEntity) => void): void {
    const entities = [...this.entities.values()];
    act(entities[this.#choices.below(entities.length)] as SimulatedEntity);
  }

  #crash(entity: SimulatedEntity): void {
    const rows = this.#choices.below(entity.tentativeRows + 1);
    const offset = this.#choices.below(3) * (CLOCK_SKEW_MAX_MS / 2);
    this.#trace(
      'crash',
      `${entity.entityId} with ${rows} of ${entity.tentativeRows} rows committed; its clock is now ${offset} ms fast`,
    );
    if (this.#choices.percent(50))
      this.#straggle((message) => message.from === entity.entityId && message.kind !== 'answer');
    entity.crash(rows, offset, this.#choices.below(entity.committed.length + 1));
  }

  #straggle(isLate: (message: Message, index: number) => boolean): void {
    const late = new Set(this.#inFlight.filter(isLate));
    this.#inFlight = this.#inFlight.filter((message) => !late.has(message));
    this.#stragglers.push(...late);
  }

  #thaw(): void {
    const message = this.#stragglers.splice(this.#choices.below(Math.max(this.#stragglers.length, 1)), 1)[0];
    if (!message) return this.#deliver();
    this.#trace('delivered late', describeMessage(message));
    this.#hand(message);
  }

  #people(): void {
    const entity = this.entity(orderEntity(orderIdOf(this.#choices.below(this.scenario.orders.length))));
    const waiting = entity.decider.deadline(entity.live) !== undefined;
    const type = this.#choices.of(
      waiting
        ? ['ConfirmOrder', 'ConfirmOrder', 'ExpireOrder', 'CancelOrder']
        : ['CancelOrder', 'ConfirmOrder', 'ExpireOrder'],
    );
    this.#trace('person', `${type} ${entity.entityId}`);
    entity.receive(
      type === 'CancelOrder' ? ({ type, reason: 'changed my mind' } as { type: string }) : { type },
      `person-${this.#host.nextId()}`,
      'durable',
    );
  }

  #placeNext(): void {
    const next = this.scenario.orders.findIndex((_order, index) => !this.entities.has(orderEntity(orderIdOf(index))));
    this.#place(next >= 0 ? next : this.#choices.below(this.scenario.orders.length));
  }

  #place(index: number): void {
    const command = {
      type: 'PlaceOrder',
      terms: termsOf(this.scenario.orders[index] as SimulatedOrder, index),
      unknownProducts: [],
    };
    this.#trace('placed', orderIdOf(index));
    this.entity(orderEntity(orderIdOf(index))).receive(command, 'place', 'durable');
  }

  #setStock(product: number, warehouseId: string, onHand: number): void {
    const entityId = stockEntity(productOf(product));
    this.#trace('stock', `${entityId} ${warehouseId} = ${onHand}`);
    this.entity(entityId).receive(
      { type: 'SetStock', warehouseId, onHand } as { type: string },
      `set-${this.#host.nextId()}`,
      'durable',
    );
  }

  #advance(byMs: number): void {
    this.#now += byMs;
    this.#trace('time', `+${byMs} ms`);
  }

  /** From now on nothing is lost. Some of what is in flight arrives only after everything has settled. */
  #heal(): void {
    this.#trace('healed', `${this.#inFlight.length} messages in flight`);
    this.scenario.orders.forEach((_order, index) => this.#place(index));
    this.#straggle((_message, index) => (this.scenario.choices[index] ?? index) % 2 === 0);
    this.#settle();
    this.#trace('stragglers', `${this.#stragglers.length} messages`);
    this.#inFlight.push(...this.#stragglers);
    this.#settle();
  }

  #settle(): void {
    for (let round = 0; round < HEALING_ROUNDS_MAX; round += 1) {
      this.#drain();
      this.entities.forEach((entity) => entity.wakeUp());
      this.#drain();
      const busy = [...this.entities.values()].filter(
        (entity) => !entity.settled || entity.decider.deadline(entity.live) !== undefined,
      );
      if (busy.length === 0) return;
      this.#advance(RESERVATION_TTL_MS);
      busy.forEach((entity) => entity.resend());
    }
    const stuck = [...this.entities.values()].filter((entity) => !entity.settled);
    invariant(
      false,
      `everything settles once messages arrive; stuck: ${JSON.stringify(stuck.map(({ entityId, live }) => [entityId, live]))}`,
    );
  }

  #drain(): void {
    for (let delivered = 0; delivered < DELIVERIES_PER_ROUND_MAX; delivered += 1) {
      this.entities.forEach((entity) => entity.commit(entity.tentativeRows));
      const message = this.#inFlight.shift();
      if (!message) return;
      this.#trace('delivered', describeMessage(message));
      this.#hand(message);
    }
    invariant(false, 'messages come to an end');
  }

  #trace(what: string, about: string): void {
    this.traceLines.push(`+${this.#now - START_MS} ms ${what}: ${about}`);
  }
}
