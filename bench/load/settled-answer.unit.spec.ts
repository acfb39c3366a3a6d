import { expect } from 'chai';
import { whyNotSettled } from './settled-answer.ts';

function answer(status: number, body: unknown): { status: number; body: string } {
  return { status, body: JSON.stringify(body) };
}

describe('whyNotSettled', () => {
  it('accepts only 201, Confirmed and captured', () => {
    expect(whyNotSettled(answer(201, { status: 'Confirmed', payment: { status: 'Captured' } }))).to.equal(undefined);
  });

  for (const [what, given, reason] of [
    ['an order that is not settled', answer(201, { status: 'Created' }), 'Created'],
    [
      'a confirmed order whose capture is not recorded',
      answer(201, { status: 'Confirmed', payment: { status: 'Authorized' } }),
      'Authorized',
    ],
    ['a confirmed order without a payment', answer(201, { status: 'Confirmed' }), 'not Captured'],
    [
      'a cancelled order, with its reason',
      answer(201, { status: 'Cancelled', cancellation: { code: 'insufficient_inventory' } }),
      'insufficient_inventory',
    ],
    ['a right body under another status', answer(200, { status: 'Confirmed', payment: { status: 'Captured' } }), '200'],
    ['a problem, by its code', answer(503, { code: 'overloaded' }), '503: overloaded'],
    ['a body that is not JSON', { status: 201, body: '<html>' }, 'not JSON'],
    ['a body that is no object', { status: 201, body: 'null' }, 'not JSON'],
  ] as const) {
    it(`refuses ${what}`, () => {
      expect(whyNotSettled(given)).to.contain(reason);
    });
  }

  it('says the same of equal failures of different orders, so that they can be counted', () => {
    const [one, other] = ['1', '2'].map((id) => whyNotSettled(answer(503, { code: 'overloaded', requestId: id })));
    expect(one).to.equal(other);
  });
});
