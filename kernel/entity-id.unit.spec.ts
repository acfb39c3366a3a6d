import { expect } from 'chai';
import { InvariantViolation } from './invariant.ts';
import { kindOf, orderEntity, paymentEntity, reservationEntity, routingKeyOf, stockEntity } from './entity-id.ts';

const ORDER = '018f0000-0000-7000-8000-000000000001';

describe('entity ids', () => {
  it('tell their kind', () => {
    const ids = [orderEntity(ORDER), paymentEntity(ORDER), reservationEntity(ORDER), stockEntity('85123A')];
    expect(ids.map(kindOf)).to.deep.equal(['order', 'payment', 'reservation', 'stock']);
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
      expect(kindOf(stockEntity(product))).to.equal('stock');
      expect(routingKeyOf(stockEntity(product))).to.equal(product);
    });
  }

  for (const text of ['', 'ord', 'order_1', 'ORD_1', ORDER, '__proto__']) {
    it(`refuse ${JSON.stringify(text)}`, () => {
      expect(() => kindOf(text)).to.throw(InvariantViolation);
    });
  }
});
