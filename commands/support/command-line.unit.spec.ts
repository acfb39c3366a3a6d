import { expect } from 'chai';
import { HELP_OPTION, numberOption, parseCommandLine, UsageError, wholeNumberOption } from './command-line.ts';

const OPTIONS = { ...HELP_OPTION, json: { type: 'string' } } as const;

describe('command line', () => {
  it('takes options and as many other arguments as the command has', () => {
    const { values, positionals } = parseCommandLine(['--json', 'a.json', 'file.csv'], OPTIONS, 1);
    expect({ ...values }).to.deep.equal({ help: false, json: 'a.json' });
    expect(positionals).to.deep.equal(['file.csv']);
  });

  for (const args of [['--jason', 'x'], ['--json'], ['a', 'b']]) {
    it(`refuses ${args.join(' ')}`, () => {
      expect(() => parseCommandLine(args, OPTIONS, 1)).to.throw(UsageError);
    });
  }

  it('takes numbers within their range', () => {
    expect(numberOption('rate', '0.5', 0.001, 10)).to.equal(0.5);
    expect(wholeNumberOption('concurrency', '64', 1, 100)).to.equal(64);
  });

  for (const text of ['', '-1', '0', '11', '1e1', 'NaN', '1,5', ' 5']) {
    it(`refuses the number "${text}" with the range`, () => {
      expect(() => wholeNumberOption('concurrency', text, 1, 10)).to.throw(
        UsageError,
        /--concurrency ".*" is no .*number from 1 to 10/,
      );
    });
  }
  it('refuses a fraction where a whole number belongs', () => {
    expect(() => wholeNumberOption('concurrency', '1.5', 1, 10)).to.throw(UsageError, /no whole number/);
  });
});
