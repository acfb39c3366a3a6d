import { expect } from 'chai';
import { itDecides, itFollowsOnly, NOW, specify } from '../../test/support/decider-specification.ts';
import type { GatherAnswer } from '../../kernel/decider.ts';
import type { StockRefusal } from '../stock/stock.ts';
import type { ReservationCommand, ReservationEvent, ReservedItem } from './reservation.ts';
import { reservationDecider } from './decider.ts';

const ID = 'res_1';
const given = specify(reservationDecider, ID);
const notAfter = NOW + 1_000;
const items: readonly ReservedItem[] = [
  ['a', 2],
  ['b', 3],
];
const reserve: ReservationCommand = { type: 'Reserve', items, notAfter };
const release: ReservationCommand = { type: 'ReleaseReservation', items, notAfter, reason: 'requested' };

const held: GatherAnswer = { kind: 'done', value: null };
const refusedBy = (refusal: StockRefusal): GatherAnswer => ({ kind: 'rejected', refusal });
const short = refusedBy({ code: 'insufficient_inventory', requested: 3, available: 1 });
const shortage = { productId: 'b', code: 'insufficient_inventory', requested: 3, available: 1 } as const;

const reserved: ReservationEvent = { type: 'InventoryReserved', items, notAfter };
const unavailable: ReservationEvent = { type: 'InventoryUnavailable', shortages: [shortage] };
const released: ReservationEvent = { type: 'InventoryReleased', reason: 'requested' };
const histories = {
  Absent: [],
  Held: [reserved],
  Refused: [unavailable],
  'Released after Held': [reserved, released],
  'Released after Refused': [unavailable, released],
  'Released before its Reserve': [released],
} as const satisfies Record<string, readonly ReservationEvent[]>;

describe('Reservation decides', () => {
  const commands = { Reserve: reserve, ReleaseReservation: release };
  itDecides(given, commands, [
    ['Absent', histories.Absent, { Reserve: 'gather', ReleaseReservation: 'gather' }],
    ['Held', histories.Held, { Reserve: 'already_done', ReleaseReservation: 'gather' }],
    ['Refused', histories.Refused, { Reserve: 'already_done', ReleaseReservation: 'gather' }],
    [
      'Released after Held',
      histories['Released after Held'],
      { Reserve: 'already_done', ReleaseReservation: 'already_done' },
    ],
    [
      'Released after Refused',
      histories['Released after Refused'],
      { Reserve: 'already_done', ReleaseReservation: 'already_done' },
    ],
    [
      'Released before its Reserve',
      histories['Released before its Reserve'],
      { Reserve: 'already_done', ReleaseReservation: 'already_done' },
    ],
  ]);

  it('a hold of every product, under the reservation id and one time', () => {
    given()
      .when(reserve)
      .gathers(
        ['stk_a', { type: 'HoldStock', holdId: ID, quantity: 2, notAfter }],
        ['stk_b', { type: 'HoldStock', holdId: ID, quantity: 3, notAfter }],
      );
  });

  it('Held once every product holds', () => {
    given()
      .when(reserve, { answers: [held, held] })
      .accepts(reserved);
  });

  it('Refused by one refusal, whatever the others say', () => {
    given()
      .when(reserve, { answers: [held, short] })
      .accepts(unavailable);
  });

  // A release that only a gather justifies could arrive after a crash, when a second try has held everything.
  it('records the refusal before it asks for any release', () => {
    expect(given().when(reserve, { answers: [short, short] }).outcome).to.equal('InventoryUnavailable');
  });

  for (const [name, history] of Object.entries(histories).slice(0, 3)) {
    it(`a release of every product when ${name}, held or not`, () => {
      given(...history)
        .when(release)
        .gathers(
          ['stk_a', { type: 'ReleaseHold', holdId: ID, notAfter }],
          ['stk_b', { type: 'ReleaseHold', holdId: ID, notAfter }],
        );
      given(...history)
        .when(release, { answers: [held, held] })
        .accepts(released);
    });
  }

  it('each product by the same command id at every re-send', () => {
    const ids = [1, 2].map(() => {
      const { decision } = given().when(reserve);
      return decision.kind === 'gather' ? decision.asks.map(({ commandId }) => commandId) : [];
    });
    expect(ids[0])
      .to.deep.equal([`${ID}/hold`, `${ID}/hold`])
      .and.to.deep.equal(ids[1]);
  });

  it('names why each product could not be held, and the stock only where that was the reason', () => {
    const three: ReservationCommand = {
      type: 'Reserve',
      items: [
        ['a', 1],
        ['b', 3],
        ['c', 1],
      ],
      notAfter,
    };
    given()
      .when(three, {
        answers: [refusedBy({ code: 'unknown_product' }), short, refusedBy({ code: 'hold_too_late', notAfter })],
      })
      .accepts({
        type: 'InventoryUnavailable',
        shortages: [
          { productId: 'a', code: 'unknown_product', requested: 1 },
          shortage,
          { productId: 'c', code: 'hold_too_late', requested: 1 },
        ],
      });
  });

  it('names at most 20 of them', () => {
    const many: ReservationCommand = {
      type: 'Reserve',
      items: Array.from({ length: 2_000 }, (_, index) => [`p${index}`, 1] as const),
      notAfter,
    };
    const { decision } = given().when(many, { answers: many.items.map(() => short) });
    expect(decision).to.have.nested.property('events[0].shortages').with.lengthOf(20);
  });
});

describe('Reservation refuses to fold what cannot have happened', () => {
  itFollowsOnly(
    given,
    reservationDecider.evolve,
    [reserved, unavailable, released],
    [
      ['Absent', histories.Absent, ['InventoryReserved', 'InventoryUnavailable', 'InventoryReleased']],
      ['Held', histories.Held, ['InventoryReleased']],
      ['Refused', histories.Refused, ['InventoryReleased']],
      ['Released after Held', histories['Released after Held'], []],
      ['Released after Refused', histories['Released after Refused'], []],
      ['Released before its Reserve', histories['Released before its Reserve'], []],
    ],
  );
  it('an unknown event', () => given().refusesToEvolve({ type: 'InventoryLost' } as unknown as ReservationEvent));
});

describe('Reservation answers', () => {
  for (const [name, history] of Object.entries(histories)) {
    it(`${name}: its status, and why where it was refused`, () => {
      const { state } = given(...history);
      const shortages = state.status === 'Refused' ? { shortages: [shortage] } : {};
      expect(reservationDecider.answer(state, reserve)).to.deep.equal({ status: state.status, ...shortages });
      expect(reservationDecider.exists(state)).to.equal(name !== 'Absent');
    });
  }

  it('and never waits for anybody: whoever asked asks again', () => {
    for (const history of Object.values(histories)) {
      const { state } = given(...history);
      expect(reservationDecider.outstanding(state)).to.deep.equal([]);
      expect(reservationDecider.isAtRest(state)).to.equal(true);
    }
  });
});
