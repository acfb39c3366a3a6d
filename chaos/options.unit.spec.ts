import { expect } from 'chai';
import { UsageError } from '../commands/support/command-line.ts';
import { parseOptions } from './options.ts';

const parse = (...args: readonly string[]) => parseOptions(args, () => 42);

describe('the command line of the fault kit', () => {
  it('draws a seed where none is given', () => {
    expect(parse()).to.deep.equal({ seed: 42, minutes: 2, nodes: 2, workers: 2, rate: 60, broker: true });
  });

  it('takes every option', () => {
    const args = ['--seed', '7', '--minutes', '0.5', '--nodes', '2', '--workers', '3', '--rate', '10'];
    args.push('--no-broker', '--logs', 'l', '--json', 'f');
    const expected = {
      seed: 7,
      minutes: 0.5,
      nodes: 2,
      workers: 3,
      rate: 10,
      broker: false,
      logFolder: 'l',
      jsonFile: 'f',
    };
    expect(parse(...args)).to.deep.equal(expected);
  });

  it('asks for nothing to be run where help is wanted', () => {
    expect(parse('--help')).to.equal(undefined);
  });

  for (const args of [
    ['--seed', '-1'],
    ['--seed', '1.5'],
    ['--minutes', '0'],
    ['--nodes', '3'],
    ['--sed', '1'],
    ['x'],
  ]) {
    it(`refuses ${args.join(' ')}`, () => {
      expect(() => parse(...args)).to.throw(UsageError);
    });
  }
});
