import { expect } from 'chai';
import { matchesNone, preconditionOf } from './entity-tag.ts';
import { Problem } from './problems.ts';

const matching = (header: string) => preconditionOf({ headers: { 'if-match': header } })?.ifMatch;
const noneMatching = (header: string) => preconditionOf({ headers: { 'if-none-match': header } })?.ifNoneMatch;

describe('entity tags', () => {
  it('are optional', () => expect(preconditionOf({ headers: {} })).to.equal(undefined));

  for (const [header, strong, weak] of [
    ['*', '*', '*'],
    [' * ', '*', '*'],
    ['"v4"', [4], [4]],
    ['"v4","v5" ,\t"v6"', [4, 5, 6], [4, 5, 6]],
    [', "v4",, "v5",', [4, 5], [4, 5]],
    ['W/"v4"', [], [4]],
    ['W/"v4", "v5"', [5], [4, 5]],
    ['"a,b", "v4"', [4], [4]],
    ['"v04", "v4x", "4", "", "V4"', [], []],
    ['"v99999999999"', [], []],
  ] as const) {
    it(`${header} are read as a list: weak ones count only where they may`, () => {
      expect([matching(header), noneMatching(header)]).to.deep.equal([strong, weak]);
    });
  }

  for (const header of ['v4', '"v4', 'w/"v4"', '"v4" "v5"', '"v4", *', '', ' ', ',', '"a"b"']) {
    it(`${JSON.stringify(header)} is no list of them, and is not ignored`, () => {
      for (const read of [matching, noneMatching]) {
        expect(() => read(header))
          .to.throw(Problem)
          .with.property('code', 'validation_failed');
      }
    });
  }

  it('are found by a reader in a list, weak or strong', () => {
    for (const header of ['*', '"v4"', 'W/"v4"', '"x", "v4"'])
      expect(matchesNone(header, '"v4"'), header).to.equal(true);
    for (const header of ['"v5"', 'v4', '']) expect(matchesNone(header, '"v4"'), header).to.equal(false);
  });

  it('are read in one pass, however long the header is', () => {
    expect(matching('"v4",'.repeat(3_000))).to.have.length(3_000);
    expect(() => matching(`${' '.repeat(16_000)}x`)).to.throw(Problem);
  });
});
