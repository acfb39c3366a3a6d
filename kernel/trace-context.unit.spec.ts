import { expect } from 'chai';
import { traceparentOf } from './trace-context.ts';

const GOOD = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';

describe('traceparentOf', () => {
  it('takes one of the first version, and the beginning of one of a later version', () => {
    expect(traceparentOf(GOOD)).to.equal(GOOD);
    const later = `01${GOOD.slice(2)}`;
    expect(traceparentOf(later)).to.equal(later);
    expect(traceparentOf(`${later}-what-comes-later`)).to.equal(later);
  });

  for (const [what, header] of Object.entries({
    nothing: undefined,
    'an empty one': '',
    'a number': 7,
    'two of them': [GOOD, GOOD],
    'two in one header': `${GOOD}, ${GOOD}`,
    'capital letters': GOOD.toUpperCase(),
    'no trace id': GOOD.replace(/[0-9a-f]{32}/, '0'.repeat(32)),
    'no parent id': GOOD.replace('b7ad6b7169203331', '0'.repeat(16)),
    'the version that is none': `ff${GOOD.slice(2)}`,
    'more than its version knows': `${GOOD}-00`,
    'a longer last part': `01${GOOD.slice(2)}0`,
    'a line of its own': `${GOOD}\n`,
  })) {
    it(`ignores ${what}`, () => expect(traceparentOf(header)).to.equal(undefined));
  }
});
