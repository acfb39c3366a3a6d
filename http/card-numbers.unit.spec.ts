import { expect } from 'chai';
import { holdsCardNumber } from './card-numbers.ts';

describe('card numbers', () => {
  const cards = [
    '4111111111111111',
    '4111 1111 1111 1111',
    '4111-1111-1111-1111',
    '378282246310005',
    '3782 822463 10005',
    '4222222222222', // 13 digits
    '6304000000000000000', // 19 digits
    'card: 5555555555554444, thanks',
    'tok4111111111111111x',
    'flat 12 4111 1111 1111 1111',
    '4 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1',
  ];
  for (const text of cards) {
    it(`finds the one in "${text}"`, () => {
      expect(holdsCardNumber(text)).to.equal(true);
    });
  }

  const others = [
    '4111111111111112', // check digit
    '411111111111', // 12 digits
    '41111111111111111111', // 20 digits
    '0000000000000000',
    '1 High Street, LS1 1AA',
    '+44 20 7946 0958',
    '550e8400-e29b-41d4-a716-446655440000',
    '2026-01-15T12:00:00.000Z',
    '',
  ];
  for (const text of others) {
    it(`finds none in "${text}"`, () => {
      expect(holdsCardNumber(text)).to.equal(false);
    });
  }
});
