import { expect } from 'chai';
import { processNames } from './process-order.ts';

describe('processNames', () => {
  it('names each process once, workers by their number and unknown ones last', () => {
    const first = { load: 1, 'worker 10': 1, PostgreSQL: 1, broker: 1, 'worker 2': 1 };
    expect(processNames([first, { primary: 1, load: 2 }])).to.deep.equal([
      'primary',
      'worker 2',
      'worker 10',
      'PostgreSQL',
      'load',
      'broker',
    ]);
  });
});
