import { expect } from 'chai';
import { formatCount, formatMillis, formatRatio } from './format-figures.ts';

describe('format-figures', () => {
  it('writes counts whole, with thousands apart', () => {
    expect([0, 999.5, 1234567.2].map(formatCount)).to.deep.equal(['0', '1,000', '1,234,567']);
  });

  it('gives milliseconds fewer decimals the greater they are', () => {
    expect([0.844, 9.5, 12.34, 123.4, 12345].map(formatMillis)).to.deep.equal([
      '0.84',
      '9.50',
      '12.3',
      '123',
      '12,345',
    ]);
  });

  it('shows that something was not measured', () => {
    expect([formatCount(undefined), formatMillis(undefined)]).to.deep.equal(['-', '-']);
  });

  it('gives ratios two decimals', () => {
    expect(formatRatio(1.005001)).to.equal('1.01');
  });
});
