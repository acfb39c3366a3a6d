import { expect } from 'chai';
import { shortened } from '../../kernel/shortened.ts';
import { count, duration, table } from './text.ts';

describe('text for people', () => {
  it('groups thousands', () => {
    expect([count(0), count(1234567), count(812.6)]).to.deep.equal(['0', '1,234,567', '813']);
  });
  it('tells durations as a clock does', () => {
    expect([duration(400), duration(7_000), duration(750_000), duration(3_723_000)]).to.deep.equal([
      '0:00',
      '0:07',
      '12:30',
      '1:02:03',
    ]);
  });
  it('aligns columns', () => {
    expect(
      table([
        ['a', 'bb', ''],
        ['ccc', 'd', 'e'],
      ]),
    ).to.equal('a    bb\nccc  d   e');
  });
  it('shows that it cut a text', () => {
    expect(shortened('12345678', 6)).to.equal('123...');
    expect(shortened('123456', 6)).to.equal('123456');
  });
});
