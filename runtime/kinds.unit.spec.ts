import { expect } from 'chai';
import { KINDS } from '../actors/index.ts';
import { orderEntity } from '../actors/order/order.ts';
import { paymentEntity } from '../actors/payment/payment.ts';
import { reservationEntity } from '../actors/reservation/reservation.ts';
import { stockActor } from '../actors/stock/index.ts';
import { stockEntity } from '../actors/stock/stock.ts';
import { routingKeyOf } from '../kernel/entity-id.ts';
import { InvariantViolation } from '../kernel/invariant.ts';
import type { EntityType } from './entity/entity-type.ts';
import { Kinds } from './kinds.ts';

const ORDER = '018f0000-0000-7000-8000-000000000001';

describe('entity ids', () => {
  it('tell their kind', () => {
    const ids = [orderEntity(ORDER), paymentEntity(ORDER), reservationEntity(ORDER), stockEntity('85123A')];
    expect(ids.map((id) => KINDS.of(id).kind)).to.deep.equal(['order', 'payment', 'reservation', 'stock']);
  });

  it('route an order, its payment and its reservation alike', () => {
    const ids = [orderEntity(ORDER), paymentEntity(ORDER), reservationEntity(ORDER)];
    expect(ids.map(routingKeyOf)).to.deep.equal([ORDER, ORDER, ORDER]);
  });

  it('contain the order id, so that a person can see what belongs together', () => {
    expect(paymentEntity(ORDER)).to.equal(`pay_${ORDER}`);
    expect(reservationEntity(ORDER)).to.equal(`res_${ORDER}`);
  });

  for (const product of ['ord_1', 'stk_', ' a b ', 'POST', 'prototype', '__proto__', 'Größe']) {
    it(`route a product named ${JSON.stringify(product)} by exactly that name`, () => {
      expect(KINDS.of(stockEntity(product)).kind).to.equal('stock');
      expect(routingKeyOf(stockEntity(product))).to.equal(product);
    });
  }

  for (const text of ['', 'ord', 'order_1', 'ORD_1', ORDER, '__proto__']) {
    it(`refuse ${JSON.stringify(text)}`, () => {
      expect(KINDS.find(text)).to.equal(undefined);
      expect(() => KINDS.of(text)).to.throw(InvariantViolation);
    });
  }
});

describe('the list of kinds', () => {
  const kind = (changes: Partial<EntityType>): EntityType => ({ ...stockActor, ...changes });

  it('takes kinds whose names and prefixes differ', () => {
    const kinds = new Kinds([kind({}), kind({ kind: 'shipment', prefix: 'shp_', routedBy: 'stock' })]);
    expect(kinds.of('shp_1')).to.include({ kind: 'shipment' });
  });

  for (const [what, changes, reason] of [
    ['a name that another has', { prefix: 'shp_' }, 'the same name: stock'],
    ['a prefix that another has', { kind: 'shipment' }, 'shipment and stock have the same prefix "stk_"'],
    ['the prefix of epoch rows', { kind: 'shipment', prefix: 'shd_' }, 'the epochs of shards'],
    ['a shorter prefix', { kind: 'shipment', prefix: 'sp_' }, 'is not 4 characters'],
    ['a longer prefix', { kind: 'shipment', prefix: 'ship_' }, 'is not 4 characters'],
    ['capitals in a prefix', { kind: 'shipment', prefix: 'SHP_' }, 'is not 4 characters'],
    ['a route by what is no kind', { kind: 'shipment', prefix: 'shp_', routedBy: 'parcel' }, 'routed by parcel'],
  ] as const) {
    it(`refuses ${what}`, () => {
      expect(() => new Kinds([kind({}), kind(changes)])).to.throw(Error, reason);
    });
  }
});
