import { expect } from 'chai';
import { formatTable } from './table.ts';

describe('formatTable', () => {
  it('sets the first column left and the others right, each as wide as its widest cell', () => {
    expect(
      formatTable(
        ['side', 'orders/s'],
        [
          ['a long name', '9'],
          ['b', '1,234,567,890'],
        ],
      ),
    ).to.deep.equal(['side              orders/s', 'a long name              9', 'b            1,234,567,890']);
  });
});
