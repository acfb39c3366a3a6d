import { expect } from 'chai';
import { parseOptions } from './options.ts';

function problemOf(...args: readonly string[]): string {
  const parsed = parseOptions(args);
  return parsed.kind === 'invalid' ? parsed.problem : `accepted as ${parsed.kind}`;
}

describe('parseOptions', () => {
  it('has a default for everything but the form', () => {
    expect(parseOptions(['--quick'])).to.deep.equal({
      kind: 'run',
      options: { hot: false, openHolds: 0, seconds: 10, rounds: 3, concurrency: 256, workers: 2 },
    });
  });

  it('opens 20,000 holds for the hot form unless told otherwise', () => {
    expect(parseOptions(['--quick', '--hot'])).to.have.nested.property('options.openHolds', 20_000);
    expect(parseOptions(['--quick', '--hot', '--open-holds', '0'])).to.have.nested.property('options.openHolds', 0);
  });

  it('takes what it is given', () => {
    const args = '--quick --seconds 3 --rounds 1 --concurrency=64 --workers 1 --json out.json'.split(' ');
    expect(parseOptions(args)).to.deep.equal({
      kind: 'run',
      options: { hot: false, openHolds: 0, seconds: 3, rounds: 1, concurrency: 64, workers: 1, jsonFile: 'out.json' },
    });
  });

  it('shows its help whatever else stands there', () => {
    expect(parseOptions(['--help', '--seconds', 'x']).kind).to.equal('help');
  });

  it('names an option that it does not know, and a word that is none', () => {
    expect(problemOf('--quick', '--fast')).to.contain('--fast');
    expect(problemOf('--quick', 'now')).to.contain('now');
  });

  it('wants the form to be said', () => {
    expect(problemOf()).to.contain('--quick');
  });

  for (const [name, text] of [
    ['seconds', '0'],
    ['seconds', '1.5'],
    ['seconds', ''],
    ['rounds', '26'],
    ['concurrency', '2001'],
    ['concurrency', '-1'],
    ['workers', '1e1'],
    ['workers', 'two'],
  ] as const) {
    it(`refuses --${name}=${text}, naming the limits`, () => {
      expect(problemOf('--quick', `--${name}=${text}`)).to.match(new RegExp(`--${name} .*from \\d+ to \\d+`));
    });
  }

  it('refuses open holds without the hot form, and a file without a name', () => {
    expect(problemOf('--quick', '--open-holds', '5')).to.contain('--hot');
    expect(problemOf('--quick', '--json', '')).to.contain('--json');
  });
});
