import { expect } from 'chai';
import { parseOptions } from './options.ts';

function problemOf(...args: readonly string[]): string {
  const parsed = parseOptions(args);
  return parsed.kind === 'invalid' ? parsed.problem : `accepted as ${parsed.kind}`;
}

describe('parseOptions', () => {
  it('changes nothing of a scenario unless told', () => {
    const expected = { kind: 'run', changes: {}, workers: 2 };
    expect(parseOptions(['steady'])).to.deep.equal({ ...expected, scenario: 'steady' });
    expect(parseOptions(['--quick'])).to.deep.equal({ ...expected, scenario: 'quick' });
  });

  it('takes what it is given', () => {
    const args = 'step --seconds 3 --rounds 1 --rate=64 --workers 1 --alone --relay --json a --report b'.split(' ');
    expect(parseOptions(args)).to.deep.equal({
      kind: 'run',
      scenario: 'step',
      changes: { seconds: 3, rounds: 1, rate: 64, alone: true, relay: 'stream' },
      workers: 1,
      report: 'b',
      jsonFile: 'a',
    });
  });

  it('lists, and compares two files', () => {
    expect(parseOptions(['list'])).to.deep.equal({ kind: 'list' });
    expect(parseOptions(['compare', 'a', 'b'])).to.deep.equal({ kind: 'compare', files: ['a', 'b'] });
    expect(problemOf('compare', 'a')).to.contain('two files');
    expect(problemOf('compare', 'a', 'b', 'c')).to.contain('two files');
  });

  it('shows its help whatever else stands there', () => {
    expect(parseOptions(['--help', '--seconds', 'x']).kind).to.equal('help');
  });

  it('names an option that it does not know, and wants one scenario', () => {
    expect(problemOf('--quick', '--fast')).to.contain('--fast');
    expect(problemOf('steady', 'step')).to.contain('step');
    expect(problemOf('steady', '--quick')).to.contain('not both');
    expect(problemOf()).to.contain('--quick');
  });

  for (const [name, text] of [
    ['seconds', '0'],
    ['seconds', '1.5'],
    ['seconds', ''],
    ['rounds', '26'],
    ['in-flight', '2001'],
    ['rate', '-1'],
    ['workers', '1e1'],
    ['workers', 'two'],
  ] as const) {
    it(`refuses --${name}=${text}, naming the limits`, () => {
      expect(problemOf('--quick', `--${name}=${text}`)).to.match(new RegExp(`--${name} .*from \\d+ to \\d+`));
    });
  }

  it('refuses a file without a name', () => {
    expect(problemOf('--quick', '--json', '')).to.contain('--json');
    expect(problemOf('--quick', '--report', '')).to.contain('--report');
  });
});
