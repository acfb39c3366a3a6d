import { expect } from 'chai';
import { ACTORS } from '../actors/index.ts';
import type { AuditedKind } from './audit-definition.ts';
import { AuditedKinds } from './audited-kinds.ts';

const UUID = '0190a0b0-0000-7000-8000-000000000001';
const [order, payment, reservation, stock] = ACTORS as readonly AuditedKind[] as [
  AuditedKind,
  AuditedKind,
  AuditedKind,
  AuditedKind,
];
/** A kind that brings no rules. */
const { audit: _audit, ...rest } = payment;
const shipment: AuditedKind = { ...rest, kind: 'shipment', prefix: 'shp_' };
const { routedBy: _routedBy, ...unrouted } = shipment;
const coupon: AuditedKind = { ...unrouted, kind: 'coupon', prefix: 'cpn_' };

describe('kinds as an audit walks over them', () => {
  it('groups kinds by the routing key that they share, the root first', () => {
    const { groups } = new AuditedKinds([shipment, payment, coupon, order]);
    expect(groups.map(({ kinds }) => kinds.map(({ kind }) => kind))).to.deep.equal([
      ['coupon'],
      ['order', 'shipment', 'payment'],
    ]);
  });
  it('reads what contributes before what settles it', () => {
    const { groups } = new AuditedKinds([stock, order, payment, reservation]);
    expect(groups.map(({ root }) => root.kind)).to.deep.equal(['order', 'stock']);
  });
  it('refuses contributions that no kind settles', () => {
    expect(() => new AuditedKinds([order, reservation])).to.throw('reservation contributes to stock');
  });
  it('takes the form of an id from the kind that has the routing key', () => {
    const kinds = new AuditedKinds([...ACTORS, shipment, coupon]);
    for (const id of [`ord_${UUID}`, `shp_${UUID}`, 'stk_any text', 'cpn_any text'])
      expect(kinds.isEntityId(id), id).to.equal(true);
    for (const id of ['ord_1', 'shp_1', 'stk_', 'xyz_1', '', UUID]) expect(kinds.isEntityId(id), id).to.equal(false);
  });
});
